"""Studies and reports in the order of their dates, and the sentences of reports that say something."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Passage, Report, Study
from spinecho.db.vectors.indexes.protocol import Ids

_UNDATED = date(1, 1, 1)
_WHOLE = 2_000
"""More ids than this are looked for in a reading of the whole table."""


def newest_first(database: Database, studies: Ids) -> tuple[int, ...]:
    """These studies by date, the newest first, equals by UID; those without a date last."""
    wanted = studies.tolist()
    rows = _dated(database, wanted)
    return tuple(study for _, _, study in sorted(rows, key=lambda row: (-row[0].toordinal(), row[1])))


def newest_reports_first(database: Database, studies: Ids | None) -> tuple[int, ...]:
    """The reports of these studies, or all that are searched, by the dates of their studies, the newest first."""
    query = select(Report.id, Report.study_id).where(Report.id.in_(select(Passage.report_id)))
    with database.begin() as session:
        reports = [(row[0], row[1]) for row in session.execute(query)]
    passing = None if studies is None else set(studies.tolist())
    kept = [(report, study) for report, study in reports if passing is None or study in passing]
    dates = {
        study: (day, uid) for day, uid, study in _dated(database, [study for _, study in kept if study is not None])
    }
    nothing = (_UNDATED, "")
    return tuple(
        report
        for report, study in sorted(
            kept,
            key=lambda one: (
                -dates.get(one[1] or 0, nothing)[0].toordinal(),
                dates.get(one[1] or 0, nothing)[1],
                one[0],
            ),
        )
    )


def reported_studies(database: Database) -> frozenset[int]:
    """The studies that have a report which is searched."""
    query = select(Report.study_id).join(Passage, Passage.report_id == Report.id).where(Report.study_id.is_not(None))
    with database.begin() as session:
        return frozenset(session.scalars(query.distinct()))


def _dated(database: Database, studies: Sequence[int]) -> list[tuple[date, str, int]]:
    wanted = set(studies)
    query = select(Study.date, Study.uid, Study.id)
    rows: list[tuple[date, str, int]] = []
    with database.begin() as session:
        if len(wanted) > _WHOLE:
            every = (row for row in session.execute(query) if row[2] in wanted)
        else:
            every = (row for some in chunks(sorted(wanted)) for row in session.execute(query.where(Study.id.in_(some))))
        rows = [(row[0] or _UNDATED, row[1], row[2]) for row in every]
    return rows
