"""Whether a sentence that sounds like the query also says what the query says.

Sentence vectors hardly see negation or side: "acute infarct" lies nearer to "No acute infarct." than to a paraphrase.
So both are facts of a sentence, found when it was indexed, and conditions of a query.
"""

from __future__ import annotations

from collections.abc import Iterable

from encoders.text.query import QueryText
from encoders.text.terms import mentions

from db.values import PassageCard
from search.hits import PassageHit

_UNCERTAIN = 0.95
_CONTRADICTED = 0.5
_SECTION = {"indication": 0.85, "technique": 0.9, "comparison": 0.85}
"""What a sentence weighs by where it stands: an indication asks, it does not find."""
_OPPOSITE = {"left": "right", "right": "left"}


def judge(query: QueryText, card: PassageCard, similarity: float) -> PassageHit:
    """The sentence as evidence: marked as a contradiction where it denies the finding or names the other side."""
    contradicts = ""
    if query.wanted and card.assertion == "absent":
        contradicts = "absent"
    elif _other_side(query.sides, card.sides):
        contradicts = "side"
    return PassageHit(card, similarity, contradicts)


def weight(found: PassageHit) -> float:
    """The similarity as it counts for ranking."""
    factor = _SECTION.get(found.passage.section, 1.0)
    if found.contradicts:
        factor *= _CONTRADICTED
    elif found.passage.assertion == "uncertain":
        factor *= _UNCERTAIN
    return (found.similarity or 0.0) * factor


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


def _other_side(wanted: frozenset[str], said: frozenset[str]) -> bool:
    one_sided = wanted & {"left", "right"}
    return len(one_sided) == 1 and _OPPOSITE[next(iter(one_sided))] in said and not (one_sided | {"bilateral"}) & said
