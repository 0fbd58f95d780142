"""Reports with whom their files name, and their words without whose they are, in reading processes: text is untrusted
too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.opening import open_file
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message
from spinecho.indexer.deidentifying.known import Known
from spinecho.indexer.deidentifying.scanning import named_in_dicom
from spinecho.indexer.deidentifying.texts import scrub
from spinecho.indexer.reports.parsing.identity import report_passages
from spinecho.indexer.reports.parsing.reading_task import read_reports, report_task, sentence

_SECONDS = 60.0


def named_report_task(path: str, *, columns: str = "") -> Task:
    """As `reading_task.report_task`, with "people": (kind, value) of whom the file names beside each report's text."""
    plain = report_task(path, columns=columns, digests=True, people=True)
    return dataclasses.replace(plain, call="spinecho.indexer.deidentifying.reports:read_named")


def read_named(arguments: dict[str, Any]) -> Iterator[Message]:
    """Messages as those of `read_reports`."""
    elements: list[list[str]] | None = None
    for value, buffers in read_reports(arguments):
        if "people" not in value:
            yield value, buffers
            continue
        if elements is None:
            path = Path(arguments["path"])
            elements = named_in_dicom(path) if _is_dicom(path) else []
        yield {**value, "people": [*map(list, value["people"]), *elements]}, buffers


def _is_dicom(path: Path) -> bool:
    try:
        with open_file(path) as file:
            return file.read(132)[128:] == b"DICM"
    except (OSError, ReadError):
        return False


def scrub_task(facts: dict[str, Any], names: Sequence[tuple[str, str]], days: int | None) -> Task:
    """Scrub one report. facts: as `reading_task.read_reports` gives them, without sentences, keys already mapped."""
    arguments = {"facts": facts, "names": [list(one) for one in names], "days": days}
    return Task("spinecho.indexer.deidentifying.reports:scrubbed", arguments, _SECONDS)


def scrubbed(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message, as `read_reports` gives it."""
    known = Known(frozenset((kind, value) for kind, value in arguments["names"]))
    text = scrub(arguments["facts"]["text"], known, arguments["days"])
    found = report_passages(text, arguments["facts"]["exam"])
    yield {
        **arguments["facts"], "text": text, "sentences": [dataclasses.asdict(sentence(one)) for one in found],
    }, ()  # fmt: skip
