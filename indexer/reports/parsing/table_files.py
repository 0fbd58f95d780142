"""Many reports in one file: .csv (and its semicolon and tab kin) and .jsonl. A bad row never stops the next."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import Reason
from spinecho.indexer.reports.parsing.cells import PART, CellReport, reports_in
from spinecho.indexer.reports.parsing.column_names import Columns, RowFacts, find_columns, report_text, row_facts
from spinecho.indexer.reports.parsing.decode import Charset, find_charset, lines, open_text, reading
from spinecho.indexer.reports.parsing.given_columns import missing_columns, took
from spinecho.indexer.reports.parsing.markup import NoText, cell_text
from spinecho.indexer.reports.parsing.parsed import (
    LONGEST_REPORT,
    NO_TEXT,
    NotAReport,
    RawReport,
    ReportFailure,
    trouble_with,
)
from spinecho.indexer.reports.parsing.people import people_of_row
from spinecho.indexer.reports.parsing.report_head import NotDivided, read_head, says_more_than_keys

Row = RawReport | ReportFailure

_DELIMITERS = ",;\t|"
_PEEK = 20
_LONGEST_NAME = 60
"""Characters of a column's name in a file that need not be a table."""
_MARKED = re.compile(r"[<&\\]|_x000", re.IGNORECASE)
"""What marked-up text holds, and plain text rarely."""
_NO_KEY = "no column for an accession number or study UID; where there is one, name it with --report-columns"
SECOND_NAMES = "a second line of names of columns, and no report"
_MOST_WORDS = 3
_SEPARATOR_LINE = re.compile(r"sep=[,;\t|]\s*", re.IGNORECASE)
"""What Excel writes above a table."""


def parse_csv(path: Path) -> Iterator[Row]:
    """Raises `NotAReport` at once where the header names no report column; rows are then read as they are asked for."""
    charset = find_charset(path)
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_REPORT + 1))
    with reading(path), open_text(path, charset) as file:
        first = file.readline(LONGEST_REPORT)
        if _SEPARATOR_LINE.fullmatch(first):
            first = file.readline(LONGEST_REPORT)
    if not first.strip():
        return iter([ReportFailure(str(path), 0, "the file is empty, or its first line is")])
    delimiter, header = _header(first)
    columns = find_columns(header)
    if missing := missing_columns(header):
        return iter([ReportFailure(str(path), 0, missing)])
    if columns is None:
        message = f"{path.name} has no column for a report beside one for an accession number or study UID"
        raise NotAReport(message, missing=missing_columns(header, any_table=True))
    if not columns.keyed:
        return iter([ReportFailure(str(path), 0, _NO_KEY)])
    return _csv_rows(path, charset, delimiter, header, columns)


def begins_a_table(path: Path) -> bool:
    """Whether the first line names columns, a key and a report among them, and the next has as many fields."""
    with reading(path), open_text(path, find_charset(path)) as file:
        first, second = (file.readline(LONGEST_REPORT) for _ in range(2))
    delimiter, header = _header(first)
    if len(header) < 2 or max(map(len, header)) > _LONGEST_NAME or (columns := find_columns(header)) is None:
        return False
    return columns.keyed and second.count(delimiter) >= len(header) - 1


def parse_jsonl(path: Path) -> Iterator[Row]:
    """Raises `NotAReport` at once where the first lines are objects and none has a key for a report."""
    charset = find_charset(path)
    with reading(path), open_text(path, charset) as file:
        found = [_object(line) for line in islice(lines(file, longest=LONGEST_REPORT), _PEEK) if line.strip()]
    if not found:
        return iter([ReportFailure(str(path), 0, "the file is empty")])
    objects = [one for one in found if isinstance(one, dict)]
    if missing := missing_columns(name for one in objects for name in one):
        return iter([ReportFailure(str(path), 0, missing)])
    if objects and all(find_columns(one) is None for one in objects):
        raise NotAReport(f"{path.name} has no field for a report beside one for an accession number or study UID")
    return _jsonl_rows(path, charset)


def _header(line: str) -> tuple[str, list[str]]:
    """The delimiter that gives a report column; of several or none, the one that gives most columns."""
    tried = []
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:
            continue
        tried.append((find_columns(names) is not None, len(names), delimiter, names))
    best = max(tried, key=lambda one: one[:2], default=(False, 0, ",", []))
    return best[2], best[3]


