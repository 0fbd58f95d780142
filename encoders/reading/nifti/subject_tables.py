"""What the tables of a BIDS data set say of a subject: participants.tsv, sessions.tsv, and the JSON files beside them.

The JSON file says what the values of a column mean (`Levels`) and in which unit an age stands (`Units`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.nifti.bids import parts_of_name, tables_of
from spinecho.encoders.reading.opening import open_file
from spinecho.encoders.reading.personal_fields import Named, kind_of_field, named_in_fields

_MOST_BYTES = 16 << 20
_MOST_COLUMNS, _MOST_TEXT, _MOST_ROWS = 40, 128, 200_000
_MISSING = frozenset({
    "", "n/a", "na", "n.a.", "nan", "<na>", "null", "none", "unknown", "#n/a", "#null!", "#value!", "-", "--", ".", "?",
    "missing", "not reported", "not recorded", "not available", "not applicable", "not assessed", "not known",
})  # fmt: skip
_SEX = {"m": "M", "male": "M", "man": "M", "f": "F", "female": "F", "w": "F", "woman": "F", "o": "O", "other": "O"}
_AGE_UNITS = {
    "y": 1.0, "years": 1.0, "year": 1.0, "yr": 1.0, "yrs": 1.0, "m": 1 / 12, "month": 1 / 12, "months": 1 / 12,
    "mo": 1 / 12, "w": 7 / 365.25, "week": 7 / 365.25, "weeks": 7 / 365.25, "wk": 7 / 365.25, "d": 1 / 365.25,
    "day": 1 / 365.25, "days": 1 / 365.25,
}  # fmt: skip
_AGE = re.compile(r"(\d+(?:[.,]\d+)?)\s*\+?\s*([A-Za-z]*)")
_OLDEST = 130.0
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:[eE][+-]?\d{1,2})?")
_DATE = re.compile(r"(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}(?:[T ].*)?|\d{1,2}[-./]\d{1,2}[-./](?:19|20)?\d\d(?: .*)?")
_PERSONAL = re.compile(
    r"(?!(?:site|scanner|cent(?:er|re)|group|batch|cohort|protocol)_)(?:.*[_-])?(?:id|ids|guid|uid|pid)"
    r"|(?:(?:participant|subj(?:ect)?|pat(?:ient)?|pt|person|case|record|hospital|national)_?)?(?:id|number|no|nr)"
    r"|(?:.*[_-])?(?:[a-z]*names?|initials|vorname|nom|prenom|prénom|nombre|apellidos?)(?:[_-].*)?"
    r"|.*(?:birth|geburt|naissance|nacimiento|address|adresse|direcci|street|stra(?:ß|ss)e|post_?code|postal|phone|telefon"
    r"|e-?mail|insurance|versicher).*"
    r"|(?:.*[_-])?(?:dob|ssn|nhs|mrn|zip)(?:[_-].*)?",
)
"""Names of columns, as labels are named, that tell who somebody is."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the tables say. labels: further columns by `label_name`, with the words that their values stand for; none
    that tells who somebody is, and no dates. numbers: of those that are numbers in the table.
    """

    sex: str | None = None
    age_years: float | None = None
    labels: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Cell:
    written: str
    word: str
    unit: str


def subject_of(path: Path) -> Subject:
    """What participants.tsv says of a file's subject, and what sessions.tsv says of its session, which outweighs it."""
    found: dict[str, _Cell] = {}
    for row, described in _rows_of(path):
        cells = {name: value for name, value in row.items() if not _is_personal(name, value)}
        found |= _understood(cells, [_json(one) for one in described]) if cells else {}
    sex = next((found.pop(name) for name in list(found) if name in ("sex", "gender")), None)
    age = next((found.pop(name) for name in list(found) if name in ("age", "age_years", "age_at_scan")), None)
    numbers = {name: number for name, cell in found.items() if (number := _number(cell.written)) is not None}
    return Subject(
        next((_SEX[one.lower()] for one in (sex.word, sex.written) if one.lower() in _SEX), None) if sex else None,
        age_of(age.written, age.unit) if age else None,
        {name: cell.word for name, cell in found.items()},
        numbers,
    )


