"""Which of what was found fits, and which is merely alike: the fold of an answer, and when nothing relevant was found.

A study fits where one piece of evidence says what was asked for and nothing in that piece speaks against it: a clause
that holds every finding asked for and most of the rest; a sentence that names nearly all of it; one whose meaning lies
far above what unrelated questions reach; or, where no finding is asked for, a scan above what these reach. The shares
were measured by `benchmarks.answers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spinecho.db.filters.conditions import ASKING
from spinecho.encoders.language.findings import Wish
from spinecho.search.answers.normality import calls_whole_normal
from spinecho.search.channels.clause_agreement import clauses_of
from spinecho.search.channels.foretold import PREDICTED
from spinecho.search.channels.found import Evidence, Found, PassageHit
from spinecho.search.planning.query_plan import QueryPlan
from spinecho.search.query import TextQuery

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
    found.folded = True
    for key, score in found.scores.items():
        evidence = found.evidence[key]
        evidence.fits = key in known or _fits(evidence, wish, floors)
        found.scores[key] = score / 2 + (0.5 if evidence.fits else 0.0)
    return found


def how_many_fit(found: Found) -> dict[str, int]:
    """How many of those that were compared fit, as an answer tells it; {} where that was not asked.

    On a large archive the nearest alone are compared, so that more may fit.
    """
    if not found.folded:
        return {}
    evidence = [found.evidence[key] for key in found.scores]
    compared = [one for one in evidence if one.passages or one.channels.keys() != {PREDICTED}]
    return {"fit": sum(one.fits for one in compared), "compared": len(compared)}


def fits_line(query: Mapping[str, Any]) -> str:
    """The same in words, "13 of 24 compared studies fit"; '' where the answer does not tell."""
    if "fit" not in query:
        return ""
    fit, compared = int(query["fit"]), int(query["compared"])
    one, many = ("report", "reports") if query.get("want") == "report" else ("study", "studies")
    return f"{fit:,} of {compared:,} compared {one if compared == 1 else many} {'fits' if fit == 1 else 'fit'}"


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


def conditions_of_words(query: TextQuery, plan: QueryPlan, found: Found) -> tuple[str, ...]:
    """The conditions that were read out of words and that nobody turned on, where nothing fits with them."""
    if query.unknown or not found.folded or any(one.fits for one in found.evidence.values()):
        return ()
    return tuple(one.key for one in plan.offers if one.on and one.key not in query.on)


def _fits(evidence: Evidence, wish: Wish, floors: Mapping[str, float]) -> bool:
    if any(_says(one, wish, floors.get("sentences", 0.0)) for one in evidence.passages):
        return not _denies_one_of(evidence.passages, wish)
    usual = floors.get("scans")  # a word that nobody knows asks for no scans either
    asks_for_scans = bool(wish.concepts) and not wish.findings and not wish.normal
    return usual is not None and asks_for_scans and evidence.channels.get("image", -1.0) > usual


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


def _denies_one_of(passages: Sequence[PassageHit], wish: Wish) -> bool:
    """Whether one of several findings that are asked for is denied in one sentence and affirmed in none."""
    if len(wish.findings) < 2 or wish.normal:
        return False
    clauses = [
        clause for one in passages if one.passage.report_id is not None and one.passage.section not in ASKING
        for clause in clauses_of(one.passage)
    ]  # fmt: skip
    said, denied = (
        {finding for one in clauses if (one.assertion == "absent") == absent for finding in one.concepts}
        for absent in (False, True)
    )
    return bool((wish.findings & denied) - said)


def _of_a_part(hit: PassageHit, wish: Wish) -> bool:
    """Whether what is called normal is another place than the one asked for, or a part or property of it alone."""
    if hit.clause is None or not (wish.places and hit.clause.places):
        return False
    return not wish.places & hit.clause.places or not calls_whole_normal(hit.clause.text, wish)


def _above(usual: float, share: float) -> float:
    return usual + share * (1.0 - usual)
