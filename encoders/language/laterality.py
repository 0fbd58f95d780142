"""Which side a text speaks of. A sentence vector hardly tells left from right (cosine .98), so words must.

Chambers of the heart, their walls and the coronary arteries are no sides but places (`encoders.language.places`): "left
ventricle" is "LV", and a "left atrial thrombus" is not found by "left". "Left lateral ventricle" is a side.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from typing import Literal

Side = Literal["left", "right", "bilateral", "midline"]

# "right-handed", "left untreated" and a shift of the midline say nothing about where a finding is.
_NO_SIDE = (
    r"(?:left|right)[- ]?hand(?:ed(?:ness)?)\b|right[- ](?:away|angle[sd]?|now)\b|all right\b"
    r"|(?<!\bthe )(?<!\bon )(?<!\bto )\bleft (?:untreated|alone|in situ|in place|unrepaired|as is)\b"
    r"|\b(?:is|was|were|be|been|being|has|have|had) left (?:out|after|unchanged)\b|\bleft behind\b(?! the\b)"
    r"|\bleft (?:after|from) (?:the )?(?:resection|excision|removal|ablation|evacuation|embolization)"
    r"|\b(?:what(?:['’]?s| is| was)|nothing|none|anything|something) left(?= (?:of|to|for|after|in)\b|[.,;?]|$)"
    r"|\b(?:is|was|are|were|be|been) left(?= (?:for|after)\b)"
    r"|\b(?:patients?|pt|he|she|who|they) left (?=(?:the|before|early|prior|against|without)\b)"
    r"|\bmid-?line (?:shift|structures?)\b|\bmid-?line is\b"
    r"|\bshift(?:ing)? (?:of|across) (?:the )?mid-?line\b"
    r"|\b(?:left|right)[- ](?:and (?:left|right)[- ])?(?:sided )?(?:ventric\w+|atri(?:um|a|al)|heart|bundle branch|main(?: stem| coronary)?"
    r"|anterior descending|circumflex|coronary\w*)\b"
    r"|\b(?:ventricule|oreillette|c(?:œ|oe)ur|coronaire|ventrículo|aurícula|corazón|coronaria)s? (?:gauche|droite?|izquierd[oa]|derech[oa])\b"
    r"|\b(?:linke[rnsm]?|rechte[rnsm]?) (?:ventrikel\w*|vorhof\w*|herzkammer|koronar\w*)\b|\bleft[- ]to[- ]right\b|\bright[- ]to[- ]left\b"
)
_PAIRED = (
    r"sides?|hemispheres?|hippocamp\w+|thalam\w+|lobes?|kidneys|knees|hips|shoulders|lungs|eyes|globes|orbits"
    r"|ovaries|testes|breasts|adrenals|ventricles|arteries|veins|nerves|tonsils|parotids|feet|hands|wrists|ankles"
    r"|menisci|cruciates?|acls?|femur\w*|tibiae?|caudates?|putamina|insulae?|cerebell\w+|carotids?|vertebrals?"
)
_SIDES: tuple[tuple[Side, str], ...] = (
    (
        "bilateral",
        r"bi-?lateral(?:ly)?|bilat\.?|bil\.|b/l|bi-?(?:hemispher|frontal|pariet|tempor|occipit|hippocamp|thalam)\w*",
    ),
    ("bilateral", r"beidseit\w*|beidseits|bds\.|either side|on both sides"),
    ("bilateral", rf"both (?:[\w-]+ ){{0,3}}?(?:{_PAIRED})|beide[rnms]? (?:\w+ )?(?:seiten|hemisphären)"),
    (
        "bilateral",
        r"bilatéra(?:le?s?|ux)|bilaterales|(?:de )?amb[oa]s [\w]+|(?:des|les|aux|dans les) deux (?:côtés|hémisphères|hanches"
        r"|genoux|reins|poumons|épaules|yeux|sacro-iliaques|hippocampes|lobes|ovaires|seins|chevilles|poignets)",
    ),
    ("left", r"gauches?|izquierd[oa]s?|izq\.?|izda\.?|izdo\.?"),
    ("right", r"droite?s?|derech[oa]s?|dcha\.?|dcho\.?|dch\.?"),
    ("left", r"left(?:wards?)?(?:[- ]?sided)?|lt\.?|\(l\)|link(?:s|e[nrsm]?)(?:seit\w*)?|links\w*"),
    ("right", r"right(?:wards?)?(?:[- ]?sided)?|rt\.?|\(r\)|recht(?:s|e[nrsm]?)(?:seit\w*)?|rechts\w*"),
    ("midline", r"mid-?line|mittellinie|midsagittal"),
)
_LETTERED = (
    r"knees?|shoulders?|hips?|ankles?|wrists?|elbows?|hands?|foot|feet|arms?|legs?|thighs?|calf|femur|tibia|fibula|humerus|radius"
    r"|ulna|acl|pcl|mcl|lcl|kidney|renal|adrenal|ovary|ovarian|adnexa\w*|testis|testicle|breast|axilla\w*|lung|lobe|side|sided|eye"
    r"|orbit\w*|globe|ear|mastoid|parotid|frontal|parietal|temporal|occipital|fronto\w*|parieto\w*|temporo\w*|occipito\w*|insula\w*"
    r"|thalam\w+|hippocamp\w+|caudate|putam\w+|basal|cerebell\w+|hemispher\w+|mca|aca|pca|ica|pica|vertebral|carotid|cpa|iac"
    r"|paracentral|foramin\w+|lateral|l[1-5]|s1|c[1-8]|mes\w+|medial|hemi\w+|maxillary|transverse|sigmoid|iliac|sacroiliac|si"
)
_ONE_LETTER = re.compile(rf"(?<![\w/.-])(?P<side>[LR])(?:\.|-)? (?=(?:{_LETTERED})(?!\w))", re.IGNORECASE)
_COMPARED = re.compile(
    r"(?<![\w/-])(?:L(?:t|eft)?|R(?:t|ight)?)\.?\s?(?:>{1,3}|<{1,3}|=|/|&|\+)\s?(?:L(?:t|eft)?|R(?:t|ight)?)(?![\w/])",
    re.IGNORECASE,
)
"""L knee, R MCA; L>R. An L alone is a level more often than a side, so something that has sides must follow."""
_IGNORED = re.compile(_NO_SIDE, re.IGNORECASE)
_PATTERNS = tuple((side, re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE)) for side, pattern in _SIDES)


def sides(text: str) -> frozenset[Side]:
    """Every side named. "left and right" names two; "bilateral" and "both hippocampi" name `bilateral`."""
    heard = _IGNORED.sub(" ", text)
    found = {side for side, pattern in _PATTERNS if pattern.search(heard)}
    for match in _ONE_LETTER.finditer(heard):
        if match["side"].isupper():
            found.add("left" if match["side"] == "L" else "right")
    for match in _COMPARED.finditer(heard):
        word = match.group().lower()
        if ("l" in word.replace("left", "l")) and "r" in word:
            found |= {"left", "right"}
    return frozenset(found)


def without_sides(text: str) -> str:
    """The text without the words that name left or right: "left temporal infarct" is "temporal infarct"."""
    heard = _IGNORED.sub(lambda match: " " * len(match.group()), text)
    spans = [
        match.span() for side, pattern in _PATTERNS if side in {"left", "right"} for match in pattern.finditer(heard)
    ]
    spans += [match.span() for match in _ONE_LETTER.finditer(heard) if match["side"].isupper()]
    kept = list(text)
    for start, stop in spans:
        kept[start:stop] = " " * (stop - start)
    return " ".join("".join(kept).split())
