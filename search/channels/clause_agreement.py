"""Whether a sentence that sounds like the query also says what the query says, by the clause that holds the finding.

Sentence vectors hardly see negation, side, place or grade: "acute infarct" lies nearer to "No acute infarct." and to
"Chronic infarct." than to a paraphrase. So these are conditions, never left to cosine; and they are conditions on a
clause, as one sentence may affirm one finding and deny another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from spinecho.db.filters.conditions import ASKING
from spinecho.db.values import ClauseCard, PassageCard
from spinecho.encoders.language.body_regions import far_apart
from spinecho.encoders.language.findings import Wish, findings, wish
from spinecho.encoders.language.places import place_fit, places
from spinecho.encoders.language.query_words import QueryText
from spinecho.encoders.language.scales import off_the_scale, steps
from spinecho.encoders.language.sizes import Size, SizeCondition, sizes
from spinecho.encoders.language.terms import mentions
from spinecho.encoders.language.vocabulary import meant
from spinecho.search.channels.found import PassageHit

_UNCERTAIN, _HISTORICAL, _QUESTION = 0.95, 0.6, 0.7
_CONTRADICTED = 0.25
_SECTION = {"indication": 0.7, "technique": 0.9, "comparison": 0.7}
"""What a sentence weighs by where it stands: an indication asks, it does not find."""
_UNMEASURED = 0.6
"""What a clause weighs that gives no size where one is asked for."""
_WORST = ("absent", "family", "abnormal", "side", "place", "size", "opposite")
"""Why a clause does not say what is asked, the gravest first."""
_OPPOSITE = {"left": "right", "right": "left"}
_OPPOSITES = [
    (re.compile(rf"\b(?:{one})", re.IGNORECASE), re.compile(rf"\b(?:{other})", re.IGNORECASE))
    for one, other in (
        ("acute|hyperacute|recent", "chronic|old|longstanding|remote"),
        ("high[- ]grade", "low[- ]grade"),
        ("malignant", "benign"),
        ("hyperintens|high signal|bright", "hypointens|low signal|dark"),
        ("supratentorial", "infratentorial"),
        ("intra[- ]?axial", "extra[- ]?axial"),
        ("medial", "lateral"),
        ("anterior", "posterior"),
        ("partial", "complete|full[- ]thickness"),
        ("increas|larger|progress", "decreas|smaller|regress"),
    )
]
"""Words that exclude one another when one is asked for and the other alone is said."""


def judge(query: QueryText, card: PassageCard, similarity: float | None, words: float | None = None) -> PassageHit:
    """The sentence as evidence, by the clause that holds most of what is asked and contradicts it least.

    similarity, words: how well it fits by meaning and by full text, None where it was not compared so.
    """
    if not query.wanted:
        return PassageHit(card, similarity, words=words)
    asked = wish(query.wanted)
    if card.report_id is None:  # a header affirms what it names, and measures nothing
        against = "opposite" if _opposed(query.wanted, card.text) else ""
        named = meant(card.text)
        about = not asked.findings or bool(asked.findings & named)
        covers, nears = asked.covered(named, card.text), asked.neared(named, card.text, card.sides)
        return PassageHit(
            card, similarity, against, words, about=about, covers=covers, nears=nears, unmeasured=asked.size is not None
        )
    clauses = clauses_of(card)
    holding = _holding(asked, clauses)
    clause, named = holding[0], clauses[0].concepts
    contradicts = _against(asked, query.wanted, card, clause)
    for other in holding[1:]:
        against = _against(asked, query.wanted, card, other)
        if _order(against, other) < _order(contradicts, clause):
            contradicts, clause = against, other
    for one in clauses[1:]:
        named |= one.concepts
    unmeasured = asked.size is not None and clause.high_mm is None  # what another clause measures is another thing
    covers, nears = asked.covered(named, card.text), asked.neared(named, card.text, clause.sides or card.sides)
    about = not asked.findings or not asked.findings.isdisjoint(clause.concepts)
    return PassageHit(
        card, similarity, contradicts, words, clause=clause, about=about, holds=asked.findings <= clause.concepts,
        covers=covers, nears=nears, unmeasured=unmeasured,
    )  # fmt: skip


def clauses_of(card: PassageCard) -> tuple[ClauseCard, ...]:
    """The clauses of a report's sentence; where none are stored yet, the sentence stands for one."""
    return card.clauses or (_whole(card.text, card.assertion, card.sides),)


@lru_cache(maxsize=4096)
def _whole(text: str, assertion: str, named: frozenset[str]) -> ClauseCard:
    return ClauseCard(0, len(text), text, assertion, "nothing", "", named, places(text), meant(text))


