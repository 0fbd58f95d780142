"""What an earlier examination showed is of the past: "On the previous MRI a small effusion was described".

Unless the sentence goes on to say that it is there still ("..., which is unchanged"), or the examination is of the same
day. What was named before ("the lesion was seen on the prior CT") is left to the rest of the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

_EARLIER = r"(?:(?:most )?(?:previous|prior|earlier|last|preceding|old|older|former|initial))"
_EXAMINATION = (
    r"(?:mri?s?|mr|cts?|scans?|stud(?:y|ies)|exam(?:ination)?s?|imaging|radiographs?|x-?rays?|ultrasounds?|films?|reports?"
    r"|investigations?|mra|mrcp|angiogra\w+|arthrogra\w+|pet(?:[-/ ]ct)?|mammogra\w+)"
)
_WHEN = r"(?: (?:of|from|in|dated|on|at) (?!the(?!\w)|an?(?!\w))[\w/.-]+(?: (?:19|20)\d\d)?)?"
_DATED = (
    r"(?: (?:of|from|in|dated|on) (?:(?:early|late|mid|\d{1,2}(?:st|nd|rd|th)?|jan\w*|feb\w*|mar\w*|apr\w*|may|jun\w*"
    r"|jul\w*|aug\w*|sep\w*|oct\w*|nov\w*|dec\w*|spring|summer|autumn|fall|winter)[ -]){0,3}(?:19|20)\d\d"
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
    rf"(?<!\w){_ONE} (?:(?:had )?(?:showed|demonstrated|revealed|described|reported|disclosed|documented)|had shown)"
    rf"(?= (?!{_DEFINITE}))"
)
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
            opens = pattern is _SETTING or _OPENS.search(heard[: match.start()])
            if opens and _is_past(heard, match.start(), match.end()):
                yield match.start(), match.end(), "after"
    for match in _SEEN_ON.finditer(heard):
        start, end = match.span("cue")
        if not _GOES_ON.match(match["what"]) and _is_past(heard, start, end):
            yield start, end, "before"


def _is_past(heard: str, start: int, end: int) -> bool:
    near = heard[start:end] + heard[end : end + 30].partition(",")[0]
    return _STILL.search(heard, end) is None and _SAME_DAY.search(near) is None
