"""What every index of vectors does, whatever holds the vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.int64]
"""Shape (n,), positive, without repeats."""
Rows: TypeAlias = NDArray[np.float32]
"""Shape (n, dim), unit rows."""
Codes: TypeAlias = NDArray[np.float16]
"""The same as they are stored."""


_MANY = 256
"""Candidates from which the best are picked before they are sorted."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """One row a query, most similar first. Where fewer than k exist, ids end in -1 and similarities in -inf."""

    ids: NDArray[np.int64]
    similarities: NDArray[np.float32]


class VectorIndex(Protocol):
    """Vectors by id, compared by inner product.

    `nearest` gives the most similar first and, among equal similarities, the smaller id first. A query with a number
    that is none (NaN, infinite) or too large to be compared finds nothing, on every processor: it is never turned into
    whole numbers, which processors do each in their own way.
    """

    @property
    def dim(self) -> int:
        """Length of every vector."""
        ...

    def __len__(self) -> int: ...

    def add(self, ids: Ids, vectors: Rows) -> None:
        """Add vectors under ids that are not in the index; an id that is there raises ValueError."""
        ...

    def remove(self, ids: Ids) -> int:
        """Take vectors out; unknown ids are no error. Returns how many were there."""
        ...

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """(q, k) neighbours of (q, dim) queries; with `among`, of those ids alone."""
        ...


def comparable(queries: Rows) -> NDArray[np.bool_]:
    """(q,): which of (q, dim) queries have a length that a float32 can hold."""
    with np.errstate(over="ignore", invalid="ignore"):
        found: NDArray[np.bool_] = np.isfinite(np.einsum("ij,ij->i", queries, queries))
    return found


def answers(queries: Rows, k: int, search: Callable[[Rows], Neighbours]) -> Neighbours:
    """What a search gives for queries that can be compared, and nothing for the others."""
    sound = comparable(queries)
    if sound.all():
        return search(queries)
    ids = np.full((len(queries), k), -1, dtype=np.int64)
    values = np.full((len(queries), k), -np.inf, dtype=np.float32)
    if sound.any():
        found = search(np.ascontiguousarray(queries[sound]))
        ids[sound], values[sound] = found.ids, found.similarities
    return Neighbours(ids, values)


def ascending(ids: Ids) -> Ids:
    """The same ids from small to large, without repeats; as they are where they are so already."""
    return ids if bool((ids[1:] > ids[:-1]).all()) else np.unique(ids)


def contains(among: Ids, ids: Ids) -> NDArray[np.bool_]:
    """Which of `ids` (any shape) are in `among`, which is ascending: cheap for few ids in many."""
    if not len(among):
        return np.zeros(ids.shape, dtype=bool)
    place = np.minimum(np.searchsorted(among, ids), len(among) - 1)
    found: NDArray[np.bool_] = among[place] == ids
    return found


def ranked(ids: NDArray[np.int64], similarities: NDArray[np.float32], k: int) -> Neighbours:
    """Sort (q, m) candidates by similarity, then id, and keep k, padding where there are fewer."""
    n_queries, found = ids.shape
    if np.isnan(similarities).any():
        similarities = np.where(np.isnan(similarities), np.float32(-np.inf), similarities)
    if found > _MANY and 0 < k < found // 2:  # sorting all of them would take longer than finding them
        kth = np.partition(similarities, -k, axis=1)[:, -k, None]
        found = int((similarities >= kth).sum(axis=1).max())
        best = np.argpartition(-similarities, found - 1, axis=1)[:, :found]
        ids, similarities = np.take_along_axis(ids, best, axis=1), np.take_along_axis(similarities, best, axis=1)
    out = np.full((n_queries, k), -1, dtype=np.int64)
    values = np.full((n_queries, k), -np.inf, dtype=np.float32)
    kept = min(k, found)
    for row in range(n_queries):
        order = np.lexsort((ids[row], -similarities[row]))[:kept]
        out[row, :kept], values[row, :kept] = ids[row][order], similarities[row][order]
    out[~np.isfinite(values)] = -1
    return Neighbours(out, values)
