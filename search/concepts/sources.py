"""Where examples of a concept come from, as typed: cohort:NAME, thumbs:QUESTION, table:FILE, says:present(...)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spinecho.db.keys import accession_key, patient_key
from spinecho.db.people.concepts import ConceptError, uids_of
from spinecho.db.queries.identifiers import studies_by_accession, studies_by_patient, studies_by_uid
from spinecho.db.schema.database import Database
from spinecho.encoders.sandbox.limits import table_text

KINDS = ("cohort", "thumbs", "table", "filter", "says")
REST = "rest"
HELP = "cohort:NAME, thumbs:QUESTION, table:FILE, says:present(FINDING) or filter:CONDITION"
_STUDY = ("study_uid", "studyinstanceuid", "study_instance_uid", "study")
_ACCESSION = ("accession_number", "accessionnumber", "accession")
_PATIENT = ("participant_id", "patient_id", "patientid", "patient", "subject_id", "subject")
_LABEL = ("label", "labels", "class", "diagnosis", "group", "target")
_YES = frozenset({"1", "1.0", "y", "yes", "true", "t", "+", "pos", "positive", "present", "ja", "case"})
_NO = frozenset({"0", "0.0", "n", "no", "false", "f", "-", "neg", "negative", "absent", "nein", "control", "none"})


@dataclass(frozen=True, slots=True)
class Source:
    """One place of examples. kind: of `KINDS`, or rest; value: what follows the colon, a whole filter for says."""

    kind: str
    value: str
    typed: str


@dataclass(frozen=True)
class Sided:
    """UIDs of studies with the concept and without it, of one source; unmatched: rows that no study has the key of."""

    positives: frozenset[str] = field(default_factory=frozenset)
    negatives: frozenset[str] = field(default_factory=frozenset)
    unmatched: int = 0
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

    label: its column, else one called as the concept, or "label". positive: the label of those that have it, all others
    being without; else yes, no, 1, 0 and the like are read, and a label that says neither is an error. A row without a
    label says nothing. Raises `ConceptError`.
    """
    rows = _rows(path)
    keys = _keys(rows[0], path)
    column = _label_column(rows[0], path, name, label)
    sides: dict[bool, list[str]] = {True: [], False: []}
    for number, row in enumerate(rows[1:], 2):
        cells = [*row, *[""] * len(rows[0])]
        side = _side(cells[column].strip(), positive, name, f"{path.name}, line {number}")
        if side is not None and cells[keys[1]].strip():
            sides[side].append(cells[keys[1]].strip())
    found = {side: _studies(database, keys[0], some) for side, some in sides.items()}
    lost = sum(not studies for some in found.values() for studies in some.values())
    uids = {
        side: frozenset(uids_of(database, [n for one in some.values() for n in one])) for side, some in found.items()
    }
    return Sided(uids[True], uids[False], lost)


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


def _keys(names: Sequence[str], path: Path) -> tuple[str, int]:
    """(study, accession or patient; its column)."""
    plain = [_plain(name) for name in names]
    for kind, known in (("study", _STUDY), ("accession", _ACCESSION), ("patient", _PATIENT)):
        for name in known:
            if name in plain:
                return kind, plain.index(name)
    raise ConceptError(
        f"{path.name} names no study: it needs a column study_uid, accession_number or patient_id (participant_id)"
    )


def _label_column(names: Sequence[str], path: Path, concept: str, label: str | None) -> int:
    plain = [_plain(name) for name in names]
    for name in (label,) if label is not None else (concept, *_LABEL):
        if _plain(name) in plain:
            return plain.index(_plain(name))
    wanted = repr(label) if label is not None else f"{concept!r} or 'label'"
    raise ConceptError(f"{path.name} has no column {wanted}; name it with --label, of: {', '.join(names)}")


def _side(value: str, positive: str | None, concept: str, where: str) -> bool | None:
    plain = value.casefold()
    if not plain or plain in {"n/a", "na", "nan", "unknown"}:
        return None
    if positive is not None:
        return plain == positive.strip().casefold()
    if plain in _YES or plain == concept.casefold():
        return True
    if plain in _NO:
        return False
    raise ConceptError(f"{where}: the label says neither yes nor no; name the one that has it with --positive")


def _studies(database: Database, kind: str, keys: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """By key the ids of its studies, none for one that the archive does not know."""
    found: dict[str, tuple[int, ...]] = dict.fromkeys(keys, ())
    if kind == "study":
        known = studies_by_uid(database, set(keys))
        found |= {key: known[key][1] for key in keys if key in known and known[key][0] == "study"}
        return found
    normal: Callable[[str], str] = accession_key if kind == "accession" else patient_key
    by: Mapping[str, tuple[int, ...]]
    if kind == "accession":
        by = studies_by_accession(database, {normal(key) for key in keys})
    else:
        by = studies_by_patient(database, {normal(form) for key in keys for form in _forms(key)})
    for key in found:
        forms = (key,) if kind == "accession" else _forms(key)
        found[key] = next((by[normal(form)] for form in forms if normal(form) in by), ())
    return found


def _forms(participant: str) -> tuple[str, ...]:
    """A participant as BIDS writes it, and as a header may."""
    return (participant, participant.removeprefix("sub-")) if participant.startswith("sub-") else (
        participant, f"sub-{participant}",
    )  # fmt: skip


def _plain(name: str) -> str:
    return "_".join(name.strip().casefold().replace("-", " ").split())