def _csv_rows(path: Path, charset: Charset, delimiter: str, header: list[str], columns: Columns) -> Iterator[Row]:
    with reading(path), open_text(path, charset) as file:
        source = _Lines(lines(file, longest=LONGEST_REPORT))
        reader = csv.reader(source, delimiter=delimiter, skipinitialspace=True)
        ordinal = 0
        begun: tuple[int, list[str]] | None = None
        while True:
            ordinal += 1
            failure = ""
            try:
                fields = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                fields, failure = [], f"not a readable row: {error}"
            if ordinal == 1 and _SEPARATOR_LINE.fullmatch(delimiter.join(fields)):
                ordinal = 0
                continue
            if source.ended and not failure:  # the reader asked for more: other patients' rows may lie within this one
                failure = "a quotation mark is never closed: this row and those after it"
            if not failure and (ordinal == 1 or not any(value.strip(" \t\r\n\f\x00\x1a") for value in fields)):
                continue
            if len(fields) > len(header):
                failure = f"{len(fields)} fields under {len(header)} columns: is a quotation mark missing?"
            if ordinal == 2 and not failure and names_columns(columns, _named(header, fields)):
                yield ReportFailure(str(path), ordinal, SECOND_NAMES, Reason.UNSUPPORTED_TYPE)
                continue
            if begun and not failure and _goes_on(begun[1], fields, header, columns):
                begun[1][-1] += "\n" + f"{delimiter} ".join(fields)  # blanks behind a delimiter were left out
                continue
            if begun:
                yield from row_reports(path, begun[0], columns, _named(header, begun[1]), charset)
            begun = None if failure else (ordinal, fields)
            if failure:
                yield ReportFailure(str(path), ordinal, failure)
        if begun:
            yield from row_reports(path, begun[0], columns, _named(header, begun[1]), charset)


def _named(header: list[str], fields: list[str]) -> dict[str, str]:
    row: dict[str, str] = {}
    for name, value in zip(header, fields, strict=False):
        if not row.get(name, "").strip():  # of two columns of one name, the one that holds something
            row[name] = value
    return row


def names_columns(columns: Columns, row: Mapping[str, str]) -> bool:
    """Whether the row below a header goes on naming columns ("Number", "Text"), or says what stands in them: its key
    holds no digit, no more does anything else of it, and its text is no sentence.
    """
    texts = {*columns.report, *(name for _, names in columns.sections for name in names)}
    keys = {*columns.accession, *columns.study_uid, *columns.order}
    held = {name: value.strip() for name, value in row.items() if value.strip()}
    if not keys & held.keys() or not texts & held.keys() or any(map(str.isdigit, "".join(held.values()))):
        return False
    return all(len(held[name].split()) <= _MOST_WORDS and held[name][-1] not in ".!?" for name in texts & held.keys())


def _goes_on(begun: list[str], fields: list[str], header: list[str], columns: Columns) -> bool:
    """Whether these are a further line of the text in which a row ends, written without quotation marks.

    They are fewer than the columns, and where a key would stand there are words.
    """
    texts = {*columns.report, *(name for _, names in columns.sections for name in names)}
    if header[-1] not in texts or len(begun) != len(header) or not len(fields) < len(header):
        return False
    keys = {*columns.accession, *columns.study_uid, *columns.order}
    said = [value.strip() for name, value in zip(header, fields, strict=False) if name in keys and value.strip()]
    return len(begun[-1]) < LONGEST_REPORT and bool(said) and all(" " in one or one[-1] in ".:" for one in said)


class _Lines:
    """Lines that remember whether their end was asked for."""

    def __init__(self, inner: Iterator[str]) -> None:
        self._inner = inner
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        try:
            return next(self._inner)
        except StopIteration:
            self.ended = True
            raise


def _jsonl_rows(path: Path, charset: Charset) -> Iterator[Row]:
    with reading(path), open_text(path, charset) as file:
        ordinal, whole = 0, True
        for line in lines(file, longest=2 * LONGEST_REPORT):
            starts, whole = whole, line.endswith(("\n", "\r"))
            if not starts:
                continue  # the rest of a line already given up
            ordinal += 1
            if not line.strip():
                continue
            if not whole and len(line) >= 2 * LONGEST_REPORT:
                yield ReportFailure(str(path), ordinal, f"the line is longer than {2 * LONGEST_REPORT} characters")
                continue
            yield from object_reports(path, ordinal, _object(line), charset, what="line")


