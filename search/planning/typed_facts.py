"""`field:value` in a typed query, as conditions on facts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from spinecho.db.filters.algebra import Contains, Filter, Not, both, parse_condition
from spinecho.encoders.language.query_words import FieldTerm

_RANGED = frozenset({"age", "field_strength", "date"})
_RANGE = re.compile(r"^(?P<low>\d[\d.]*\s?[a-z]{0,6})?-(?P<high>\d[\d.]*\s?[a-z]{0,6})?$", re.IGNORECASE)
_SIGNED = re.compile(r"^(>=|<=|>|<)\s*(.+)$")


def filter_of(fields: Sequence[FieldTerm]) -> Filter:
    """All of them together. Raises `FilterError` for a value that the field cannot have.

    `age:40-60`, `age:>60`, `age:60-`, `age:6m-18m`, `date:2019-01-01..2020-12-31`, `sequence:flair,t2`,
    `description:knee` (in it).
    """
    return both(*(Not(_condition(one)) if one.negated else _condition(one) for one in fields))


def _condition(term: FieldTerm) -> Filter:
    field, value = term.field, term.value
    if field == "description":
        return Contains(field, value)
    if signed := _SIGNED.match(value):
        return parse_condition(f"{field}{signed[1]}{signed[2]}")
    if field in _RANGED:
        low, high = _bounds(field, value)
        if low is not None or high is not None:
            parts = [parse_condition(f"{field}>={low}")] if low else []
            return both(*parts, *([parse_condition(f"{field}<={high}")] if high else []))
    return parse_condition(f"{field}={value}")


def _bounds(field: str, value: str) -> tuple[str | None, str | None]:
    """("40", "60") of a range, one of them None where it is open, both where it is no range."""
    if ".." in value:
        low, _, high = value.partition("..")
        return low or None, high or None
    found = None if field == "date" else _RANGE.match(value)
    return (found["low"], found["high"]) if found else (None, None)
