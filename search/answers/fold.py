"""Which of what was found fits, and which is merely alike: the fold of an answer, and when nothing relevant was found.

A study fits where one piece of evidence says what was asked for and nothing in that piece speaks against it: a clause
that holds every finding asked for and most of the rest; a sentence that names nearly all of it; one whose meaning lies
far above what unrelated questions reach; or, where no finding is asked for, a scan above what these reach. The shares
were measured by `benchmarks.answers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from spinecho.db.filters.conditions import ASKING
from spinecho.encoders.language.findings import Wish
from spinecho.search.answers.hits import PassageHit
from spinecho.search.channels.found import Evidence, Found

_HOLDS, _NAMES = 0.6, 0.8
"""Shares of what is asked that are named: beside every finding, and without them."""
_NEAR, _RELEVANT = 0.4, 0.25
"""How far a cosine lies from what unrelated questions reach (0) to a sentence that is the question itself (1)."""


def fold(found: Found, wish: Wish, floors: Mapping[str, float], *, fitting: Iterable[int] = ()) -> Found:
    """Mark what fits, and raise its scores above those of what does not: from a half to 1, and from 0 to a half.

    floors: by channel, "sentences" and "scans", what unrelated questions reach; none where that was not measured.
    fitting: what is known to fit.
    """
    known = set(fitting)
    for key, score in found.scores.items():
        evidence = found.evidence[key]
        evidence.fits = key in known or _fits(evidence, wish, floors)
        found.scores[key] = score / 2 + (0.5 if evidence.fits else 0.0)
    return found


def nothing_relevant(found: Found, floors: Mapping[str, float]) -> bool:
    """Whether nothing fits, and no sentence's meaning lies clearly above what unrelated questions reach either."""
    if any(found.evidence[key].fits for key in found.scores):
        return False
    least = _above(floors.get("sentences", 0.0), _RELEVANT)
    return not any(
        (one.similarity or 0.0) >= least and not one.contradicts
        for key in found.scores
        for one in found.evidence[key].passages
    )


def _fits(evidence: Evidence, wish: Wish, floors: Mapping[str, float]) -> bool:
    if any(_says(one, wish, floors.get("sentences", 0.0)) for one in evidence.passages):
        return True
    usual = floors.get("scans")
    return usual is not None and not wish.findings and not wish.normal and evidence.channels.get("image", -1.0) > usual


def _says(hit: PassageHit, wish: Wish, usual: float) -> bool:
    if hit.contradicts or hit.unmeasured:
        return False
    if wish.normal and (hit.assertion != "absent" or _of_a_part(hit, wish)):
        return False  # only a report calls something normal: a header names what was scanned
    if wish.findings:
        asks = hit.clause is not None and hit.clause.decided_by == "question"
        if asks or not hit.about or hit.passage.section in ASKING:
            return False  # it speaks of another finding, or asks for this one, as the question does
    if hit.covers >= _NAMES or (hit.similarity or 0.0) >= _above(usual, _NEAR):
        return True
    holds = hit.clause is not None and bool(wish.findings) and wish.findings <= hit.clause.concepts
    return holds and hit.covers >= _HOLDS


def _of_a_part(hit: PassageHit, wish: Wish) -> bool:
    """Whether what is called normal is another place than the one asked for, or a part of it alone."""
    places = hit.clause.places if hit.clause is not None else frozenset()
    return bool(wish.places and places) and not wish.places & places


def _above(usual: float, share: float) -> float:
    return usual + share * (1.0 - usual)
