"""Facet counts from a fact table: of how many studies a volume that passes has each value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from spinecho.db.facts.fact_columns import Codes, Column, Fact, Flags, look_up
from spinecho.db.facts.fact_table import OF_STUDIES, FactTable, Places
from spinecho.db.filters.coded import counted_as
from spinecho.db.vectors.indexes.protocol import Ids

T = TypeVar("T", bound=np.generic)
_Groups: TypeAlias = tuple[list[str], Places | None]
"""(labels, the label of each value by place; None where a value has several labels)"""
_GROUPS: WeakKeyDictionary[Column, _Groups] = WeakKeyDictionary()
"""Made once a column: there may be thousands of values."""
_LARGEST = 50_000_000
"""Studies times values up to which a flag each is kept, in bytes."""
_SPARSE = 50
"""Flags a row above which sorting the rows is quicker than keeping flags."""


def labels(field: str, value: Fact | None) -> tuple[str, ...]:
    """What a value is counted under: ages by decade, dates by year, '' for what is not recorded."""
    match value:
        case None:
            return ("",)
        case tuple():
            return tuple(dict.fromkeys(counted_as(field, one) for one in value)) or ("",)
        case date():
            return (str(value.year),)
        case int() | float() if field == "age" and not isinstance(value, bool):
            decade = int(value // 10) * 10
            return (f"{decade}-{decade + 9}",)
        case _:
            return (counted_as(field, value),)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Rows of a table, by number, sorted; None for all of them."""

    table: FactTable
    rows: Ids | None

    @cached_property
    def studies(self) -> Places:
        """The place of each row's study, in order."""
        return self.of(self.table.study_of)

    @cached_property
    def first(self) -> Ids:
        """The numbers of the rows that are the first of their study."""
        if self.rows is None:
            return self.table.first.astype(np.int64)
        return self.rows[_fresh(self.studies)]

    def of(self, values: NDArray[T]) -> NDArray[T]:
        """The rows' values of a column."""
        return values if self.rows is None else values[self.rows]


def count_studies(chosen: Chosen, field: str) -> dict[str, int]:
    """Studies by label of the field, among the chosen rows alone; labels without a study are left out."""
    column = chosen.table.columns[field]
    if column not in _GROUPS:
        _GROUPS[column] = _grouped(field, column)
    names, groups = _GROUPS[column]
    if groups is None:
        codes: Codes = column.codes if chosen.rows is None else column.codes[chosen.rows]
        counts = _one_by_one(chosen.studies, codes, names, [labels(field, value) for value in column.values])
    elif field in OF_STUDIES:
        counts = np.bincount(groups[column.codes[chosen.first]], minlength=len(names))
    else:
        of_rows = groups.take(chosen.of(column.codes))
        counts = _together(chosen.studies, of_rows, len(names), len(chosen.table.studies))
    return {name: count for name, count in zip(names, counts.tolist(), strict=True) if count}


def patients_of(chosen: Chosen, field: str, wanted: Sequence[str]) -> tuple[Ids, NDArray[np.int64]]:
    """Who has these labels, a pair for each row: (places in `wanted`, patients as `FactTable` has them)."""
    column = chosen.table.columns[field]
    at = {label: place for place, label in enumerate(wanted)}
    places, patients = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    several = [labels(field, value) for value in column.values]
    codes: Codes = column.codes if chosen.rows is None else column.codes[chosen.rows]
    for nth in range(max(map(len, several), default=0)):
        of_codes = np.array([at.get(some[nth], -1) if nth < len(some) else -1 for some in several], dtype=np.int64)
        of_rows = of_codes.take(codes)
        having = np.flatnonzero(of_rows >= 0)
        places.append(of_rows[having])
        patients.append(chosen.table.patients[chosen.studies[having]])
    return np.concatenate(places), np.concatenate(patients)


def _grouped(field: str, column: Column) -> _Groups:
    named = [labels(field, value) for value in column.values]
    names = list(dict.fromkeys(name for several in named for name in several))
    if any(len(several) > 1 for several in named):
        return names, None
    place = {name: number for number, name in enumerate(names)}
    return names, np.array([place[several[0]] for several in named], dtype=np.int32)


def _together(studies: Places, groups: Places, n_groups: int, n_studies: int) -> NDArray[np.int64]:
    """Studies by group, from the study and the group of each row."""
    size = n_studies * n_groups
    if size > _LARGEST or size > _SPARSE * len(studies):
        return np.bincount(np.unique(studies.astype(np.int64) * n_groups + groups) % n_groups, minlength=n_groups)
    keys = studies * np.int32(n_groups)
    keys += groups
    seen = np.zeros(size, dtype=bool)
    seen[keys] = True
    return np.bincount(np.flatnonzero(seen) % n_groups, minlength=n_groups)


def _one_by_one(studies: Places, codes: Codes, names: list[str], named: list[tuple[str, ...]]) -> NDArray[np.int64]:
    """Where a volume can have several values."""
    counts = np.zeros(len(names), dtype=np.int64)
    for number, name in enumerate(names):
        having = look_up(codes, np.array([name in several for several in named]))
        counts[number] = np.count_nonzero(_fresh(studies[having]))
    return counts


def _fresh(studies: Places) -> Flags:
    """Which rows are the first of their study, given the studies in order."""
    first = np.ones(len(studies), dtype=bool)
    np.not_equal(studies[1:], studies[:-1], out=first[1:])
    return first
