"""How many values one statement may carry: SQLite's older stock builds take 999 variables, newer ones 32,766."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
CHUNK = 400
"""Values that go into one `IN (...)`, so that two of its kind and a few more stay below every limit."""
MOST_VARIABLES = 900
"""Variables of one INSERT of many rows."""


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The items in order, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
