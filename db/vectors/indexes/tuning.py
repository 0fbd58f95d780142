"""Choosing an index by what it does with the vectors that it is for.

A sample is held out of the index and asked for its neighbours among the rest; the truth is a comparison with all of
them. Only then are the held-out vectors added. A filter is stood in for by a random set of the same share.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinecho.db.vectors.indexes.candidates import Candidates
from spinecho.db.vectors.indexes.faiss_index import Bits, nearest_rows
from spinecho.db.vectors.indexes.index_plan import FLAT, RECIPES, Effort, Plan, Wish
from spinecho.db.vectors.indexes.protocol import Codes, Rows
from spinecho.db.vectors.indexes.scattered import Rough, compare

_ASKED = (
    (1.0, 10),
    (0.5, 10),
    (0.1, 10),
    (0.03, 10),
    (0.01, 10),
    (0.003, 10),
    (0.001, 10),
    (1.0, 200),
)
"""Shares of allowed vectors, and neighbours wanted, that are measured: a page of results, and what a search by study
fetches, since several vectors belong to one. Shares of so few vectors that all are compared are left out."""
LADDER = (50, 100, 200, 400, 800, 1600, 3200)
"""Candidates tried for ten neighbours; for more, as much more by the root of the ratio."""
_MOST = 4000
_SAMPLE, _PART, _TIMED, _BLOCK = 400, 200, 60, 20_000
"""Queries held out, those of them that ask with filters and for many neighbours, and those that are timed singly."""
_TRAIN_PER_LIST = 50
_DEEP_RECALL = 0.95
"""Aimed at for many neighbours, of which the last are often no more alike than chance; the first ones are found."""
_MARGIN = 0.003
"""Aimed at past the wish, about one standard error of a recall of 0.99 measured on the sample."""
_SAME = 1e-5
"""Similarities that count as equal: float32 sums differ by less, in whatever order they are taken."""
_PATIENCE_MS = 3.0
"""A filtered search may take this long, or three unfiltered ones, to compare everything rather than guess."""
_ALWAYS_EXACT = 12_000
"""Allowed vectors up to which nothing may be missed, whatever the machine: two to three milliseconds on one core."""
_MANY = 800
"""Candidates from which finer codes, where memory allows them, are tried for a faster answer."""
_OVERHEAD = 8
"""Bytes of the id that every kind holds beside FAISS's own."""
_TABLE = 16
"""Bytes of the table from ids to places, at most."""


@dataclass(frozen=True, slots=True)
class Truth:
    """For one (share, k): the similarity of the first queries' k-th neighbours, over the allowed places."""

    share: float
    k: int
    allowed: Bits
    kth: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sample:
    """Held-out queries, (n, dim), their places, and what is true of them."""

    places: NDArray[np.int64]
    queries: Rows
    truths: tuple[Truth, ...]


