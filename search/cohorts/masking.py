"""Small counts hidden: no table of counts may single out a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def masked(count: int, smallest: int) -> int | str:
    """The count; with `smallest` above 1, "<5" for one below it, others rounded to its multiples, 0 as it is.

    Rounding keeps the difference of two counts from telling what neither does.
    """
    if smallest <= 1 or count == 0:
        return count
    if count < smallest:
        return f"<{smallest}"
    return smallest * ((count + smallest // 2) // smallest)


def masked_rows(rows: Sequence[Mapping[str, Any]], smallest: int) -> list[dict[str, Any]]:
    """The same rows with `studies` and `patients` masked."""
    counts = ("studies", "patients")
    return [{name: masked(value, smallest) if name in counts else value for name, value in row.items()} for row in rows]
