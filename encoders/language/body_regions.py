"""Which parts of the body places lie in, and which of these lie so far apart that one finding is not in both.

Neighbours (head and neck, abdomen and pelvis, shoulder and chest) are left undecided, as is the spine, which runs along
most of them: a report of one speaks of the other.
"""

from __future__ import annotations

import re
from functools import lru_cache

from spinecho.encoders.language.vocabulary import wider

_OF_PREFIX = {
    "brain": "head", "head": "head", "neck": "neck", "chest": "chest", "heart": "chest", "breast": "chest",
    "abdomen": "abdomen", "pelvis": "pelvis", "shoulder": "upper limb", "elbow": "upper limb", "wrist": "upper limb",
    "hand": "upper limb", "hip": "lower limb", "knee": "lower limb", "ankle": "lower limb", "foot": "lower limb",
}  # fmt: skip
"""By the first part of a place's id. Tissues are everywhere."""
_OF_VESSEL = (
    (
        "head",
        r"cerebr\w+|basilar|mca|aca|pca|pica|aica|intracranial|ophthalmic|meningeal|pericallosal|choroidal|pontine"
        r"|(?:sagittal|transverse|sigmoid|straight|cavernous|dural\w*) sinus(?:es)?|cortical vein\w*|heubner|galen",
    ),
    ("chest", r"pulmonary|coronary|lad|bronchial|intercostal|mammary|obtuse marginal|diagonal"),
    ("abdomen", r"portal|hepatic|\w*renal|splenic|mesenteric|celiac|coeliac|\w*gastric|\w*colic|jejunal|pancreatic\w*"),
    ("pelvis", r"iliac|uterine|prostatic|vesical|pudendal|gluteal|rectal|obturator"),
    ("upper limb", r"subclavian|axillary|brachial|radial|ulnar|palmar|cephalic|basilic|humeral"),
    ("lower limb", r"femor\w+|poplite\w+|tibial|peroneal|saphenous|genicular|plantar|dorsalis pedis"),
)
"""By a word in a vessel's name; one with two of them, or none, is left undecided."""
_VESSELS = tuple((part, re.compile(rf"(?<!\w)(?:{words})(?!\w)")) for part, words in _OF_VESSEL)
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
    prefix = place.partition(":")[0]
    if prefix == "vessel":
        named = (place, *(one for one in wider(place) if one.startswith("vessel:")))
        parts = {part for one in named for part, pattern in _VESSELS if pattern.search(one)}
        return parts.pop() if len(parts) == 1 else ""
    limb = next((part for ident, part in _LIMBS.items() if ident == place or ident in wider(place)), "")
    return limb or _OF_PREFIX.get(prefix, "")


def far_apart(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether every place of the one is known to lie far from every place of the other; false where one has none."""
    first, second = ({region for place in places if (region := body_region(place))} for places in (one, other))
    return bool(first and second) and all(frozenset((a, b)) in _FAR for a in first for b in second)
