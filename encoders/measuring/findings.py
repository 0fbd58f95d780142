"""Words for a finding against studies of one pool: do those that have it come before those that have not?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spinecho.encoders.measuring.candidates import Names, identities, same_length
from spinecho.encoders.measuring.figures import EmptyPool, Figure, Measured
from spinecho.encoders.measuring.metrics import Bools, Floats, Ints, steps
from spinecho.encoders.measuring.resampling import RESAMPLES, Resamples, percentiles

_CELLS = 2_000_000
_MEASURES = ("Recall@R", "AUROC")


@dataclass(frozen=True, slots=True)
class FindingPool:
    """One finding among studies of one kind. scores, has, patients: one value a study; a higher score comes first."""

    name: str
    scores: Floats
    has: Bools
    patients: Names


def by_finding(pools: Sequence[FindingPool], *, resamples: int = RESAMPLES, seed: int = 0) -> Measured:
    """Recall@R and AUROC, each the mean over the pools; `parts` has those of each pool.

    Recall@R: of the R studies that have a finding, the share that lies among the first R (R-precision); a random order
    gives R / n. AUROC: how often one that has it lies before one that has not; a random order gives one half. Equal
    scores go against us, here as elsewhere. Patients are drawn, the same for every pool.

    Left out and counted are pools in which every study has the finding, or none. Raises `EmptyPool` where none is left.
    """
    kept = [pool for pool in pools if pool.has.any() and not pool.has.all()]
    if not kept:
        raise EmptyPool(f"none of {len(pools)} findings is there in some studies of a pool and not in others")
    for pool in kept:
        same_length(scores=pool.scores, has=pool.has, patients=pool.patients)
    everyone = identities([name for pool in kept for name in pool.patients])
    draws = Resamples(everyone, resamples=resamples, seed=seed)
    ends = np.cumsum([len(pool.has) for pool in kept])
    values, drawn, parts = [], [], {}
    for pool, end in zip(kept, ends.tolist(), strict=True):
        n = len(pool.has)
        order = np.lexsort((pool.has, -steps(pool.scores)))  # among equals those that have it last
        has = pool.has[order]
        own = _values(np.ones((1, n)), has)[:, 0]
        again = _drawn(draws, everyone[end - n : end][order], has)
        parts[pool.name] = _figures(own, (float(has.mean()), 0.5), again, float(n), 1)
        values.append(own)
        drawn.append(again)
    chance = (float(np.mean([pool.has.mean() for pool in kept])), 0.5)
    size = float(np.mean([len(pool.has) for pool in kept]))
    whole = _figures(np.mean(values, axis=0), chance, _mean(np.stack(drawn)), size, len(kept))
    missing = len(pools) - len(kept)
    left_out = {"every study of the pool has it, or none": missing} if missing else {}
    return Measured(whole, draws.n_units, parts=parts, left_out=left_out)


def _values(times: Floats, has: Bools) -> Floats:
    """(2, draws) recall at R and AUROC of studies in ranked order; times (draws, n): how often each stands there."""
    with_it, without = times * has, times * ~has
    right, wrong = with_it.sum(axis=1), without.sum(axis=1)
    before = np.cumsum(times, axis=1) - times
    room = np.clip(right[:, None] - before, 0, times)
    after = wrong[:, None] - np.cumsum(without, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where((right > 0) & (wrong > 0), (room * has).sum(axis=1) / right, np.nan)
        return np.stack([recall, (with_it * after).sum(axis=1) / (right * wrong)])


def _drawn(draws: Resamples, units: Ints, has: Bools) -> Floats:
    """(2, resamples), NaN where a draw has only studies with the finding, or only others."""
    blocks = list(_blocks(len(draws.counts), len(units)))
    if not blocks:
        return np.empty((2, 0))
    parts = [_values(draws.counts[start:stop][:, units].astype(np.float64), has) for start, stop in blocks]
    return np.concatenate(parts, axis=1)


def _blocks(rows: int, width: int) -> Iterator[tuple[int, int]]:
    size = max(1, _CELLS // max(1, width))
    for start in range(0, rows, size):
        yield start, min(start + size, rows)


def _mean(drawn: Floats) -> Floats:
    """(pools, 2, resamples) to (2, resamples): over the pools that a draw tells something of."""
    told = np.isfinite(drawn)
    with np.errstate(invalid="ignore", divide="ignore"):
        out: Floats = np.where(told, drawn, 0.0).sum(axis=0) / told.sum(axis=0)
    return out


def _figures(
    values: Floats, chance: tuple[float, float], drawn: Floats, pool: float, queries: int
) -> dict[str, Figure]:
    return {
        name: Figure(float(values[row]), chance[row], percentiles(drawn[row]), pool, queries)
        for row, name in enumerate(_MEASURES)
    }
