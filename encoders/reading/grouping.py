"""Groups of values that are equal within a tolerance, the same whatever the order in which they come.

Values are sorted and parted where they jump, or joined where a chain of small steps leads from one to the next. So no
value is the seed that others are measured from, and no rounding edge lies between two that are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Groups = list[tuple[int, str]]
"""For each value the rank of its group and the group's text."""
_EDGE = 1e-9
"""What binary fractions lose: 0.3 and 0.4 are no more than 0.1 apart."""


def ranked(values: Sequence[Hashable], text: Callable[[Any], str]) -> Groups:
    """Groups of equal values, ranked by value; missing ones first."""
    distinct = sorted(set(values), key=lambda v: (v is not None, v if v is not None else ""))
    rank = {value: index for index, value in enumerate(distinct)}
    return [(rank[value], text(value)) for value in values]


def numbers(values: Sequence[float | None], tolerance: float, form: str) -> Groups:
    """Groups of numbers, parted where the sorted values jump by more than the tolerance; missing ones first."""
    groups: dict[float | None, tuple[int, str]] = {None: (0, "none")}
    rank, last = 0, -np.inf
    for value in sorted({v for v in values if v is not None}):
        if value - last > tolerance + _EDGE:
            rank += 1
            label = form.format(value)
        groups[value] = (rank, label)
        last = value
    return [groups[value] for value in values]


def vectors(
    values: Sequence[tuple[float, ...] | None], tolerance: float, text: Callable[[tuple[float, ...]], str]
) -> Groups:
    """Groups of vectors: a chain of steps, none longer than the tolerance along any axis, joins two of them.

    Ranked by length, then by their smallest member, whose text they take; missing ones first.
    """
    distinct = sorted({v for v in values if v is not None}, key=lambda v: (len(v), v))
    groups: dict[tuple[float, ...] | None, tuple[int, str]] = {None: (-1, "none")}
    rank = 0
    for length in sorted({len(v) for v in distinct}):
        points = [v for v in distinct if len(v) == length]
        members = _linked(np.array(points, float).reshape(len(points), length), tolerance + _EDGE)
        for first in dict.fromkeys(members):
            label = text(points[first])
            groups.update((v, (rank, label)) for v, own in zip(points, members, strict=True) if own == first)
            rank += 1
    return [groups[value] for value in values]


def _linked(points: NDArray[np.float64], tolerance: float) -> list[int]:
    """For each of the sorted points, (count, axes), the index of the first point of its group."""
    count, axes = points.shape
    if count == 1 or axes == 0:
        return [0] * count
    first = np.full(count, -1)
    along = points[:, 0]
    for seed in range(count):
        if first[seed] >= 0:
            continue
        first[seed] = seed
        reached = [seed]
        while reached:
            at = reached.pop()
            low, high = np.searchsorted(along, (along[at] - tolerance, along[at] + tolerance), side="left")
            near = (first[low:high] < 0) & (np.abs(points[low:high] - points[at]) <= tolerance).all(axis=1)
            new = low + np.flatnonzero(near)
            first[new] = seed
            reached += new.tolist()
    return [int(value) for value in first]
