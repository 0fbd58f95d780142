"""Columns of tables that a person names, for exports whose own names say nothing; and which columns were taken."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from spinecho.errors import SpinechoError

MEANINGS = (
    "accession", "study_uid", "patient", "report", "indication", "technique", "comparison", "findings", "impression",
    "status", "version", "date", "exam",
)  # fmt: skip
KEYS = ("accession", "study_uid")
BODIES = ("report", "findings", "impression")
_LONGEST = 100
"""Characters of a column's name that is shown."""
_SHOWN = 40
"""Columns of a table that a message lists."""


class ReportColumnsError(SpinechoError):
    """Columns for reports that cannot be meant as they are written."""


@dataclass(frozen=True, slots=True)
class GivenColumns:
    """(meaning, a column's name), each meaning once."""

    names: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """As `read_columns` takes it."""
        return ",".join(f'"{pair}"' if "," in pair else pair for pair in map("=".join, self.names))


def read_columns(text: str) -> GivenColumns:
    """The columns that "accession=Auftrag,report=Text" names; '' names none.

    A name with a comma stands in quotation marks with its meaning. Raises `ReportColumnsError`.
    """
    example = "write it as accession=COLUMN,report=COLUMN"
    found: dict[str, str] = {}
    for part in next(csv.reader([text], skipinitialspace=True), []) if text.strip() else []:
        meaning, equals, name = (one.strip() for one in part.partition("="))
        if not equals or not name:
            raise ReportColumnsError(f"report columns: {part.strip()!r} names no column; {example}")
        if meaning not in MEANINGS:
            raise ReportColumnsError(f"report columns: {meaning!r} is none of {', '.join(MEANINGS)}")
        if meaning in found:
            raise ReportColumnsError(f"report columns: {meaning!r} is given twice; name one column for it")
        found[meaning] = name
    if len(set(found.values())) < len(found):
        raise ReportColumnsError("report columns: one column is named for two meanings; name it once")
    if text.strip() and not found:
        raise ReportColumnsError(f"report columns: {text!r} names no column; {example}, or '' to forget them")
    return GivenColumns(tuple(found.items()))


@dataclass(slots=True)
class _Reading:
    given: dict[str, str]
    taken: dict[str, set[str]] = field(default_factory=dict)
    last: object = None


_READING: ContextVar[_Reading | None] = ContextVar("columns of the file that is read", default=None)


@contextmanager
def reading_with(columns: str) -> Iterator[None]:
    """Tables that are read within take these columns, and `taken_columns` tells which they took."""
    _READING.set(_Reading(dict(read_columns(columns).names)))
    try:
        yield
    finally:
        _READING.set(None)


def given_in(names: Iterable[str]) -> dict[str, str]:
    """Of what was given, by meaning, the names as the table writes them; case and blanks around them do not matter."""
    reading = _READING.get()
    if reading is None or not reading.given:
        return {}
    here = {_same(name): name for name in reversed(list(names))}
    return {meaning: here[_same(name)] for meaning, name in reading.given.items() if _same(name) in here}


def missing_columns(names: Iterable[str], *, any_table: bool = False) -> str:
    """What to say of a table that has some of the given columns but not all, '' for another.

    any_table: also of a table that has none of them; its columns are listed only where they look like names.
    """
    reading, listed = _READING.get(), [name for name in names if name.strip()]
    if reading is None or not reading.given:
        return ""
    found = given_in(listed)
    absent = [name for meaning, name in reading.given.items() if meaning not in found]
    if not absent or not (found or any_table):
        return ""
    columns = ", ".join(repr(name[:_LONGEST]) for name in listed[:_SHOWN])
    columns += f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    has = f"; its columns are {columns}" if found or all(map(_like_a_name, listed)) else ""
    wanted = ", ".join(map(repr, absent))
    return f"the table has no column {wanted}{has}: name its columns with --report-columns"


def took(columns: object, names: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Keep that a report was read by these columns: (meaning, names)."""
    reading = _READING.get()
    if reading is None or reading.last is columns:
        return
    reading.last = columns
    for meaning, some in names:
        for name in some:
            reading.taken.setdefault(meaning, set()).add(name[:_LONGEST])


def taken_columns() -> dict[str, list[str]]:
    """The names of columns by meaning that the reports of this file were read by."""
    reading = _READING.get()
    return {} if reading is None else {meaning: sorted(names) for meaning, names in reading.taken.items()}


def _same(name: str) -> str:
    return " ".join(name.split()).casefold()


def _like_a_name(name: str) -> bool:
    """A table without a header has a patient's values in its first row, and those are for no message."""
    return len(name) <= 40 and re.search(r"\d{3}|\d[./:-]\d", name) is None and re.search(r"[^\W\d]", name) is not None
