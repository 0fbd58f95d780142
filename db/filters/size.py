"""How large a filter may be, the same at every door: typed, as a value, here and from afar."""

from __future__ import annotations

from typing import assert_never

from spinecho.db.errors import FilterError
from spinecho.db.filters.conditions import All, And, Between, Contains, Filter, Is, Not, Or, Says

DEEPEST, MOST, NAMES, LONGEST = 20, 300, 2_000, 900_000
"""Levels of parentheses and `not`, conditions, names of findings in all of them, and characters. SQLite's parser holds
29 levels of `not` and joins 1,000 conditions; a finding has a hundred names; the body of a request holds a megabyte."""


def require_filter(where: object) -> Filter:
    """The filter itself. Raises `FilterError` for what is none, and for one that is larger than one may be typed."""
    if not isinstance(where, Filter):
        raise FilterError(
            f"a filter is text, such as sequence=T2 and age>=60, or a Filter, not {type(where).__name__}; "
            "without one every study counts"
        )
    rest: list[tuple[Filter, int]] = [(where, 1)]
    conditions = names = 0
    while rest:
        part, level = rest.pop()
        if level > DEEPEST:
            raise FilterError(f"this filter has more than {DEEPEST} levels; write it without conditions in conditions")
        match part:
            case Not(inner):
                rest.append((inner, level + 1))
            case And(parts) | Or(parts):
                rest += [(one, level + 1) for one in parts]
            case Says():
                conditions, names = conditions + 1, names + len(part.names)
            case All() | Is() | Between() | Contains():
                conditions += 1
            case _:
                assert_never(part)
        if conditions > MOST:
            raise FilterError(
                f"this filter has more than {MOST} conditions; values of one field are one: field=value,value"
            )
        if names > NAMES:
            raise FilterError(f"this filter has more than {NAMES:,} names of findings; ask for fewer at once")
    require_length(repr(where))
    return where


def require_length(text: str) -> None:
    """Raises `FilterError` for more characters than one may have."""
    if len(text) > LONGEST:
        raise FilterError(f"a filter of {len(text):,} characters; at most {LONGEST:,} are read: ask with fewer values")
