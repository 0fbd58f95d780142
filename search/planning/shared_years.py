"""Times that share the year of another: "in 2024 but not in May", "March, April and May 2025"."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from spinecho.search.planning.moments import Moment

_SMALL = (
    r"scans?|stud(?:y|ies)|exams?|images?|mris?|those|the|all|any|ones|done|scanned|imaged|in|on|of|from|during|within|before|after|since"
    r"|until|till|between|months? of|month|quarter"
)
_RESTRICTS = (
    r"but|not|except(?:ing)?(?: for)?|excl(?:uding|\.)?|without|minus|save(?: for)?|apart from|aside from|other than|only|just|leaving out"
    r"|specifically|omitting|barring"
)
_WITHIN = re.compile(rf"[\s,;:(]*(?:(?:(?P<restricts>{_RESTRICTS})|{_SMALL})(?!\w)[\s,;:(]*)*", re.IGNORECASE)
"""Between a year and a time that is a part of it nothing stands but small words."""
_LIST = re.compile(r"\s{0,3}(?:,|/|&|\+|(?:,\s{0,2})?(?:and|or|und|oder))\s{0,3}(?:in\s|of\s|during\s)?", re.IGNORECASE)
_OR = re.compile(r"\s{1,3}(?:and|or|&|und|oder)\s{1,3}(?:in\s|of\s)?", re.IGNORECASE)
_ROW = re.compile(
    r"\s{0,3}(?:,|/|&|\+|-|–|(?:,\s{0,2})?(?:and|or|to|until|till|through|und|oder|bis)(?!\w))\s{0,3}", re.IGNORECASE
)
_OPEN = re.compile(
    r"(?<!\w)(?:since|after|before|until|till|prior to|later than|earlier than|older than)\s$", re.IGNORECASE
)
"""Before a year that only begins or ends a time: "MS since 2015, scanned in March"."""
_NEAR = 20
"""Characters that hold any word of `_OPEN`."""
_OF_A_MONTH = ("month", "part")


def with_shared_years(moments: Sequence[Moment], text: str) -> list[Moment]:
    """The same times, in their order, those without a year in the year that the line names for them."""
    found = list(moments)
    for at in range(len(found) - 2, -1, -1):  # from the last of a list to its first
        one, other = found[at], found[at + 1]
        listed = _LIST.fullmatch(text, one.stop, other.start) is not None
        if one.yearless and not other.yearless and one.kind == other.kind and listed:
            found[at] = _in_year_of(one, other)
    year: Moment | None = None
    last: Moment | None = None
    for at, one in enumerate(found):
        if at and _is_year(one) and (months := _same_months(found[at - 1], one, text)) is not None:
            found[at] = months
        elif not one.yearless:
            year, last = (one if one.low.year == one.high.year else None), None
        elif year is not None and one.kind in (*_OF_A_MONTH, "day"):
            found[at] = last = _shared(one, year, last, text)
            year = year if last.shared else None
    return found


def _shared(one: Moment, year: Moment, last: Moment | None, text: str) -> Moment:
    """A time without a year in the year before it, if nothing but small words lies between. last: what shared it last.

    What the year is narrowed by counts as it stands; elsewhere it still needs a word of time: "2021, march fracture".
    """
    low, high = _moved(one, year.low.year)
    moved = replace(one, low=low, high=high, shared=True)
    if last is not None and _ROW.fullmatch(text, last.stop, one.start):
        return replace(moved, yearless=last.yearless, sure=last.sure)
    between = _WITHIN.fullmatch(text, (last or year).stop, one.start)
    if between is not None and between["restricts"]:
        return replace(moved, yearless=False, sure=True)
    told = between is not None and _is_year(year) and not _OPEN.search(text, max(0, year.start - _NEAR), year.start)
    return moved if told else one


def _is_year(one: Moment) -> bool:
    year = one.low.year
    return (one.low, one.high) == (date(year, 1, 1), date(year, 12, 31))


def _in_year_of(one: Moment, other: Moment) -> Moment:
    """ "December and January 2024" are of two years."""
    low, high = _moved(one, other.low.year)
    if low > other.low:
        low, high = _moved(one, other.low.year - 1)
    return replace(one, low=low, high=high, yearless=False)


def _same_months(one: Moment, year: Moment, text: str) -> Moment | None:
    """ "In June 2023 or 2024": of the second year the same month."""
    if one.kind not in _OF_A_MONTH or one.yearless or _OR.fullmatch(text, one.stop, year.start) is None:
        return None
    low, high = _moved(one, year.low.year)
    return replace(year, low=low, high=high, kind=one.kind)


def _moved(one: Moment, year: int) -> tuple[date, date]:
    """The same days of another year; a part that ends in the year after its first day ends so again."""
    high_year = year + one.high.year - one.low.year
    return _day(one.low, year), _last(one.high, high_year)


def _day(day: date, year: int) -> date:
    return date(year, day.month, min(day.day, 28) if day.month == 2 else day.day)


def _last(day: date, year: int) -> date:
    """The last of February of a leap year is its 29th."""
    if (day.month, day.day) in ((2, 28), (2, 29)):
        return date(year, 2, 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28)
    return _day(day, year)
