"""What denies a fact in words, or takes its weight away: what stands before it, and what behind.

A denial need not touch its fact ("not done on Philips", "leave out scans from 2021"): small words, and words for being
scanned, may stand between. "Drop" and its like deny at the beginning of a thought alone: "foot drop, women".
"""

from __future__ import annotations

import re

from spinecho.encoders.language.query_denials import DENIALS

_DENIES = (
    rf"{DENIALS}|non|never|cannot|no(?:body| one|-one)"
    r"|(?:is|are|was|were|do|does|did|has|have|had|ca|wo|must|should|would|could|need)n['’]?t"
    r"|except(?: for)?|exclude[sd]?|excl\.?|w/out|save for"
    r"|(?:any|every|all)(?:thing|one|body)?(?: \w+)? (?:but|bar|except|outside(?: of)?)"
    r"|avoid(?:ing)?|filter(?:ing)? out|kein(?:e[nrsm]?)?|nicht|nie|außer"
)
_TELLS_TO = r"(?:^|[,;.:(]\s{0,2}|(?<!\w)(?:and|but|please|then|to|or)\s{1,2})"
_TOLD = rf"{_TELLS_TO}(?:drop|skip(?:ping)?|ignor(?:e|ing)|hide|remove|discard|none|nothing|outside)"
"""Words that mean something else within a thought: "foot drop", "skip lesions", "haemorrhage none"."""
_BETWEEN = (
    r"any|more|further|the|an?|all|those|these|in|on|at|from|of|by|for|with|under|during|to|vendor|scanner|manufacturer"
    r"|scans?|stud(?:y|ies)|exams?|images?|patients?|pts?|cases?|ones|people"
    r"|done|scanned|acquired|performed|imaged|made|taken|examined|obtained|carried out|be|been|being"
    r"|want(?:ed)?|include|including|included|show|need|list|give|like"
    r"|auf|am|im|bei|mit|der|die|das|den|dem"
)
_NOT = re.compile(
    rf"(?:(?<!\S)[-−]|(?:(?<![\w-])(?:and |but |or )?(?:{_DENIES})|{_TOLD})"
    rf"[\s-]{{1,3}}(?:(?:{_BETWEEN})\s{{1,3}}){{0,5}})$",
    re.IGNORECASE,
)
_NO_MATTER = re.compile(
    r"(?<!\w)(?:(?:regardless|irrespective) of|whether or not|not (?:necessarily|only|just)"
    r"|no matter (?:if|whether|which)|independent(?:ly)? of|unabhängig von)"
    rf"\s{{1,3}}(?:(?:{_BETWEEN}|the year)\s{{1,3}}){{0,3}}$",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\s{1,2}(?:(?:is|are|were)\s)?(?:excluded|omitted|left out|not wanted|unwanted)(?!\w)", re.IGNORECASE
)
_FAR = 60
"""Characters before a fact among which its denial is looked for."""


def denied_from(text: str, start: int) -> int | None:
    """Where the denial of a fact that begins at `start` begins; None where nothing before it denies it."""
    found = _NOT.search(_before(text, start))
    return None if found is None else max(0, start - _FAR) + found.start()


def denied_behind(text: str, stop: int) -> int | None:
    """Where the denial behind a fact ends that ends at `stop`; None where there is none."""
    found = _BEHIND.match(text, stop)
    return None if found is None else found.end()


def weighs(text: str, start: int) -> bool:
    """Whether a fact is a condition at all: "regardless of sex", "not only women" ask for none."""
    return _NO_MATTER.search(_before(text, start)) is None


def _before(text: str, start: int) -> str:
    """What stands before a fact; of a time that begins with "of" that too, as in "instead of 2021"."""
    begins = start + 3 if text[start : start + 3].casefold() == "of " else start
    return text[max(0, start - _FAR) : begins]
