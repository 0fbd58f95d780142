"""What a copy on a server finds, against a comparison with every stored vector."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from spinecho.db.schema.database import Database
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.exact import ExactIndex
from spinecho.db.vectors.indexes.protocol import Ids, Neighbours, Rows, ranked
from spinecho.db.vectors.servers.server_index import ServerIndex
from spinecho.db.vectors.stored_rows import read_vectors

EFFORTS = (64, 128, 256, 512)
"""How far a graph is searched: tried in turn."""
GOOD = 0.99
SHARES = {"all": 1.0, "10 %": 0.1, "1 %": 0.01, "0.1 %": 0.001}
"""What filters leave."""
QUERIES, _K = 40, 10


def measured(
    database: Database, space: SpaceRecord, index: ServerIndex, *, held: int, queries: int
) -> dict[str, dict[str, Any]]:
    """By share: recall of the ten nearest, and the median milliseconds of one query.

    Queries are stored vectors with as much noise as they have length: their neighbours are not only themselves.
    """
    ids, asked = _asking(database, space, queries)
    if not len(asked):
        return {}
    random = np.random.default_rng(0)
    found = {}
    for name, share in SHARES.items():
        among = None if share == 1 else ids[np.sort(random.choice(len(ids), max(1, int(share * len(ids))), False))]
        truth = _exact(database, space, asked, among)
        took, same = [], 0
        for row, query in enumerate(asked):
            begun = perf_counter()
            got = index.among_held(query[None], _K, held=held, among=among)
            took.append(1000 * (perf_counter() - begun))
            same += _agreeing(got, truth, row)
        wanted = int(np.isfinite(truth.similarities).sum())
        found[name] = {"recall": round(same / max(wanted, 1), 4), "p50_ms": round(float(np.median(took)), 2)}
    return found


def _asking(database: Database, space: SpaceRecord, most: int) -> tuple[Ids, Rows]:
    """(every id, the queries)."""
    random = np.random.default_rng(1)
    parts, kept = [np.empty(0, np.int64)], []
    for ids, rows in read_vectors(database, space):
        parts.append(ids)
        kept.append(rows[random.choice(len(rows), min(len(rows), most), replace=False)])
    if not kept:
        return parts[0], np.empty((0, space.dim), np.float32)
    rows = np.concatenate(kept)
    rows = rows[random.choice(len(rows), min(len(rows), most), replace=False)]
    rows = rows + random.normal(size=rows.shape).astype(np.float32) / np.sqrt(space.dim)
    queries: Rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return np.concatenate(parts), queries


def _exact(database: Database, space: SpaceRecord, queries: Rows, among: Ids | None) -> Neighbours:
    best = ranked(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32), _K)
    for ids, rows in read_vectors(database, space):
        block = ExactIndex(space.dim)
        block.add(ids, rows)
        found = block.nearest(queries, _K, among=among)
        best = ranked(
            np.concatenate([best.ids, found.ids], axis=1),
            np.concatenate([best.similarities, found.similarities], axis=1),
            _K,
        )
    return best


def _agreeing(got: Neighbours, truth: Neighbours, row: int) -> int:
    """How many are as similar as the truth's: of equal ones any may be found."""
    wanted = truth.similarities[row][np.isfinite(truth.similarities[row])]
    if not len(wanted):
        return 0
    return int((got.similarities[0][: len(wanted)] >= wanted.min() - 1e-5).sum())
