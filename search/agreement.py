"""Whether a sentence that sounds like the query also says what the query says.

Sentence vectors hardly see negation, side or grade: "acute infarct" lies nearer to "No acute infarct." and to "Chronic
infarct." than to a paraphrase. So these are conditions on a sentence, never left to cosine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from db.values import PassageCard
from encoders.text.query import QueryText
from encoders.text.terms import mentions
from search.hits import PassageHit

_UNCERTAIN = 0.95
_HISTORICAL = 0.6
_CONTRADICTED = 0.25
_SECTION = {"indication": 0.85, "technique": 0.9, "comparison": 0.85}
"""What a sentence weighs by where it stands: an indication asks, it does not find."""
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


def judge(query: QueryText, card: PassageCard, similarity: float) -> PassageHit:
    """The sentence as evidence: marked as a contradiction where it denies the finding or names the other side."""
    contradicts = ""
    if query.wanted and card.assertion == "absent":
        contradicts = "absent"
    elif _other_side(query.sides, card.sides):
        contradicts = "side"
    elif _opposed(query.wanted, card.text):
        contradicts = "opposite"
    return PassageHit(card, similarity, contradicts)


def weight(found: PassageHit) -> float:
    """The similarity as it counts for ranking: the better of meaning and words."""
    factor = _SECTION.get(found.passage.section, 1.0)
    if found.contradicts:
        factor *= _CONTRADICTED
    elif found.passage.assertion == "uncertain":
        factor *= _UNCERTAIN
    elif found.passage.assertion == "historical":
        factor *= _HISTORICAL
    return max(found.similarity or 0.0, found.words or 0.0) * factor


def violates(query: QueryText, passages: Iterable[PassageCard]) -> bool:
    """Whether one of a study's report sentences affirms what the query does not want."""
    return any(
        card.assertion == "present" and mentions(term, card.text)
        for card in passages
        if card.section not in {"indication", "technique", "comparison"}
        for term in query.unwanted
    )


def denies(query: QueryText, card: PassageCard) -> bool:
    """Whether the sentence says that something unwanted is absent."""
    return card.assertion == "absent" and any(mentions(term, card.text) for term in query.unwanted)


def _opposed(wanted: str, said: str) -> bool:
    return any(its.search(said) and not mine.search(said) for mine, its in _asked(wanted))


@lru_cache(maxsize=256)
def _asked(wanted: str) -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    """The opposites of which the query names just one: (that one, the other)."""
    both_ways = [pair for one, other in _OPPOSITES for pair in ((one, other), (other, one))]
    return tuple((mine, its) for mine, its in both_ways if mine.search(wanted) and not its.search(wanted))


def _other_side(wanted: frozenset[str], said: frozenset[str]) -> bool:
    one_sided = wanted & {"left", "right"}
    return len(one_sided) == 1 and _OPPOSITE[next(iter(one_sided))] in said and not (one_sided | {"bilateral"}) & said