def age_of(text: str, unit: str = "") -> float | None:
    """Years from `34`, `034Y`, `89+`, `18 months`, `0`; None for anything else. unit: of a number without one."""
    match = _AGE.fullmatch(text.strip())
    own = match[2].lower() if match else ""
    factor = _AGE_UNITS.get(own or unit.strip().lower() or "y", None if own else 1.0) if match else None
    if match is None or factor is None:
        return None
    years = float(match[1].replace(",", ".")) * factor
    return round(years, 3) if 0 <= years <= _OLDEST else None


def label_name(column: str) -> str:
    """A column's name as a label has it: `Diagnosis Group` is `diagnosis_group`."""
    return re.sub(r"[^\w-]+", "_", column.strip()).strip("_-").lower()[:_MOST_TEXT]


def says_nothing(cell: str) -> bool:
    """Whether a cell of a table of subjects only tells that nothing is known.

    >>> [says_nothing(one) for one in ("N/A", "not_reported", "?", "no", "0")]
    [True, True, True, False, False]
    """
    return " ".join(cell.casefold().replace("_", " ").split()) in _MISSING


def as_json(subject: Subject) -> dict[str, Any]:
    """Plain JSON, without what is not known."""
    values = {"sex": subject.sex, "age_years": subject.age_years, "labels": subject.labels, "numbers": subject.numbers}
    return {name: value for name, value in values.items() if value not in (None, {})}


def _rows_of(path: Path) -> Iterator[tuple[dict[str, str], list[Path]]]:
    """(what a row says of a file's subject, then of its session; JSON files that describe its columns)"""
    tables, named = tables_of(path), parts_of_name(path.name)
    if not tables or named is None:
        return
    for (table, *described), key in zip(tables, (("participant_id", "sub"), ("session_id", "ses")), strict=True):
        if key[1] in named[0]:
            yield _row(table, key[0], f"{key[1]}-{named[0][key[1]]}"), described


def _row(table: Path, column: str, key: str) -> dict[str, str]:
    """The values of a row by the names of their columns; the first that holds something of those of one name."""
    lines = _text(table).split("\n")
    header = [label_name(_unquoted(name)) for name in lines[0].split("\t")[:_MOST_COLUMNS]]
    if column not in header:
        return {}
    at = header.index(column)
    for line in lines[1:_MOST_ROWS]:
        values = [_unquoted(value) for value in line.split("\t")]
        if len(values) > at and values[at] in (key, key.split("-", 1)[1]):
            row: dict[str, str] = {}
            for name, value in zip(header, values, strict=False):
                if name and not says_nothing(value) and name not in row:
                    row[name] = value[:_MOST_TEXT]
            return row
    return {}


def _is_personal(name: str, value: str) -> bool:
    said = _PERSONAL.fullmatch(name) is not None or kind_of_field(name) in ("name", "phone")
    return said or _DATE.fullmatch(value) is not None


def named_in_tables(path: Path) -> tuple[Named, ...]:
    """(kind, value) of what the tables say of who a file's subject is, which `subject_of` leaves out."""
    return tuple(one for row, _ in _rows_of(path) for one in named_in_fields(row))


def _understood(row: Mapping[str, str], described: Sequence[Mapping[str, Any]]) -> dict[str, _Cell]:
    found = {}
    for name, value in row.items():
        about: dict[str, Any] = next((one[name] for one in described if isinstance(one.get(name), dict)), {})
        levels, unit = about.get("Levels"), about.get("Units")
        word = levels.get(value) if isinstance(levels, dict) else None
        if isinstance(word, dict):
            word = word.get("Description")
        word = " ".join(word.split())[:_MOST_TEXT] if isinstance(word, str) else ""
        found[name] = _Cell(value, word or value, unit if isinstance(unit, str) else "")
    return found


def _json(path: Path) -> dict[str, Any]:
    """What a JSON file says of columns, by `label_name`; {} where it is none."""
    text = _text(path)
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return {label_name(name): about for name, about in found.items()} if isinstance(found, dict) else {}


def _number(text: str) -> float | None:
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _unquoted(value: str) -> str:
    """A field without the quotation marks that spreadsheets put around it."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('""', '"').strip()
    return value


def _text(path: Path) -> str:
    """A small file's text with plain line ends, '' where there is none or it is too large."""
    try:
        with open_file(path) as file:
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError, ReadError):
        return ""
    if len(data) > _MOST_BYTES:
        return ""
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeError:
        text = data.decode("cp1252", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
