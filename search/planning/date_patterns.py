"""The words of dates: years, months, days and spans between them, counted from today where they say so."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from datetime import date, timedelta

from spinecho.db.filters.algebra import Between
from spinecho.search.planning.pattern_parts import CLINICAL, Pattern, Read, Reading, free, words

_YEAR = r"(?P<y>(?:19|20)\d\d)"
_Y = _YEAR + r"(?![\d./-]\d|\w)"
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s{1,2}"
_DAY = r"(?P<day>(?:19|20)\d\d-\d\d-\d\d)"
_WHEN = rf"(?:{_DAY}|(?:{_MONTH})?{_Y})"
_WHEN2 = _WHEN.replace("?P<day>", "?P<day2>").replace("?P<month>", "?P<month2>").replace("?P<y>", "?P<y2>")


def _bounds(groups: dict[str, str | None], which: str = "") -> tuple[date, date]:
    """First and last day of a year, a month or a day."""
    if day := groups.get(f"day{which}"):
        return date.fromisoformat(day), date.fromisoformat(day)
    year = int(groups.get(f"y{which}") or 0)
    if month := groups.get(f"month{which}"):
        number = 1 + next(at for at, name in enumerate(_MONTHS) if name.startswith(month.lower()))
        following = date(year + number // 12, number % 12 + 1, 1)
        return date(year, number, 1), following - timedelta(days=1)
    return date(year, 1, 1), date(year, 12, 31)


def _dated(way: str) -> Read:
    def read(match: re.Match[str], _: date) -> Reading | None:
        groups = match.groupdict()
        try:
            first, last = _bounds(groups)
            end = _bounds(groups, "2")[1] if way == "between" else last
        except ValueError:
            return None
        certain = CLINICAL.search(match.string[max(0, match.start() - 60) : match.start()]) is None
        low: date | None
        high: date | None
        match way:
            case "since":
                low, high = first, None
            case "after":
                low, high = last + timedelta(days=1), None
            case "before":
                low, high = None, first - timedelta(days=1)
            case "until":
                low, high = None, last
            case "between":
                low, high = first, end
            case _:
                low, high = first, last
        return (
            (Between("date", low, high), _period(low, high), certain)
            if low is None or high is None or low <= high
            else None
        )

    return read


def _period(low: date | None, high: date | None) -> str:
    if low is not None and high is not None:
        if (low.month, low.day, high.month, high.day) == (1, 1, 12, 31):
            return str(low.year) if low.year == high.year else f"{low.year} to {high.year}"
        return low.isoformat() if low == high else f"{low.isoformat()} to {high.isoformat()}"
    return f"from {low.isoformat()}" if low is not None else f"until {high.isoformat() if high else ''}"


def _relative(match: re.Match[str], today: date) -> Reading | None:
    groups = match.groupdict()
    certain = CLINICAL.search(match.string[max(0, match.start() - 60) : match.start()]) is None
    unit, number = (groups["unit"] or "").rstrip("s").lower(), int(groups["count"] or 1)
    which = (groups["which"] or "").lower()
    if groups["count"] or groups["rolling"] or which == "past":
        days = {"day": 1, "week": 7, "month": 30, "year": 365}[unit] * number
        if days > 40_000:
            return None
        low, high = today - timedelta(days=days), today
    elif unit == "year":
        year = today.year - (which == "last")
        low, high = date(year, 1, 1), date(year, 12, 31)
    elif unit == "month":
        first = today.replace(day=1)
        low = (first - timedelta(days=1)).replace(day=1) if which == "last" else first
        high = first - timedelta(days=1) if which == "last" else today
    else:
        monday = today - timedelta(days=today.weekday())
        low = monday - timedelta(days=7) if which == "last" else monday
        high = low + timedelta(days=6)
    return Between("date", low, high), _period(low, high), certain


def _day(days: int) -> Read:
    def read(match: re.Match[str], today: date) -> Reading | None:
        day = today - timedelta(days=days)
        return Between("date", day, day), day.isoformat(), True

    return read


DATES: tuple[Pattern, ...] = (
    ("date", free(rf"(?:between|from|von)\s{{1,2}}{_WHEN}\s{{0,2}}(?:and|to|until|till|-|–|bis|und)\s{{0,2}}{_WHEN2}"), _dated("between")),
    ("date", free(rf"{_YEAR}\s{{0,2}}(?:-|–|to)\s{{0,2}}(?P<y2>(?:19|20)\d\d)(?![\d./-]\d|\w)"), _dated("between")),
    ("date", words(rf"(?:since|from|starting(?: in)?|seit|ab)\s{{1,2}}{_WHEN}(?:\s(?:on(?:wards)?|or later|and later))?"), _dated("since")),
    ("date", words(rf"(?:after|later than|nach)\s{{1,2}}{_WHEN}"), _dated("after")),
    ("date", words(rf"(?:before|prior to|earlier than|vor)\s{{1,2}}{_WHEN}"), _dated("before")),
    ("date", words(rf"(?:until|till|up to|through|bis)\s{{1,2}}{_WHEN}"), _dated("until")),
    ("date", re.compile(rf"(?:^|(?<=[,;]))\s{{0,3}}{_Y}(?=\s{{0,3}}(?:$|[,;]))"), _dated("in")),
    ("date", words(rf"(?:in|of|during|on)\s{{1,2}}{_WHEN}"), _dated("in")),
    ("date", words(
        r"(?:(?:in|within|during|over|from)\s)?(?:the\s)?(?P<which>last|past|this)\s(?:(?P<count>\d{1,4})\s)?(?P<unit>days?|weeks?|months?|years?)(?P<rolling>(?!))?"
    ), _relative),
    ("date", words("yesterday"), _day(1)),
    ("date", words("today"), _day(0)),
)  # fmt: skip
"""In the order in which they are tried."""
