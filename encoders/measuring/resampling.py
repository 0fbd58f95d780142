"""95 % intervals by the percentile bootstrap (Efron and Tibshirani 1993), over patients: their images are not
independent of one another."""

from __future__ import annotations

import numpy as np

from spinecho.encoders.measuring.metrics import Floats, Ints

RESAMPLES = 1000
Interval = tuple[float, float] | None


class Resamples:
    """Draws of patients with replacement, the same for every figure of one measurement.

    units: (n,) the patient of each query, as numbers from 0 without gaps.
    """

    def __init__(self, units: Ints, *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        self.units = units
        self.n_units = int(units.max(initial=-1)) + 1
        random = np.random.default_rng(seed)
        drawn = (random.integers(0, self.n_units, self.n_units) for _ in range(resamples if self.n_units > 1 else 0))
        counts = [np.bincount(draw, minlength=self.n_units) for draw in drawn]
        self.counts = np.array(counts, dtype=np.float32).reshape(len(counts), self.n_units)
        """(resamples, patients): how often each was drawn."""

    def mean(self, values: Floats, among: Ints | None = None) -> Interval:
        """Of the mean of (n,) values, or of those of the queries `among`."""
        units = self.units if among is None else self.units[among]
        values = values if among is None else values[among]
        return percentiles(self._means(values, units)) if len(np.unique(units)) > 1 else None

    def macro(self, values: Floats, strata: Ints) -> Interval:
        """Of the mean over strata of their means; a stratum that was not drawn does not count."""
        means = [self._means(values[strata == one], self.units[strata == one]) for one in np.unique(strata)]
        drawn = np.isfinite(np.array(means))
        total = np.where(drawn, np.array(means), 0.0).sum(axis=0)
        return percentiles(total / np.maximum(drawn.sum(axis=0), 1)) if self.n_units > 1 else None

    def median(self, values: Floats) -> Interval:
        """Of the median."""
        times = (row[self.units].astype(np.int64) for row in self.counts)
        return percentiles(np.array([np.median(np.repeat(values, n)) for n in times])) if self.n_units > 1 else None

    def _means(self, values: Floats, units: Ints) -> Floats:
        sums = np.bincount(units, weights=values, minlength=self.n_units)
        numbers = np.bincount(units, minlength=self.n_units)
        with np.errstate(invalid="ignore"):
            out: Floats = (self.counts @ sums) / (self.counts @ numbers)
        return out


def percentiles(estimates: Floats) -> Interval:
    """The middle 95 % of the estimates that are numbers."""
    finite = estimates[np.isfinite(estimates)]
    if not len(finite):
        return None
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)
