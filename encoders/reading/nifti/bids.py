"""BIDS (bids-specification 1.10): entities of a name, sidecars that are inherited, and what tables say of a subject.

A data set's root is the folder that holds `sub-...`. A JSON file there or in a folder between applies to every file of
the same suffix whose entities are those of its name and more; the nearer one outweighs the one above it.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.formats.names import image_stem
from spinecho.encoders.reading.opening import names_in, open_file

ENTITIES = ("acq", "ce", "dir", "run", "part", "echo", "rec", "task", "inv", "flip", "mt")
"""Entities that say how an image was acquired, and are kept with it."""
_NAME = re.compile(r"((?:[A-Za-z]+-[A-Za-z0-9+.]+_)*)([A-Za-z0-9]+)")
_MOST_BYTES = 16 << 20
_MOST_COLUMNS, _MOST_TEXT, _MOST_ROWS = 40, 128, 200_000
_MISSING = frozenset({"", "n/a", "na", "nan", "null", "none", "unknown"})
_SEX = {"m": "M", "male": "M", "f": "F", "female": "F", "w": "F", "o": "O", "other": "O"}
_AGE_UNITS = {"y": 1.0, "years": 1.0, "year": 1.0, "m": 1 / 12, "months": 1 / 12, "w": 7 / 365.25, "weeks": 7 / 365.25}
_AGE = re.compile(r"(\d+(?:[.,]\d+)?)\s*\+?\s*([A-Za-z]*)")
_OLDEST = 130.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What the tables say. labels: further columns by their names, as they are written, no identifiers."""

    sex: str | None = None
    age_years: float | None = None
    labels: dict[str, str] = field(default_factory=dict)


def parts_of_name(name: str) -> tuple[dict[str, str], str] | None:
    """(entities in their order, suffix) of a file's name; None for what is no BIDS name."""
    match = _NAME.fullmatch(image_stem(name).removesuffix(".json"))
    if match is None:
        return None
    pairs = [part.split("-", 1) for part in match[1].split("_") if part]
    return {pair[0]: pair[1] for pair in pairs}, match[2]


def folders_above(path: Path) -> list[Path]:
    """The folders whose files apply to a BIDS file, the data set's root first; none for a file in no data set."""
    named = parts_of_name(path.name)
    if named is None or "sub" not in named[0]:
        return []
    subject = f"sub-{named[0]['sub']}"
    above = [path.parent, *path.parent.parents][:5]
    at = next((i for i, folder in enumerate(above) if folder.name == subject), None)
    return list(reversed(above[: at + 2])) if at is not None and at + 1 < len(above) else []


def applying(path: Path, names: Mapping[Path, Sequence[str]]) -> Iterator[Path]:
    """The JSON files above a BIDS file that apply to it, those that outweigh others last; its own is not among them.

    names: names of files by folder, for the folders that `folders_above` gives.
    """
    mine = parts_of_name(path.name)
    if mine is None:
        return
    own = f"{image_stem(path.name)}.json"
    for folder in folders_above(path):
        found = []
        for name in names.get(folder, ()):
            theirs = parts_of_name(name) if name.endswith(".json") and name != own else None
            if theirs and theirs[1] == mine[1] and theirs[0].items() <= mine[0].items():
                found.append((len(theirs[0]), name))
        yield from (folder / name for _, name in sorted(found))


def tables_of(path: Path) -> list[Path]:
    """Where the tables of a BIDS file's subject and session would lie, the nearer last."""
    folders = folders_above(path)
    if not folders:
        return []
    return [folders[0] / "participants.tsv", folders[1] / f"{folders[1].name}_sessions.tsv"]


def inherited(path: Path) -> list[Path]:
    """`applying`, with a look at the folders."""
    return list(applying(path, {folder: names_in(folder) for folder in folders_above(path)}))


def subject_of(path: Path) -> Subject:
    """What participants.tsv says of a file's subject, and what sessions.tsv says of its session, which outweighs it."""
    tables, named = tables_of(path), parts_of_name(path.name)
    if not tables or named is None:
        return Subject()
    found: dict[str, str] = {}
    for table, key in zip(tables, (("participant_id", "sub"), ("session_id", "ses")), strict=True):
        if key[1] in named[0]:
            found |= _row(table, key[0], f"{key[1]}-{named[0][key[1]]}")
    sex = next((found.pop(name) for name in list(found) if name.lower() in ("sex", "gender")), "")
    age = next((found.pop(name) for name in list(found) if name.lower() in ("age", "age_years", "age_at_scan")), "")
    return Subject(_SEX.get(sex.strip().lower()), age_of(age), found)


def age_of(text: str) -> float | None:
    """Years from `34`, `34.5`, `034Y`, `89+`, `18 months`; None for anything else."""
    match = _AGE.fullmatch(text.strip())
    factor = _AGE_UNITS.get(match[2].lower() or "y") if match else None
    if match is None or factor is None:
        return None
    years = float(match[1].replace(",", ".")) * factor
    return round(years, 3) if 0 <= years <= _OLDEST else None


def kept_entities(name: str) -> dict[str, str]:
    """Those of a name's entities that say how it was acquired."""
    named = parts_of_name(name)
    return {key: value for key, value in named[0].items() if key in ENTITIES} if named and "sub" in named[0] else {}


def in_data_set(folder: Path) -> bool:
    """Whether a folder lies below a subject's, or holds one."""
    if any(part.startswith("sub-") for part in folder.parts):
        return True
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.startswith("sub-") and entry.is_dir() for entry in entries)
    except (OSError, ValueError):
        return False


def is_derivative(path: Path) -> bool:
    """Whether the data set of a BIDS file says that it is of derivatives."""
    folders = folders_above(path)
    return bool(folders) and b'"derivative"' in _bytes(folders[0] / "dataset_description.json").replace(b"'", b'"')


_IDENTIFIERS = re.compile(
    r"(?:participant|session|subject|patient)?_?(?:id|name|initials|mrn)|.*birth.*|.*address.*", re.I
)


def _row(table: Path, column: str, key: str) -> dict[str, str]:
    """The values of a row by the names of their columns, missing ones and identifiers left out."""
    text = _bytes(table).decode("utf_8_sig", "replace")
    try:
        for number, row in enumerate(csv.DictReader(io.StringIO(text), delimiter="\t")):
            if number > _MOST_ROWS:
                break
            subject = str(row.get(column) or "").strip()
            if subject in (key, key.split("-", 1)[1]):
                pairs = [
                    (name, value) for name, value in row.items() if isinstance(name, str) and isinstance(value, str)
                ]
                return {
                    name.strip()[:_MOST_TEXT]: value.strip()[:_MOST_TEXT]
                    for name, value in pairs[:_MOST_COLUMNS]
                    if not _IDENTIFIERS.fullmatch(name.strip()) and value.strip().lower() not in _MISSING
                }
    except csv.Error:
        return {}
    return {}


def _bytes(path: Path) -> bytes:
    """A small file, b'' where there is none or it is too large."""
    try:
        with open_file(path) as file:
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError, ReadError):
        return b""
    return data if len(data) <= _MOST_BYTES else b""


def as_json(subject: Subject) -> dict[str, Any]:
    """Plain JSON, without what is not known."""
    values = {"sex": subject.sex, "age_years": subject.age_years, "labels": subject.labels}
    return {name: value for name, value in values.items() if value not in (None, {})}
