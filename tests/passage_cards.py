"""Passages of a report with their clauses, as the database gives them, without one."""

from __future__ import annotations

from spinecho.db.values import ClauseCard, PassageCard
from spinecho.encoders.language.findings import statements_in
from spinecho.encoders.language.passages import passages


def cards(text: str, *, section: str = "findings") -> list[PassageCard]:
    found = []
    for passage in passages(text):
        clauses = tuple(
            ClauseCard(
                one.start, one.end, one.text, one.assertion, one.decided_by, one.cue, frozenset(one.sides),
                frozenset(one.places), frozenset(one.concepts), one.low_mm, one.high_mm,
            )
            for one in statements_in(passage)
        )  # fmt: skip
        facts = (section, passage.text, passage.assertion, frozenset(passage.sides), clauses)
        found.append(PassageCard(1, 1, 1, None, None, *facts))
    return found
