"""How good a head is on patients that it never saw: figures with chance, pool and 95 % interval beside each.

Intervals are from the percentile bootstrap (Efron and Tibshirani 1993) over patients, whose volumes are not
independent of one another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.heads.calibration import Reals

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. low, high: the 95 % interval; None where too few patients gave one. chance: None if none."""

    name: str
    value: float
    low: float | None
    high: float | None
    chance: float | None
    volumes: int
    patients: int

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" ({self.low:.3f} to {self.high:.3f})"
        chance = "" if self.chance is None else f", chance {self.chance:.3f}"
        return f"{self.name} {self.value:.3f}{interval}{chance}, {self.volumes} volumes of {self.patients} patients"


class Pool:
    """The volumes of a measurement, by patient. `of` makes a figure from a statistic of row numbers."""

    def __init__(self, patients: Sequence[object], *, resamples: int = 500, seed: int = 0) -> None:
        names = {name: place for place, name in enumerate(dict.fromkeys(patients))}
        self.units: Ints = np.array([names[name] for name in patients], np.int64)
        self.resamples, self.seed = resamples, seed

    def of(
        self,
        name: str,
        statistic: Callable[[Ints], float],
        *,
        chance: float | None = None,
        among: NDArray[np.bool_] | None = None,
    ) -> Figure | None:
        """Of all rows, or of those `among` them; None where the statistic is no number."""
        rows = np.flatnonzero(among) if among is not None else np.arange(len(self.units))
        units = np.unique(self.units[rows])
        value = statistic(rows) if len(rows) else float("nan")
        if not np.isfinite(value):
            return None
        estimates: list[float] = []
        if len(units) > 1:
            of_unit = [rows[self.units[rows] == unit] for unit in units]
            random = np.random.default_rng(self.seed)
            for _ in range(self.resamples):
                drawn = np.concatenate([of_unit[place] for place in random.integers(0, len(units), len(units))])
                estimates.append(statistic(drawn))
        finite = [estimate for estimate in estimates if np.isfinite(estimate)]
        low, high = (float(end) for end in np.quantile(finite, [0.025, 0.975])) if finite else (None, None)
        return Figure(name, float(value), low, high, chance, len(rows), len(units))


def balanced_accuracy(right: NDArray[np.bool_], classes: Ints) -> float:
    """The mean over classes of the share that is right."""
    counts = np.bincount(classes)
    hits = np.bincount(classes, weights=right)
    return float((hits[counts > 0] / counts[counts > 0]).mean()) if len(classes) else float("nan")


def auroc(scores: Reals, positive: NDArray[np.bool_]) -> float:
    """The share of pairs in the right order, ties counted half; NaN without volumes of both kinds."""
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def calibration_error(scores: Reals, right: NDArray[np.bool_], *, bins: int = 10) -> float:
    """Expected calibration error: the mean gap of score and share right, over equal bins of the score, NaN left out."""
    known = np.isfinite(scores)
    scores, right = np.clip(scores[known], 0.0, 1.0), right[known]
    bin_of = np.minimum((scores * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(bin_of, weights=scores, minlength=bins) - np.bincount(bin_of, weights=right, minlength=bins)
    return float(np.abs(gaps).sum() / max(len(scores), 1))
