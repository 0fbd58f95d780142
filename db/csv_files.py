"""The one way in which tables leave as text: CSV in which no cell is a formula.

RFC 4180 in UTF-8. A spreadsheet runs a cell that begins with = + - @ (their fullwidth kin too), also after spaces,
quotes and signs that cannot be seen, or with a tab or a line's end; an apostrophe before it makes it text (OWASP, CSV
injection). Numbers stay numbers. `as_given` takes the apostrophe away again.
"""

from __future__ import annotations

import csv
import io
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

_FORMULA = frozenset("=+-@＝＋－＠﹢﹣﹦﹫")
_ENDS = ("\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def disarmed(value: object) -> object:
    """The value as a cell: text that a spreadsheet could take for a formula begins with an apostrophe."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}" if _runs(value) else value


def as_given(cell: str) -> str:
    """What `disarmed` was given for this cell."""
    return cell[1:] if cell.startswith("'") and disarmed(cell[1:]) == cell else cell


def csv_text(rows: Iterable[Sequence[object]], *, delimiter: str = ",") -> str:
    """Rows, the header line among them, as one text."""
    out = io.StringIO()
    _write(out, rows, delimiter)
    return out.getvalue()


def write_csv(path: Path, rows: Iterable[Sequence[object]], *, delimiter: str = ",", fresh: bool = False) -> None:
    """A file that its owner alone may read, replaced where it is there. fresh: `FileExistsError` where it is there.

    Names of files that are not UTF-8 keep their bytes.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if fresh else os.O_TRUNC)
    handle = os.open(path, flags, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        os.fchmod(handle, 0o600)
        _write(file, rows, delimiter)


def _write(file: IO[str], rows: Iterable[Sequence[object]], delimiter: str) -> None:
    plain = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    # Python before 3.13 leaves a carriage return unquoted, at which readers would end the row
    quoted = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    for row in rows:
        cells = [disarmed(value) for value in row]
        returns = any(isinstance(cell, str) and "\r" in cell for cell in cells)
        (quoted if returns else plain).writerow(cells)


def _runs(text: str) -> bool:
    if text.startswith(_ENDS):
        return True
    for sign in text:
        if sign in _FORMULA:
            return True
        if not (sign.isspace() or sign in "'\"‘’“”`" or unicodedata.category(sign) in ("Cc", "Cf")):
            return False
    return False
