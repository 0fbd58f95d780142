"""Studies and reports in the order of their dates, and the sentences of reports that say something."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from db.chunks import chunks
from db.clauses import CLAUSE_COLUMNS, OF_PASSAGE, clause_card
from db.database import Database
from db.filter_sql import said_in
from db.models import Clause, Passage, Report, Study
from db.values import ClauseCard, PassageCard
from db.vectors.protocol import Ids
from db.words import Match

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


def passages_saying(database: Database, match: Match, *, by_report: bool = False) -> dict[int, list[PassageCard]]:
    """Sentences of reports that a full-text query finds, in order, by study; or by report."""
    found: dict[int, list[PassageCard]] = defaultdict(list)
    if not match:
        return found
    columns = (Passage.ordinal, Passage.section, Passage.text, Passage.assertion, Passage.sides)
    query = select(Report.study_id, Report.id, *columns).join(Passage, Passage.report_id == Report.id)
    query = query.where(said_in(match)).order_by(Report.id, Passage.ordinal)
    parts = (
        select(Report.id, Passage.ordinal, *CLAUSE_COLUMNS)
        .join(Passage, Passage.report_id == Report.id)
        .join(Clause, OF_PASSAGE)
        .where(said_in(match))
    )
    clauses: dict[tuple[int, int], list[ClauseCard]] = defaultdict(list)
    with database.begin() as session:
        for row in session.execute(parts.order_by(Clause.report_id, Clause.sentence, Clause.ordinal)):
            clauses[row[0], row[1]].append(clause_card(row[2:]))
        for study, report, sentence, section, text, assertion, sides in session.execute(query):
            key = report if by_report else study
            if key is not None:
                said = frozenset(filter(None, sides.split(",")))
                told = tuple(clauses.get((report, sentence), ()))
                found[key].append(PassageCard(0, study, report, None, None, section, text, assertion, said, told))
    return dict(found)


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
