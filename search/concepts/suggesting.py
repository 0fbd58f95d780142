"""Which studies to judge next: those that the head is unsure of, unlike one another and unlike what was judged."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from spinecho.db.people.concepts import KeptConcept, study_rows
from spinecho.db.schema.database import Database
from spinecho.search.concepts.applying import head_of
from spinecho.search.concepts.features import features_of
from spinecho.search.concepts.learning import Rows

_CONSIDERED = 20
"""Of how many times as many of the least certain the most diverse are taken."""
_MOST = 20_000
"""Studies that are looked at, evenly spread over the archive."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A study to judge. probability: of the concept, as the head has it now."""

    study: int
    uid: str
    probability: float


def next_to_judge(
    database: Database, concept: KeptConcept, judged: Collection[int], studies: list[int], *, k: int
) -> tuple[Suggestion, ...]:
    """k studies, uncertain and diverse: farthest first (k-center, Sener and Savarese, arXiv 1708.00489) among those
    whose probability is nearest to where the head changes its mind. judged: ids that are left out and kept away from.
    """
    head = head_of(concept)
    step = max(1, -(-len(studies) // _MOST))
    wanted = sorted({*studies[::step], *judged})
    features = features_of(list(study_rows(database, concept.space, wanted)), head.reads)
    if not features.studies or features.read.shape[1] != len(head.line.weights):
        return ()
    p = head.line.probabilities(features.read)
    known = np.array([study in judged for study in features.studies], bool)
    strange = head.line.strange(features.whole)
    order = [one for one in np.argsort(np.abs(p - 0.5), kind="stable").tolist() if not known[one]]
    order.sort(key=lambda one: bool(strange[one]))  # what resembles nothing that was taught comes last
    chosen = _diverse(features.whole, order[: k * _CONSIDERED], features.whole[known], k)
    return tuple(Suggestion(features.studies[one], features.uids[one], float(p[one])) for one in chosen)


def _diverse(whole: Rows, order: list[int], judged: Rows, k: int) -> list[int]:
    """The first of the order, then in turn the one that is farthest from those chosen and judged."""
    if not order:
        return []
    rows = whole[order]
    nearest = (rows @ judged.T).max(axis=1) if len(judged) else np.full(len(order), -1.0, np.float32)
    places = [0]
    while len(places) < min(k, len(order)):
        nearest = np.maximum(nearest, rows @ rows[places[-1]])
        nearest[places] = np.inf
        places.append(int(np.argmin(nearest)))
    return [order[place] for place in places]