def lists_for(count: int) -> int:
    """Inverted lists: the power of two nearest to 2.5 times the root of the count, 40 vectors a list at least."""
    return int(max(1, min(2 ** round(math.log2(2.5 * math.sqrt(max(count, 1)))), count // 40)))


def estimated_bytes(kind: str, dim: int) -> float:
    """Resident bytes a vector, before anything is built."""
    if kind == FLAT:
        return 2 * dim + 2 * _OVERHEAD
    if kind.startswith("hnsw"):
        return dim + 2 * 32 * 4 + 12 + 2 * _OVERHEAD + _TABLE
    bits = {"ivf rabitq": dim / 8 + 8, "ivf rabitq2": dim / 4 + 20, "ivf sq8": float(dim)}[kind]
    return bits + 2 * _OVERHEAD + _TABLE


def draw_sample(codes: Codes, *, seed: int = 0, size: int = _SAMPLE) -> Sample:
    """Hold vectors out, at most a tenth, and find their true neighbours among the others."""
    random = np.random.default_rng(seed)
    places = np.sort(random.choice(len(codes), min(size, len(codes) // 10), replace=False))
    queries = codes[places].astype(np.float32)
    rest = np.ones(len(codes), dtype=bool)
    rest[places] = False
    allowed = {share: rest & (random.random(len(codes)) < share) for share in {share for share, _ in _ASKED}}
    asked = [
        (share, k) for share, k in _ASKED if len(places) and allowed[share].sum() >= max(k, _ALWAYS_EXACT * (share < 1))
    ]
    asking = {pair: queries if pair == _ASKED[0] else queries[:_PART] for pair in asked}
    best = {(share, k): np.full((len(asking[share, k]), k), -np.inf, np.float32) for share, k in asked}
    for start, rows in blocks(codes):
        for share, k in asked:
            some = rows[allowed[share][start : start + len(rows)]]
            if len(some):
                _, values = nearest_rows(asking[share, k], some, k)
                both = np.concatenate([best[share, k], values], axis=1)
                best[share, k] = -np.sort(-both, axis=1)[:, :k]
    truths = tuple(Truth(share, k, allowed[share], best[share, k][:, -1]) for share, k in asked)
    return Sample(places, queries, truths)


def blocks(codes: Codes) -> Iterator[tuple[int, Rows]]:
    """The rows as float32, a part at a time, each with the place of its first."""
    for start in range(0, len(codes), _BLOCK):
        yield start, codes[start : start + _BLOCK].astype(np.float32)


def fit(
    codes: Codes,
    wish: Wish,
    *,
    rough: Rough | None = None,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Candidates | None, Plan]:
    """The first kind, smallest first, that keeps to the memory and reaches the recall; None and a flat plan if none.

    Where it takes many candidates to reach it, the next kind is tried too, and the faster one taken.

    codes: (n, dim), in memory or mapped; about 50 rows a list are read into memory, and one block of rows at a time.
    rough: the same rows, where comparing everything that a filter leaves is to go by them.
    """
    kinds = [wish.kind] if wish.kind is not None else list(RECIPES)
    if wish.flat(len(codes)):
        return None, Plan(note="few enough to compare all of them" if wish.kind is None else "asked for")
    if wish.kind is None:
        kinds = [kind for kind in kinds if fits(kind, wish, codes.shape)]
    sample = draw_sample(codes, seed=seed)
    tried: list[str] = []
    best: tuple[Candidates, Plan] | None = None
    last: Candidates | None = None
    for kind in kinds:
        say(f"trying {kind}")
        last, plan = measured(codes, kind, wish, sample, rough=rough, seed=seed, lends=last)
        if not plan.efforts:
            tried.append(f"{kind}: {plan.note}")
        elif best is None or plan.efforts[0].p50_ms < best[1].efforts[0].p50_ms:
            best = last, plan
        if best is not None and best[1].efforts[0].candidates < _MANY:
            break
    if best is not None:
        return best
    return None, Plan(note="; ".join(tried) or f"no other kind fits into {wish.bytes_per_vector} bytes a vector")


def fits(kind: str, wish: Wish, shape: tuple[int, ...]) -> bool:
    """Whether a kind keeps to the memory: a vector's, or for inverted lists the whole index's.

    A graph has to be allowed by its bytes a vector: its recall held for vectors like those it was measured with, and
    fell short for queries from between them.
    """
    size = estimated_bytes(kind, shape[1])
    return size <= wish.bytes_per_vector or (kind.startswith("ivf") and size * shape[0] <= wish.megabytes * 2**20)


def measured(
    codes: Codes,
    kind: str,
    wish: Wish,
    sample: Sample,
    *,
    rough: Rough | None = None,
    seed: int = 0,
    lends: Candidates | None = None,
) -> tuple[Candidates, Plan]:
    """Build one kind over everything and measure it. No efforts in the plan where the wish is out of reach."""
    candidates, built = build_without(codes, kind, sample, seed=seed, lends=lends)
    per_row = _exact_ms_per_1000(codes, sample.queries, rough) / 1000
    efforts, note = _efforts(candidates, codes, sample, wish, per_row)
    candidates.add(sample.places, sample.queries)
    if not efforts and wish.kind is not None:
        efforts = [Effort(1.0, 10, candidates.breadths[-1], LADDER[-1], 0.0, 0.0)]
    plan = Plan(
        kind=kind,
        lists=lists_for(len(codes)) if kind.startswith("ivf") else 0,
        efforts=tuple(efforts),
        bytes_per_vector=round(candidates.size / len(codes), 1),
        sample=len(sample.places),
        seconds=built,
        note=note,
        rough_scale=rough.scale if rough else 0.0,
        rough_error=rough.error if rough else 0.0,
    )
    if efforts:
        patience = max(_PATIENCE_MS, 3 * efforts[0].p50_ms)
        plan = replace(plan, exact_up_to=max(_ALWAYS_EXACT, int(patience / per_row)))
    return candidates, plan


def build_without(
    codes: Codes, kind: str, sample: Sample, *, seed: int = 0, lends: Candidates | None = None
) -> tuple[Candidates, float]:
    """(an index of everything but the sample, the seconds it took to train and fill)."""
    began = time.perf_counter()
    lists = lists_for(len(codes))
    rest = np.ones(len(codes), dtype=bool)
    rest[sample.places] = False
    learned = np.random.default_rng(seed).permutation(np.flatnonzero(rest))[: max(lists * _TRAIN_PER_LIST, 1000)]
    candidates = Candidates.train(kind, codes[np.sort(learned)].astype(np.float32), lists=lists, lends=lends)
    for start, rows in blocks(codes):
        kept = rest[start : start + len(rows)]
        candidates.add(np.flatnonzero(kept) + start, rows[kept])
    return candidates, round(time.perf_counter() - began, 1)


def _efforts(
    candidates: Candidates, codes: Codes, sample: Sample, wish: Wish, per_row: float
) -> tuple[list[Effort], str]:
    """(efforts, what is to be said of those that are missing)."""
    efforts: list[Effort] = []
    unreached, note = 0.0, ""
    for truth in sample.truths:
        deep = truth.k > 10
        n_allowed = float(truth.allowed.sum())
        if truth.share < 1.0 and (unreached or n_allowed * per_row < _PATIENCE_MS):
            unreached = unreached or truth.share
            continue
        target = min(wish.recall, _DEEP_RECALL) if deep else wish.recall + _MARGIN
        patience = n_allowed * per_row if truth.share < 1.0 else math.inf
        found = _effort(candidates, codes, sample, truth, target, patience_ms=patience)
        reached = found is not None and found.recall >= target
        if found is not None and (reached or deep):
            efforts.append(found)
        elif deep:
            continue
        elif truth.share == 1.0:
            short = f"recall {wish.recall} is out of reach ({found.recall if found else 0:.3f})"
            return ([found] if found is not None and wish.kind is not None else []), short
        else:
            unreached, note = truth.share, f"at {truth.share:.1%} allowed and fewer, all of them are compared"
    return efforts, note


def _effort(
    candidates: Candidates, codes: Codes, sample: Sample, truth: Truth, target: float, *, patience_ms: float
) -> Effort | None:
    """The fastest effort that reaches the target for one (share, k); the best one where none does."""
    scale = math.sqrt(truth.k / 10)
    most = min(_MOST, len(codes) // 10)  # comparing more of them is no gain over comparing all
    ladder = [round(count * scale) for count in LADDER if 2 * truth.k <= count * scale <= most]
    if not ladder:
        return None
    packed = None if truth.share == 1.0 else np.packbits(truth.allowed, bitorder="little")
    reached: list[Effort] = []
    best: Effort | None = None
    stalled = 0
    for breadth in candidates.breadths:
        began = time.perf_counter()
        curve = recalls(candidates, codes, sample, truth, ladder, breadth, packed)
        spent_ms = 1000 * (time.perf_counter() - began) / len(truth.kth)
        made = [Effort(truth.share, truth.k, breadth, *pair, 0.0) for pair in zip(ladder, curve, strict=True)]
        enough = next((effort for effort in made if effort.recall >= target), None)
        if enough is not None and (not reached or enough.candidates < reached[-1].candidates):
            reached.append(enough)
        elif reached:
            break
        stalled = 0 if best is None or made[-1].recall > best.recall + 0.0005 else stalled + 1
        best = made[-1] if best is None or made[-1].recall > best.recall else best
        if stalled > 2 or spent_ms > patience_ms:
            break
    timed = [
        replace(effort, p50_ms=p50_ms(candidates, codes, sample, effort, packed))
        for effort in reached or ([] if best is None else [best])
    ]
    return min(timed, key=lambda effort: effort.p50_ms, default=None)


def recalls(
    candidates: Candidates,
    codes: Codes,
    sample: Sample,
    truth: Truth,
    ladder: Sequence[int],
    breadth: int,
    packed: NDArray[np.uint8] | None,
) -> list[float]:
    """Mean recall at k with each number of candidates: what comes first of many is what fewer would have given."""
    found = np.zeros(len(ladder))
    queries = sample.queries[: len(truth.kth)]
    proposed = candidates.search(queries, ladder[-1], breadth=breadth, allowed=packed)
    for query, kth, places in zip(queries, truth.kth, proposed, strict=True):
        known = np.sort(places[places >= 0])
        at, similarities = compare(codes, known, query, truth.k)
        good = at[similarities >= kth - _SAME]
        rank = {int(place): number for number, place in enumerate(places)}
        ranks = np.sort([rank[int(place)] for place in good])
        found += np.minimum(np.searchsorted(ranks, ladder), truth.k)
    return [round(float(value), 4) for value in found / (truth.k * len(queries))]


def p50_ms(
    candidates: Candidates, codes: Codes, sample: Sample, effort: Effort, packed: NDArray[np.uint8] | None = None
) -> float:
    """Median of single queries, one after another: proposing and comparing."""
    times = []
    for query in sample.queries[:_TIMED]:
        began = time.perf_counter()
        places = candidates.search(query[None], effort.candidates, breadth=effort.breadth, allowed=packed)[0]
        compare(codes, np.sort(places[places >= 0]), query, effort.k)
        times.append(time.perf_counter() - began)
    return round(1000 * float(np.median(times)), 3)


def _exact_ms_per_1000(codes: Codes, queries: Rows, rough: Rough | None) -> float:
    if not len(queries):
        return 1.0
    random = np.random.default_rng(1)
    count = min(len(codes), 8000)
    times = []
    for query in queries[:9]:
        places = np.sort(random.choice(len(codes), count, replace=False))
        began = time.perf_counter()
        compare(codes, places, query, 10, rough=rough)
        times.append(time.perf_counter() - began)
    return max(1e-3, 1000 * float(np.median(times)) * 1000 / count)
