"""Days of one month in a row: "from 6 to 8 May 2024", "May 6-8, 2024", "6 and 8 May 2024"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from spinecho.db.filters.algebra import Between, Filter, Or
from spinecho.search.planning.pattern_parts import MONTH, MONTHS, Reading
from spinecho.search.planning.spans import Span

_DAY = r"(?:the\s)?(?P<{}>\d\d?)(?:st|nd|rd|th|\.)?"
_JOINT = r"\s{0,2}(?P<joint>-|–|to|until|till|through|thru|and|or|&|,)\s{0,2}"
_BOTH = _DAY.format("a") + _JOINT + _DAY.format("b")
_YEAR = r"(?P<y>(?:19|20|21)\d\d)(?![\w-])"
_SPANS = tuple(
    re.compile(rf"(?<![\w./-])(?:(?P<way>from|between|on|in)\s)?{form}", re.IGNORECASE)
    for form in (rf"{_BOTH}\s(?:of\s)?{MONTH},?\s{_YEAR}", rf"{MONTH}\s{_BOTH},?\s{_YEAR}")
)
_NO_DAYS = re.compile(
    r"(?:\d\s{0,2},|(?<!\w)(?:since|before|after|until|till|prior to|grades?|types?|stages?|modic|fazekas"
    r"|[a-z]{1,2}-?rads))\s{0,2}$",
    re.IGNORECASE,
)
"""Before more days than two, bounds, and numbers of something else."""
_EITHER = frozenset(("and", "or", "&", ","))


def day_spans(text: str) -> Iterator[tuple[Span, Reading]]:
    """(where it stands, what it says) of each."""
    for pattern in _SPANS:
        for match in pattern.finditer(text):
            month = 1 + MONTHS.index(match["month"].lower()[:3])
            try:
                first, last = (date(int(match["y"]), month, int(match[day])) for day in "ab")
            except ValueError:  # no such day
                continue
            if first >= last or _NO_DAYS.search(text, max(0, match.start() - 20), match.start()):
                continue
            apart = match["joint"].lower() in _EITHER and (match["way"] or "").lower() != "between"
            where: Filter = Between("date", first, last)
            if apart:
                where = Or((Between("date", first, first), Between("date", last, last)))
            yield match.span(), (where, f"{first} {'or' if apart else 'to'} {last}", True)
