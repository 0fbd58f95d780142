"""Whether a clause calls normal what a question asks for, or only a part, a property or the remainder of it.

That a clause names a place is not enough: "intracranial flow voids are preserved" names the brain and calls its vessels
normal, "normal alignment of the lumbar spine" speaks of one property, "otherwise normal brain" of what is left. Of a
structure a property is how reports call it normal ("ventricles are normal in size"); of a region that is examined, not.
"""

from __future__ import annotations

import re
from functools import cache
from typing import get_args

from spinecho.encoders.acquisition.facts import BodyRegion
from spinecho.encoders.language.findings import Wish, read_words
from spinecho.encoders.language.places import places
from spinecho.encoders.language.stems import root
from spinecho.encoders.language.vocabulary.reading import Mention, read

_WORDS = (
    "signal intensity volume size caliber calibre diameter width height depth length thickness alignment position "
    "curvature lordosis kyphosis contour outline margin shape configuration flow patency perfusion diffusion "
    "enhancement differentiation texture density mobility stability hydration myelination maturation spacing void "
    "dimension surface border location course bulk"
)
_PROPERTIES = frozenset(root(word) for word in _WORDS.split())
"""What a place has, as stems: normal in one of these is not normal as a whole."""
_REMAINDER = re.compile(r"\b(?:rest|remainder|remaining|otherwise|elsewhere|other|apart from|except)\b", re.IGNORECASE)
_HEADS = re.compile(r"\s+(?:of|in|within|around|along|through|throughout)\b(?:\s+(?:the|this|both))?\s*", re.IGNORECASE)
_BARE = re.compile(r"[\s-]+")
_SUBSTANCE = frozenset(
    f"tissue:{one}"
    for one in ("fiber", "ligament", "tendon", "parenchyma", "organ", "muscle", "bone", "nerve", "tract")
)
"""What a structure is made of: "intact ACL fibres" are an intact ACL. Not of a region, which is made of many."""


def calls_whole_normal(text: str, wish: Wish) -> bool:
    """Whether a clause that calls something normal says so of one of the places asked for, as a whole.

    Places beside it do no harm ("normal brain and orbits"), nor does where it lies ("intracranial flow voids").
    """
    if not wish.places:
        return True
    if _REMAINDER.search(text):
        return False
    if wish.places & _regions() and (_PROPERTIES & _described(text, wish)) - wish.words:
        return False
    named = [one for one in read(text)[0] if one.kind == "anatomy"]
    return any(
        one.concept in wish.places and not _belongs_to_another(at, named, text, wish.places)
        for at, one in enumerate(named)
    ) or not any(one.concept in wish.places for one in named)


def _belongs_to_another(at: int, named: list[Mention], text: str, asked: frozenset[str]) -> bool:
    """Whether the place only says where another lies: "brain" in "intracranial flow voids", "voids of the brain"."""
    before, after = named[at - 1] if at else None, named[at + 1] if at + 1 < len(named) else None
    one = named[at]
    if after is not None and after.concept in _SUBSTANCE and not asked & _regions():
        return False
    if after is not None and after.concept not in asked and _BARE.fullmatch(text, one.stop, after.start):
        return True
    return before is not None and before.concept not in asked and bool(_HEADS.fullmatch(text, before.stop, one.start))


def _described(text: str, wish: Wish) -> frozenset[str]:
    """Stems of the words that name neither a place nor that it is normal."""
    mentions, loose = read(text)
    findings = [one for one in mentions if one.kind != "anatomy" and one.concept not in wish.findings]
    return frozenset(loose).union(*(read_words(text[one.start : one.stop]) for one in findings))


@cache
def _regions() -> frozenset[str]:
    """Places that are examined as a whole."""
    return frozenset().union(*(places(region) for region in get_args(BodyRegion)))
