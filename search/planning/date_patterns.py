"""The words of dates: years, months, days and spans between them, counted from today where they say so."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from datetime import date, timedelta

from spinecho.db.filters.algebra import Between
from spinecho.search.planning.pattern_parts import CLINICAL, Pattern, Read, Reading, free, words

_YEAR = r"(?P<y>(?:19|20)\d\d)"
_Y = _YEAR + r"(?:\s?/\s?\d\d(?=\s|$|[,;]))?(?![\d./-]\d|\w)"
"""Also "2023/24", of a winter."""
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
_PART = (
    r"(?P<part>spring|summer|autumn|fall|winter(?=\s(?:19|20)\d\d)|frühling|frühjahr|sommer|herbst|q[1-4]"
    r"|(?:(?:the )?(?:first|second|third|fourth|last|1st|2nd|3rd|4th) (?:half|quarter)(?: of)?))\s{1,2}(?:of\s)?"
)
_WHEN = rf"(?:{_DAY}|(?:{_MONTH}|{_PART})?{_Y})"
_WHEN2 = re.sub(r"\?P<(day|month|part|y)>", r"?P<\g<1>2>", _WHEN)
_SEASONS = {"spr": 3, "frü": 3, "sum": 6, "som": 6, "aut": 9, "fal": 9, "her": 9, "win": 12}
"""The first of three months, as the weather counts them; a winter is named by its December."""
_PLACES = {"fir": 1, "1st": 1, "sec": 2, "2nd": 2, "thi": 3, "3rd": 3, "fou": 4, "4th": 4}


def _bounds(groups: dict[str, str | None], which: str = "") -> tuple[date, date]:
    """First and last day of a year, a month or a day."""
    if day := groups.get(f"day{which}"):
        return date.fromisoformat(day), date.fromisoformat(day)
    year = int(groups.get(f"y{which}") or 0)
    if month := groups.get(f"month{which}"):
        return _months(year, _month(month), 1)
    if part := groups.get(f"part{which}"):
        return _part_of(year, part.lower())
    return date(year, 1, 1), date(year, 12, 31)


def _month(letters: str) -> int:
    return 1 + next(at for at, name in enumerate(_MONTHS) if name.startswith(letters.lower()))


def _months(year: int, number: int, count: int) -> tuple[date, date]:
    """First and last day of so many months from one on."""
    after = number - 1 + count
    return date(year, number, 1), date(year + after // 12, after % 12 + 1, 1) - timedelta(days=1)


def _part_of(year: int, part: str) -> tuple[date, date]:
    """A season, a quarter ("q3", "second quarter of") or a half."""
    if part[0] == "q":
        return _months(year, 3 * int(part[1]) - 2, 3)
    if "half" in part or "quarter" in part:
        length = 6 if "half" in part else 3
        which = part.removeprefix("the ")[:3]
        return _months(year, 1 + length * (_PLACES.get(which, 12 // length) - 1), length)
    return _months(year, _SEASONS[part[:3]], 3)


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


_UNITS = {"d": "day", "w": "week", "m": "month", "y": "year"}


def _relative(match: re.Match[str], today: date) -> Reading | None:
    groups = match.groupdict()
    certain = CLINICAL.search(match.string[max(0, match.start() - 60) : match.start()]) is None
    unit, number = _UNITS[(groups["unit"] or "")[0].lower()], int(groups["count"] or 1)
    which = (groups["which"] or "").lower()
    if groups["count"] or groups["rolling"] or which == "past":
        if number * {"day": 1, "week": 7, "month": 31, "year": 366}[unit] > 40_000:
            return None
        low, high = _before(today, unit, number), today
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


def _before(today: date, unit: str, number: int) -> date:
    """The same day so many months or years before, or the last of its month; so many days or weeks."""
    if unit in ("day", "week"):
        return today - timedelta(days=number * {"day": 1, "week": 7}[unit])
    at = 12 * today.year + today.month - 1 - number * {"month": 1, "year": 12}[unit]
    _, last = _months(at // 12, at % 12 + 1, 1)
    return last.replace(day=min(today.day, last.day))


def _old(match: re.Match[str], today: date) -> Reading | None:
    """ "Scans older than 5 years" are of before then."""
    if (number := int(match["count"])) > 100:
        return None
    last = _before(today, _UNITS[match["unit"][0].lower()], number)
    return Between("date", None, last), _period(None, last), True


def _since_month(match: re.Match[str], today: date) -> Reading | None:
    """A month without its year is the latest that has begun."""
    number = _month(match["month"])
    low = date(today.year - (number > today.month), number, 1)
    return Between("date", low, None), _period(low, None), True


def _season(match: re.Match[str], today: date) -> Reading | None:
    """This summer, or the last one: of this year, or the one before where it has not begun."""
    low, high = _part_of(today.year, match["part"].lower())
    if low > today:
        low, high = _part_of(today.year - 1, match["part"].lower())
    if match["which"].lower() == "last" and high >= today:
        low, high = _part_of(low.year - 1, match["part"].lower())
    return Between("date", low, high), _period(low, high), True


def _months_of_one_year(match: re.Match[str], _: date) -> Reading | None:
    """ "Jan to Jun 2025"."""
    first, last = _month(match["month"]), _month(match["month2"])
    if first > last:
        return None
    low, high = _months(int(match["y"]), first, 1)[0], _months(int(match["y"]), last, 1)[1]
    return Between("date", low, high), _period(low, high), True


def _this_year(_: re.Match[str], today: date) -> Reading | None:
    low = date(today.year, 1, 1)
    return Between("date", low, today), _period(low, today), True


def _bare(match: re.Match[str], today: date) -> Reading | None:
    """A year that nothing ties to a date: offered, and counted where it stands alone."""
    year = int(match["y"])
    return (Between("date", date(year, 1, 1), date(year, 12, 31)), str(year), False) if year <= today.year else None


def _day(days: int) -> Read:
    def read(match: re.Match[str], today: date) -> Reading | None:
        day = today - timedelta(days=days)
        return Between("date", day, day), day.isoformat(), True

    return read


_UP_TO, _FROM = (
    r"(?:until|till|up to|through|by|before|bis)\s{1,2}(?:the\s)?",
    r"(?:since|from|after|seit|ab)\s{1,2}(?:the\s)?",
)
_BEGINS, _ENDS = r"(?:beginning|start|begin) of\s{1,2}", r"end of\s{1,2}"
_MONTH2 = _MONTH.replace("month", "month2")
_SPAN = r"(?P<count>\d{1,3})\s?(?P<unit>weeks?|wks?|months?|mths?|years?|yrs?)(?!\sold)"
OLD_SCANS: tuple[Pattern, ...] = (
    ("date", words(rf"(?:scans?|stud(?:y|ies)|exams?|examinations?|images?|imaging|mris?|reports?)\s(?:that are\s)?(?:older|more) than\s{_SPAN}(?:\s(?:ago|old))?"), _old),
)  # fmt: skip
"""Before ages: "older than 5 years" of scans is a time."""
DATES: tuple[Pattern, ...] = (
    ("date", free(rf"(?:between |from )?{_MONTH}(?:to|until|till|-|–|through|and|bis)\s{{1,2}}{_MONTH2}{_Y}"), _months_of_one_year),
    ("date", free(rf"(?:between|from|von)\s{{1,2}}{_WHEN}\s{{0,2}}(?:and|to|until|till|-|–|bis|und)\s{{0,2}}{_WHEN2}"), _dated("between")),
    ("date", free(rf"{_YEAR}\s{{0,2}}(?:-|–|to)\s{{0,2}}(?P<y2>(?:19|20)\d\d)(?![\d./-]\d|\w)"), _dated("between")),
    ("date", words(rf"{_UP_TO}{_ENDS}{_WHEN}"), _dated("until")),
    ("date", words(rf"{_UP_TO}{_BEGINS}{_WHEN}"), _dated("before")),
    ("date", words(rf"{_FROM}{_BEGINS}{_WHEN}"), _dated("since")),
    ("date", words(rf"{_FROM}{_ENDS}{_WHEN}"), _dated("after")),
    ("date", words(rf"(?:since|from|starting(?: in)?|seit|ab)\s{{1,2}}{_WHEN}(?:\s(?:on(?:wards)?|or later|and later))?"), _dated("since")),
    ("date", words(rf"(?:after|later than|nach)\s{{1,2}}{_WHEN}"), _dated("after")),
    ("date", words(rf"(?:before|prior to|earlier than|vor)\s{{1,2}}{_WHEN}"), _dated("before")),
    ("date", words(rf"(?:until|till|up to|through|bis)\s{{1,2}}{_WHEN}"), _dated("until")),
    ("date", re.compile(rf"(?:^|(?<=[,;]))\s{{0,3}}{_Y}(?=\s{{0,3}}(?:$|[,;]))"), _dated("in")),
    ("date", words(rf"(?:{_MONTH}|{_PART}){_Y}"), _dated("in")),
    ("date", words(rf"(?:in|of|during|on)\s{{1,2}}{_WHEN}"), _dated("in")),
    ("date", words(
        r"(?:(?:in|within|during|over|from)\s)?(?:the\s)?(?P<which>last|past|this)\s(?:(?P<count>\d{1,4})\s)?(?P<unit>days?|weeks?|wks?|months?|mths?|years?|yrs?)(?!\sold)(?P<rolling>(?!))?"
    ), _relative),
    ("date", re.compile(r"(?<![\w.,/+-])(?P<y>(?:199|20[0-4])\d)(?=\s{0,3}(?:$|[,;]|\w{3}))(?!\s(?:ms|mm|cases|patients|images|slices|classification|criteria|who))", re.IGNORECASE), _bare),
    ("date", words(r"(?:since|seit)\s(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?(?!\s\d)"), _since_month),
    ("date", words(r"(?:in\s)?(?P<which>this|last)\s(?P<part>spring|summer|autumn|fall|winter)"), _season),
    ("date", words(r"ytd|year to date"), _this_year),
    ("date", words("yesterday"), _day(1)),
    ("date", words("today"), _day(0)),
)  # fmt: skip
"""In the order in which they are tried."""
