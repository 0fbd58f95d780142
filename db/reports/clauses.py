"""Clauses of report sentences: stored with them, read with them, and told anew when the rules change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, and_, insert
from sqlalchemy.orm import Session

from spinecho.db.schema import clean
from spinecho.db.schema.checksums import with_checksum
from spinecho.db.schema.models import Clause, Passage
from spinecho.db.values import ClauseCard, NewClause

CLAUSE_COLUMNS = (
    Clause.start, Clause.stop, Clause.text, Clause.assertion, Clause.decided_by, Clause.cue, Clause.sides,
    Clause.places, Clause.concepts, Clause.low_mm, Clause.high_mm,
)  # fmt: skip
OF_PASSAGE = and_(Clause.report_id == Passage.report_id, Clause.sentence == Passage.ordinal)
"""Joins clauses to the sentences that can be found."""


def add_clauses(session: Session, report: int, by_sentence: Mapping[int, Sequence[NewClause]]) -> None:
    """Store the clauses of a report's sentences, by the sentences' ordinals."""
    add_clauses_of_many(session, [(report, by_sentence)])


def add_clauses_of_many(session: Session, reports: Iterable[tuple[int, Mapping[int, Sequence[NewClause]]]]) -> None:
    """The same of many reports, by their ids, at once."""
    rows = [
        {
            "report_id": report,
            "sentence": sentence,
            "ordinal": ordinal,
            "start": one.start,
            "stop": one.stop,
            "text": clean.text(one.text),
            "assertion": one.assertion,
            "decided_by": one.decided_by,
            "cue": clean.text(one.cue),
            "sides": _joined(one.sides),
            "places": _joined(one.places),
            "concepts": _joined(one.concepts),
            "low_mm": one.low_mm,
            "high_mm": one.high_mm,
        }
        for report, by_sentence in reports
        for sentence, clauses in by_sentence.items()
        for ordinal, one in enumerate(clauses)
    ]
    if rows:
        table = Clause.__table__
        assert isinstance(table, Table)  # noqa: S101
        session.execute(insert(Clause), [with_checksum(table, row) for row in rows])


def clause_card(row: Sequence[Any]) -> ClauseCard:
    """The values of `CLAUSE_COLUMNS` as a card."""
    start, stop, text, assertion, decided_by, cue, sides, places, concepts, low, high = row
    names = (_parted(sides), _parted(places), _parted(concepts))
    return ClauseCard(start, stop, text, assertion, decided_by, cue, *names, low, high)


def _joined(names: Iterable[str]) -> str:
    return "\n".join(sorted(names))


@lru_cache(maxsize=4096)
def _parted(written: str) -> frozenset[str]:
    return frozenset(filter(None, written.split("\n")))
