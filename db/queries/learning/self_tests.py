"""What a self-test of the channels asks of SQL: reports beside scans, one of each patient; and its result, as kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, exists, func, select

from spinecho.db.filters.algebra import ALL, compile_filter, visible
from spinecho.db.filters.conditions import ASKING
from spinecho.db.keys import patient_key
from spinecho.db.reports.clauses import OF_PASSAGE
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Clause, Passage, Report, SelfTest, Series, Study, Vector, Volume
from spinecho.db.values import SpaceRecord


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much there is that a self-test could be made of: reports that have a study, vectors of the space."""

    reports: int
    vectors: int


@dataclass(frozen=True, slots=True)
class KeptTest:
    """A self-test as it was kept; `measured_at` in UTC. See `db.schema.models.SelfTest`."""

    version: str
    reason: str
    pairs: int
    held: Holdings
    digest: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    measured_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PairText:
    """What the report of a study affirms, in its words."""

    study_uid: str
    patient: str
    """As `patient_key` has it, the study's UID where it has no patient."""
    text: str


def holdings(database: Database, space: SpaceRecord) -> Holdings:
    """Two counts over indexes: cheap enough for the end of every run."""
    with database.begin() as session:
        reports = session.scalar(select(func.count()).select_from(Report).where(Report.study_id.is_not(None)))
        vectors = session.scalar(select(func.count()).select_from(Vector).where(Vector.space_id == space.id))
    return Holdings(reports or 0, vectors or 0)


def paired_studies(database: Database, space: SpaceRecord) -> tuple[tuple[str, str], ...]:
    """(study UID, patient) of studies with a scan that results show and a report that affirms something.

    One a patient, in the order of a digest of the patient: the first n are a sample that stays, but for few, as the
    archive grows.
    """
    # Not asked study by study: a server of SQL may then go through every vector for each of them
    seen = (
        select(Series.study_id)
        .join(Volume, Volume.series_id == Series.id)
        .join(Vector, Vector.volume_id == Volume.id)
        .where(Vector.space_id == space.id, compile_filter(visible(ALL)))
    )
    affirmed = exists().where(Report.study_id == Study.id, Passage.report_id == Report.id, OF_PASSAGE, _affirmed())
    query = select(Study.uid, Study.patient_id).where(affirmed.correlate(Study), Study.id.in_(seen))
    with database.begin() as session:
        rows = session.execute(query).all()
    found: dict[str, str] = {}
    for uid, patient_id in rows:
        patient = patient_key(patient_id) or uid
        if patient not in found or _digest(uid) < _digest(found[patient]):
            found[patient] = uid
    return tuple((found[patient], patient) for patient in sorted(found, key=_digest))


def studies_with_reports(database: Database) -> tuple[tuple[str, str], ...]:
    """(study UID, patient) of every study with a scan and a report that affirms something, in the order of the UIDs."""
    affirmed = exists().where(Report.study_id == Study.id, Passage.report_id == Report.id, OF_PASSAGE, _affirmed())
    scanned = exists().where(Series.study_id == Study.id, Volume.series_id == Series.id)
    query = select(Study.uid, Study.patient_id).where(affirmed.correlate(Study), scanned.correlate(Study))
    with database.begin() as session:
        rows = session.execute(query.order_by(Study.uid)).all()
    return tuple((uid, patient_key(patient_id) or uid) for uid, patient_id in rows)


def affirmed_texts(database: Database, studies: tuple[tuple[str, str], ...], *, longest: int) -> tuple[PairText, ...]:
    """What the reports of these studies affirm, clause by clause up to `longest` characters, in the order given."""
    query = (
        select(Study.uid, Clause.text)
        .join(Report, Report.study_id == Study.id)
        .join(Passage, Passage.report_id == Report.id)
        .join(Clause, OF_PASSAGE)
        .where(_affirmed())
        .order_by(Study.uid, Report.id, Passage.ordinal, Clause.ordinal)
    )
    words_of: dict[str, str] = {}
    with database.begin() as session:
        for some in chunks([uid for uid, _ in studies]):
            for uid, text in session.execute(query.where(Study.uid.in_(some))):
                words = " ".join(text.split()).rstrip(".;,:")
                before = words_of.get(uid, "")
                if words and not before:
                    words_of[uid] = f"{words[:longest]}."
                elif words and len(before) + len(words) + 2 <= longest:
                    words_of[uid] = f"{before} {words}."
    return tuple(PairText(uid, patient, words_of[uid]) for uid, patient in studies if uid in words_of)


def get_self_test(database: Database, space_id: int) -> KeptTest | None:
    """The result that is kept for a space, None where it was never tested."""
    with database.begin() as session:
        row = session.get(SelfTest, space_id)
        if row is None:
            return None
        held = Holdings(row.reports, row.vectors)
        return KeptTest(row.version, row.reason, row.pairs, held, row.digest, dict(row.figures), row.measured_at)


def put_self_test(database: Database, space: SpaceRecord, test: KeptTest) -> None:
    """Keep a result in place of the one before; nothing where nothing can be kept."""
    if database.read_only:
        return
    with database.begin() as session:
        session.execute(delete(SelfTest).where(SelfTest.space_id == space.id))
        session.add(
            SelfTest(
                space_id=space.id,
                version=test.version,
                measured_at=test.measured_at or datetime.now(UTC).replace(tzinfo=None),
                reason=test.reason,
                pairs=test.pairs,
                reports=test.held.reports,
                vectors=test.held.vectors,
                digest=test.digest,
                figures=dict(test.figures),
            )
        )


def _affirmed() -> Any:
    """SQL: a clause that affirms, where a report tells what was seen."""
    return (Clause.assertion == "present") & Passage.section.not_in(ASKING)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
