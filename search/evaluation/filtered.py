"""Filtered search against exact search: what an index loses when a filter leaves little."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spinecho.db.vectors.indexes.protocol import Ids, Neighbours, Rows
from spinecho.encoders.measuring.candidates import Names, identities, same_length
from spinecho.encoders.measuring.figures import EmptyPool, Figure, Measured, Resampled
from spinecho.encoders.measuring.resampling import RESAMPLES, Resamples

SELECTIVITIES = (0.5, 0.1, 0.01, 0.001)
_NEAR = 1e-4
"""Similarities of fp16 rows that differ by less are equal: an index may return either."""
Nearest = Callable[[Rows, int, Ids], Neighbours]
"""(queries, k, allowed ids) -> neighbours: a `VectorIndex.nearest`."""


def filtered_recall(
    nearest: Nearest,
    ids: Ids,
    vectors: Rows,
    queries: Rows,
    *,
    patients: Names | None = None,
    selectivities: Sequence[float] = SELECTIVITIES,
    k: int = 10,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measured:
    """The share of the k exact neighbours that `nearest` finds where a random filter allows so many of the ids.

    ids: (n,), vectors: (n, dim) under those ids; queries: (q, dim), `patients` theirs. What is returned counts when it
    is allowed, returned once and as similar as the k-th exact neighbour. Selectivities that leave fewer than k + 1 of
    the vectors are left out and counted. Raises `EmptyPool` where all are.
    """
    same_length(ids=ids, vectors=vectors)
    same_length(queries=queries, patients=patients)
    if not len(queries):
        raise EmptyPool("no vector asks: index something, or loosen the filter")
    random = np.random.default_rng(seed)
    units = identities(patients if patients is not None else [""] * len(queries))
    draws = Resamples(units, resamples=resamples, seed=seed)
    order = np.argsort(ids)
    ids, vectors = ids[order], vectors[order]
    exact = queries.astype(np.float64) @ vectors.astype(np.float64).T
    figures: dict[str, Figure] = {}
    for share in selectivities:
        size = round(share * len(ids))
        if size <= k:
            continue
        some = np.sort(random.choice(len(ids), size, replace=False))
        bar = np.partition(exact[:, some], size - k, axis=1)[:, size - k]
        found = nearest(queries, k, ids[some]).ids
        values = np.array(
            [_share(row, ids[some], exact[q, some], bar[q], k) for q, row in enumerate(found)], dtype=np.float64
        )
        figures[f"recall@{k} of {share:.1%}"] = Figure(
            float(values.mean()), k / size, draws.mean(values), float(size), len(queries)
        )
    if not figures:
        raise EmptyPool(f"{len(ids)} vectors are too few: no filter of {selectivities} leaves more than {k}")
    skipped = len(selectivities) - len(figures)
    resampled: Resampled = "queries" if patients is None else "patients"
    left_out = {"filters that leave too little": skipped} if skipped else {}
    return Measured(figures, draws.n_units, resampled=resampled, left_out=left_out)


def _share(found: Ids, allowed: Ids, similarities: Rows, bar: float, k: int) -> float:
    unique = np.unique(found[found >= 0])
    at = np.searchsorted(allowed, unique)
    at = at[(at < len(allowed)) & (allowed[np.minimum(at, len(allowed) - 1)] == unique)]
    return float((similarities[at] >= bar - _NEAR).sum()) / k
