"""Conditions that no volume can meet, found without looking at any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from spinecho.db.filters.coded import end_of_year, last_alike, meant, nominal
from spinecho.db.filters.conditions import KINDS, SEVERAL, UNRECORDED, Between, Filter, Is, Not, Or, Value, conjuncts
from spinecho.db.filters.sql import words_of


@dataclass
class _Conditions:
    """What conditions that must all hold say of one field."""

    wanted: frozenset[Value] | None = None
    unwanted: frozenset[Value] = frozenset()
    asked: list[str] = field(default_factory=list)
    """The wanted values as they were written, condition by condition."""
    low: Value | None = None
    high: Value | None = None


def contradictions(where: Filter) -> tuple[str, ...]:
    """Why nothing can ever pass the filter; empty where something might.

    Certain and cheap, not complete: fields of one value that must be two things at once, bounds that leave nothing
    between them, and an `or` none of whose branches is free of these. Such a filter is no error: its right answer is
    empty, and these sentences are the warning to show beside it.
    """
    return _contradictions(conjuncts(where))


def _contradictions(parts: Sequence[Filter]) -> tuple[str, ...]:
    found = _of_plain(parts)
    if found:
        return found
    plain = [part for part in parts if not isinstance(part, Or)]
    for part in parts:
        if isinstance(part, Or):
            branches = [_of_plain([*plain, *conjuncts(branch)]) for branch in part.parts]
            if all(branches):
                return tuple(dict.fromkeys(reason for branch in branches for reason in branch)) or ("nothing is asked",)
    return ()


def _of_plain(parts: Sequence[Filter]) -> tuple[str, ...]:
    by_field: dict[str, _Conditions] = {}
    for part in parts:
        match part:
            case Is(name, values) if name in KINDS:
                if UNRECORDED in values and KINDS[name] != "text":
                    continue  # what is not recorded lies within no bounds, and is no number to compare
                given = _compared(part)
                if name == "age" and any(end_of_year(value) == value for value in values):
                    continue  # an age with a fraction lies within a year, and is no contradiction of it
                of = by_field.setdefault(name, _Conditions())
                of.asked.append(_list(values))
                if name not in SEVERAL:
                    of.wanted = given if of.wanted is None else of.wanted & given
            case Not(Is(name, values)) if name in KINDS and name not in SEVERAL:
                by_field.setdefault(name, _Conditions()).unwanted |= _compared(Is(name, values))
            case Between(name, low, high) if name in KINDS and name not in SEVERAL and KINDS[name] != "text":
                of = by_field.setdefault(name, _Conditions())
                of.low = low if of.low is None or (low is not None and low > of.low) else of.low  # type: ignore[operator]
                of.high = high if of.high is None or (high is not None and high < of.high) else of.high  # type: ignore[operator]
    return tuple(reason for name, of in by_field.items() if (reason := _reason(name, of)))


def _reason(name: str, of: _Conditions) -> str:
    """Why nothing can be what is said; '' where something can."""
    if of.low is not None and of.high is not None:
        if of.low > last_alike(name, of.high):  # type: ignore[operator]
            return f"{name} cannot be at least {_shown(of.low)} and at most {_shown(of.high)}"
        if of.low == of.high and (nominal(of.low) if name == "field_strength" else of.low) in of.unwanted:
            return f"{name} cannot be {_shown(of.low)} and not {_shown(of.low)}"
    if of.wanted is None:
        return ""
    asked = " and at once ".join(dict.fromkeys(of.asked))
    if not of.wanted:
        return f"{name} cannot be {asked}"
    left = of.wanted - of.unwanted
    if not left:
        return f"{name} cannot be {asked} and be none of these"
    return "" if any(_inside(name, value, of) for value in left) else f"{name} cannot be {asked} and lie {_bounds(of)}"


def _inside(name: str, value: Value, of: _Conditions) -> bool:
    last = last_alike(name, value)
    return (of.low is None or last >= of.low) and (of.high is None or value <= last_alike(name, of.high))  # type: ignore[operator]


def _bounds(of: _Conditions) -> str:
    sides = [f"at or above {_shown(of.low)}"] if of.low is not None else []
    sides += [f"at or below {_shown(of.high)}"] if of.high is not None else []
    return " and ".join(sides)


def _compared(leaf: Is) -> frozenset[Value]:
    same = meant(leaf)
    values = same.values if isinstance(same, Is) else leaf.values
    if leaf.field == "field_strength":
        return frozenset(map(nominal, values))
    return words_of(values) | {value for value in values if not isinstance(value, str)}


def _list(values: Sequence[Value]) -> str:
    return " or ".join(map(_shown, values)) if values else "nothing"


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, int | float) else str(value)
