"""Reading headers with what in them names somebody, in a reading process; only where an archive is de-identified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spinecho.encoders.reading.nifti.sidecar import named_in_sidecars
from spinecho.encoders.reading.nifti.subject_tables import named_in_tables
from spinecho.encoders.reading.opening import open_dicom
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message
from spinecho.encoders.tasks import image_tasks
from spinecho.indexer.deidentifying import profile
from spinecho.indexer.deidentifying.copying import lenient


def named_scan_task(paths: Sequence[str], *, root: str, seconds: float = 120.0) -> Task:
    """As `image_tasks.scan_task`, with "named": (kind, value) of what names the patient, those around and the house."""
    return Task("spinecho.indexer.deidentifying.scanning:scan", {"paths": list(paths), "root": root}, seconds)


def scan(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message a file, in order."""
    for value, buffers in image_tasks.scan(arguments):
        if "header" not in value:
            yield value, buffers
            continue
        named = named_in_dicom if '"kind":"dicom"' in value["header"][:40] else _named_beside
        yield {**value, "named": named(Path(value["path"]))}, buffers


def _named_beside(path: Path) -> list[list[str]]:
    """By the sidecars of a NIfTI file, and by the tables of its data set."""
    return [list(one) for one in sorted({*named_in_sidecars(path), *named_in_tables(path)})]


def named_in_dicom(path: Path) -> list[list[str]]:
    """(kind, value) by the elements of a DICOM file."""
    import pydicom  # noqa: PLC0415  (slow to import)

    try:
        with lenient(), open_dicom(path) as file:
            dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
            return [list(one) for one in sorted(profile.named_in(dataset).values)]
    except MemoryError:
        raise
    except Exception:  # what the archive's own reader reads and this one does not: nothing is known to name anybody
        return []
