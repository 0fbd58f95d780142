"""nDCG@10 with chance and interval. Grades are gains, discounted by log2(rank + 1), as trec_eval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

K = 10


def ndcg(grades: Sequence[int], pool: Sequence[int], k: int = K) -> float:
    """Of a list's grades in order, over the best list that the pool's grades allow. 0 where the pool has none."""
    best = _dcg(sorted(pool, reverse=True)[:k])
    return _dcg(grades[:k]) / best if best else 0.0


def chance(pool: Sequence[int], k: int = K) -> float:
    """The mean nDCG over all orders of the pool."""
    best = _dcg(sorted(pool, reverse=True)[:k])
    mean = sum(pool) / len(pool)
    return _dcg([mean] * min(k, len(pool))) / best if best else 0.0


def _dcg(grades: Sequence[float]) -> float:
    return sum(grade / math.log2(place + 2) for place, grade in enumerate(grades))


def interval(values: Sequence[float], *, seed: int = 0, draws: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean, over questions."""
    random = np.random.default_rng(seed)
    sample = np.asarray(values, dtype=np.float64)
    means = sample[random.integers(len(sample), size=(draws, len(sample)))].mean(axis=1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))
