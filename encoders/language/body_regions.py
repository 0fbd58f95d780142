"""Which parts of the body places lie in, and which of these lie so far apart that one finding is not in both.

Neighbours (head and neck, abdomen and pelvis, shoulder and chest) are left undecided, as is the spine, which runs along
most of them: a report of one speaks of the other.
"""

from __future__ import annotations

from functools import lru_cache

from spinecho.encoders.language.vocabulary import wider

_OF_PREFIX = {
    "brain": "head", "head": "head", "neck": "neck", "chest": "chest", "heart": "chest", "breast": "chest",
    "abdomen": "abdomen", "pelvis": "pelvis", "shoulder": "upper limb", "elbow": "upper limb", "wrist": "upper limb",
    "hand": "upper limb", "hip": "lower limb", "knee": "lower limb", "ankle": "lower limb", "foot": "lower limb",
}  # fmt: skip
"""By the first part of a place's id. Tissues and vessels are everywhere."""
_LIMBS = {"limb:upper limb": "upper limb", "limb:lower limb": "lower limb"}
_FAR = {
    frozenset((one, other))
    for one, others in {
        "head": ("chest", "abdomen", "pelvis", "upper limb", "lower limb"),
        "neck": ("abdomen", "pelvis", "lower limb"),
        "chest": ("pelvis", "lower limb"),
        "abdomen": ("upper limb", "lower limb"),
        "pelvis": ("upper limb",),
        "upper limb": ("lower limb",),
    }.items()
    for other in others
}


@lru_cache(maxsize=4096)
def body_region(place: str) -> str:
    """The part of the body that a place lies in, by its id as `places` gives it; '' where it may lie in several."""
    limb = next((part for ident, part in _LIMBS.items() if ident == place or ident in wider(place)), "")
    return limb or _OF_PREFIX.get(place.partition(":")[0], "")


def far_apart(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether every place of the one is known to lie far from every place of the other; false where one has none."""
    first, second = ({region for place in places if (region := body_region(place))} for places in (one, other))
    return bool(first and second) and all(frozenset((a, b)) in _FAR for a in first for b in second)
