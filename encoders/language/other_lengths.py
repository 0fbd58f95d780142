"""Which lengths of a text are no size of what was found: the acquisition, distances, margins, and how much something changed.

Some distances are what is measured of a finding, and have names of their own ("TT-TG distance 22 mm", "tonsils 7 mm below
the foramen magnum"): they stay sizes.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re

REACH = 48
"""Characters before a length that may say what it is of."""
_AFTER, _AROUND = 80, 200
_SEQUENCES = r"(?:t1w?|t2w?|pdw?|flair|dwi|stir|swi|gre|tse|fse|vibe|mprage|space|ciss|fiesta|tof|dixon|mra|mrcp)"
_HOW = (
    r"(?:thick(?:ness)?|thin|contiguous|axial|sagittal|coronal|transverse|transaxial|inter|slice|section|in-plane|plane|ct|mr|mri"
    rf"|3d|2d|nominal|reconstructed|sequential|consecutive|continuous|isotropic|weighted|fat[- ]sat\w*|fs|post-?contrast|{_SEQUENCES})"
)
_MADE = (
    r"slices?|sections?|cuts?|images?|imaging|scans?|slabs?|voxels?|pixels?|resolution|isotropic|isotropically|spacing"
    r"|increments?|intervals?|interslice|matrix|fov|field[- ]of[- ]view|collimation|reconstructions?|reformat\w*|mprs?|mips?"
    r"|sliced|kernel|fwhm|coil|needle|gauge|catheter|stent|screw|clearance"
)
_WITH_ITS_OWN = r"[^,;.\d]{0,40}(?:\d|of|is|was|=|:)"
"""Behind a comma what has a length of its own: "mass of 8 cm, slice thickness 3 mm"."""
_ACQUIRED_BEHIND = re.compile(
    rf"\s{{0,3}}margins?(?!\w)|\s{{0,3}}(?:-\s{{0,2}}|,(?!{_WITH_ITS_OWN})\s{{0,2}})?(?:(?:{_HOW}[-\s]{{1,3}}){{0,5}}(?:{_MADE})(?!\w)"
    rf"|(?:(?:3d|2d|axial|sagittal|coronal|contiguous)[-\s]{{1,3}}){{1,2}}{_SEQUENCES}(?![\w*])(?![-\s]{{1,2}}(?:w|weighted|signal|hyper|hypo|iso|bright|dark|high|low)))",
    re.IGNORECASE,
)
_ACQUIRED_BEFORE = re.compile(
    r"(?<!\w)(?:(?:slice|section|slab|image|cut|reconstruction|scan)s?[- ](?:thickness(?:es)?|gaps?|spacing|width|intervals?|increments?|distance)"
    r"|(?:inter-?)?(?:slice|section)s? gaps?|thickness/gap|spacing|fov|field[- ]of[- ]view|(?:voxel|pixel)(?: size| dimensions?)?"
    r"|(?:in-plane |spatial )?resolution|isotropic(?:ally)?|(?:reformat|reconstruct)\w*|collimation|schichtdicke|matrix|increments?|kernel|fwhm|coil|b-?values?)"
    r"(?:\s{0,3}(?:of|was|is|were|at|to|with|=|:|size|,|\(|about|approximately|[<>≤≥]=?|(?:less|more|smaller|larger) than|up to|at (?:most|least))){0,3}\s{0,3}$",
    re.IGNORECASE,
)
_GAP_BEFORE = re.compile(r"(?<!\w)(?:gaps?|intervals?)(?:\s{0,2}(?:of|was|is|=|:|about)){0,2}\s{0,3}$", re.IGNORECASE)
_GAP_BEHIND = re.compile(r"\s{0,3}(?:interslice\s)?gaps?(?!\w)", re.IGNORECASE)
_OF_SLICES = re.compile(
    r"(?<!\w)(?:slices?|sections?|thickness|contiguous|fov|field[- ]of[- ]view|matrix|voxels?|t[re]\s?\d|acquired|acquisition)(?!\w)",
    re.IGNORECASE,
)
_A_WORD = re.compile(r"(?<!\w)(?!gaps?(?!\w)|intervals?(?!\w)|about(?!\w))[^\W\d_]{4,}")
"""A gap is of slices beside these, or where nothing else is named: a torn tendon has one too."""

_TO_WHERE = (
    r"(?:(?:antero|postero|supero|infero|cranio|caudo|dorso|ventro)-?)?(?:inferior|superior|distal|proximal|caudal|caudad|cranial|cephalad|cephalic"
    r"|anterior|posterior|medial|lateral|ventral|dorsal|deep|central|peripheral|internal|external)"
)
_AWAY = re.compile(
    r"\s{0,3}(?:away(?!\w)|apart(?!\w)|fn(?!\w)|from(?!\w)(?!\s{1,2}\d)"
    r"|(?:above|below|beneath|behind|beyond|underneath|short of|off|outside(?! diam)|in front of|to the (?:left|right) of|(?:left|right) of|past)(?!\w)(?!\s{1,2}\d)"
    rf"|{_TO_WHERE}\s(?:to|of|from)(?!\w)|(?:more|further|farther)\s\w+(?:ly|ad|wards?)(?!\w)|{_TO_WHERE}ly(?!\w)"
    r"|over\s(?:the\s)?mid-?line|(?:in\s)?distance(?!\w))",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"(?<!\w)within\s{1,2}(?:(?:about|approximately|a|the)\s{1,2})?$", re.IGNORECASE)
_OF = re.compile(r"\s{0,2}(?:of|to)(?!\w)", re.IGNORECASE)
_AWAY_BEFORE = re.compile(
    r"(?<!\w)(?:(?:(?:shortest|minim(?:al|um)|closest|smallest)\s)?distances?\s(?:to|from|between)(?!\w)[^.;,:]{0,40}?|(?:shortest|minim(?:al|um)|closest) distance"
    r"|at (?:a |the )?(?:depth|distance)|crm|(?:circumferential|resection|surgical|safety|tumou?r-free|an?|the) margins?|clearance"
    r"|(?:separat\w+|clear|short|apart|distant|remote|spaced|away)(?!\w)[^.;,:]{0,40}?\sby)"
    r"(?:\s{0,2}(?:is|was|are|of|measur(?:es|ed|ing)|by|=|:|<|>|less than|more than|about|only|approximately)){0,3}\s{0,3}$",
    re.IGNORECASE,
)
_DEPTH = re.compile(r"(?<!\w)depth(?!\w)", re.IGNORECASE)
_AT_A_DEPTH = re.compile(r"(?<!\w)at\s(?:about\s)?$", re.IGNORECASE)
_CHANGED_BY = re.compile(
    r"(?<!\w)(?:increas|decreas|enlarg|grow|grew|shrank|shrunk|shrink|reduc|progress|regress)\w*[^.;,:]{0,30}?\sby\s(?:about\s|approximately\s|(?:less|more) than\s|up to\s|at (?:most|least)\s)?$",
    re.IGNORECASE,
)
_MEASURED = re.compile(
    r"(?<!\w)(?:measur(?:es|ed|ing)|migrat\w+|extend(?:s|ed|ing)|protrud(?:es|ed|ing)|herniat(?:es|ed|ing)|extru(?:des|ded|ding|sion)"
    r"|displaced|subluxed|retracted)(?:\s(?:about|approximately|up to|by|of)){0,2}\s{0,3}$",
    re.IGNORECASE,
)
"""What is said to measure so much, or to reach so far, is the finding, whatever way the length points."""
_TONSILS = re.compile(r"(?<!\w)tonsil\w*(?!\w)[^.;]*$", re.IGNORECASE)
"""How far these lie below is what is measured of them."""
_NO_LENGTH = re.compile(r"\s{0,2}(?:hg(?!\w)|h2o(?!\w)|\^?[23](?!\w)|/\s{0,2}(?:s|sec|min|h|hr|ms|y|yr|year|month|week|day)(?!\w)|per (?!cent))", re.IGNORECASE)  # fmt: skip


def of_no_finding(text: str, start: int, stop: int) -> bool:
    """Whether the length text[start:stop] is of the acquisition, a distance, a margin, a change, or no length at all."""
    after, before = text[stop : stop + _AFTER], text[max(0, start - REACH) : start]
    if _NO_LENGTH.match(after) or _CHANGED_BY.search(before):
        return True
    around = text[max(0, start - _AROUND) : stop + _AROUND]
    return _is_acquired(around, before, after) or _is_distance(text, start, stop, before, after)


def _is_acquired(around: str, before: str, after: str) -> bool:
    if _ACQUIRED_BEHIND.match(after) or _ACQUIRED_BEFORE.search(before):
        return True
    if not (_GAP_BEHIND.match(after) or _GAP_BEFORE.search(before)):
        return False
    return _OF_SLICES.search(around) is not None or _A_WORD.search(around) is None


def _is_distance(text: str, start: int, stop: int, before: str, after: str) -> bool:
    if _AWAY_BEFORE.search(before) or (_WITHIN.search(before) and _OF.match(after)):
        return True
    if _DEPTH.search(text, start, stop + 7) and _AT_A_DEPTH.search(before):
        return True  # "at 3 cm depth"; "4 mm in depth" is how deep a finding is
    away = _AWAY.match(after)
    if away is None:
        return False
    if _MEASURED.search(before) and not away.group().strip().lower().startswith("from"):
        return False
    return not (away.group().strip().lower() == "below" and _TONSILS.search(text, max(0, start - _AROUND), start))
