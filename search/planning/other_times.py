"""Times that no condition goes by: hours of the day, days of the week, feasts that move. They are told, not sought.

"Pain at night" is a complaint: hours count beside words for being scanned alone.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re

from spinecho.search.planning.spans import Span

_SCANS = r"(?:scans?|mris?|stud(?:y|ies)|exams?|images?|imaging|lists?|patients?)"
_DONE = r"(?:(?:done|made|performed|acquired|scanned|imaged|taken|obtained|carried out)\s)"
_OF_THE_DAY = r"(?:at night|overnight|in the (?:morning|afternoon|evening|night)s?|(?:at|over|during) nights?)"
_LATE = r"(?:out[\s-]of[\s-]hours|after[\s-]hours)"
_OF_SCANS = r"(?:(?<=scan )|(?<=scans )|(?<=mri )|(?<=mris )|(?<=studies )|(?<=exams ))"
_NO_COMPLAINT = "".join(
    f"(?<!{one} )"
    for one in ("pain", "pains", "headache", "headaches", "worse", "better", "symptoms", "seizures", "attacks")
)
"""Pain on Mondays is somebody's, as pain at night is."""
_DAYS = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days"
_FEASTS = (
    r"easter|whitsun(?:day|tide)?|pentecost|ascension(?: day)?|ramadan|eid(?: al[- ]\w+)?|passover|hanukkah|diwali|thanksgiving|carnival"
    r"|mardi gras|chinese new year|ostern|pfingsten|fasching|pâques|pascua|semana santa"
)
_HOUR = "scans are known by their day, not by the hour"
_WEEKDAY = "no condition goes by days of the week"
_FEAST = "the day of this feast is not known; give its date"
_OTHER: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE), why)
    for pattern, why in (
        (rf"(?:{_OF_SCANS}{_DONE}?|{_DONE}){_LATE}|{_LATE}(?=\s{_SCANS}(?!\w))", _HOUR),
        (rf"{_OF_SCANS}{_DONE}?{_OF_THE_DAY}|night[\s-]?time(?=\s{_SCANS}(?!\w))", _HOUR),
        (rf"{_DONE}{_OF_THE_DAY}", _HOUR),
        (
            rf"{_NO_COMPLAINT}(?:{_DONE})?(?:at|on|over|during)\s(?:the\s)?(?:bank holidays?|week-?ends?|weekdays|{_DAYS})",
            _WEEKDAY,
        ),
        (rf"(?:week-?end|weekday)(?=\s{_SCANS}(?!\w))", _WEEKDAY),
        (rf"(?:since|before|after|around|until|till|from|during|over|at|on)\s(?:last\s|this\s)?(?:{_FEASTS})", _FEAST),
    )
)
_MAY_HOLD = re.compile(rf"hours|night|week|days|morning|evening|afternoon|holiday|{_FEASTS}", re.IGNORECASE)


def other_times(text: str) -> list[tuple[Span, str]]:
    """(where it stands, why it does not count) of each, in the text's order."""
    if _MAY_HOLD.search(text) is None:
        return []
    found: list[tuple[Span, str]] = []
    for pattern, why in _OTHER:
        for match in pattern.finditer(text):
            if not any(start < match.end() and match.start() < stop for (start, stop), _ in found):
                found.append((match.span(), why))
    return sorted(found)
