"""Paired retrieval: does a report find its scan, or a scan its report?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.measuring.candidates import (
    Block,
    Candidates,
    Names,
    blocks,
    identities,
    joined,
    numbers,
    same_length,
    unit_rows,
)
from spinecho.encoders.measuring.figures import EmptyPool, Figure, Measured
from spinecho.encoders.measuring.metrics import Floats, Ints, first_ranks, random_first_ranks
from spinecho.encoders.measuring.resampling import RESAMPLES, Resamples


def paired(
    queries: NDArray[Any],
    gallery: NDArray[Any],
    *,
    query_uids: Names,
    gallery_uids: Names,
    patients: Names,
    query_groups: Names | None = None,
    gallery_groups: Names | None = None,
    hard: tuple[Names, Names] | None = None,
    ks: Sequence[int] = (1, 5, 10, 50),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measured:
    """Recall@k, MRR and median rank of finding the partner; for the other direction, swap the two sides.

    queries: (q, d), gallery: (g, d) unit rows of one space. Pairs are joined by UID, whatever the order: a candidate is
    right if it has the query's UID, or its group where groups are given (see `text_groups`). Gallery rows of one UID
    (the volumes of a study) are one candidate, scored by its best row. `patients` are the queries'.
    hard: (keys of the queries, keys of the gallery): a query is compared with candidates of its own key alone, such as
    (body region, sequence).

    Left out and counted are queries without a partner in their pool, or with nothing else in it. Raises `EmptyPool`
    where none is left.
    """
    same_length(queries=queries, query_uids=query_uids)
    same_length(gallery=gallery, gallery_uids=gallery_uids)
    asked, held = unit_rows(queries, "queries"), unit_rows(gallery, "gallery")
    return paired_scores(
        lambda start, stop: asked[start:stop] @ held.T,
        query_uids=query_uids,
        gallery_uids=gallery_uids,
        patients=patients,
        query_groups=query_groups,
        gallery_groups=gallery_groups,
        hard=hard,
        ks=ks,
        resamples=resamples,
        seed=seed,
    )


def paired_scores(
    scores: Floats | Block,
    *,
    query_uids: Names,
    gallery_uids: Names,
    patients: Names,
    query_groups: Names | None = None,
    gallery_groups: Names | None = None,
    hard: tuple[Names, Names] | None = None,
    ks: Sequence[int] = (1, 5, 10, 50),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measured:
    """As `paired`, over (q, g) scores of any kind, or a function from (start, stop) to those rows of them."""
    if (query_groups is None) != (gallery_groups is None):
        raise ValueError("give the groups of both sides, or of neither")
    keys = hard if hard is not None else ([0] * len(query_uids), [0] * len(gallery_uids))
    n = same_length(query_uids=query_uids, patients=patients, query_groups=query_groups, hard=keys[0])
    same_length(gallery_uids=gallery_uids, gallery_groups=gallery_groups, hard=keys[1])
    candidates = Candidates(list(zip(gallery_uids, keys[1], strict=True)))
    first = candidates.first
    query_uid, gallery_uid = joined(query_uids, gallery_uids)
    query_key, gallery_key = numbers(*keys)
    uid, key = gallery_uid[first], gallery_key[first]
    query_group, group = query_uid, uid
    if query_groups is not None and gallery_groups is not None:
        query_group, gallery_group = joined(query_groups, gallery_groups)
        group = gallery_group[first]
        if np.any(gallery_group != group[candidates.of]):
            raise ValueError("rows of one gallery UID are of several groups; see text_groups(..., uids=...)")

    kept, ranks, pools, rights = [], [], [], []
    left_out = {"no partner in the pool": 0, "nothing else in the pool": 0}
    for start, stop in blocks(n, len(gallery_uids)):
        allowed = key == query_key[start:stop, None]
        right = allowed & ((uid == query_uid[start:stop, None]) | (group == query_group[start:stop, None]))
        pool, number = allowed.sum(axis=1), right.sum(axis=1)
        ask = (number > 0) & (number < pool)
        left_out["no partner in the pool"] += int((number == 0).sum())
        left_out["nothing else in the pool"] += int(((number > 0) & (number == pool)).sum())
        if not ask.any():
            continue
        block = scores(start, stop) if callable(scores) else np.asarray(scores)[start:stop]
        ranks.append(first_ranks(candidates.best(block[ask]), right[ask], allowed[ask]))
        kept.append(np.arange(start, stop)[ask])
        pools.append(pool[ask])
        rights.append(number[ask])
    if not kept:
        raise EmptyPool(
            f"none of {n} queries has a partner among {len(candidates)} candidates and something to be told apart from "
            f"({', '.join(f'{reason}: {number}' for reason, number in left_out.items())})"
        )
    units = numbers(identities(patients, query_uids)[np.concatenate(kept)].tolist())[0]
    draws = Resamples(units, resamples=resamples, seed=seed)
    figures = _figures(np.concatenate(ranks), np.concatenate(pools), np.concatenate(rights), tuple(ks), draws)
    return Measured(figures, draws.n_units, left_out={reason: n for reason, n in left_out.items() if n})


def _figures(rank: Ints, pool: Ints, right: Ints, ks: tuple[int, ...], draws: Resamples) -> dict[str, Figure]:
    within, reciprocal, median = random_first_ranks(pool, right, ks)
    size, count = float(pool.mean()), len(rank)
    figures = {}
    for k, chance in zip(ks, within.tolist(), strict=True):
        hit = (rank <= k).astype(np.float64)
        figures[f"Recall@{k}"] = Figure(float(hit.mean()), chance, draws.mean(hit), size, count)
    figures["MRR"] = Figure(float((1.0 / rank).mean()), reciprocal, draws.mean(1.0 / rank), size, count)
    ranks = rank.astype(np.float64)
    figures["median rank"] = Figure(float(np.median(ranks)), median, draws.median(ranks), size, count)
    return figures
