"""Tables beside plain CSV: Parquet files, CSV whose header stands below a title, and what workbooks share with it."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.archives.paths import is_member
from spinecho.encoders.reading.opening import open_file
from spinecho.indexer.reports.parsing.column_names import Columns, find_columns
from spinecho.indexer.reports.parsing.decode import Charset, find_charset, lines, open_text, reading
from spinecho.indexer.reports.parsing.formats.reading import ReportFormat, Row
from spinecho.indexer.reports.parsing.given_columns import missing_columns
from spinecho.indexer.reports.parsing.parsed import LONGEST_REPORT, NotAReport, RawReport, ReportFailure
from spinecho.indexer.reports.parsing.table_files import SECOND_NAMES, names_columns, row_reports

_HEADER_WITHIN = 20
"""Rows above a header: titles, the name of the export, blank ones."""
_CERTAIN = Charset("utf-8", guessed=False)
MOST_COLUMNS = 2_000
NOT_COMPUTED = "\ufffdnot computed"
"""A cell of a workbook with a formula that was never computed, or ended in an error."""


def read_csv(path: Path) -> Iterator[Row]:
    """A CSV file whose header is not its first line. Raises `NotAReport` where none is found."""
    charset = find_charset(path)
    for delimiter in ",;\t|":
        with reading(path), open_text(path, charset) as file:
            first = _safely(csv.reader(lines(file, longest=LONGEST_REPORT), delimiter=delimiter))
            top = list(islice(first, _HEADER_WITHIN))
            if _header(top) is not None or any(map(missing_columns, top)):
                return _csv_rows(path, charset, delimiter)
    raise NotAReport(f"{path.name} has no column for a report beside one for an accession number or study UID")


def _csv_rows(path: Path, charset: Charset, delimiter: str) -> Iterator[Row]:
    with reading(path), open_text(path, charset) as file:
        cells = _safely(csv.reader(lines(file, longest=LONGEST_REPORT), delimiter=delimiter))
        yield from rows_below_header(path, cells, charset, 0)


def _safely(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield []


def read_parquet(path: Path) -> Iterator[Row]:
    """The rows of a Parquet file. Raises `NotAReport` where its columns name no report or no key."""
    from pyarrow import ArrowException  # noqa: PLC0415
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415

    try:
        table = ParquetFile(open_file(path) if is_member(str(path)) else path)
        names = list(table.schema_arrow.names)
    except (ArrowException, OSError, ValueError) as error:
        raise NotAReport(f"the Parquet file could not be read: {type(error).__name__}") from error
    columns = find_columns(names)
    if missing := missing_columns(names):
        return iter([ReportFailure(str(path), 0, missing)])
    if columns is None or not columns.keyed:
        message = f"{path.name} has no column for a report beside one for an accession number or study UID"
        raise NotAReport(". ".join(filter(None, (message, missing_columns(names, any_table=True)))))
    return _of_batches(path, table, names, columns)


def _of_batches(path: Path, table: Any, names: Sequence[str], columns: Columns) -> Iterator[Row]:
    from pyarrow import ArrowException  # noqa: PLC0415

    ordinal = 0
    try:
        for batch in table.iter_batches(batch_size=200):
            for values in batch.to_pylist():
                ordinal += 1
                row = {name: cell_of(values.get(name)) for name in names}
                yield from row_reports(path, ordinal, columns, row, _CERTAIN)
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        yield ReportFailure(str(path), ordinal + 1, f"the rows end in {type(error).__name__}")


def rows_below_header(path: Path, cells: Iterable[list[str]], charset: Charset, before: int) -> Iterator[Row]:
    """Rows below the header, which may stand below titles and be repeated. Nothing for a table without one."""
    rows = iter(cells)
    top = list(islice(rows, _HEADER_WITHIN))
    at = _header(top)
    missing = next(filter(None, map(missing_columns, top if at is None else [top[at]])), "")
    if missing:
        yield ReportFailure(str(path), before, missing)
        return
    if at is None:
        return
    header = top[at]
    columns = find_columns(filter(None, header))
    if columns is None:
        return
    for number, values in enumerate(chain(top[at + 1 :], rows), at + 2):
        if not any(value.strip() for value in values) or values == header:
            continue
        row: dict[str, str] = {}
        for name, value in zip(header, values, strict=False):
            if name and not row.get(name, "").strip():
                row[name] = value
        if lacking := _not_computed(columns, row):
            message = f"the formula in column {lacking!r} has no value: open the workbook, let it compute, and save it"
            yield ReportFailure(str(path), before + number, message)
            continue
        if number == at + 2 and names_columns(columns, row):
            yield ReportFailure(str(path), before + number, SECOND_NAMES, Reason.UNSUPPORTED_TYPE)
            continue
        row = {name: "" if value == NOT_COMPUTED else value for name, value in row.items()}
        found = row_reports(path, before + number, columns, row, charset)
        if isinstance(found[0], RawReport) and len(values) > len(header) and any(values[len(header) :]):
            message = f"{len(values)} fields under {len(header)} columns: is a quotation mark missing?"
            yield ReportFailure(str(path), before + number, message)
            continue
        yield from found


def _not_computed(columns: Columns, row: dict[str, str]) -> str:
    """The first column for a key or a text that should have been computed, '' where all were."""
    sections = (name for _, names in columns.sections for name in names)
    needed = (*columns.accession, *columns.study_uid, *columns.report, *sections)
    return next((name for name in needed if row.get(name) == NOT_COMPUTED), "")


def _header(rows: Sequence[Sequence[str]]) -> int | None:
    """The row that names a report and a key."""
    for number, row in enumerate(rows):
        names = [name for name in row if name]
        if len(names) > 1 and max(map(len, names)) < 100 and (columns := find_columns(names)) and columns.keyed:
            return number
    return None


def cell_of(value: Any) -> str:
    """A value of a table as text; '' for what is none."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value) if isinstance(value, str | int | datetime.date) else ""


PARQUET = ReportFormat(
    "a Parquet table", frozenset((".parquet", ".pq")), lambda _path, head: head[:4] == b"PAR1", read_parquet
)
