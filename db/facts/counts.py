"""Facet counts from a fact table: of how many studies a volume that passes has each value."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from db.facts.columns import Column, Fact, Flags, look_up
from db.facts.table import OF_STUDIES, FactTable

_Groups: TypeAlias = tuple[list[str], NDArray[np.int64] | None]
"""(labels, the label of each value by place; None where a value has several labels)"""
_GROUPS: WeakKeyDictionary[Column, _Groups] = WeakKeyDictionary()
"""Made once a column: there may be thousands of values."""
_LARGEST = 50_000_000
"""Studies times values up to which a flag each is kept, in bytes."""


def labels(field: str, value: Fact | None) -> tuple[str, ...]:
    """What a value is counted under: ages by decade, dates by year, '' for what is not recorded."""
    match value:
        case None:
            return ("",)
        case tuple():
            return value or ("",)
        case bool():
            return ("yes" if value else "no",)
        case date():
            return (str(value.year),)
        case int() | float() if field == "age":
            decade = int(value // 10) * 10
            return (f"{decade}-{decade + 9}",)
        case int() | float():
            return (f"{value:g}",)
        case _:
            return (value,)


def count_studies(table: FactTable, field: str, rows: Flags) -> dict[str, int]:
    """Studies by label of the field, among those rows (v,) alone; labels without a study are left out."""
    column = table.columns[field]
    if column not in _GROUPS:
        _GROUPS[column] = _grouped(field, column)
    names, groups = _GROUPS[column]
    if groups is None:
        counts = _one_by_one(table, rows, names, field)
    else:
        counts = _together(table, rows, groups, len(names), field)
    return {name: count for name, count in zip(names, counts.tolist(), strict=True) if count}


def _grouped(field: str, column: Column) -> _Groups:
    named = [labels(field, value) for value in column.values]
    names = list(dict.fromkeys(name for several in named for name in several))
    if any(len(several) > 1 for several in named):
        return names, None
    place = {name: number for number, name in enumerate(names)}
    return names, np.array([place[several[0]] for several in named], dtype=np.int64)


def _together(table: FactTable, rows: Flags, groups: NDArray[np.int64], n_groups: int, field: str) -> NDArray[np.int64]:
    codes = table.columns[field].codes
    if field in OF_STUDIES:
        studies = np.flatnonzero(table.any_of(rows))
        return np.bincount(groups[codes[table.first[studies]]], minlength=n_groups)
    passing = np.flatnonzero(rows)
    keys = table.study_of[passing].astype(np.int64)
    keys *= n_groups
    keys += groups.take(codes[passing])
    size = len(table.studies) * n_groups
    if size <= _LARGEST:
        seen = np.zeros(size, dtype=bool)
        seen[keys] = True
        keys = np.flatnonzero(seen)
    else:
        keys = np.unique(keys)
    return np.bincount(keys % n_groups, minlength=n_groups)


def _one_by_one(table: FactTable, rows: Flags, names: list[str], field: str) -> NDArray[np.int64]:
    """Where a volume can have several values."""
    column = table.columns[field]
    named = [labels(field, value) for value in column.values]
    counts = np.zeros(len(names), dtype=np.int64)
    for number, name in enumerate(names):
        having = look_up(column.codes, np.array([name in several for several in named]))
        counts[number] = np.count_nonzero(table.any_of(rows & having))
    return counts
