"""A condition as typed behind the name of its field: in the search line, or as an option of a command."""

from __future__ import annotations

import re

from spinecho.db.filters.conditions import Contains, Filter, both
from spinecho.db.filters.typed import parse_condition

_RANGED = frozenset({"age", "field_strength", "date", "b_value"})
_RANGE = re.compile(r"^(?P<low>\d[\d.]*\s?[a-z]{0,6})?-(?P<high>\d[\d.]*\s?[a-z]{0,6})?$", re.IGNORECASE)
_SIGNED = re.compile(r"^(>=|<=|>|<)\s*(.+)$")


def of_field(field: str, value: str) -> Filter:
    """The field has this value: one or several with commas, a bound (`>=800`), a range (`40-60`, `60-`, `-18`).

    Of a description a part. Raises `FilterError` for a value that the field cannot have.
    """
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
