"""Reading report files in a child process: text is untrusted too."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.language.findings import Statement, statements_in
from spinecho.encoders.language.passages import Passage
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message
from spinecho.encoders.tasks.image_tasks import digests_of
from spinecho.indexer.reports.parsing.given_columns import reading_with, taken_columns
from spinecho.indexer.reports.parsing.identity import report_passages
from spinecho.indexer.reports.parsing.not_read import refuse_what_is_no_text, verdict
from spinecho.indexer.reports.parsing.parse import NotAReport, RawReport, ReportFailure, parse_reports
from spinecho.indexer.reports.parsing.struck_out import watching

_SECONDS = 600.0
MOST_CHARACTERS = 2**18
"""Characters of one report: long ones have 20,000."""
MOST_SENTENCES = 2_000
"""Sentences of one report: a long one has two hundred, and each takes milliseconds to encode."""
BESIDE = frozenset(("columns", "digests", "struck"))
"""What a message holds that is of the file and no report."""
_KEPT = (
    "ordinal", "accession_number", "study_uid", "text", "patient_id", "status", "dated", "version", "exam", "charset",
    "withdrawn_by_text",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its clauses; start and stop are characters of the report."""

    section: str
    ordinal: int
    start: int
    stop: int
    text: str
    assertion: str
    sides: str
    """Joined by commas."""
    clauses: tuple[Statement, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class ParsedReport:
    """A report and its sentences."""

    ordinal: int
    accession_number: str
    study_uid: str
    text: str
    sentences: tuple[Sentence, ...]
    patient_id: str = ""
    status: str = ""
    dated: str = ""
    version: int | None = None
    exam: str = ""
    charset: str = ""
    """As in `RawReport`."""
    withdrawn_by_text: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class BadReport:
    """A report that could not be read; ordinal 0 stands for the whole file."""

    ordinal: int
    message: str
    reason: Reason = Reason.BAD_REPORT


def report_task(path: str, *, columns: str = "", digests: bool = False, people: bool = False) -> Task:
    """Read one report file; columns: see `given_columns.read_columns`.

    With `digests`, take its digest too; with `people`, give whom each report names.
    """
    arguments = {"path": path, "columns": columns, "digests": digests, "people": people}
    return Task("spinecho.indexer.reports.parsing.reading_task:read_reports", arguments, _SECONDS)


def read_reports(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message a report or failure, then one for the columns of a table that reports were read from, one where
    words are struck out, and one for the file's digest where it is wanted.
    """
    with reading_with(arguments.get("columns", "")), watching() as struck:
        yield from _read(Path(arguments["path"]), people=arguments.get("people", False))
        if taken := taken_columns():
            yield {"columns": taken}, ()
        if struck[0]:
            yield {"struck": True}, ()
    if arguments.get("digests"):
        yield {"digests": digests_of([arguments["path"]])}, ()


def _read(path: Path, *, people: bool) -> Iterator[Message]:
    try:
        refuse_what_is_no_text(path)
        for item in _parsed(path):
            if not isinstance(item, RawReport):
                yield {"ordinal": item.ordinal, "message": item.message, "reason": item.reason}, ()
                continue
            if len(item.text) > MOST_CHARACTERS:
                message = f"the report has {len(item.text)} characters, more than {MOST_CHARACTERS}"
                yield {"ordinal": item.ordinal, "message": f"{message}: is it several reports?"}, ()
                continue
            report = dataclasses.replace(item, text=unicodedata.normalize("NFC", item.text))  # "Ö" is one letter
            found = report_passages(report.text, report.exam)
            if len(found) > MOST_SENTENCES:
                message = f"the report has {len(found)} sentences, more than {MOST_SENTENCES}: is it several reports?"
                yield {"ordinal": report.ordinal, "message": message}, ()
                continue
            facts = dataclasses.asdict(report)
            kept = {name: facts[name] for name in (*_KEPT, *(("people",) if people else ()))}
            yield {**kept, "sentences": [dataclasses.asdict(sentence(passage)) for passage in found]}, ()
    except ReadError as error:
        yield {"ordinal": 0, "message": str(error), "reason": error.reason}, ()


def sentence(passage: Passage) -> Sentence:
    """A passage with all that is stored of it."""
    sides = ",".join(sorted(passage.sides))
    place = (passage.section, passage.ordinal, passage.start, passage.end)
    return Sentence(*place, passage.text, passage.assertion, sides, statements_in(passage))


def _typed(value: dict[str, Any]) -> Sentence:
    statements = []
    for one in value.pop("clauses"):
        names: dict[str, Any] = {name: tuple(one.pop(name)) for name in ("sides", "places", "concepts")}
        statements.append(Statement(**one, **names))
    return Sentence(**value, clauses=tuple(statements))


def _parsed(path: Path) -> Iterator[RawReport | ReportFailure]:
    try:
        yield from parse_reports(path)
    except NotAReport as error:
        raise verdict(path, error) from error


def unpack_reports(messages: Sequence[Message]) -> list[ParsedReport | BadReport]:
    """What `read_reports` said, typed again."""
    items: list[ParsedReport | BadReport] = []
    for value, _ in messages:
        if not value.keys().isdisjoint(BESIDE):
            continue
        if "message" in value:
            reason = Reason(value.pop("reason", Reason.BAD_REPORT))
            items.append(BadReport(**value, reason=reason))
        else:
            sentences = tuple(_typed(one) for one in value.pop("sentences"))
            items.append(ParsedReport(**value, sentences=sentences))
    return items
