"""What adapting an encoder asks of SQL: scans as they are stored in a space, and what reports affirm and deny."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, select

from spinecho.db.filters.algebra import ALL, compile_filter, visible
from spinecho.db.filters.conditions import ASKING
from spinecho.db.reports.clauses import OF_PASSAGE
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Clause, Passage, RegionVector, Report, Series, Study, Vector, Volume
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.db.vectors.stored_rows import unpack


@dataclass(frozen=True, slots=True)
class ScanRows:
    """The first scan of a study of its body region and sequence. rows: its vector, then its regions where stored."""

    study_uid: str
    region: str
    sequence: str
    vector: Rows
    regions: Rows | None


@dataclass(frozen=True, slots=True)
class StudyClauses:
    """A study's reports: clauses that affirm in order, the findings that they name, and those that others deny."""

    study_uid: str
    affirmed: tuple[str, ...]
    named: frozenset[str]
    denied: frozenset[str]


def scan_rows(database: Database, space: SpaceRecord, study_uids: Sequence[str]) -> Iterator[ScanRows]:
    """By study, series and key; of scans of one region and sequence of a study the first alone, as results show it."""
    regions = and_(RegionVector.volume_id == Volume.id, RegionVector.space_id == space.id)
    query = (
        select(Study.uid, Volume.body_region, Volume.sequence, Vector.data, RegionVector.data)
        .join(Series, Series.study_id == Study.id)
        .join(Volume, Volume.series_id == Series.id)
        .join(Vector, and_(Vector.volume_id == Volume.id, Vector.space_id == space.id))
        .outerjoin(RegionVector, regions)
        .where(compile_filter(visible(ALL)))
        .order_by(Study.uid, Series.uid, Volume.key)
    )
    for some in chunks(sorted(study_uids)):
        with database.begin() as session:
            found = session.execute(query.where(Study.uid.in_(some))).all()
        seen: set[tuple[str, str, str]] = set()
        for uid, region, sequence, vector, parts in found:
            if (uid, region, sequence) not in seen:
                seen.add((uid, region, sequence))
                rows = None if parts is None else unpack(parts, space.dim)
                yield ScanRows(uid, region, sequence, unpack(vector, space.dim)[0], rows)


def clauses_of_studies(database: Database, study_uids: Sequence[str]) -> dict[str, StudyClauses]:
    """By study UID, for those of whose reports some clause affirms something."""
    query = (
        select(Study.uid, Clause.text, Clause.assertion, Clause.concepts)
        .join(Report, Report.study_id == Study.id)
        .join(Passage, Passage.report_id == Report.id)
        .join(Clause, OF_PASSAGE)
        .where(Passage.section.not_in(ASKING), Clause.assertion.in_(("present", "absent")))
        .order_by(Study.uid, Report.id, Passage.ordinal, Clause.ordinal)
    )
    affirmed: dict[str, dict[str, None]] = {}
    named: dict[str, set[str]] = {}
    denied: dict[str, set[str]] = {}
    for some in chunks(sorted(study_uids)):
        with database.begin() as session:
            for uid, text, assertion, concepts in session.execute(query.where(Study.uid.in_(some))):
                names = {name for name in concepts.split("\n") if name}
                if assertion == "present":
                    affirmed.setdefault(uid, {})[" ".join(text.split()).rstrip(".;,:")] = None
                    named.setdefault(uid, set()).update(names)
                else:
                    denied.setdefault(uid, set()).update(names)
    return {
        uid: StudyClauses(
            uid, tuple(one for one in clauses if one), frozenset(named.get(uid, ())),
            frozenset(denied.get(uid, set()) - named.get(uid, set())),
        )
        for uid, clauses in affirmed.items()
        if any(clauses)
    }  # fmt: skip
