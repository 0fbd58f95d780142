"""What `says(...)` means in SQL: conditions on the clauses of report sentences."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, literal, or_, select

from spinecho.db.errors import FilterError
from spinecho.db.filters.conditions import ASKING, ASSERTIONS, SIDES, Says
from spinecho.db.reports.clauses import OF_PASSAGE
from spinecho.db.reports.full_text import Match, expression, matching
from spinecho.db.schema.models import Clause, Passage, Report, Study


def match_of(leaf: Says) -> Match:
    """The full-text query of a finding's names. Raises `FilterError` where no name holds a word."""
    if leaf.assertion not in ASSERTIONS:
        raise FilterError(f"no assertion {leaf.assertion!r}; it is one of {', '.join(ASSERTIONS)}")
    found = expression((leaf.names,), "any")
    if not found:
        raise FilterError(f"{leaf.label or leaf.names!r} holds no word to look for; name a finding, as in haemorrhage")
    return found


def passage_matches(match: Match) -> ColumnElement[bool]:
    """Condition on `passages`: the full-text query finds it."""
    found: ColumnElement[bool] = Passage.id.op("IN", is_comparison=True)(matching(match))
    return found


def saying_passages(leaf: Says) -> Any:
    """SELECT of the ids of the sentences with a clause that says it."""
    return select(Passage.id).join(Clause, OF_PASSAGE).where(*_clause_conditions(leaf))


def _clause_conditions(leaf: Says) -> list[ColumnElement[bool]]:
    """Conditions on `clauses` and `passages`. What is asked or told of before, and not found, says nothing."""
    named: ColumnElement[bool] = Clause.id.op("IN", is_comparison=True)(matching(match_of(leaf), "clauses"))
    conditions = [or_(named, *(_holds(Clause.concepts, finding, "\n") for finding in leaf.findings))]
    if leaf.assertion != "any":
        conditions += [Clause.assertion == leaf.assertion, Passage.section.not_in(ASKING)]
    if leaf.low_mm is not None:
        conditions.append(Clause.high_mm >= leaf.low_mm)
    if leaf.high_mm is not None:
        conditions.append(Clause.low_mm <= leaf.high_mm)
    everywhere = leaf.assertion == "absent"  # "no tear" denies a left one, too
    for side in leaf.sides:
        alone = and_(Clause.sides == "", Passage.sides == "") if everywhere else false()
        conditions.append(or_(_tells(side), alone))
    for place in leaf.places:
        conditions.append(or_(_holds(Clause.concepts, place, "\n"), Clause.places == "" if everywhere else false()))
    return conditions


def _tells(side: str) -> ColumnElement[bool]:
    """The clause tells the side; where it tells none, its sentence tells this one alone."""
    if side not in SIDES:
        raise FilterError(f"no side {side!r}; it is one of {', '.join(SIDES)}")
    each = _holds(Clause.sides, "bilateral", "\n")
    named = [_holds(Clause.sides, one, "\n") for one in (("left", "right") if side == "both" else (side,))]
    alone = Passage.sides.in_(("bilateral", "left,right" if side == "both" else side))
    return or_(each, and_(*named), and_(Clause.sides == "", alone))


def _holds(joined: Any, name: str, between: str) -> ColumnElement[bool]:
    """The names that a column holds, with `between` between them, hold this one."""
    found: ColumnElement[bool] = (literal(between) + joined + literal(between)).contains(
        f"{between}{name}{between}", autoescape=True
    )
    return found


def said_of_study(leaf: Says) -> ColumnElement[bool]:
    """Condition on `studies`: a report of the study says it."""
    studies = select(Report.study_id).join(Passage, Passage.report_id == Report.id).join(Clause, OF_PASSAGE)
    return Study.id.in_(studies.where(*_clause_conditions(leaf), Report.study_id.is_not(None)))
