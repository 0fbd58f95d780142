"""An approximate index for tests: made from the first vectors that are added to it, by the way that builds take."""

from __future__ import annotations

import numpy as np

from spinecho.db.vectors.indexes.index_plan import Wish
from spinecho.db.vectors.indexes.protocol import Ids, Neighbours, Rows
from spinecho.db.vectors.indexes.tuning import fit
from spinecho.db.vectors.indexes.two_stage import TwoStageIndex


def unit_rows(n: int, dim: int, *, seed: int = 0, clusters: int = 0, spread: float = 0.3) -> np.ndarray:
    """(n, dim) float32 rows that fp16 holds exactly; around `clusters` centres where that is more than none."""
    random = np.random.default_rng(seed)
    made = random.normal(size=(n, dim))
    if clusters:
        centres = np.random.default_rng(99).normal(size=(clusters, dim))
        made = centres[random.integers(0, clusters, n)] + spread * made
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made.astype(np.float16).astype(np.float32)


class Grown:
    """A `VectorIndex`, empty until its first addition."""

    def __init__(self, dim: int, *, kind: str) -> None:
        self.dim, self._kind = dim, kind
        self._index: TwoStageIndex | None = None

    def __len__(self) -> int:
        return 0 if self._index is None else len(self._index)

    def add(self, ids: Ids, vectors: Rows) -> None:
        if self._index is not None:
            self._index.add(ids, vectors)
        elif len(ids):
            if len(np.unique(ids)) != len(ids):
                raise ValueError("an id is in the index already")
            codes = vectors.astype(np.float16)
            proposer, plan = fit(codes, Wish(kind=self._kind, flat_up_to=0))
            assert proposer is not None
            self._index = TwoStageIndex(ids.astype(np.int64), codes, proposer, plan)

    def remove(self, ids: Ids) -> int:
        return 0 if self._index is None else self._index.remove(ids)

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        if self._index is None:
            nothing = np.full((len(vectors), k), -1, dtype=np.int64)
            return Neighbours(nothing, np.full((len(vectors), k), -np.inf, dtype=np.float32))
        return self._index.nearest(vectors, k, among=among)
