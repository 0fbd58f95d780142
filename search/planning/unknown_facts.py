"""What a condition leaves when a fact that nobody stored does not count against a study: what is known to be otherwise.

A volume in NIfTI says nothing of sex, age or contrast; a condition that was read out of the words of a question must
not turn "female pelvis" into no answer at all over an archive of such volumes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from spinecho.db.filters.algebra import And, Between, Filter, Is, Not, Or, both
from spinecho.db.filters.coded import CODED

RECORDED: dict[str, Filter] = {"age": Between("age", 0, None), "date": Between("date", date.min, None)}
"""What tells that a fact of studies is recorded at all."""


def or_unknown(where: Filter, occurring: Callable[[str], tuple[str, ...]]) -> Filter:
    """The condition, passed also where nothing is recorded of its field. occurring: the values of a coded field.

    A negated condition is passed by what is unknown already, and of fields that are neither coded, age nor date
    nothing is changed.
    """
    match where:
        case Is(field, _) if field in CODED:
            known = tuple(one for one in occurring(field) if one != "unknown")
            return Or((where, Not(Is(field, known)))) if known else where
        case Between(field, _, _) if field in RECORDED:
            return Or((where, Not(RECORDED[field])))
        case And(parts):
            return both(*(or_unknown(part, occurring) for part in parts))
        case _:
            return where
