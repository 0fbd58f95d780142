"""Small counts hidden: no table of counts may single out a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Count: TypeAlias = int | str
"""A count as it may be shown: "<5" where it is hidden."""


def masked(count: int, smallest: int) -> Count:
    """The count; with `smallest` above 1, "<5" for one below it, others rounded to its multiples, 0 as it is.

    Rounding keeps the difference of two counts from telling what neither does.
    """
    if smallest <= 1 or count == 0:
        return count
    if count < smallest:
        return hidden(smallest)
    return smallest * ((count + smallest // 2) // smallest)


def hidden(smallest: int) -> str:
    """What stands for a count that is not told."""
    return f"<{smallest}"


def number(count: object) -> int:
    """What a bar may show of a count: nothing of a hidden one. Shares of exact counts would tell what is hidden."""
    return count if isinstance(count, int) else 0


def together(counts: Iterable[Count], smallest: int) -> Count:
    """The sum of counts some of which may be hidden: "10+" and "<10" say as much as is known."""
    shown = list(counts)
    unknown, known = sum(isinstance(one, str) for one in shown), sum(number(one) for one in shown)
    if not unknown:
        return known
    return f"{known}+" if known else hidden(smallest * unknown)


def few(patients: int, smallest: int) -> bool:
    """Whether these are somebody, but so few that nothing is told of them."""
    return 0 < patients < smallest


def masked_sizes(studies: int, patients: int, smallest: int) -> tuple[Count, Count]:
    """(studies, patients) masked; both are hidden where there are few patients, however many studies they have."""
    if few(patients, smallest):
        return hidden(smallest), hidden(smallest)
    return masked(studies, smallest), masked(patients, smallest)


def masked_rows(rows: Sequence[Mapping[str, Any]], smallest: int) -> list[dict[str, Any]]:
    """The same rows, each of what the one before it left, with `studies` and `patients` masked.

    What is left of few patients is hidden to the end: a 0 after them would tell that the next line holds for none.
    """
    shown, so_few = [], False
    for row in rows:
        so_few = so_few or few(row["patients"], smallest)
        sizes = (hidden(smallest),) * 2 if so_few else masked_sizes(row["studies"], row["patients"], smallest)
        shown.append({**row, "studies": sizes[0], "patients": sizes[1]})
    return shown