def weight(found: PassageHit) -> float:
    """The similarity as it counts for ranking: the better of meaning and words."""
    factor = _SECTION.get(found.passage.section, 1.0)
    if found.contradicts:
        factor *= _CONTRADICTED
    elif found.clause is not None and found.clause.decided_by == "question":
        factor *= _QUESTION
    elif found.assertion == "uncertain":
        factor *= _UNCERTAIN
    elif found.assertion == "historical":
        factor *= _HISTORICAL
    if found.unmeasured:
        factor *= _UNMEASURED
    return max(found.similarity or 0.0, found.words or 0.0) * factor


def violates(query: QueryText, passages: Iterable[PassageCard]) -> bool:
    """Whether one of a study's report sentences affirms what the query does not want."""
    return any(_affirms(term, card) for card in passages if card.section not in ASKING for term in query.unwanted)


def denies(query: QueryText, card: PassageCard) -> bool:
    """Whether the sentence says that something unwanted is absent."""
    return any(
        clause.assertion == "absent" and _names(term, clause, card)
        for clause in clauses_of(card)
        for term in query.unwanted
    )


def _affirms(term: str, card: PassageCard) -> bool:
    return any(clause.assertion == "present" and _names(term, clause, card) for clause in clauses_of(card))


def _names(term: str, clause: ClauseCard, card: PassageCard) -> bool:
    """Whether the clause names a term that is not wanted: on its side, at its place, of its size, if it has any."""
    asked = wish(term)
    named = findings(term)
    if named and not named <= clause.concepts:
        return False
    if not named and not mentions(term, clause.text):
        return False
    if asked.size is not None and clause.assertion != "absent" and not _measures(asked.size, clause):
        return False
    on_its_side = not _other_side(asked.sides, clause.sides or card.sides)
    return on_its_side and place_fit(asked.places, clause.places) != "other"


def _measures(size: SizeCondition, clause: ClauseCard) -> bool:
    return clause.high_mm is not None and _of_size(size, clause)


def _holding(asked: Wish, clauses: tuple[ClauseCard, ...]) -> tuple[ClauseCard, ...]:
    """Those that hold most of the findings asked for; where none does, those that name most of the rest.

    Of "Ligament - ACL sprain" the second clause answers who asks for a normal ACL, not the first, which says nothing.
    """
    for wanted in (asked.findings, asked.concepts):
        held = [len(wanted & clause.concepts) for clause in clauses]
        if most := max(held):
            return tuple(clause for clause, n in zip(clauses, held, strict=True) if n == most)
    return clauses


def _against(asked: Wish, wanted: str, card: PassageCard, clause: ClauseCard) -> str:
    """Why the clause does not say what is asked, '' where nothing speaks against it."""
    if clause.assertion == "absent" and not asked.normal:
        return "absent"
    if clause.decided_by == "family":
        return "family"
    if asked.normal and clause.assertion == "present" and findings(clause.text):
        return "abnormal"
    if _other_side(asked.sides, clause.sides or card.sides):
        return "side"
    if asked.places and _elsewhere(asked.places, clause.places, _places(card)):
        return "place"
    if asked.size is not None and clause.high_mm is not None and not _of_size(asked.size, clause):
        return "size"
    return "opposite" if _opposed(wanted, clause.text) else ""


def _elsewhere(asked: frozenset[str], of_clause: frozenset[str], of_sentence: frozenset[str]) -> bool:
    """Whether the clause names another place of the kind asked for, or its sentence nothing but places far from it."""
    return place_fit(asked, of_clause or of_sentence) == "other" or far_apart(asked, of_sentence)


def _of_size(asked: SizeCondition, clause: ClauseCard) -> bool:
    """By what the clause says, else by what is stored with it: its size may stand in the clause that follows."""
    if sizes(clause.text) or clause.high_mm is None:
        return asked.any(clause.text)
    return asked.holds(Size(0, 0, ((clause.low_mm or 0.0, clause.high_mm),)))


def _places(card: PassageCard) -> frozenset[str]:
    return frozenset(place for clause in clauses_of(card) for place in clause.places)


def _order(contradicts: str, clause: ClauseCard) -> tuple[int, int]:
    sure = {"present": 0, "uncertain": 1, "historical": 2}.get(clause.assertion, 3)
    return (len(_WORST) - _WORST.index(contradicts) if contradicts else 0, sure)


def _opposed(wanted: str, stated: str) -> bool:
    words = any(its.search(stated) and not mine.search(stated) for mine, its in _asked(wanted))
    return words or off_the_scale(steps(wanted), steps(stated))


@lru_cache(maxsize=256)
def _asked(wanted: str) -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    """The opposites of which the query names just one: (that one, the other)."""
    both_ways = [pair for one, other in _OPPOSITES for pair in ((one, other), (other, one))]
    return tuple((mine, its) for mine, its in both_ways if mine.search(wanted) and not its.search(wanted))


def _other_side(wanted: frozenset[str], stated: frozenset[str]) -> bool:
    one_sided = wanted & {"left", "right"}
    return (
        len(one_sided) == 1 and _OPPOSITE[next(iter(one_sided))] in stated and not (one_sided | {"bilateral"}) & stated
    )
