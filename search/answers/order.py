"""One order of an answer, however many of its hits are asked for.

How deep channels look decides scores, and with them the order. So nobody looks as deep as what is asked for takes: an
answer is made in steps of fixed depths, each for a number of hits of its own, and what a step adds comes after the hits
of the steps before. How many are asked for decides after which step, and where in it, the answer ends. Where everything
was looked at, the first step is the whole answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from spinecho.db.queries import lookup
from spinecho.db.schema.database import Database
from spinecho.search.answers.explain import Ranked
from spinecho.search.channels.found import Found
from spinecho.search.query import Kind

FIRST, FURTHER = 10, 5
"""Hits that the first step is for, as a page shows; and how many times those each further step is for."""
_VAIN = 2
"""Steps one after the other that find nothing else, after which nothing is looked for any more."""


@dataclass(frozen=True)
class Ordered:
    """The first hits of an answer.

    found: all that was compared; first: by the first step, which is the same however many are asked for. more: whether
    others may follow.
    """

    hits: Sequence[Ranked]
    found: Found
    first: Found
    more: bool


def in_order(database: Database, look: Callable[[int], Found], *, want: Kind, k: int) -> Ordered:
    """The first k hits of the answer to a question: those for any smaller k, and then more.

    look: what is found where so many hits are wanted, with scores as they are compared; each call gives values of its
    own. Scores that cannot be told apart are ordered by study UID, which no re-indexing changes. What a further step
    adds counts no more than what stands above it, and is merely alike where that is.
    """
    found, wanted = look(FIRST), FIRST
    hits = _best(database, found, found.scores, want, _room(found, found.scores, FIRST, k))
    first, placed, vain = found, {key for key, _, _ in hits}, 0
    while len(hits) < k and not found.complete:
        wanted *= FURTHER
        deeper = look(wanted)
        found = _deepened(found, deeper, placed, hits[-1] if hits else None)
        left = {key: score for key, score in found.scores.items() if key not in placed}
        if not left:  # what is next may lie deeper: of the nearest fifty studies none may have a report
            if (vain := vain + 1) == _VAIN and not found.complete:
                return Ordered(hits, found, first, more=False)
            continue
        vain = 0
        added = _best(database, found, left, want, _room(found, left, wanted - len(hits), k - len(hits)))
        ceiling = hits[-1][1] if hits else 1.0
        hits += [(key, min(score, ceiling), evidence) for key, score, evidence in added]
        placed.update(key for key, _, _ in added)
    return Ordered(hits, found, first, more=not found.complete or len(found.scores) > len(hits))


def _room(found: Found, scores: Mapping[int, float], wanted: int, k: int) -> int:
    """How many a step adds: so many as it is for, all where it looked at everything, and no more than are asked for."""
    return min(len(scores) if found.complete else wanted, k)


def _best(database: Database, found: Found, scores: Mapping[int, float], want: Kind, most: int) -> list[Ranked]:
    """The best of these scores, so many at most."""
    rounded = {key: round(score, found.decimals) for key, score in scores.items()}
    last = sorted(rounded.values(), reverse=True)[:most][-1:]
    near = [key for key, score in rounded.items() if last and score >= last[0]]
    uids: Mapping[int, str] = {}
    if want is Kind.STUDY:
        uids = {key: card.uid for key, card in lookup.study_cards(database, near).items()}
    order = sorted(near, key=lambda key: (-rounded[key], uids.get(key, ""), key))
    return [(key, scores[key], found.evidence[key]) for key in order[:most]]


def _deepened(found: Found, deeper: Found, placed: Collection[int], last: Ranked | None) -> Found:
    """What was found before, and what a deeper look says of all that has no place yet."""
    if last is None:
        return deeper
    scores = {key: score for key, score in deeper.scores.items() if key not in placed}
    evidence = {key: deeper.evidence[key] for key in scores}
    for one in evidence.values():
        one.fits &= last[2].fits
    return replace(found, scores=found.scores | scores, evidence=found.evidence | evidence, complete=deeper.complete)
