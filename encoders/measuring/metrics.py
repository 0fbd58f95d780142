"""The formulas, each with what a random order gives in its place. Ranks count from 1.

Equal similarities are ordered worst first: what is right stands after what is wrong. So no figure depends on the order
of the rows, and an encoder that gives every scan the same vector finds nothing.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

_STEPS = 1e9
"""Similarities closer than 1e-9 are equal: in float64 that is rounding, not likeness."""
_LAST = 2**61


def steps(scores: Floats) -> Floats:
    """Scores on a grid on which equal vectors are equal, whatever the order in which products were summed."""
    out: Floats = np.rint(np.asarray(scores, dtype=np.float64) * _STEPS)
    return out


def ranked_grades(scores: Floats, grades: Ints, allowed: Bools) -> Ints:
    """(q, n) grades in the order of the scores; what is not allowed, or scored -inf, follows as grade 0."""
    levels = int(grades.max(initial=0)) + 1
    finite = np.isfinite(scores) & allowed
    # One sort of numbers that carry the grade in their remainder is several times faster than sorting indices
    most = float(_LAST // (2 * levels))  # past it, whole numbers would wrap around
    places = steps(np.clip(np.where(finite, scores, 0.0), -most / _STEPS, most / _STEPS)).astype(np.int64)
    keys = grades - levels * places
    keys[~finite] = _LAST // levels * levels
    keys.sort(axis=1)
    out: Ints = keys % levels
    return out


def first_ranks(scores: Floats, right: Bools, allowed: Bools) -> Ints:
    """(q,) rank of the best right candidate among those allowed; every query must have one."""
    grid = steps(scores)
    best = np.where(right & allowed, grid, -np.inf).max(axis=1, keepdims=True)
    out: Ints = 1 + ((grid >= best) & ~right & allowed).sum(axis=1)
    return out


def average_precision(hits: Bools, relevant: Ints) -> Floats:
    """(q,) the mean precision at the ranks of the relevant; hits: (q, n) in order; relevant: (q,) in the pool."""
    rows, columns = np.nonzero(hits)
    found = hits.sum(axis=1)
    nth = np.arange(1, len(rows) + 1) - np.repeat(np.cumsum(found) - found, found)
    return np.bincount(rows, weights=nth / (columns + 1), minlength=len(hits)) / relevant


def random_average_precision(pool: Ints, relevant: Ints) -> Floats:
    """The expectation of `average_precision` over all orders (Bestgen 2015, doi 10.1162/COLI_a_00215)."""
    harmonic = np.cumsum(1.0 / np.arange(1, int(pool.max(initial=1)) + 1))[pool - 1]
    others = (relevant - 1) / np.maximum(pool - 1, 1)
    out: Floats = (harmonic + others * (pool - harmonic)) / pool
    return out


def discounts(k: int) -> Floats:
    """(k,) 1 / log2(rank + 1)."""
    return 1.0 / np.log2(np.arange(2, k + 2))


def ndcg(gains: Floats, ideal: Floats) -> Floats:
    """(q,) from the first k gains found and the k best there are, both (q, k).

    Gain is the grade itself, as trec_eval has it (Järvelin and Kekäläinen 2002, doi 10.1145/582415.582418).
    """
    weights = discounts(gains.shape[1])
    out: Floats = (gains @ weights) / (ideal @ weights)
    return out


def random_first_ranks(pool: Ints, right: Ints, ks: tuple[int, ...]) -> tuple[Floats, float, float]:
    """What random orders give for `first_ranks`: the share of queries within each k, the mean reciprocal, the median.

    pool, right: (q,) candidates of each query and how many of them are right.
    """
    reached = np.zeros(int(pool.max(initial=1)) + 1)
    pairs, counts = np.unique(np.stack([pool, right], axis=1), axis=0, return_counts=True)
    for (n, g), count in zip(pairs.tolist(), counts.tolist(), strict=True):
        drawn = np.arange(n - g + 1)
        missed = np.cumprod((n - g - drawn) / (n - drawn))  # after 1, 2, ... draws; 0 after n - g + 1
        reached[1 : n - g + 2] += count * (1.0 - missed)
        reached[n - g + 2 :] += count
    reached /= counts.sum()
    ranks = np.arange(1, len(reached))
    within = np.array([reached[min(k, len(reached) - 1)] for k in ks])
    return within, float((np.diff(reached) / ranks).sum()), float(np.searchsorted(reached, 0.5 - 1e-12))
