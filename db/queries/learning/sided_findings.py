"""What a test of pointing asks of SQL: clauses that affirm something on a side, and scans whose parts are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, select

from spinecho.db.filters.algebra import ALL, compile_filter, visible
from spinecho.db.filters.conditions import ASKING
from spinecho.db.keys import patient_key
from spinecho.db.reports.clauses import OF_PASSAGE
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Clause, Passage, RegionVector, Report, Series, Study, Vector, Volume
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.db.vectors.stored_rows import unpack


@dataclass(frozen=True, slots=True)
class SidedClause:
    """A clause of a report that affirms something on a side. sides: sorted, one a line. patient: the study's UID where
    it has none.
    """

    study_uid: str
    patient: str
    text: str
    sides: str


def sided_clauses(database: Database, space: SpaceRecord, regions: Sequence[str]) -> tuple[SidedClause, ...]:
    """Of studies with a scan of these body regions whose parts are stored, patient by patient in the order of a digest
    of theirs: the first n patients stay, but for few, as the archive grows.
    """
    scanned = exists().where(*_scanned(space, regions)).correlate(Study)
    query = (
        select(Study.uid, Study.patient_id, Clause.text, Clause.sides)
        .join(Report, Report.study_id == Study.id)
        .join(Passage, Passage.report_id == Report.id)
        .join(Clause, OF_PASSAGE)
        .where(Clause.assertion == "present", Clause.sides != "", Passage.section.not_in(ASKING), scanned)
        .order_by(Study.uid, Report.id, Passage.ordinal, Clause.ordinal)
    )
    with database.begin() as session:
        rows = session.execute(query).all()
    found = [SidedClause(uid, patient_key(patient) or uid, text, sides) for uid, patient, text, sides in rows]
    return tuple(sorted(found, key=lambda one: _digest(one.patient)))


def scanned_volumes(
    database: Database, space: SpaceRecord, regions: Sequence[str], study_uids: Sequence[str]
) -> dict[str, list[int]]:
    """By study UID the ids of the volumes that results show, of these body regions, whose parts are stored."""
    query = (
        select(Study.uid, Volume.id)
        .join(Series, Series.study_id == Study.id)
        .join(Volume, Volume.series_id == Series.id)
        .join(RegionVector, and_(RegionVector.volume_id == Volume.id, RegionVector.space_id == space.id))
        .where(Volume.body_region.in_(regions), compile_filter(visible(ALL)))
        .order_by(Study.uid, Volume.id)
    )
    found: dict[str, list[int]] = {}
    with database.begin() as session:
        for some in chunks(sorted(study_uids)):
            for uid, volume in session.execute(query.where(Study.uid.in_(some))):
                found.setdefault(uid, []).append(volume)
    return found


def some_volumes(database: Database, space: SpaceRecord, most: int) -> list[int]:
    """Ids of volumes whose parts are stored, drawn by a digest of the id: all over the archive, and the same again."""
    query = select(RegionVector.volume_id).where(RegionVector.space_id == space.id)
    with database.begin() as session:
        ids = list(session.scalars(query))
    return sorted(sorted(ids, key=lambda one: _digest(str(one)))[:most])


def volume_vectors(database: Database, space: SpaceRecord, volume_ids: Sequence[int]) -> dict[int, Rows]:
    """(dim,) the vector of each volume, by its id."""
    query = select(Vector.volume_id, Vector.data).where(Vector.space_id == space.id)
    found: dict[int, Rows] = {}
    with database.begin() as session:
        for some in chunks(sorted(set(volume_ids))):
            for volume, data in session.execute(query.where(Vector.volume_id.in_(some))):
                if volume is not None:
                    found[volume] = unpack(data, space.dim)[0]
    return found


def _scanned(space: SpaceRecord, regions: Sequence[str]) -> tuple[Any, ...]:
    return (
        Series.study_id == Study.id,
        Volume.series_id == Series.id,
        RegionVector.volume_id == Volume.id,
        RegionVector.space_id == space.id,
        Volume.body_region.in_(regions),
        compile_filter(visible(ALL)),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
