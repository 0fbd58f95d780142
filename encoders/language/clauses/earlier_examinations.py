"""What an earlier examination showed is of the past: "On the previous MRI a small effusion was described".

Unless the sentence goes on to say that it is there still ("..., which is unchanged"), or the examination is of the same
day. What was named before ("the lesion was seen on the prior CT") is left to the rest of the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

_EARLIER = (
    r"(?:(?:most )?(?:previous|prior|pre-?treatment|pre-?operative|earlier|last|preceding|old|older|former|initial))"
)
_EXAMINATION = (
    r"(?:mri?s?|mr|cts?|scans?|stud(?:y|ies)|exam(?:ination)?s?|imaging|radiographs?|x-?rays?|ultrasounds?|films?|reports?"
    r"|investigations?|mra|mrcp|angiogra\w+|arthrogra\w+|pet(?:[-/ ]ct)?|mammogra\w+)"
)
_WHEN = r"(?: (?:of|from|in|dated|on|at) (?!the(?!\w)|an?(?!\w))[\w/.-]+(?: (?:19|20)\d\d)?)?"
_DATED = (
    r"(?: (?:of|from|in|dated|on) (?:(?:early|late|mid|\d{1,2}(?:st|nd|rd|th)?|jan\w*|feb\w*|mar\w*|apr\w*|may|jun\w*"
    r"|jul\w*|aug\w*|sep\w*|oct\w*|nov\w*|dec\w*|spring|summer|autumn|fall|winter)[ -]){0,3}(?:19|20)\d\d"
    r"| (?:of|from|on|dated) \d{1,2}[/.-]\d{1,2}[/.-](?:\d\d){1,2}(?!\w)| (?:of|from) last (?:year|month|week)"
    r"| (?:from )?(?:\w+|\d+) (?:years?|months?|weeks?) (?:ago|earlier|previously|before))"
)
_ONE = (
    rf"(?:the |an? |his |her |their |your |our )?(?:(?:\w+ )?{_EARLIER}(?: [\w-]+)?? {_EXAMINATION}(?!\w){_WHEN}"
    rf"|(?:\w+ )?{_EXAMINATION}(?!\w){_DATED})"
)
_SEEN = (
    r"(?:seen|described|noted|reported|shown|identified|demonstrated|documented|detected|found|visible|present|suspected|raised"
    r"|observed|diagnosed|evident|mentioned)"
)
_DEFINITE = r"(?:the|this|that|these|those|its?|they|which|no|not|nothing|none|he|she)(?!\w)"

_SETTING = re.compile(
    rf"(?<!\w)(?:on|at|in|during|by) {_ONE}(?:,? there (?:was|were|had been)(?= (?!{_DEFINITE}))"
    rf"|,?(?= (?!{_DEFINITE})(?:(?!{_DEFINITE})[\w/'-]+ ){{1,8}}(?:was|were|had been) (?:\w+ly )?{_SEEN}(?!\w)))"
)
_SHOWED = re.compile(
    rf"(?<!\w){_ONE}(?:,? which)? (?:(?:had )?(?:showed|demonstrated|revealed|described|reported|disclosed|documented)"
    r"|had shown)"
    rf"(?= (?!{_DEFINITE}))"
)
_ON_WHICH = re.compile(rf"(?<!\w){_ONE},? (?:on|in|at|by) which(?= (?:[\w/'-]+ ){{1,8}}?(?:was|were|had)(?!\w))")
_SEEN_ON = re.compile(
    rf"(?P<what>(?:^|(?<=[,;:.(] ))(?:(?!{_DEFINITE})[\w/'-]+ ){{1,8}}?)"
    rf"(?P<cue>(?:was|were|had been) (?:\w+ly )?{_SEEN} (?:on|at|in|by|during) {_ONE})"
)
_OPENS = re.compile(r"(?:^|[,;:.(]|(?<!\w)(?:and|but|while|whereas|although|though)) *$")
"""Before the subject of a statement: not "compared to the previous MRI shown here"."""
_GOES_ON = re.compile(r"[\w,;]* ?(?:and|but|also|still|as|so|or)(?!\w)|[\w/' -]*(?<!\w)(?:is|are|has|have)(?!\w)")
_STILL = re.compile(
    r"(?<!\w)(?:still|again|unchanged|stable|persist\w*|remains?|now (?:larger|smaller|bigger|measur\w+)|as before"
    r"|(?:has|have) (?:\w+ly )?(?:grown|increased|decreased|enlarged|progressed|shrunk|diminished|regressed|changed)"
    r"|(?:is|are) (?:now |currently |today |slightly |much )*(?:larger|smaller|bigger|less|more|similar|the same"
    r"|redemonstrated|confirmed|visible|seen|present|re-?identified|identical))(?!\w)"
)
_SAME_DAY = re.compile(r"(?<!\w)(?:same day|today|yesterday|hours?|days ago|this (?:morning|afternoon|week))(?!\w)")


def shown_earlier(heard: str) -> Iterator[tuple[int, int, Literal["after", "before"]]]:
    """Places of the words that tell of an earlier examination, and which side of them they tell of."""
    for pattern in (_SETTING, _SHOWED):
        for match in pattern.finditer(heard):
            opens = pattern is _SETTING or " which " in match.group() or _OPENS.search(heard[: match.start()])
            if opens and _is_past(heard, match.start(), match.end()):
                yield match.start(), match.end(), "after"
    for match in _ON_WHICH.finditer(heard):
        if _is_past(heard, match.start(), match.end()):
            yield match.start(), match.end(), "after"
    for match in _SEEN_ON.finditer(heard):
        start, end = match.span("cue")
        if not _GOES_ON.match(match["what"]) and _is_past(heard, start, end):
            yield start, end, "before"


_IMAGE = (
    rf"(?:{_EXAMINATION}|images?|views?|sections?|urogra\w+|t[12]w?(?:-weighted)?|flair|stir|coronal|sagittal|axial)"
    r"(?!\w)"
)
_PERSON = (
    r"(?:patients?|pt|m[ae]n|wom[ae]n|males?|females?|boys?|girls?|child(?:ren)?|infants?|lady|gentleman|who|s?he|her"
    r"|his)"
)
_NOT_ITS_OWN = re.compile(
    rf"(?<!\w)(?:{_EARLIER}|{_PERSON}|outside|present(?:ed|ing)|complain\w*|histor\w+|had|underwent|after|following|post|for"
    r"|with (?!iv |intravenous |contrast|gadolinium|fat))(?!\w)"
)
"""Between the words for an image and a time: the time is of something else."""
_OF_SOMEBODY = re.compile(rf"(?<!\w){_PERSON}(?!\w)")
_OWN_DATE = re.compile(rf"(?:^|[.;:,)] ?)(?:[\w/*-]+ ){{0,10}}?{_IMAGE}[\w /*-]{{0,40}}\(?(?:[\w./-]+[ /.])*$")
_OPENS_WITH_IMAGE = re.compile(rf"(?:[\w/*-]+ ){{0,6}}?{_IMAGE}")
_BRACKET_ENDS = re.compile(r"[\w ./-]*\)")
_BEFORE_AN_EVENT = re.compile(r" (?!(?:this|the (?:present|current)|today|now|and|but|with)(?!\w))[a-z]")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = re.compile(rf"\(?(?:in |on |of )?(?:{_MONTH})?(?: ?[\d./-]+)?\)?")
_TIME = re.compile(r"\d|(?<!\w)(?:years?|months?|weeks?|winter|summer|ago|before)(?!\w)")
_NOW_SO = re.compile(
    r" (?:(?:is|are|has|have|measures?)(?: \w+ly)? )?(?:(?:now|currently|today|still) (?:measur\w+ )?(?=\d|unchanged"
    r"|stable|smaller|larger|visible|seen)|(?<=is )(?:unchanged|stable|smaller|larger)(?!\w))"
    r"| (?:has|have) (?:\w+ly |now |since )*(?:shrunk(?:en)?|grown|turned (?!out)|become|matured|organi[sz]ed|retracted"
    r"|evolved|calcified|ossified|enlarged|progressed|increased|decreased|liquefied|consolidated|changed|left)(?!\w)"
)
_SINCE = re.compile(rf"(?<!\w)since (?:(?:early|late|mid) )?{_MONTH} $")
_SIGN = re.compile(
    r"(?<!\w)(?:signals?|changes?|scar\w*|enhance\w+|recurren\w+|residual|defects?|fibrosis|gliosis|o?edema|atrophy|appearances?)(?!\w)"
)
_AFTER_ONE = re.compile(
    r"(?<!\w)(?:after|following|post) (?:[\w-]+ ){0,2}?(?:\w*(?:therapy|surgery|ectomy|otomy|plasty|radiation)"
    r"|resection|repair|fusion|operation|emboli[sz]ation|ablation) $"
)
"""An operation with its time sets the scene of a sign: "low signal following brachytherapy in 2014"."""
_LATER_EVENT = re.compile(r"(?:years?|months?|weeks?|days?|hours?) before (?!this|the (?:present|current))[\w -]+$")


def of_this_examination(heard: str, start: int, end: int) -> bool:
    """Whether a time at heard[start:end] is when what is described itself was made, as captions say it.

    "MR urography (18 November 2008) showed", "MRI one month before initiation of thalidomide": not before this.
    """
    said, before = heard[start:end], heard[max(0, start - 200) : start]
    if not (_TIME.search(said) or _DAY.fullmatch(said)):
        return False
    if _SINCE.search(before):
        return True
    if _NOW_SO.match(heard, end) and not _OF_SOMEBODY.search(before):
        return True  # "the mass biopsied last month is now 1.8 cm"
    operated = _AFTER_ONE.search(before)
    if operated is not None and _SIGN.search(before, 0, operated.start()):
        return not _OF_SOMEBODY.search(before)
    image = _OPENS_WITH_IMAGE.match(heard)
    opens = image is not None and not _NOT_ITS_OWN.search(heard, 0, start)
    if said.endswith("before") and _BEFORE_AN_EVENT.match(heard, end):
        return opens
    if not _DAY.fullmatch(said):
        return False
    if opens and _LATER_EVENT.search(before):
        return True
    opened = heard.rfind("(", 0, start + 1)
    if opened < 0 or ")" in heard[opened : end - 1] or not (said.endswith(")") or _BRACKET_ENDS.match(heard, end)):
        return False
    begins = max(0, opened - 120)
    return _OWN_DATE.search(heard, begins, opened + 1) is not None and not _NOT_ITS_OWN.search(heard, begins, opened)


def _is_past(heard: str, start: int, end: int) -> bool:
    near = heard[start:end] + heard[end : end + 30].partition(",")[0]
    return _STILL.search(heard, end) is None and _SAME_DAY.search(near) is None
