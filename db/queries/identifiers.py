"""Which studies an identifier names, by exact match of `db.keys`: the archive's own values decide."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from spinecho.db.keys import accession_key
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Patient, Series, Study

_SHAPED = 500
"""Accession numbers by which their shape is told."""
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d")


def studies_by_accession(database: Database, keys: Collection[str]) -> dict[str, tuple[int, ...]]:
    """By `accession_key`, the studies of those of these keys that some study has, by UID."""
    wanted = set(keys) - {""}
    bare = func.lower(Study.accession_number)
    for blank in (" ", "\t", "\n", "\u00a0"):
        bare = func.replace(bare, blank, "")
    query = select(Study.accession_number, Study.id).order_by(Study.uid)
    with database.begin() as session:
        rows = [(accession_key(row[0]), row[1]) for row in _among(session, query, bare, sorted(wanted))]
    return _grouped((key, study) for key, study in rows if key in wanted)


def studies_by_patient(database: Database, keys: Collection[str]) -> dict[str, tuple[int, ...]]:
    """By `patient_key`, the studies of those of these patients whom the archive knows, the newest first."""
    query = select(Patient.key, Study.id).join(Study, Study.patient == Patient.id)
    query = query.order_by(Study.date.desc(), Study.uid)
    with database.begin() as session:
        return _grouped((row[0], row[1]) for row in _among(session, query, Patient.key, sorted(set(keys) - {""})))


def studies_by_uid(database: Database, uids: Collection[str]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """By UID ("study" or "series", the studies), of those that the archive has."""
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    with database.begin() as session:
        series = select(Series.uid, Series.study_id).order_by(Series.study_id)
        named = _grouped((row[0], row[1]) for row in _among(session, series, Series.uid, sorted(uids)))
        found |= {uid: ("series", studies) for uid, studies in named.items()}
        for uid, study in _among(session, select(Study.uid, Study.id), Study.uid, sorted(uids)):
            found[uid] = ("study", (study,))
    return found


def uids_of_studies(database: Database, studies: Collection[int]) -> dict[int, str]:
    """By id, the UID of those of the studies that are there."""
    with database.begin() as session:
        rows = _among(session, select(Study.id, Study.uid), Study.id, sorted(set(studies)))
        return {int(row[0]): str(row[1]) for row in rows}


def studies_by_date(database: Database, days: Collection[date]) -> dict[date, tuple[int, ...]]:
    """By day, the studies of that day."""
    query = select(Study.date, Study.id).order_by(Study.uid)
    with database.begin() as session:
        return _grouped((row[0], row[1]) for row in _among(session, query, Study.date, sorted(days)))


def shape_of(number: str) -> str:
    """What an accession number looks like: "RX0012-7" is "a0000-0", however many letters stand in a row."""
    return _DIGITS.sub("0", _LETTERS.sub("a", number))


def accession_shapes(database: Database) -> frozenset[str]:
    """The shapes of the archive's accession numbers, of its newest studies where it has very many."""
    query = select(Study.accession_number).order_by(Study.id.desc()).limit(_SHAPED)
    with database.begin() as session:
        return frozenset(shape_of(accession_key(number)) for number in session.scalars(query)) - {""}


def _among(session: Session, query: Any, column: Any, values: Sequence[Any]) -> list[Any]:
    return [row for some in chunks(list(values)) for row in session.execute(query.where(column.in_(some)))]


def _grouped(rows: Any) -> dict[Any, tuple[int, ...]]:
    found: dict[Any, dict[int, None]] = defaultdict(dict)
    for key, study in rows:
        found[key][study] = None
    return {key: tuple(studies) for key, studies in found.items()}
