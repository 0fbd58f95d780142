"""Where examples of a concept come from, as typed: cohort:NAME, thumbs:QUESTION, table:FILE, says:present(...)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from spinecho.db.keys import accession_key, known_patient, uid_key
from spinecho.db.people.concepts import ConceptError, uids_of
from spinecho.db.queries.identifiers import studies_by_accession, studies_by_patient, studies_by_uid
from spinecho.db.schema.database import Database
from spinecho.encoders.reading.nifti.subject_tables import says_nothing
from spinecho.encoders.sandbox.limits import table_text

KINDS = ("cohort", "thumbs", "table", "filter", "says")
REST = "rest"
HELP = "cohort:NAME, thumbs:QUESTION, table:FILE, says:present(FINDING) or filter:CONDITION"
_STUDY = ("study_uid", "studyinstanceuid", "study_instance_uid", "study")
_ACCESSION = ("accession_number", "accessionnumber", "accession")
_PATIENT = ("participant_id", "patient_id", "patientid", "patient", "subject_id", "subject")
_LABEL = ("label", "labels", "class", "diagnosis", "group", "target")
_YES = frozenset({"1", "y", "yes", "true", "t", "+", "pos", "positive", "present", "ja", "case"})
_NO = frozenset({"0", "n", "no", "false", "f", "-", "neg", "negative", "absent", "nein", "control", "none"})
_WHOLE = re.compile(r"([+-]?\d+)\.0+")


_Key: TypeAlias = tuple[str, str]
"""(study, accession or patient; as it is written)"""


@dataclass(frozen=True, slots=True)
class Source:
    """One place of examples. kind: of `KINDS`, or rest; value: what follows the colon, a whole filter for says."""

    kind: str
    value: str
    typed: str


@dataclass(frozen=True)
class Sided:
    """UIDs of studies with the concept and without it, of one source. unmatched: rows whose key no study has, or that
    have none; unlabelled: rows whose label says nothing.
    """

    positives: frozenset[str] = field(default_factory=frozenset)
    negatives: frozenset[str] = field(default_factory=frozenset)
    unmatched: int = 0
    unlabelled: int = 0
    judged: bool = False
    """Whether somebody judged these very studies: that counts before every rule."""


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
    names, *rows = _rows(path)
    columns, column = _keys(names, path), _label_column(names, path, name, label)
    cells = [[cell.strip() for cell in (*row, *[""] * len(names))] for row in rows]
    signs = any(row[column] == "+" for row in cells)  # then "-" is the other sign, and else a cell left empty
    sides: dict[bool, list[_Key]] = {True: [], False: []}
    lost = unlabelled = 0
    for number, row in enumerate(cells, 2):
        side = _side(row[column], positive, name, f"{path.name}, line {number}", signs=signs)
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


def _rows(path: Path) -> list[list[str]]:
    text = table_text(path, ConceptError)
    head = text.partition("\n")[0]
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=max("\t;,", key=head.count), strict=True))
    except csv.Error as error:
        raise ConceptError(f"{path.name} is no table ({error})") from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise ConceptError(f"{path.name} has no row under its names of columns")
    return rows


def _keys(names: Sequence[str], path: Path) -> list[tuple[str, int]]:
    """(study, accession or patient; its column), the surest first."""
    plain = [_plain(name) for name in names]
    kinds = (("study", _STUDY), ("accession", _ACCESSION), ("patient", _PATIENT))
    found = [(kind, plain.index(name)) for kind, known in kinds for name in known if name in plain]
    if not found:
        raise ConceptError(
            f"{path.name} names no study: it needs a column study_uid, accession_number or patient_id (participant_id)"
        )
    return found


def _label_column(names: Sequence[str], path: Path, concept: str, label: str | None) -> int:
    plain = [_plain(name) for name in names]
    for name in (label,) if label is not None else (concept, *_LABEL):
        if _plain(name) in plain:
            return plain.index(_plain(name))
    wanted = repr(label) if label is not None else f"{concept!r} or 'label'"
    raise ConceptError(f"{path.name} has no column {wanted}; name it with --label, of: {', '.join(names)}")


def _side(value: str, positive: str | None, concept: str, where: str, *, signs: bool) -> bool | None:
    """Whether a label says that it is there; None for one that says nothing. signs: of + and -."""
    plain = _same(value)
    if positive is not None and plain == _same(positive):
        return True
    if says_nothing(plain) and not (plain == "none" or (plain == "-" and signs)):
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
    plain = " ".join(label.casefold().split())
    whole = _WHOLE.fullmatch(plain)
    return plain if whole is None else whole[1]


def _studies(database: Database, keys: Iterable[_Key]) -> dict[_Key, tuple[int, ...]]:
    """By key the ids of its studies, none for one that the archive does not know."""
    forms = {key: _forms(*key) for key in keys}
    of = {
        kind: {form for (one, _), some in forms.items() for form in some if one == kind}
        for kind in ("study", "accession", "patient")
    }
    known: dict[str, Mapping[str, tuple[int, ...]]] = {
        "study": {
            uid: studies for uid, (what, studies) in studies_by_uid(database, of["study"]).items() if what == "study"
        },
        "accession": studies_by_accession(database, of["accession"]),
        "patient": studies_by_patient(database, of["patient"]),
    }
    return {
        (kind, typed): next((known[kind][form] for form in some if form in known[kind]), ())
        for (kind, typed), some in forms.items()
    }


def _forms(kind: str, typed: str) -> tuple[str, ...]:
    """What the archive may know a key as; of a participant as BIDS writes it, and as a header may."""
    if kind == "study":
        return (uid_key(typed),)
    if kind == "accession":
        return (accession_key(typed),)
    key, prefix = known_patient(typed), "SUB-"
    bare = key.removeprefix(prefix)
    return (key, bare) if bare != key else (key, f"{prefix}{key}")


def _plain(name: str) -> str:
    return "_".join(name.strip().casefold().replace("-", " ").split())
