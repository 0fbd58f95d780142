"""The reference: every similarity computed, nothing approximated. Also holds what is newer than a build."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinecho.db.vectors.indexes.protocol import Ids, Neighbours, Rows, answers, ascending, contains, ranked

_LEAST = 64
"""Rows that the first addition makes room for."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What a search sees: views of buffers whose first `len(ids)` rows no later addition changes."""

    ids: Ids
    rows: Rows
    known: set[int]
    """The ids once more, for additions to look them up in; searches leave it alone."""


class ExactIndex:
    """A `VectorIndex` over one matrix in memory.

    The matrix grows by half, so adding costs what is added. One thread may add and remove while others search: each
    search sees the index as it was before or after, never between.
    """

    def __init__(self, dim: int) -> None:
        self._held = _Held(np.empty(0, np.int64), np.empty((0, dim), np.float32), set())
        self._ids_buffer: NDArray[np.int64] = self._held.ids
        self._rows_buffer: Rows = self._held.rows

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return int(self._held.rows.shape[1])

    def __len__(self) -> int:
        return len(self._held.ids)

    def add(self, ids: Ids, vectors: Rows) -> None:
        """Add vectors under ids that are not in the index yet."""
        held = self._held
        new = set(ids.tolist())
        if len(new) != len(ids) or not new.isdisjoint(held.known):
            raise ValueError("an id is in the index already")
        before, after = len(held.ids), len(held.ids) + len(ids)
        if after > len(self._ids_buffer):
            room = max(_LEAST, after, after + after // 2)
            self._ids_buffer = np.empty(room, np.int64)
            self._rows_buffer = np.empty((room, self.dim), np.float32)
            self._ids_buffer[:before], self._rows_buffer[:before] = held.ids, held.rows
        self._ids_buffer[before:after], self._rows_buffer[before:after] = ids, vectors
        held.known.update(new)
        self._held = _Held(self._ids_buffer[:after], self._rows_buffer[:after], held.known)

    def remove(self, ids: Ids) -> int:
        """Take vectors out; unknown ids are no error."""
        held = self._held
        gone = held.known.intersection(ids.tolist())
        if gone:
            keep = ~np.isin(held.ids, ids)
            self._ids_buffer, self._rows_buffer = held.ids[keep], held.rows[keep]
            self._held = _Held(self._ids_buffer, self._rows_buffer, held.known - gone)
        return len(gone)

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """Compare with every vector, or with those of `among` alone."""
        return answers(vectors, k, lambda queries: self._nearest(queries, k, among))

    def _nearest(self, vectors: Rows, k: int, among: Ids | None) -> Neighbours:
        held = self._held
        ids, rows = held.ids, held.rows
        if among is not None:
            chosen = contains(ascending(among), ids)
            ids, rows = ids[chosen], rows[chosen]
        similarities = _products(vectors, rows)
        return ranked(np.broadcast_to(ids, similarities.shape), similarities, k)


def _products(queries: Rows, rows: Rows) -> Rows:
    """(q, n). One query on one thread: BLAS would share it out, and wait long for a core that another process has."""
    if len(queries) > 1:
        return queries @ rows.T
    found: Rows = np.einsum("ij,j->i", rows, queries[0])[None] if len(queries) else np.empty((0, len(rows)), np.float32)
    return found
