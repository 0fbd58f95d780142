"""What a recommendation of encoders asks of SQL: how much there is of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from spinecho.db.filters.algebra import ALL, compile_filter, visible
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Report, Series, Study, Volume

_SAMPLE = 200
"""Reports of which the language is told."""


@dataclass(frozen=True, slots=True)
class ArchiveContents:
    """volumes: that results show; regions: of them, by body region. reports: a sample of texts.

    patients: with a report that belongs to a study.
    """

    volumes: int
    studies: int
    regions: Mapping[str, int]
    patients: int
    reported_studies: int
    reports: tuple[str, ...]


def archive_contents(database: Database) -> ArchiveContents:
    """Counts over indexes, and the newest reports."""
    shown = (
        select(Volume.body_region, func.count())
        .join(Series, Volume.series_id == Series.id)
        .join(Study, Series.study_id == Study.id)
        .where(compile_filter(visible(ALL)))
        .group_by(Volume.body_region)
    )
    of_study = Report.study_id.is_not(None)
    reported = select(func.count(func.distinct(Report.study_id))).where(of_study)
    who = select(func.count(func.distinct(Study.patient))).join(Report, Report.study_id == Study.id).where(of_study)
    sample = select(Report.text).where(of_study).order_by(Report.id.desc()).limit(_SAMPLE)
    with database.begin() as session:
        regions = {region or "unknown": count for region, count in session.execute(shown).all()}
        return ArchiveContents(
            volumes=sum(regions.values()),
            studies=session.scalar(select(func.count()).select_from(Study)) or 0,
            regions=regions,
            patients=session.scalar(who) or 0,
            reported_studies=session.scalar(reported) or 0,
            reports=tuple(session.scalars(sample).all()),
        )
