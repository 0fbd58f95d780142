"""The side of an exam of one limb or breast, by the report's title: "MRI LEFT KNEE", "Exam: MR shoulder, right".

Findings below such a title seldom name the side again: it is theirs wherever their sentence names none.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from collections.abc import Sequence

from spinecho.encoders.language.laterality import Side, sides
from spinecho.encoders.language.parts.sections import SectionSpan

_NONE: frozenset[Side] = frozenset()
_LINE = 160
"""Characters of a line in which a title stands."""
_PART = (
    r"(?:knees?|shoulders?|hips?|ankles?|wrists?|elbows?|hands?|foot|feet|hindfoot|midfoot|forefoot|forearms?|arms?|upper arms?|legs?|thighs?|calf|calves|femur|tibia|fibula|humerus|radius|ulna"
    r"|fingers?|thumbs?|toes?|heels?|breasts?|clavicle|scapula|axilla|brachial plexus|(?:upper|lower) (?:extremity|limb)|extremity|patella|hamstrings?|achilles(?: tendon)?"
    r"|knie(?:gelenks?)?|schulter(?:gelenks?)?|hüfte|hüftgelenks?|sprunggelenks?|handgelenks?|ellenbogen\w*|fu(?:ß|ss)|hand|oberschenkels?|unterschenkels?|oberarms?|unterarms?|mamma"
    r"|genou|épaule|hanche|cheville|poignet|coude|main|pied|cuisse|jambe|bras|sein|rodilla|hombro|cadera|tobillo|muñeca|codo|mano|pie|muslo|pierna|brazo|mama)(?!\w)"
)
_SIDE = r"(?<!\w)(?:left|right|lt|rt|l|r|link(?:s|e[nrsm]?)|recht(?:s|e[nrsm]?)|gauche|droite?|izquierd[oa]|derech[oa])(?!\w)\.?"
_MR = r"(?:mri?|mrt|irm|rmn?|magnetic resonance(?: imaging)?|kernspin\w*)(?![\w.])"
_BEGINS = (
    r"^[\s#*_=>\-–—]{0,10}(?:(?:exam(?:ination)?|study|procedure|protocol|title|untersuchung|technique|examen|estudio)\s{0,3}[:\-–]\s{0,3})?"
    rf"(?:(?:non|pre|post)[- ]?contrast |(?:\d(?:\.\d)?\s?t(?:esla)? )|multi\w+ )?{_MR}"
)
_HOW = (
    r"(?:of|the|an?|and|joint|total|exam(?:ination)?|study|scan|imaging|arthro\w*|with|without|w/?o?|non|pre|post|iv|i\.v\.|contrast|gadolinium|nativ\w*|upper|lower|extremity|limb"
    r"|musculoskeletal|msk|\d(?:\.\d)?\s?t(?:esla)?|de[rsnm]?|vom|von|du|del|la|le|l['’]|mit|ohne|kontrastmittel|km|sans|con|sin)"
)
"""What stands in a title beside side and part: another organ there is the exam's, and the limb that of a complaint."""
_BETWEEN = rf"(?:[\s,:()/\-–]{{1,3}}{_HOW}(?!\w)){{0,8}}[\s,:()/\-–]{{1,3}}"
_TITLE = re.compile(
    rf"{_BEGINS}{_BETWEEN}(?:(?P<side>{_SIDE}){_BETWEEN}{_PART}|{_PART}{_BETWEEN}(?P<side_behind>{_SIDE}))"
    rf"(?=(?:\s{{1,3}}(?:joint|gelenk))?\s{{0,3}}(?:$|[^\w\s]|\d|(?:{_HOW}|for|performed|dated|on|from|zum|vom|pour|(?:was|were) (?:performed|obtained|acquired|done))(?!\w)))",
    re.IGNORECASE,
)
_OF_ANOTHER = re.compile(
    r"(?<!\w)(?:prior|previous\w*|earlier|compar\w*|both|bilateral|versus|vs)(?!\w)", re.IGNORECASE
)
_OTHER_PART = re.compile(
    rf"{_BEGINS}{_BETWEEN}(?:{_SIDE}{_BETWEEN})?(?:{_PART}|(?:brain|head|skull|sella|pituitary|orbits?|face|neck|spine|cervical|thoracic|lumbar|lumbosacral|sacrum|chest|heart|cardiac|abdomen|abdominal"
    r"|liver|kidneys?|renal|pancreas|mrcp|pelvi[sc]|prostate|uterus|rectum|kopf|schädel|hals\w*|wirbelsäule|[hbl]ws|abdomens?|becken\w*|leber|herz|prostata|cerveau|crâne|rachis|foie|bassin|cerebro|cráneo"
    r"|columna|hígado)(?!\w))",
    re.IGNORECASE,
)
"""A title of whatever part: findings below it are not those of the limb above."""

_AND_THE_OTHER = re.compile(rf"\s{{0,2}}(?:and|&|\+|/|,|und|et|y)\s{{0,2}}{_SIDE}", re.IGNORECASE)


def exam_side(report: str, spans: Sequence[SectionSpan], elsewhere: frozenset[Side] = _NONE) -> frozenset[Side]:
    """The one side that the titles of a report name; empty where they name both, and where one is of another part.

    elsewhere: where none names any.
    """
    named: set[Side] = set()
    for span in spans:
        if span.section not in ("other", "technique"):
            continue
        lines = report[span.start : span.end].splitlines()
        for line in lines if span.section == "other" else [one for one in lines if one.strip()][:1]:
            side = _of_title(line[:_LINE])
            if not side and _OTHER_PART.match(line[:_LINE]):
                return _NONE
            named |= side
    stated = named or elsewhere
    return frozenset(stated) if len(stated) == 1 and stated <= {"left", "right"} else _NONE


def _of_title(line: str) -> frozenset[Side]:
    title = _TITLE.match(line)
    if title is None or _OF_ANOTHER.search(title.group()) or _AND_THE_OTHER.match(line, title.end()):
        return _NONE
    letters = {"l": "left", "r": "right"}
    side = (title["side"] or title["side_behind"]).strip(". ")
    return sides(letters.get(side.lower(), side))
