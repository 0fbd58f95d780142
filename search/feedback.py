"""Relevance feedback: thumbs move a query towards what fitted and away from what did not.

Rocchio 1971 (in Salton, The SMART Retrieval System), with the weights that Manning et al. 2008 (Introduction to
Information Retrieval, section 9.1.1) recommend: 1, 0.75 and 0.15. Ours: of a judged study the one vector that is
nearest to the query stands for it, as most of its series and sentences have nothing to do with what was asked.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from db.filters import Filter
from db.vectors.protocol import Rows

_GOOD, _BAD = 0.75, 0.15


def query_key(text: str, where: Filter) -> str:
    """What names a query in the store: a digest, so that nobody reads words in it."""
    plain = json.dumps([" ".join(text.casefold().split()), repr(where)])
    return hashlib.sha256(plain.encode()).hexdigest()[:24]


def moved(query: Rows, good: Sequence[Rows], bad: Sequence[Rows]) -> Rows:
    """(1, dim) unit row: the query after feedback; `good` and `bad` hold each judged study's vectors, (n, dim)."""
    total = query[0].astype(np.float64)
    for weight, studies in ((_GOOD, good), (-_BAD, bad)):
        if studies:
            total = total + weight * np.mean([rows[int((rows @ query[0]).argmax())] for rows in studies], axis=0)
    length = float(np.linalg.norm(total))
    return (total / length).astype(np.float32)[None] if length > 1e-9 else query


def agreed(verdicts: Iterable[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """(query, study UID, grade) out of (query, study UID, verdict) of one or many users: majority, ties left out."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for query, uid, verdict in verdicts:
        sums[query, uid] += verdict
    return [(query, uid, int(total > 0)) for (query, uid), total in sums.items() if total]
