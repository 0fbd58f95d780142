"""Which side a text speaks of. A sentence vector hardly tells left from right (cosine .98), so words must."""

from __future__ import annotations

import re
from typing import Literal

Side = Literal["left", "right", "bilateral", "midline"]

# "right-handed", "left untreated" and a shift of the midline say nothing about where a finding is.
_NO_SIDE = (
    r"(?:left|right)[- ]?hand(?:ed(?:ness)?)\b|right[- ](?:away|angle[sd]?|now)\b|all right\b"
    r"|\bleft (?:untreated|alone|in situ|in place)\b|\bmid-?line (?:shift|structures?)\b|\bmid-?line is\b"
    r"|\bshift(?:ing)? (?:of|across) (?:the )?mid-?line\b"
)
_PAIRED = (
    r"sides?|hemispheres?|hippocamp\w+|thalam\w+|lobes?|kidneys|knees|hips|shoulders|lungs|eyes|globes|orbits"
    r"|ovaries|testes|breasts|adrenals|ventricles|arteries|veins|nerves|tonsils|parotids|feet|hands|wrists|ankles"
    r"|menisci|cruciates?|acls?|femur\w*|tibiae?|caudates?|putamina|insulae?|cerebell\w+|carotids?|vertebrals?"
)
_SIDES: tuple[tuple[Side, str], ...] = (
    ("bilateral", r"bi-?lateral(?:ly)?|bilat\.?|bi-?hemispher\w*|beidseit\w*|beidseits|bds\.|either side"),
    ("bilateral", rf"both (?:[\w-]+ ){{0,3}}?(?:{_PAIRED})|beide[rnms]? (?:\w+ )?(?:seiten|hemisphären)"),
    ("left", r"left(?:wards?)?(?:-sided)?|lt\.?|\(l\)|link(?:s|e[nrsm]?)(?:seit\w*)?|links\w*"),
    ("right", r"right(?:wards?)?(?:-sided)?|rt\.?|\(r\)|recht(?:s|e[nrsm]?)(?:seit\w*)?|rechts\w*"),
    ("midline", r"mid-?line|mittellinie|midsagittal"),
)
_IGNORED = re.compile(_NO_SIDE, re.IGNORECASE)
_PATTERNS = tuple((side, re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE)) for side, pattern in _SIDES)


def sides(text: str) -> frozenset[Side]:
    """Every side named. "left and right" names two; "bilateral" and "both hippocampi" name `bilateral`."""
    heard = _IGNORED.sub(" ", text)
    return frozenset(side for side, pattern in _PATTERNS if pattern.search(heard))
