"""Reports whose sentences and clauses were told by older rules: what is stored, and putting what is told now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from spinecho.db.reports.clauses import add_clauses
from spinecho.db.reports.versions import FOUND
from spinecho.db.reports.withdrawal import withdraw
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Clause, Passage, Report, Vector, WithdrawnPassage
from spinecho.db.store.storing import add_passages
from spinecho.db.values import NewPassage
from spinecho.db.vectors.tombstones import remove_vectors

_PAGE = 200

Place = tuple[str, int, int, int, str]
"""Of a sentence: section, ordinal, start and stop in the report, text."""


@dataclass(frozen=True, slots=True)
class OldReport:
    """A report and its sentences as they are stored; vectors: fp16 bytes in the text space, by the sentence's text.

    exam: what it is of. read_by: the number of the rules that read it.
    """

    id: int
    text: str
    exam: str
    read_by: int
    sentences: tuple[Place, ...]
    vectors: dict[str, bytes]


def count_old(database: Database, rules: int) -> int:
    """How many reports were read by rules of another number."""
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(Report).where(Report.read_by < rules)) or 0


def old_reports(database: Database, rules: int, *, text_space: int) -> tuple[OldReport, ...]:
    """The next reports that were read by older rules, a page at most; none once all are read by these."""
    query = (
        select(Report.id, Report.text, Report.exam, Report.read_by)
        .where(Report.read_by < rules)
        .order_by(Report.read_by, Report.id)
    )
    with database.begin() as session:
        rows = session.execute(query.limit(_PAGE)).all()
        ids = [row.id for row in rows]
        sentences: dict[int, dict[Place, bytes | None]] = {report: {} for report in ids}
        for table, vectors in ((Passage, True), (WithdrawnPassage, False)):
            found = select(table.report_id, table.section, table.ordinal, table.start, table.stop, table.text)
            if vectors:
                own = (Vector.passage_id == Passage.id) & (Vector.space_id == text_space)
                found = found.add_columns(Vector.data).outerjoin(Vector, own)
            else:
                found = found.add_columns(WithdrawnPassage.data).where(
                    WithdrawnPassage.space_id.is_(None) | (WithdrawnPassage.space_id == text_space)
                )
            for row in session.execute(found.where(table.report_id.in_(ids)).order_by(table.ordinal)):
                values: tuple[Any, ...] = tuple(row)
                report, section, ordinal, start, stop, text, data = values
                sentences[report][section, ordinal, start, stop, text] = data
        return tuple(
            OldReport(
                row.id,
                row.text,
                row.exam,
                row.read_by,
                tuple(sorted(sentences[row.id], key=lambda place: place[1])),
                {place[4]: data for place, data in sentences[row.id].items() if data is not None},
            )
            for row in rows
        )


def put_reread(
    database: Database, read: Sequence[tuple[OldReport, Sequence[NewPassage] | None]], *, rules: int, text_space: int
) -> None:
    """Store what the rules of this number tell of reports, a page whole or not at all; None where they tell the same.

    Where the sentences are those that are stored, only what is said of them changes and vectors stay.
    """
    with database.begin() as session:
        for report, passages in read:
            if passages is None:
                continue
            session.execute(delete(Clause).where(Clause.report_id == report.id))
            now = tuple((one.section, one.ordinal, one.start, one.stop, one.text) for one in passages)
            if now == report.sentences:
                _say(session, report.id, passages)
                add_clauses(session, report.id, {one.ordinal: one.clauses for one in passages})
            else:
                _replace(session, report.id, passages, text_space)
        ids = [report.id for report, _ in read]
        session.execute(update(Report).where(Report.id.in_(ids)).values(read_by=rules))


def _say(session: Session, report: int, passages: Sequence[NewPassage]) -> None:
    for table in (Passage, WithdrawnPassage):
        for one in passages:
            same = (table.report_id == report, table.ordinal == one.ordinal)
            changed = (table.assertion != one.assertion) | (table.sides != one.sides)
            session.execute(
                update(table).where(*same, changed).values(assertion=one.assertion, sides=one.sides),
                execution_options={"synchronize_session": False},
            )


def _replace(session: Session, report: int, passages: Sequence[NewPassage], text_space: int) -> None:
    mine = select(Passage.id).where(Passage.report_id == report)
    remove_vectors(session, Vector.passage_id.in_(mine))
    session.execute(delete(Passage).where(Passage.report_id == report))
    session.execute(delete(WithdrawnPassage).where(WithdrawnPassage.report_id == report))
    add_passages(session, passages, text_space, report_id=report)
    session.flush()
    if session.scalar(select(Report.standing).where(Report.id == report)) not in FOUND:
        withdraw(session, [report])
