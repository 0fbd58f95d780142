"""Excel workbooks as rows of text: what each cell shows, by its number format, and what it would show were it computed.

Merged cells hold for every row that they span. Rows, columns and sheets that are hidden (a filter hides rows) are read
like others. A formula that was never computed, and one that ended in an error, are told rather than read as empty.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinecho.encoders.reading.office import office_kind
from spinecho.indexer.reports.parsing import struck_out
from spinecho.indexer.reports.parsing.cells import PART
from spinecho.indexer.reports.parsing.decode import Charset
from spinecho.indexer.reports.parsing.formats.documents import check_inflation
from spinecho.indexer.reports.parsing.formats.reading import ReportFormat, Row, TooLarge, read_whole, some_rows
from spinecho.indexer.reports.parsing.formats.tables import MOST_COLUMNS, NOT_COMPUTED, cell_of, rows_below_header
from spinecho.indexer.reports.parsing.markup import NoText
from spinecho.indexer.reports.parsing.parsed import NotAReport, ReportFailure

_CERTAIN = Charset("utf-8", guessed=False)
_CHUNK, _OVERLAP, _MOST = 1 << 20, 1 << 15, 200_000
_OF_INTEREST = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^<>]{0,100}?ref=\"([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})\""
    rb"|<(?:\w+:)?c\s([^<>]{1,200})>\s*<(?:\w+:)?f(?:\s[^<>]{0,200})?(?:/>|>[^<]{0,10000}</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
"""Merged cells, and cells with a formula whose value is not stored."""
_PLACE = re.compile(rb"\br=\"([A-Z]{1,3})(\d{1,7})\"")
_NOT_DIGITS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_DIGITS = re.compile(r"[#0][#0 /()-]*")


@dataclass(slots=True)
class _Sheet:
    """What the XML of a sheet says beside its rows. not_computed: (row, column) of formulas, from 1.

    merged: (first row, last row) by column.
    """

    not_computed: set[tuple[int, int]] = field(default_factory=set)
    merged: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


def read_workbook(path: Path) -> Iterator[Row]:
    """The rows of every sheet that has a header with a report and a key. Raises `NotAReport` where none has."""
    try:
        data = read_whole(path)
        check_inflation(data)
    except (NoText, TooLarge) as error:
        raise NotAReport(str(error)) from error
    why = "no sheet has a column for a report beside one for an accession number or study UID"
    return some_rows(_of_sheets(path, data), why)


def _of_sheets(path: Path, data: bytes) -> Iterator[Row]:
    from openpyxl import load_workbook  # noqa: PLC0415  (only where one was met)

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False, rich_text=True)
    except MemoryError:
        raise
    except Exception as error:  # what its library does on hostile bytes is not stated
        raise NotAReport(f"the workbook could not be read: {type(error).__name__}") from error
    before = 0
    for sheet in book.worksheets:
        seen = 0
        try:
            for row in rows_below_header(path, _shown(sheet, _about(sheet, data)), _CERTAIN, before):
                seen = row.ordinal % PART - before
                yield row
        except _SheetEnds as error:
            yield ReportFailure(str(path), before + seen + 1, str(error))
            seen += 1
        before += max(seen, sheet.max_row or 0)


class _SheetEnds(ValueError):
    """The sheet cannot be read on."""


def _rows_of(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """The library's rows. Raises `_SheetEnds`."""
    rows = sheet.iter_rows(max_col=MOST_COLUMNS)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except MemoryError:
            raise
        except Exception as error:  # what its library does on hostile bytes is not stated
            raise _SheetEnds(f"the sheet ends in {type(error).__name__}") from error
        yield cells


def _about(sheet: Any, data: bytes) -> _Sheet:
    """Which cells of a sheet are merged, and which formulas have no value: what the library's rows do not say."""
    found = _Sheet()
    try:
        _scan(str(getattr(sheet, "_worksheet_path", "")), data, found)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise _SheetEnds(f"the sheet ends in {type(error).__name__}") from error
    return found


def _scan(name: str, data: bytes, found: _Sheet) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(name.lstrip("/")) as xml:
        before, count = b"", 0
        while (chunk := xml.read(_CHUNK)) and count < _MOST:
            piece, end = before + chunk, 0
            for one in _OF_INTEREST.finditer(piece):
                end, count = one.end(), count + 1
                if one[1] and int(one[2]) < int(one[3]):
                    found.merged.setdefault(_column(one[1]), []).append((int(one[2]), int(one[3])))
                elif one[4] and b't="str"' not in one[4] and (place := _PLACE.search(one[4])):  # a text may be empty
                    found.not_computed.add((int(place[2]), _column(place[1])))
            before = piece[max(end, len(piece) - _OVERLAP) :]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _shown(sheet: Any, about: _Sheet) -> Iterator[list[str]]:
    """The rows as they are shown, those that hold nothing too."""
    starts = {(column, first): last for column, spans in about.merged.items() for first, last in spans}
    held: dict[int, tuple[int, str]] = {}
    for number, cells in enumerate(_rows_of(sheet), 1):
        row = [_text(cell) for cell in cells]
        for column in range(1, len(row) + 1) if about.not_computed else ():
            if (number, column) in about.not_computed:
                row[column - 1] = NOT_COMPUTED
        for column in about.merged:
            if column <= len(row):
                if last := starts.get((column, number)):
                    held[column] = (last, row[column - 1])
                elif column in held and number <= held[column][0]:
                    row[column - 1] = held[column][1]
        yield row


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if getattr(cell, "data_type", "") == "e":
        return NOT_COMPUTED
    if getattr(getattr(cell, "font", None), "strike", False):
        struck_out.met()
        return ""
    if not isinstance(value, str) and isinstance(value, list):  # text of which a part is set otherwise
        return "".join(map(_part, value))
    if isinstance(value, datetime.datetime) and not re.search(r"[hs]", _bare(cell.number_format), re.IGNORECASE):
        return value.date().isoformat()
    plain = cell_of(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and plain.isdigit():
        return shown_number(plain, cell.number_format)
    return plain


def _part(part: Any) -> str:
    if getattr(getattr(part, "font", None), "strike", False):
        struck_out.met()
        return ""
    return str(getattr(part, "text", part))


def shown_number(digits: str, number_format: str) -> str:
    """A whole number as a format of zeros shows it: "123" by `0000000` is "0000123", by `00-0000` "00-0123"."""
    section = str(number_format or "").split(";")[0]
    if section.count("0") < 2 or not _DIGITS.fullmatch(_NOT_DIGITS.sub("", section)):
        return digits
    pieces = re.findall(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|.', section)
    left, shown = list(digits), list[str]()
    last = next(at for at, piece in enumerate(pieces) if piece in ("0", "#"))
    for at in range(len(pieces) - 1, -1, -1):
        piece = pieces[at]
        if piece in ("0", "#"):
            shown.append(left.pop() if left else "0" if piece == "0" else "")
            if at == last:  # what is left stands before the first place
                shown += reversed(left)
        elif piece[0] == '"':
            shown.append(piece[1:-1])
        elif piece[0] == "\\":
            shown.append(piece[1:])
        elif piece[0] not in "_*[":
            shown.append(piece)
    return "".join(reversed(shown)).strip()


def _bare(number_format: Any) -> str:
    return _NOT_DIGITS.sub("", str(number_format or ""))


def _is_workbook(path: Path, head: bytes) -> bool:
    return office_kind(path, head) == "an Excel workbook"


WORKBOOK = ReportFormat("an Excel workbook", frozenset((".xlsx", ".xlsm")), _is_workbook, read_workbook)
