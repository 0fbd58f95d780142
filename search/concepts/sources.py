"""Where examples of a concept come from, as typed: cohort:NAME, thumbs:QUESTION, table:FILE, says:present(...)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from spinecho.db.keys import known_patient
from spinecho.db.people.concepts import ConceptError, uids_of
from spinecho.db.queries.identifiers import studies_by_patient
from spinecho.db.schema.database import Database
from spinecho.encoders.reading.nifti.subject_tables import says_nothing
from spinecho.search.given_tables import (
    ACCESSION_COLUMNS,
    STUDY_COLUMNS,
    column_called,
    plain_words,
    studies_named,
    table_cells,
)

KINDS = ("cohort", "thumbs", "table", "filter", "says")
REST = "rest"
HELP = "cohort:NAME, thumbs:QUESTION, table:FILE, says:present(FINDING) or filter:CONDITION"
_PATIENT = ("participant_id", "patient_id", "patientid", "patient", "subject_id", "subject")
_LABEL = ("label", "labels", "class", "diagnosis", "group", "target")
_YES = frozenset({
    "1", "y", "yes", "true", "t", "+", "pos", "positive", "positiv", "positif", "positivo", "present", "case", "ja",
    "oui", "si", "sí", "sì", "sim", "vrai", "wahr", "vero", "verdadero",
})  # fmt: skip
_NO = frozenset({
    "0", "n", "no", "false", "f", "-", "neg", "negative", "negativ", "négatif", "negatif", "negativo", "absent",
    "control", "none", "nein", "nee", "non", "não", "nao", "faux", "falsch", "falso",
})  # fmt: skip
_UNDECIDED = frozenset({"unclear", "uncertain", "unsure", "equivocal", "indeterminate", "unklar", "fraglich", "maybe"})
"""Labels of somebody who looked and could not tell: neither with it nor without it, whatever --positive says."""
_WHOLE = re.compile(r"([+-]?\d+)[.,]0+")


_Key: TypeAlias = tuple[str, str]
"""(study or patient; as it is written)"""


@dataclass(frozen=True, slots=True)
class Source:
    """One place of examples. kind: of `KINDS`, or rest; value: what follows the colon, a whole filter for says."""

    kind: str
    value: str
    typed: str


@dataclass(frozen=True)
class Sided:
    """UIDs of studies with the concept and without it, of one source. unmatched: rows whose key no study has, or that
    have none; unlabelled: rows whose label says nothing; by_others: studies that other people judged, and this one not.
    """

    positives: frozenset[str] = field(default_factory=frozenset)
    negatives: frozenset[str] = field(default_factory=frozenset)
    unmatched: int = 0
    unlabelled: int = 0
    judged: bool = False
    """Whether somebody judged these very studies: that counts before every rule."""
    by_others: int = 0


def read_source(typed: str, *, against: bool = False) -> Source:
    """Raises `ConceptError` for what is no source."""
    text = typed.strip()
    if against and text.casefold() in {REST, "the rest"}:
        return Source(REST, "", REST)
    kind, colon, value = text.partition(":")
    kind, value = kind.strip().casefold(), value.strip()
    if kind == "says" or text.casefold().startswith("says("):
        return Source("says", text, text)
    if not colon or kind not in KINDS or not value:
        more = f", or {REST}" if against else ""
        raise ConceptError(f"{typed!r} is no place of examples; give {HELP}{more}")
    return Source(kind, value, text)


def read_table(
    database: Database, path: Path, *, name: str, label: str | None = None, positive: str | None = None
) -> Sided:
    """Examples of a CSV or TSV file with a key of study, exam or patient, and a label a row.

    A row names its study by the first of these keys that it holds: tables that were joined lack some in some rows.

    label: its column, else one called as the concept, or "label". positive: the label of those that have it, all others
    being without; else yes, no, 1, 0 and the like are read, and a label that says neither is an error. A cell that is
    empty, or says that nothing is known, is no label. Raises `ConceptError`.
    """
    (_, names), *found = _rows(path)
    columns, column = _keys(names, path), _label_column(names, path, name, label)
    cells = [(line, [*row, *[""] * len(names)]) for line, row in found]
    signs = any(row[column] == "+" for _, row in cells)  # then "-" is the other sign, and else a cell left empty
    sides: dict[bool, list[_Key]] = {True: [], False: []}
    lost = unlabelled = 0
    for line, row in cells:
        side = _side(row[column], positive, name, f"{path.name}, line {line}", signs=signs)
        key = next(((kind, row[at]) for kind, at in columns if not says_nothing(row[at])), None)
        unlabelled += side is None
        if side is not None and key is not None:
            sides[side].append(key)
        lost += side is not None and key is None
    known = _studies(database, {key for some in sides.values() for key in some})
    lost += sum(not known[key] for some in sides.values() for key in dict.fromkeys(some))
    with_it, without = (
        frozenset(uids_of(database, [study for key in sides[side] for study in known[key]])) for side in (True, False)
    )
    return Sided(with_it, without, lost, unlabelled)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    rows = table_cells(path, ConceptError, called=path.name)
    if len(rows) < 2:
        raise ConceptError(f"{path.name} has no row under its names of columns")
    return rows


def _keys(names: Sequence[str], path: Path) -> list[tuple[str, int]]:
    """(study or patient; its column), the surest first."""
    kinds = (("study", (*STUDY_COLUMNS, *ACCESSION_COLUMNS)), ("patient", _PATIENT))
    places = [(kind, _column(names, name, path)) for kind, known in kinds for name in known]
    found = [(kind, place) for kind, place in places if place is not None]
    if not found:
        raise ConceptError(
            f"{path.name} names no study: it needs a column study_uid, accession_number or patient_id (participant_id)"
        )
    return found


def _label_column(names: Sequence[str], path: Path, concept: str, label: str | None) -> int:
    for name in (label,) if label is not None else (concept, *_LABEL):
        if (place := _column(names, name, path)) is not None:
            return place
    wanted = repr(label) if label is not None else f"{concept!r} or 'label'"
    raise ConceptError(f"{path.name} has no column {wanted}; name it with --label, of: {', '.join(names)}")


def _column(names: Sequence[str], name: str, path: Path) -> int | None:
    return column_called(names, name, ConceptError, called=path.name)


def _side(value: str, positive: str | None, concept: str, where: str, *, signs: bool) -> bool | None:
    """Whether a label says that it is there; None for one that says nothing. signs: of + and -."""
    plain = _same(value)
    if positive is not None and plain == _same(positive):
        return True
    if says_nothing(plain) and not (plain == "none" or (plain == "-" and signs)):
        return None
    if plain in _UNDECIDED:
        return None
    if positive is not None:
        return False
    if plain in _YES or plain == _same(concept):
        return True
    if plain in _NO:
        return False
    raise ConceptError(f"{where}: the label says neither yes nor no; name the one that has it with --positive")


def _same(label: str) -> str:
    """A label as it is compared: whole numbers that a table has turned into 1.0 are 1."""
    plain = plain_words(label)
    whole = _WHOLE.fullmatch(plain)
    return plain if whole is None else whole[1]


def _studies(database: Database, keys: Iterable[_Key]) -> dict[_Key, tuple[int, ...]]:
    """By key the ids of its studies, none for one that the archive does not know."""
    asked = list(keys)
    known = studies_named(database, [typed for kind, typed in asked if kind == "study"])
    forms = {typed: _of_patient(typed) for kind, typed in asked if kind == "patient"}
    whose = studies_by_patient(database, {form for some in forms.values() for form in some})
    return {
        (kind, typed): known[typed]
        if kind == "study"
        else next((whose[form] for form in forms[typed] if form in whose), ())
        for kind, typed in asked
    }


def _of_patient(typed: str) -> tuple[str, ...]:
    """What the archive may know a participant as: as BIDS writes it, and as a header may."""
    key, prefix = known_patient(typed), "SUB-"
    bare = key.removeprefix(prefix)
    return (key, bare) if bare != key else (key, f"{prefix}{key}")
