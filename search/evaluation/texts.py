"""Text to scan or study, with graded answers: nDCG@k, P@k, R@k; sets of queries, negations and synonyms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.measuring.candidates import Names, identities, same_length, unit_rows
from spinecho.encoders.measuring.figures import EmptyPool, Figure, Measured, Resampled
from spinecho.encoders.measuring.metrics import Floats, discounts, ndcg, steps
from spinecho.encoders.measuring.resampling import RESAMPLES, Resamples, percentiles

MEASURES = ("nDCG@10", "P@5", "R@10")
Relevance: TypeAlias = NDArray[Any] | Callable[[int], NDArray[Any]]
"""(q, n) grades, 0 for what does not answer; or a function from a query's number to its (n,)."""
_DEEP = 2000
"""Places of a ranking that are resampled: enough to fill any first ten, whatever is drawn."""


def by_text(
    queries: NDArray[Any],
    gallery: NDArray[Any],
    relevance: Relevance,
    *,
    measures: Sequence[str] = MEASURES,
    patients: Names | None = None,
    sets: Sequence[str] | None = None,
    negates: Mapping[int, int] | None = None,
    topics: Names | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measured:
    """Graded retrieval over (q, d) queries and (n, d) gallery, unit rows of one space.

    `measures` are named "nDCG@k", "P@k" and "R@k"; a grade above 0 is relevant for P and R, and P divides by k.
    `patients` (of the gallery) are what the intervals are drawn from; without them queries are. `sets` names the set of
    each query (`parts` has the figures of each). `negates` maps a query "no X" to the query "X": "wrong side@k" is the
    share of the first k for "no X" that answer "X" (lower is better). Queries of one of the `topics` ask the same in
    other words: "agreement@k" is the share of the first k that two of them have in common.

    Left out and counted are queries that nothing answers. Raises `EmptyPool` where none is left.
    """
    asked, held = unit_rows(queries, "queries"), unit_rows(gallery, "gallery")
    return by_text_scores(
        asked @ held.T,
        relevance,
        measures=measures,
        patients=patients,
        sets=sets,
        negates=negates,
        topics=topics,
        resamples=resamples,
        seed=seed,
    )


def by_text_scores(
    scores: Floats,
    relevance: Relevance,
    *,
    measures: Sequence[str] = MEASURES,
    patients: Names | None = None,
    sets: Sequence[str] | None = None,
    negates: Mapping[int, int] | None = None,
    topics: Names | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measured:
    """As `by_text`, over (q, n) scores of any kind; -inf stands for what a ranked list does not hold."""
    wanted = [_Measure.parse(name) for name in measures]
    n_queries, n = scores.shape
    same_length(queries=range(n_queries), sets=sets, topics=topics)
    same_length(gallery=range(n), patients=patients)
    units = identities(patients) if patients is not None else None
    draws = Resamples(units, resamples=resamples, seed=seed) if units is not None else None
    grades = np.zeros((n_queries, n))
    for number in range(n_queries):
        grades[number] = relevance(number) if callable(relevance) else relevance[number]
    if np.any(~(grades >= 0)):
        raise ValueError("grades are 0 or more")
    kept = [number for number in range(n_queries) if grades[number].any()]
    if not kept:
        raise EmptyPool(f"none of {n_queries} queries has an answer among {n} candidates; check the judgements' UIDs")

    orders = [_order(scores[number], grades[number]) for number in range(n_queries)]
    table = {m.name: np.array([m.value(grades[q][orders[q]], grades[q]) for q in kept]) for m in wanted}
    chances = {m.name: np.array([m.chance(grades[q]) for q in kept]) for m in wanted}
    bests = {m.name: np.array([m.value(-np.sort(-grades[q]), grades[q]) for q in kept]) for m in wanted}
    drawn = {m.name: _redrawn(m, orders, grades, kept, draws) for m in wanted} if draws is not None else {}
    by_query = Resamples(np.arange(len(kept), dtype=np.int64), resamples=resamples, seed=seed)

    def figures(of: NDArray[np.int64]) -> dict[str, Figure]:
        return {
            m.name: Figure(
                float(table[m.name][of].mean()),
                float(chances[m.name][of].mean()),
                _mean_interval(drawn[m.name][of]) if drawn else by_query.mean(table[m.name], of),
                float(n),
                len(of),
                best=float(bests[m.name][of].mean()),
            )
            for m in wanted
        }

    every = np.arange(len(kept))
    whole = figures(every)
    k = wanted[0].k
    if negates:
        pairs = [(no, yes) for no, yes in negates.items() if grades[yes].any()]
        whole |= _wrong_side(pairs, orders, grades, k, seed, resamples)
    if topics is not None:
        whole |= _agreement(topics, orders, n, k, seed, resamples)
    names = [sets[q] for q in kept] if sets is not None else []
    parts = {name: figures(np.flatnonzero([one == name for one in names])) for name in dict.fromkeys(names) if name}
    resampled: Resampled = "queries" if draws is None else "patients"
    missing = n_queries - len(kept)
    left_out = {"nothing answers": missing} if missing else {}
    return Measured(whole, draws.n_units if draws else len(kept), resampled=resampled, parts=parts, left_out=left_out)


@dataclass(frozen=True, slots=True)
class _Measure:
    kind: str
    k: int

    @property
    def name(self) -> str:
        return f"{self.kind}@{self.k}"

    @classmethod
    def parse(cls, name: str) -> _Measure:
        found = re.fullmatch(r"(nDCG|P|R)@([1-9]\d*)", name)
        if not found:
            raise ValueError(f"no measure {name!r}; write nDCG@10, P@5 or R@10")
        return cls(found[1], int(found[2]))

    def value(self, found: Floats, grades: Floats) -> float:
        """found: grades in ranked order; grades: of every candidate."""
        first = np.zeros(self.k)
        first[: min(self.k, len(found))] = found[: self.k]
        if self.kind == "nDCG":
            ideal = np.zeros(self.k)
            ideal[: min(self.k, len(grades))] = -np.sort(-grades)[: self.k]
            return float(ndcg(first[None], ideal[None])[0])
        hits = float((first > 0).sum())
        return hits / self.k if self.kind == "P" else hits / float((grades > 0).sum())

    def chance(self, grades: Floats) -> float:
        """The expectation over all orders of these candidates."""
        n, reach = len(grades), min(self.k, len(grades))
        if self.kind == "P":
            return float((grades > 0).mean()) * reach / self.k
        if self.kind == "R":
            return reach / n
        ideal = -np.sort(-grades)[:reach]
        weights = discounts(reach)
        return float(grades.mean() * weights.sum() / (ideal @ weights))


def _order(scores: Floats, grades: Floats) -> NDArray[np.int64]:
    """Candidates from best to worst, among equals the wrong ones first; what was not retrieved is not in it."""
    order = np.lexsort((grades, -steps(scores)))
    out: NDArray[np.int64] = order[np.isfinite(scores[order])]
    return out


def _redrawn(
    measure: _Measure, orders: Sequence[NDArray[np.int64]], grades: Floats, kept: Sequence[int], draws: Resamples
) -> Floats:
    """(queries, resamples) the measure over galleries in which each patient stands as often as it was drawn."""
    return np.array([_redrawn_one(measure, orders[q][:_DEEP], grades[q], draws) for q in kept])


def _redrawn_one(measure: _Measure, order: NDArray[np.int64], grades: Floats, draws: Resamples) -> Floats:
    k = measure.k
    relevant = draws.counts @ np.bincount(draws.units, weights=grades > 0, minlength=draws.n_units)
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure.kind == "nDCG":
            best = np.argsort(-grades, kind="stable")[:_DEEP]
            gain = np.concatenate([[0.0], np.cumsum(discounts(k))])
            found, ideal = (_dcg(grades[some], draws.counts[:, draws.units[some]], gain) for some in (order, best))
            return np.where(relevant > 0, found / ideal, np.nan)
        times = draws.counts[:, draws.units[order]]
        slots = np.clip(k - (np.cumsum(times, axis=1) - times), 0, times)
        hits = slots @ (grades[order] > 0)
        return np.where(relevant > 0, hits / (k if measure.kind == "P" else relevant), np.nan)


def _dcg(grades: Floats, times: NDArray[np.float32], gain: Floats) -> Floats:
    """times: (resamples, n) how often each place of the ranking stands; gain: discounts summed up to each rank."""
    after = np.cumsum(times, axis=1)
    last = len(gain) - 1
    weights = gain[np.minimum(after, last).astype(np.int64)] - gain[np.minimum(after - times, last).astype(np.int64)]
    out: Floats = weights @ grades
    return out


def _mean_interval(drawn: Floats) -> tuple[float, float] | None:
    """Over queries within each resample, without those that nothing answered in it."""
    some = np.isfinite(drawn)
    with np.errstate(invalid="ignore"):
        return percentiles(np.where(some, drawn, 0.0).sum(axis=0) / some.sum(axis=0)) if drawn.size else None


def _wrong_side(
    pairs: Sequence[tuple[int, int]],
    orders: Sequence[NDArray[np.int64]],
    grades: Floats,
    k: int,
    seed: int,
    resamples: int,
) -> dict[str, Figure]:
    if not pairs:
        return {}
    values = np.array([float((grades[yes][orders[no][:k]] > 0).sum()) / k for no, yes in pairs])
    chance = float(np.mean([(grades[yes] > 0).mean() for _, yes in pairs]))
    draws = Resamples(np.arange(len(pairs), dtype=np.int64), resamples=resamples, seed=seed)
    n = grades.shape[1]
    figure = Figure(float(values.mean()), chance * min(k, n) / k, draws.mean(values), n, len(pairs), best=0.0)
    return {f"wrong side@{k}": figure}


def _agreement(
    topics: Names, orders: Sequence[NDArray[np.int64]], n: int, k: int, seed: int, resamples: int
) -> dict[str, Figure]:
    groups: dict[Any, list[int]] = {}
    for number, topic in enumerate(topics):
        if topic not in {"", None}:
            groups.setdefault(topic, []).append(number)
    shared = [
        float(
            np.mean([len(np.intersect1d(orders[a][:k], orders[b][:k])) / min(k, n) for a, b in combinations(some, 2)])
        )
        for some in groups.values()
        if len(some) > 1
    ]
    if not shared:
        return {}
    draws = Resamples(np.arange(len(shared), dtype=np.int64), resamples=resamples, seed=seed)
    values = np.array(shared)
    return {f"agreement@{k}": Figure(float(values.mean()), min(k, n) / n, draws.mean(values), n, len(shared))}
