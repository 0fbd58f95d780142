"""Training examples from a table of labelled scans: one row a DICOM folder or NIfTI file, its labels in columns."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinecho.db.keys import patient_key
from spinecho.encoders.preparing.preparation import CompactPreparation
from spinecho.encoders.reading.headers import FileFailure
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.encoders.tasks.image_tasks import PreparedVolume, query_task, unpack_read
from spinecho.encoders.training.data.examples import Example, Facts, write_shard

_A_SHARD = 32
_VOLUMES = 2
"""Volumes of one row at most: echoes and time points of a series look alike."""


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled scan. Labels are in the table's own words; '' where it says nothing."""

    path: Path
    source: str
    subject: str
    region: str
    sequence: str
    plane: str
    sex: str
    age_years: float | None
    diagnosis: str


def read_manifest(table: Path, *, skip: Sequence[str] = (), content: str = "human") -> list[Row]:
    """The rows of a CSV file: path, source, subject_id, body_region, sequence, plane, sex, age and diagnosis.

    `skip` names sources to leave out; where there is a column `content`, other values of it are left out too.
    """
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Row(
            path=table.parent / row["path"],
            source=row["source"],
            subject=row["subject_id"],
            region=row["body_region"].rstrip("?"),
            sequence=row["sequence"],
            plane=row["plane"],
            sex=row["sex"],
            age_years=_age(row["age"]),
            diagnosis=row["diagnosis"],
        )
        for row in rows
        if row.get("content", content) == content and row["source"] not in skip and row["sequence"] != "label"
    ]


def write_manifest_shards(
    folder: Path, rows: Sequence[Row], *, progress: Callable[[int, int], None] | None = None
) -> list[FileFailure]:
    """Read every row in a child process and write shards; gives what could not be read."""
    failures: list[FileFailure] = []
    with Sandbox(workers=1) as sandbox:
        for start in range(0, len(rows), _A_SHARD):
            path = folder / f"manifest-{start:05d}.safetensors"
            if path.exists():
                continue
            found: list[Example] = []
            for row in rows[start : start + _A_SHARD]:
                outcome = sandbox.run(query_task(str(row.path), spec=CompactPreparation().spec, max_volumes=_VOLUMES))
                if outcome.failure is not None:
                    failures.append(FileFailure(str(row.path), outcome.failure, outcome.detail))
                for item in unpack_read(outcome.messages)[:_VOLUMES] if outcome.failure is None else ():
                    if isinstance(item, FileFailure):
                        failures.append(item)
                    else:
                        found.append(_example(row, item))
            if found:
                write_shard(path, found)
            if progress is not None:
                progress(min(start + _A_SHARD, len(rows)), len(rows))
    return failures


def _example(row: Row, item: PreparedVolume) -> Example:
    i, j, k = (float(mm) for mm in item.prepared.geometry)
    facts = Facts(
        key=f"{row.source}/{row.path.name}/{item.key}",
        study=f"{row.subject}/{item.study.uid}",
        patient=patient_key(row.subject),
        source=row.source,
        region=row.region,
        sequence=row.sequence,
        plane=row.plane or item.acquisition.plane,
        contrast=item.acquisition.contrast if item.acquisition.contrast != "unknown" else "",
        sex=row.sex,
        age_years=row.age_years,
        labels={"diagnosis": row.diagnosis, "description": item.series.description},
    )
    return Example(np.ascontiguousarray(item.prepared.pixels), (i, j, k), facts)


def _age(text: str) -> float | None:
    """Years from "067Y", "018M" (PS3.5 6.2, AS) or a plain number."""
    units = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
    digits, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "Y")
    try:
        return float(digits) * units[unit]
    except ValueError:
        return None
