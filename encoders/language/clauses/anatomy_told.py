"""What is said of anatomy that a part before names, and what was not seen of it."""

from __future__ import annotations

import re
from dataclasses import replace

from spinecho.encoders.language.clauses.anatomy_alone import names_only_anatomy
from spinecho.encoders.language.clauses.normal_anatomy import WITH_NO, of_normal
from spinecho.encoders.language.clauses.segment import Judged, has_words
from spinecho.encoders.language.sizes import sizes

_SIZE = re.compile(
    r"(?<!\w)(?:measur\w*|approximately|about|up to|ca\.?|is|size|diameter|calib(?:re|er)|thickness|length|in|max\w*"
    r"|[<>~]?\d+(?:[.,]\d+)?(?: ?[-x] ?\d+(?:[.,]\d+)?)* ?(?:mm|cm))(?!\w)"
)
_TOO_LARGE = re.compile(
    r" (?:\w+ly )?(?:enlarged|thickened|dilated|distended|abnormal|inflamed|prominent|aneurysmal|ectatic"
    r"|widened|narrowed|stenosed|atrophic|swollen|shrunken|small)(?!\w)"
)
_PROPERTY = re.compile(
    r"(?<!\w)(?:size|volume|signal(?: intensity)?|shape|position|calib(?:re|er)|morphology|appearances?|contours?"
    r"|thickness|texture|echotexture|configuration|course|outline|alignment|enhancement|for age)(?!\w)"
)
_COULD_NOT = re.compile(
    r"(?:(?:could|can)(?: not|n't)|cannot) be (?:\w+ly )?\w+|(?:is|are|was|were) not (?:\w+ly )?visuali[sz]ed"
)


def of_anatomy(heard: str, last: Judged, one: Judged) -> bool:
    """ "Liver" - "with no focal lesion" is one statement, as "the liver shows no focal lesion" is."""
    if one.by != "negation" or last.by != "nothing" or last.aside:
        return False
    if heard[one.start : one.cue[0]].strip(" ,") not in ("with", "") or not WITH_NO.match(heard, one.start):
        return False
    return names_only_anatomy(heard[last.start : last.end], has_words)


def of_measured(heard: str, last: Judged, one: Judged) -> bool:
    """ "CBD 4 mm" - "not dilated": anatomy with its size, and what is not wrong with it, are one statement."""
    if one.by != "negation" or last.by != "nothing" or last.aside or not sizes(heard[last.start : last.end]):
        return False
    if heard[one.start : one.cue[0]].strip(" ,;(") not in ("", "and") or not _TOO_LARGE.match(heard, one.cue[1]):
        return False
    return names_only_anatomy(_SIZE.sub(" ", heard[last.start : last.end]), has_words)


def normal_apart(heard: str, last: Judged, one: Judged) -> bool:
    """ "Uterus retroverted" - "normal in size" is one statement, "Liver" - "normal spleen" is not."""
    if one.by != "normal" or last.by != "nothing" or last.aside or heard[one.start : one.cue[0]].strip(" ,"):
        return False
    if has_words(_PROPERTY.sub(" ", heard[one.cue[1] : one.end])):
        return False
    return names_only_anatomy(heard[last.start : last.end], has_words)


ONE_STATEMENT = (of_normal, of_anatomy, of_measured, normal_apart)
"""Whether a part and the one before it are one statement."""


def not_in_view(heard: str, part: Judged) -> Judged:
    """ "The left ovary could not be visualised": what is said of anatomy is that nobody knows."""
    if part.by != "negation" or not _COULD_NOT.fullmatch(heard, *part.cue):
        return part
    if not names_only_anatomy(heard[part.start : part.cue[0]], has_words):
        return part
    return replace(part, assertion="uncertain", by="hedge")
