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
_TITLE = re.compile(
    r"^[\s#*_=>\-–—]{0,10}(?:(?:exam(?:ination)?|study|procedure|protocol|title|untersuchung|technique|examen|estudio)\s{0,3}[:\-–]\s{0,3})?"
    r"(?:(?:non|pre|post)[- ]?contrast |(?:\d(?:\.\d)?\s?t(?:esla)? )|multi\w+ )?"
    r"(?:mri?|mrt|irm|rmn?|magnetic resonance(?: imaging)?|kernspin\w*)(?![\w.])[^.;\n]{0,40}?"
    rf"(?:(?P<side>{_SIDE})[\s,-]{{1,3}}(?:\w+\s){{0,2}}?{_PART}|{_PART}[\s,:()\-–]{{1,4}}(?P<side_behind>{_SIDE}))",
    re.IGNORECASE,
)
_OF_ANOTHER = re.compile(
    r"(?<!\w)(?:prior|previous\w*|earlier|compar\w*|both|bilateral|and|versus|vs)(?!\w)", re.IGNORECASE
)

_AND_THE_OTHER = re.compile(rf"\s{{0,2}}(?:and|&|\+|/|,|und|et|y)\s{{0,2}}{_SIDE}", re.IGNORECASE)


def exam_side(report: str, spans: Sequence[SectionSpan], elsewhere: frozenset[Side] = _NONE) -> frozenset[Side]:
    """The one side that the titles of a report name; empty where they name both. elsewhere: where none names any."""
    named: set[Side] = set()
    for span in spans:
        if span.section not in ("other", "technique"):
            continue
        lines = report[span.start : span.end].splitlines()
        for line in lines if span.section == "other" else [one for one in lines if one.strip()][:1]:
            named |= _of_title(line[:_LINE])
    stated = named or elsewhere
    return frozenset(stated) if len(stated) == 1 and stated <= {"left", "right"} else _NONE


def _of_title(line: str) -> frozenset[Side]:
    title = _TITLE.match(line)
    if title is None or _OF_ANOTHER.search(title.group()) or _AND_THE_OTHER.match(line, title.end()):
        return _NONE
    letters = {"l": "left", "r": "right"}
    side = (title["side"] or title["side_behind"]).strip(". ")
    return sides(letters.get(side.lower(), side))
