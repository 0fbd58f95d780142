"""The side of a paired part of the body: the series' words, the tag Laterality, the study's words, at last names."""

# ruff: noqa: E501  (a pattern is read in one piece)

from __future__ import annotations

from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.facts import BodyRegion, BodySide
from spinecho.encoders.acquisition.grounds import Claim, Found
from spinecho.encoders.acquisition.rule_tables import whole
from spinecho.encoders.acquisition.sides_in_names import side_in_names
from spinecho.encoders.acquisition.whole_words import words

PAIRED: frozenset[BodyRegion] = frozenset(
    {"shoulder", "elbow", "wrist", "hand", "hip", "thigh", "knee", "ankle", "foot", "extremity", "breast"}
)
_PART = (
    r"shoulder|schulter|elbow|wrist|hand|hips?|hufte|thigh|knee|knie|ankle|foot|fuss|leg|arm|breasts?|femur|humerus"
    r"|forearm|calf|tibia|hanche|genou|epaule|rodilla"
)
_CODES: dict[str, BodySide] = {"L": "left", "R": "right", "B": "both"}
_SIDES: tuple[tuple[BodySide, str], ...] = (
    ("both", r"bilat(?:eral(?:e[sn]?)?)?|both|bds|beidseits|beide|bilater(?:ale[sn]?|aux)|ambas?|ambos|les deux"),
    ("left", r"left|lt|links|linke[rsn]?|gauche|izq|izquierd[oa]|esquerd[oa]|sinistr[oa]|l (?:{part})|(?:{part}) (?:l|li|sx)|l(?:breast|knee|hip)s?"),
    ("right", r"right|(?<!post )(?<!pre )rt(?! (?:plan|sim|ther|treat))|rechts|rechte[rsn]?|droite?|derech[oa]|direit[oa]|destr[oa]|r (?:{part})|(?:{part}) (?:r|re|dx)|r(?:breast|knee|hip)s?"),
)  # fmt: skip
_PATTERNS = tuple((side, whole(pattern.replace("{part}", _PART))) for side, pattern in _SIDES)


def side_found(evidence: Evidence, region: BodyRegion) -> Found[BodySide | None]:
    """The side, for parts that there are two of; None where nothing names one, and of any other part.

    The words of the series go before the tag, which many scanners keep from the examination before. Names of files and
    folders are asked where nothing else names a side.
    """
    if region not in PAIRED:
        return Found(None, "")
    claims = [
        Claim(side, rule)
        for side, rule in (
            (side_in(evidence.series_text), "series description"),
            (_CODES.get(evidence.laterality[:1]), "laterality"),
            (side_in(evidence.study_text), "study description"),
            (side_in(evidence.protocol), "protocol name"),
            (side_in(evidence.body_part), "body part"),
        )
        if side is not None
    ]
    if not claims:
        named = side_in_names(evidence.file_text, region)
        return Found(None, "") if named is None else Found(*named)
    first = claims[0]
    against = tuple(one for one in claims[1:] if one.value != first.value and "both" not in (one.value, first.value))
    return Found(first.value, first.rule, against)


def side_in(text: str) -> BodySide | None:
    """The one side that a text names; 'both' for both, None for none."""
    plain = words(text)
    named = [side for side, pattern in _PATTERNS if pattern.search(plain)]
    return "both" if {"left", "right"} <= set(named) else named[0] if named else None
