"""Every kind of index on the same vectors, each at several efforts: what recall costs in time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spinecho.db.errors import StoreError
from spinecho.db.vectors.indexes.faiss_index import FlatIndex
from spinecho.db.vectors.indexes.index_plan import FLAT, KINDS, Effort
from spinecho.db.vectors.indexes.protocol import Codes
from spinecho.db.vectors.indexes.tuning import LADDER, Sample, blocks, build_without, draw_sample, p50_ms, recalls

_LEAST = 200
"""Vectors below which a recall says nothing."""
_ENOUGH = 0.001
"""Candidates are taken up to where more would add less recall than this."""


@dataclass(frozen=True, slots=True)
class TradeOff:
    """One kind at one effort, measured for ten neighbours without a filter."""

    kind: str
    breadth: int
    candidates: int
    recall: float
    p50_ms: float
    bytes_per_vector: float
    build_s: float


def trade_offs(
    codes: Codes, kinds: Sequence[str] = KINDS, *, seed: int = 0, say: Callable[[str], None] = lambda _: None
) -> list[TradeOff]:
    """Build each kind over the vectors, (n, dim), without a held-out sample, and ask that for its neighbours.

    Raises `StoreError` for a kind that does not exist, or for too few vectors.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise StoreError(f"no index of kind {kind!r}; there are: {', '.join(KINDS)}")
    if len(codes) < _LEAST:
        raise StoreError(f"{len(codes)} vectors are too few to measure on ({_LEAST} would do); all are compared")
    sample = draw_sample(codes, seed=seed)
    found: list[TradeOff] = []
    for kind in kinds:
        say(kind)
        found += [_flat(codes, sample)] if kind == FLAT else _kind(codes, kind, sample, seed)
    return found


def _flat(codes: Codes, sample: Sample) -> TradeOff:
    began = time.perf_counter()
    index = FlatIndex(codes.shape[1])
    for start, rows in blocks(codes):
        index.add(np.arange(start, start + len(rows)), rows)
    built = time.perf_counter() - began
    times = []
    for query in sample.queries[:30]:
        began = time.perf_counter()
        index.nearest(query[None], 10)
        times.append(time.perf_counter() - began)
    size = 2 * codes.shape[1] + 16
    return TradeOff(FLAT, 0, 0, 1.0, round(1000 * float(np.median(times)), 3), size, round(built, 1))


def _kind(codes: Codes, kind: str, sample: Sample, seed: int) -> list[TradeOff]:
    candidates, built = build_without(codes, kind, sample, seed=seed)
    size = round(candidates.size / len(codes) + 8, 1)
    truth, found = sample.truths[0], list[TradeOff]()
    for breadth in candidates.breadths:
        curve = recalls(candidates, codes, sample, truth, LADDER, breadth, None)
        at = next(number for number, value in enumerate(curve) if value >= curve[-1] - _ENOUGH)
        effort = Effort(1.0, truth.k, breadth, LADDER[at], curve[at], 0.0)
        effort = replace(effort, p50_ms=p50_ms(candidates, codes, sample, effort))
        found.append(TradeOff(kind, breadth, effort.candidates, effort.recall, effort.p50_ms, size, built))
        if effort.recall > 1 - _ENOUGH:
            break
    return found