def object_reports(path: Path, ordinal: int, value: Any, charset: Charset, *, what: str) -> list[Row]:
    """The reports of a JSON object, mostly one. what: what a value that is none is called."""
    if not isinstance(value, dict):
        return [ReportFailure(str(path), ordinal, f"the {what} is not a JSON object")]
    columns = find_columns(value)
    if columns is None:
        return [ReportFailure(str(path), ordinal, "no field for a report")]
    row = {name: _as_text(item) for name, item in value.items()}
    return row_reports(path, ordinal, columns, row, charset, whole=value)


def row_reports(
    path: Path, ordinal: int, columns: Columns, row: Mapping[str, str], charset: Charset, *, whole: Any = None
) -> list[Row]:
    """The report of a row, by the columns that its table has; or those of its cell, see `cells.reports_in`.

    whole: the row with what lies within its values, where these are objects.
    """
    try:
        text = report_text(columns, _as_shown(columns, row))
    except NoText as error:
        return [ReportFailure(str(path), ordinal, str(error))]
    facts = row_facts(columns, row)
    number, uid = facts.accession_number, facts.study_uid
    unkeyed = "neither an accession number nor a study UID"
    problem = trouble_with(text, number, uid, facts.patient_id, keyed=bool(number or uid), unkeyed=unkeyed, what="row")
    if problem or not says_more_than_keys(text):
        return [ReportFailure(str(path), ordinal, problem or NO_TEXT)]
    try:
        found = reports_in(text, number, uid, facts.patient_id)
    except NotDivided:
        return [ReportFailure(str(path), ordinal, _SEVERAL)]
    took(columns, columns.by_meaning())
    people = people_of_row(row if whole is None else whole)
    return [
        replace(_report(path, ordinal + n * PART, one, facts, charset, shared=len(found) > 1), people=people)
        for n, one in enumerate(found)
    ]


_BESIDE_FINAL = ("addendum", "corrected")
"""What a text may announce beside a column that says final: many systems write that for whatever is signed."""
_SEVERAL = "the cell holds several reports, and which is of which exam is not certain: give each a row"


def _report(path: Path, ordinal: int, one: CellReport, facts: RowFacts, charset: Charset, *, shared: bool) -> RawReport:
    """shared: the row has other reports, so that what a report says of itself outweighs what its row says."""
    head = read_head(one.text)  # for what no column says; its keys are the row's
    row = facts if one.of_row else RowFacts("", "", "", "", "", None, "")
    adds = row.status == "final" and head.status in _BESIDE_FINAL
    status = (head.status or row.status) if shared or adds else (row.status or head.status)
    return RawReport(
        str(path),
        ordinal,
        one.accession_number,
        one.study_uid,
        one.text,
        charset=charset.guess,
        patient_id=facts.patient_id or head.patient_id,
        status=status,
        dated=(head.dated or row.dated) if shared else (row.dated or head.dated),
        version=row.version if row.version is not None and not shared else head.version,
        exam=(head.exam or row.exam) if shared else (row.exam or head.exam),
        withdrawn_by_text=status == "cancelled" and row.status != "cancelled",
    )


def _as_shown(columns: Columns, row: Mapping[str, str]) -> dict[str, str]:
    """The row with its texts as the program that wrote them showed them. Raises `NoText`."""
    texts = {*columns.report, *(name for _, names in columns.sections for name in names)}
    row = {**row, **{name: _unwrapped(row[name]) for name in texts if row.get(name, "").lstrip()[:1] in ("{", "[")}}
    marked = {name for name in texts if _MARKED.search(row.get(name, ""))}
    return {**row, **{name: cell_text(row[name]) for name in marked}}


def _unwrapped(cell: str) -> str:
    """The text of a cell that holds a JSON object. Raises `NoText` for one in which no field is a report's text."""
    value = _object(cell)
    held = value if isinstance(value, list) and value else [value]
    if not all(isinstance(one, dict) for one in held):
        return cell
    if any("resourceType" in one for one in held):
        raise NoText("the cell holds a FHIR resource: write it to a file of its own (.json), or a line of an .ndjson")
    if len(held) > 1 or not (text := _as_text(held[0])).strip():
        raise NoText("the cell holds JSON in which no field for a report was found")
    return text


def _object(line: str) -> Any:
    try:
        return json.loads(line.strip(), parse_float=str)  # 12345678901.0 and 1.2E+10 as they were written
    except (ValueError, RecursionError):
        return None


def _as_text(value: Any) -> str:
    """Strings, and numbers where an accession number was written as one; anything else is no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and (columns := find_columns([*value, "accession"])):
        return report_text(columns, {name: item for name, item in value.items() if isinstance(item, str)})
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**64 else ""
