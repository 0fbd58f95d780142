"""Reading report files in a child process: text is untrusted too."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from encoders.errors import ReadError, Reason
from encoders.sandbox import Task
from encoders.text.passages import passages
from encoders.worker import Message
from indexer.reports.parse import RawReport, parse_reports

_SECONDS = 600.0
_KEPT = (
    "ordinal", "accession_number", "study_uid", "text", "patient_id", "status", "dated", "version", "exam", "charset",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class ParsedReport:
    """A report and its sentences as (section, ordinal, start, stop, text, assertion, sides joined by commas)."""

    ordinal: int
    accession_number: str
    study_uid: str
    text: str
    passages: tuple[tuple[str, int, int, int, str, str, str], ...]
    patient_id: str = ""
    status: str = ""
    dated: str = ""
    version: int | None = None
    exam: str = ""
    charset: str = ""
    """As in `RawReport`."""


@dataclasses.dataclass(frozen=True, slots=True)
class BadReport:
    """A report that could not be read; ordinal 0 stands for the whole file."""

    ordinal: int
    message: str
    reason: Reason = Reason.BAD_REPORT


def report_task(path: str) -> Task:
    """Read one report file."""
    return Task("indexer.reports.tasks:read_reports", {"path": path}, _SECONDS)


def read_reports(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message a report or failure."""
    try:
        for item in parse_reports(Path(arguments["path"])):
            if not isinstance(item, RawReport):
                yield {"ordinal": item.ordinal, "message": item.message}, ()
                continue
            sentences = [
                (p.section, p.ordinal, p.start, p.end, p.text, p.assertion, ",".join(sorted(p.sides)))
                for p in passages(item.text)
            ]
            facts = dataclasses.asdict(item)
            kept = {name: facts[name] for name in _KEPT}
            yield {**kept, "passages": sentences}, ()
    except ReadError as error:
        yield {"ordinal": 0, "message": str(error), "reason": error.reason}, ()


def unpack_reports(messages: Sequence[Message]) -> list[ParsedReport | BadReport]:
    """What `read_reports` said, typed again."""
    items: list[ParsedReport | BadReport] = []
    for value, _ in messages:
        if "message" in value:
            reason = Reason(value.pop("reason", Reason.BAD_REPORT))
            items.append(BadReport(**value, reason=reason))
        else:
            sentences = tuple(tuple(sentence) for sentence in value.pop("passages"))
            items.append(ParsedReport(**value, passages=sentences))
    return items
