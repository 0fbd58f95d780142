"""One fact of every volume as small codes into the sorted list of its values.

A condition is tried once on each value that occurs and then looked up by code, so that text, numbers, dates and flags
are compared as SQL compares them, without rounding, and unknown (code 0) passes no condition.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, TypeAlias, assert_never

import numpy as np
from numpy.typing import NDArray

from spinecho.db.filters.coded import RANGED, meant, ranges
from spinecho.db.filters.conditions import KINDS, UNRECORDED, Between, Contains, Is
from spinecho.db.filters.sql import lowered, words_of

Fact: TypeAlias = str | float | bool | date | tuple[str, ...]
"""A tuple holds what a volume has several of, its archives."""
Codes: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32]
Flags: TypeAlias = NDArray[np.bool_]

_FEW = 3
"""Up to so many codes are compared one by one, which is faster than looking every code up."""


@dataclass(frozen=True, eq=False)
class Column:
    """codes: (n,), 0 for unknown; values: by code, the first None, the others sorted."""

    codes: Codes
    values: tuple[Fact | None, ...]

    def where(self, leaf: Is | Between | Contains) -> Flags | None:
        """(n,): which rows meet the condition, by the rules of `db.filters.sql`; None where SQL has to say."""
        passing = self.passing(leaf)
        return None if passing is None else look_up(self.codes, passing)

    def passing(self, leaf: Is | Between | Contains) -> Flags | None:
        """(values,): which values meet the condition; None where SQL has to say."""
        found = self._passing(meant(leaf))
        if found is not None and isinstance(leaf, Is) and UNRECORDED in leaf.values:
            found[0] = True
        return found

    def _passing(self, leaf: Is | Between | Contains) -> Flags | None:
        if isinstance(leaf, Is) and leaf.field in RANGED:
            spans, alone = ranges(leaf)
            known = frozenset(alone)
            found = np.fromiter((value in known for value in self.values), dtype=bool, count=len(self.values))
            for one in spans:
                found |= self._within(one)
            return found
        if isinstance(leaf, Between) and leaf.low is None and leaf.high is None:
            return np.ones(len(self.values), dtype=bool)
        if isinstance(leaf, Between) and KINDS[leaf.field] in {"number", "date"}:
            return self._within(leaf)
        if KINDS[leaf.field] == "text":
            test, values = _of_text(leaf), self._texts[isinstance(leaf, Between)]
        else:
            test, values = _of_others(leaf), self.values
        if test is None:
            return None
        return np.fromiter((_meets(test, value) for value in values), dtype=bool, count=len(values))

    def _within(self, leaf: Between) -> Flags:
        """As the values are sorted, those within bounds lie in a row."""
        low, high = (bound.toordinal() if isinstance(bound, date) else bound for bound in (leaf.low, leaf.high))
        flags = np.zeros(len(self.values), dtype=bool)
        first = 0 if low is None else np.searchsorted(self._numbers, low, side="left")
        last = len(self._numbers) if high is None else np.searchsorted(self._numbers, high, side="right")
        flags[1 + first : 1 + last] = True
        return flags

    @cached_property
    def _numbers(self) -> NDArray[np.float64]:
        """The known values, dates by their days."""
        known: Any = self.values[1:]
        return np.array([value.toordinal() if isinstance(value, date) else value for value in known], dtype=np.float64)

    @cached_property
    def _texts(self) -> tuple[Sequence[Fact | None], Sequence[Fact | None]]:
        """In lower case, for `Is` and `Contains`, and as they are, for `Between`."""
        return tuple(map(_lowered, self.values)), self.values


class Encoder:
    """Collects the values of a column, row by row."""

    def __init__(self) -> None:
        self._known: dict[Fact | None, int] = {None: 0}
        self._codes = array("I")

    def add(self, values: Iterable[Fact | None]) -> None:
        """The values of the next rows."""
        known = self._known
        self._codes.extend([known.setdefault(value, len(known)) for value in values])

    def column(self) -> Column:
        """What was collected."""
        values = list(self._known)
        order = [0, *sorted(range(1, len(values)), key=values.__getitem__)]  # type: ignore[arg-type]
        places = np.empty(len(values), dtype=np.uint32)
        places[order] = np.arange(len(values), dtype=np.uint32)
        codes = places[np.frombuffer(self._codes, dtype=np.uint32)] if self._codes else np.empty(0, np.uint32)
        return Column(codes.astype(np.min_scalar_type(len(values) - 1)), tuple(values[number] for number in order))


def look_up(codes: Codes, passing: Flags) -> Flags:
    """`passing[codes]`, by the fastest way that gives it."""
    chosen = np.flatnonzero(passing)
    if len(chosen) in (0, len(passing)):
        return np.full(len(codes), bool(len(chosen)))
    if 2 * len(chosen) > len(passing) and _in_a_row(~passing):
        return ~look_up(codes, ~passing)
    first, last = chosen[0], chosen[-1]
    if last - first + 1 == len(chosen):
        if first == last:
            return np.asarray(codes == codes.dtype.type(first))
        above: Flags = codes >= codes.dtype.type(first)
        return above if last == len(passing) - 1 else above & (codes <= codes.dtype.type(last))
    if len(chosen) <= _FEW:
        found: Flags = codes == codes.dtype.type(first)
        for code in chosen[1:]:
            found |= codes == codes.dtype.type(code)
        return found
    return passing.take(codes)


def plain(value: Fact | None) -> Any:
    """The value as JSON holds it."""
    return value.isoformat() if isinstance(value, date) else value


def restored(field: str, value: Any) -> Fact | None:
    """The inverse of `plain`."""
    if value is None:
        return None
    if isinstance(value, list):
        return tuple(value)
    return date.fromisoformat(value) if KINDS[field] == "date" else value


def _in_a_row(passing: Flags) -> bool:
    chosen = np.flatnonzero(passing)
    return len(chosen) > 0 and bool(chosen[-1] - chosen[0] + 1 == len(chosen))


def _lowered(value: Fact | None) -> Fact | None:
    if isinstance(value, tuple):
        return tuple(map(lowered, value))
    return lowered(value) if isinstance(value, str) else None


def _meets(test: Callable[[Any], bool], value: Fact | None) -> bool:
    if value is None:
        return False
    return any(map(test, value)) if isinstance(value, tuple) else test(value)


def _of_text(leaf: Is | Between | Contains) -> Callable[[Any], bool] | None:
    match leaf:
        case Is(_, values):
            return words_of(values).__contains__
        case Contains(_, text):
            needle = lowered(text)
            return lambda value: needle in value
        case Between():
            return _within(leaf)
        case _:
            assert_never(leaf)


def _of_others(leaf: Is | Between | Contains) -> Callable[[Any], bool] | None:
    match leaf:
        case Is(_, values):
            return frozenset(values).__contains__
        case Contains():
            return None
        case Between():
            return _within(leaf)
        case _:
            assert_never(leaf)


def _within(leaf: Between) -> Callable[[Any], bool]:
    low: Any = leaf.low
    high: Any = leaf.high
    if low is None:
        return lambda value: bool(value <= high)
    if high is None:
        return lambda value: bool(value >= low)
    return lambda value: bool(low <= value <= high)
