"""The reference: every similarity computed, nothing approximated. Also holds what is newer than a build."""

from __future__ import annotations

import numpy as np

from db.vectors.protocol import Ids, Neighbours, Rows, ranked


class ExactIndex:
    """A `VectorIndex` over one matrix in memory."""

    def __init__(self, dim: int) -> None:
        self._ids: Ids = np.empty(0, dtype=np.int64)
        self._rows: Rows = np.empty((0, dim), dtype=np.float32)

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return int(self._rows.shape[1])

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Ids, vectors: Rows) -> None:
        """Add vectors under ids that are not in the index yet."""
        if len(np.unique(ids)) != len(ids) or np.isin(ids, self._ids).any():
            raise ValueError("an id is in the index already")
        self._ids = np.concatenate([self._ids, ids.astype(np.int64)])
        self._rows = np.concatenate([self._rows, vectors.astype(np.float32)])

    def remove(self, ids: Ids) -> int:
        """Take vectors out; unknown ids are no error."""
        keep = ~np.isin(self._ids, ids)
        self._ids, self._rows = self._ids[keep], self._rows[keep]
        return int((~keep).sum())

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """Compare with every vector, or with those of `among` alone."""
        ids, rows = self._ids, self._rows
        if among is not None:
            chosen = np.isin(ids, among)
            ids, rows = ids[chosen], rows[chosen]
        similarities = vectors @ rows.T
        return ranked(np.broadcast_to(ids, similarities.shape), similarities, k)
