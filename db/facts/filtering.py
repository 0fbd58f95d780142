"""Which volumes of a fact table pass a filter: two truth values, as SQL's three end in the same rows.

`db.filters.sql` takes what is unknown as false inside a `Not`, and a WHERE takes it as false outside of one; so a
condition on something unknown is simply false here, and `Not`, `And` and `Or` are those of flags.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

import numpy as np
from sqlalchemy import select

from spinecho.db.facts.fact_columns import Flags
from spinecho.db.facts.fact_table import IDENTIFIERS, FactTable, digest
from spinecho.db.filters.conditions import All, And, Between, Contains, Filter, Is, Leaf, Not, Or, Says, by_sql_alone
from spinecho.db.filters.said import saying_passages
from spinecho.db.filters.sql import compile_leaf, require_field, words_of
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Series, Study, Volume
from spinecho.db.vectors.indexes.protocol import Ids

_CANDIDATES = 5_000
"""More studies than this with a fitting digest are looked for in SQL by themselves."""


class Asked:
    """What SQL says of single conditions; each is asked once a filter."""

    def __init__(self, database: Database, least: float | None) -> None:
        self._database, self._least = database, least
        self._known: dict[tuple[str, Any], Ids] = {}

    def volumes(self, leaf: Leaf) -> Ids:
        """Ids of the volumes that meet a condition."""
        query = select(Volume.id).join(Series, Series.id == Volume.series_id).join(Study, Study.id == Series.study_id)
        return self._once(("volumes", leaf), query.where(compile_leaf(leaf, self._least)))

    def studies(self, leaf: Leaf) -> Ids:
        """Ids of the studies that meet a condition on studies alone."""
        return self._once(("studies", leaf), select(Study.id).where(compile_leaf(leaf, self._least)))

    def among(self, leaf: Leaf, studies: Ids) -> Ids:
        """Those of these studies that meet a condition on studies alone."""
        query = select(Study.id).where(compile_leaf(leaf, self._least))
        parts = [np.empty(0, np.int64)]
        with self._database.begin() as session:
            for ids in chunks(studies.tolist()):
                some = query.where(Study.id.in_(ids))
                parts.append(np.fromiter(session.scalars(some), dtype=np.int64))
        return np.concatenate(parts)

    def passages(self, leaf: Says) -> Ids:
        """Ids of the passages with a clause that says it."""
        return self._once(("passages", leaf), saying_passages(leaf))

    def _once(self, key: tuple[str, Any], query: Any) -> Ids:
        if key not in self._known:
            with self._database.begin() as session:
                self._known[key] = np.fromiter(session.scalars(query), dtype=np.int64)
        return self._known[key]


def passing(table: FactTable, where: Filter, asked: Asked) -> Flags:
    """(v,): which rows pass. The filter is one that `compile_filter` takes, its least score split off."""
    match where:
        case All():
            return np.ones(len(table.volumes), dtype=bool)
        case Not(part):
            return ~passing(table, part, asked)
        case And(parts):
            return _folded(np.logical_and, (passing(table, part, asked) for part in parts), table)
        case Or(parts):
            return _folded(np.logical_or, (passing(table, part, asked) for part in parts), table)
        case Is() | Between() | Contains() | Says():
            return _leaf(table, where, asked)
        case _:
            assert_never(where)


def _folded(fold: np.ufunc, parts: Iterable[Flags], table: FactTable) -> Flags:
    found = np.full(len(table.volumes), bool(fold.identity))
    for part in parts:
        fold(found, part, out=found)
    return found


def _leaf(table: FactTable, leaf: Leaf, asked: Asked) -> Flags:
    if isinstance(leaf, Says):
        return _says(table, leaf, asked)
    if by_sql_alone(leaf.field):
        return table.rows_of(asked.volumes(leaf))
    require_field(leaf.field)
    if leaf.field in table.columns:
        found = table.columns[leaf.field].where(leaf)
        return table.rows_of(asked.volumes(leaf)) if found is None else found
    if leaf.field not in IDENTIFIERS:
        return table.rows_of(asked.volumes(leaf))
    studies = _by_digest(table, leaf, asked) if isinstance(leaf, Is) else asked.studies(leaf)
    return table.studies_of(studies)[table.study_of]


def _by_digest(table: FactTable, leaf: Is, asked: Asked) -> Ids:
    words = np.fromiter(map(digest, words_of(leaf.values)), dtype=np.int64)
    candidates = table.studies[np.isin(table.digests[leaf.field], words)]
    return asked.studies(leaf) if len(candidates) > _CANDIDATES else asked.among(leaf, candidates)


def _says(table: FactTable, leaf: Says, asked: Asked) -> Flags:
    named = np.sort(asked.passages(leaf))
    at = np.minimum(np.searchsorted(table.passages, named), max(len(table.passages) - 1, 0))
    at = at[table.passages[at] == named] if len(table.passages) else at[:0]
    studies = np.zeros(len(table.studies), dtype=bool)
    places = table.passage_studies[at]
    studies[places[places >= 0]] = True
    return studies[table.study_of]
