"""Words that name a time by themselves: days, months, parts of years, years, decades, and what is counted from today.

Each is a span of days, first and last included; `date_patterns` reads the prepositions around them.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal, TypeAlias

from spinecho.search.planning.spans import Taken

Kind: TypeAlias = Literal["day", "date", "month", "part", "year", "bare year", "counted", "ago", "now"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that text[start:stop] names. yearless: of the latest year in which it has begun, unless another says which.

    shared: its year is that of another time of the line. kind "date": a whole date with its year in four digits, which `identifiers` knows too. sure: not read two ways.
    """

    start: int
    stop: int
    low: date
    high: date
    kind: Kind
    yearless: bool = False
    sure: bool = True
    shared: bool = False


_NO_VERB = (
    r"(?!\s(?:(?:also|not|still|well|even|only|just|be|have|had)(?!\w)|(?:represent|reflect|suggest|indicate|show|relate|need|require|cause|mimic"
    r"|simulate|account|correspond|include|contain|explain|result|reveal|demonstrate|obscure|prove|become|develop|help|lead|occur|favou?r|mean"
    r"|hide|mask|denote|imply|point|signify|present|appear|look|enhance|persist|progress|arise|affect|involve|benefit|warrant)(?!\w)))"
)
"""What "may" is the verb before."""
_MONTHS: tuple[str, ...] = (
    "jan(?:uary|uar)?", "feb(?:ruary|ruar)?", "mar(?:ch)?|märz", "apr(?:il)?", rf"may{_NO_VERB}|mai", "june?|juni", "july?|juli",
    "aug(?:ust)?", "sept?(?:ember)?", "o[ck]t(?:ober)?", "nov(?:ember)?", "de[cz](?:ember)?",
)  # fmt: skip
_NUMBERS = tuple(re.compile(name, re.IGNORECASE) for name in _MONTHS)
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})\.?"
_APOSTROPHE = "['’‘`´]"
_Y4 = r"(?P<y>(?:19|20)\d\d)"
_Y = rf"(?:{_Y4}|{_APOSTROPHE}\s?(?P<yy>\d\d))"
_END = r"(?!\w|[./]\d|-\d(?!\d?[./]\d)|,\d)"
_START = r"(?<![\w./+])(?<!\d,)(?<!(?<!\w)-)"
_SEASONS = {"spr": 3, "frü": 3, "sum": 6, "som": 6, "aut": 9, "fal": 9, "her": 9, "win": 12}
"""The first of three months, as the weather counts them; a winter is named by its December."""
_PLACES = {"fir": 1, "1st": 1, "sec": 2, "2nd": 2, "thi": 3, "3rd": 3, "fou": 4, "4th": 4}
_PART = (
    r"(?P<part>spring|summer|autumn|fall|winter|frühling|frühjahr|sommer|herbst|q[1-4]|[1-4]q|h[12]|[12]h"
    r"|(?:(?:first|second|third|fourth|last|1st|2nd|3rd|4th) (?:half|quarter)(?: of)?))"
)
_DAYS_OF_FEAST = {"xmas": (12, 25), "chri": (12, 25), "boxi": (12, 26), "new ": (1, 1)}
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"d": "day", "w": "week", "m": "month", "q": "quarter", "y": "year", "h": "hour"}
_YEARLESS_SEASONS = r"(?P<part>spring(?!\s(?:ligament|water))|summer|autumn|winter|frühling|frühjahr|sommer|herbst)"
"""Without "fall": "since the fall" is since somebody fell."""
_COUNTED = r"(?P<unit>days?|d|weeks?|wks?|w|months?|mths?|mo|mos|m|quarters?|years?|yrs?|y|hours?|hrs?|h)"
_WHOLE = r"(?P<unit>weeks?|wk|months?|mth|quarter|qtr|years?|yr)"


_Reading: TypeAlias = tuple[date, date, Kind, bool, bool]
"""(first day, last day, kind, yearless, sure) of a `Moment`."""
Read: TypeAlias = Callable[[re.Match[str], date], _Reading | None]


def month_number(letters: str) -> int:
    """1 to 12 of a month's name, in full or short."""
    return 1 + next(at for at, name in enumerate(_NUMBERS) if name.fullmatch(letters))


def months_from(year: int, number: int, count: int) -> tuple[date, date]:
    """First and last day of so many months from one on."""
    after = number - 1 + count
    return date(year, number, 1), date(year + after // 12, after % 12 + 1, 1) - timedelta(days=1)


def before(today: date, unit: str, number: int) -> date | None:
    """The same day so many months or years before, or the last of its month; so many days, weeks or hours."""
    if number * {"hour": 1, "day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}[unit] > 40_000:
        return None
    if unit in ("day", "week", "hour"):
        return today - timedelta(days=-(-number // 24) if unit == "hour" else number * {"day": 1, "week": 7}[unit])
    at = 12 * today.year + today.month - 1 - number * {"month": 1, "quarter": 3, "year": 12}[unit]
    _, last = months_from(at // 12, at % 12 + 1, 1)
    return last.replace(day=min(today.day, last.day))


def unit_name(letters: str) -> str:
    """ "wks" is "week"."""
    return _UNITS[letters[0].lower()]


def _year(match: re.Match[str], today: date) -> int | None:
    groups = match.groupdict()
    if groups.get("y"):
        return int(groups["y"])
    if groups.get("which_year"):
        return today.year - (groups["which_year"].lower() == "last")
    if groups.get("yy"):
        return century(int(groups["yy"]), today)
    return None


def century(number: int, today: date) -> int:
    """The year that two digits are short for: not in the future."""
    return 2000 + number if 2000 + number <= today.year + 1 else 1900 + number


def _day(match: re.Match[str], today: date) -> _Reading | None:
    groups = match.groupdict()
    year = _year(match, today)
    number = month_number(groups["month"]) if groups.get("month") else int(groups["m"])
    day = int(groups["d"])
    if groups.get("month") is None and number > 12 >= day and groups.get("iso") is None:
        number, day = day, number
    found = date(today.year if year is None else year, number, day)
    if year is None and found > today:
        found = date(today.year - 1, number, day)
    whole = groups.get("y") is not None
    return found, found, "date" if whole else "day", year is None, True


def _month(match: re.Match[str], today: date) -> _Reading | None:
    groups = match.groupdict()
    year = _year(match, today)
    if groups.get("plain") is not None and year is not None and not 2000 <= year <= today.year:
        return None
    number = month_number(groups["month"]) if groups.get("month") else int(groups["m"])
    chosen = year if year is not None else today.year - (number > today.month)
    if groups.get("which"):  # "this March", "last November": in November that of the year before
        chosen = today.year - (number >= today.month) if groups["which"].lower() == "last" else today.year
        return (*months_from(chosen, number, 1), "month", False, True)
    low, high = months_from(chosen, number, 1)
    sure = groups.get("plain") is None and year is not None
    match (groups.get("edge") or "").lower():
        case "early":
            high, sure = low.replace(day=10), False
        case "mid":
            low, high, sure = low.replace(day=15), low.replace(day=20), False
        case "late":
            low, sure = low.replace(day=20), False
    return low, high, "month", year is None, sure


def part_of(year: int, part: str) -> tuple[date, date]:
    """A season, a quarter ("q3", "second quarter of") or a half."""
    part = part.lower()
    if (part[0] in "qh" and part[1].isdigit()) or (part[0].isdigit() and part[1] in "qh" and len(part) == 2):
        letter, place = (part[0], part[1]) if part[0] in "qh" else (part[1], part[0])
        length = 3 if letter == "q" else 6
        return months_from(year, 1 + length * (int(place) - 1), length)
    if "half" in part or "quarter" in part:
        length = 6 if "half" in part else 3
        return months_from(year, 1 + length * (_PLACES.get(part[:3], 12 // length) - 1), length)
    return months_from(year, _SEASONS[part[:3]], 3)


def _part(match: re.Match[str], today: date) -> _Reading | None:
    groups = match.groupdict()
    if groups.get("which"):  # "this summer", "last winter": of this year, or of the one before
        low, high = part_of(today.year, groups["part"])
        if low > today:
            low, high = part_of(today.year - 1, groups["part"])
        if groups["which"].lower() == "last" and high >= today:
            low, high = part_of(low.year - 1, groups["part"])
        return low, high, "part", False, True
    year = _year(match, today)
    if groups.get("plain") is not None and year is not None and not 2000 <= year <= today.year:
        return None
    low, high = part_of(today.year if year is None else year, groups["part"])
    if year is None and low > today:
        low, high = part_of(today.year - 1, groups["part"])
    return low, high, "part", year is None, groups.get("plain") is None or len(groups["part"]) == 2


def _of_a_year(match: re.Match[str], today: date) -> _Reading | None:
    year = _year(match, today)
    if year is None:
        return None
    first, last = date(year, 1, 1), date(year, 12, 31)
    match (match.groupdict().get("edge") or "").lower():
        case "early":
            return first, date(year, 4, 30), "part", False, False
        case "mid":
            return date(year, 5, 1), date(year, 8, 31), "part", False, False
        case "late":
            return date(year, 9, 1), last, "part", False, False
    return first, last, "bare year" if match.groupdict().get("y") else "year", False, True


def _decade(match: re.Match[str], _: date) -> _Reading | None:
    first = int(match["decade"])
    return date(first, 1, 1), date(first + 9, 12, 31), "year", False, True


def _counted(match: re.Match[str], today: date) -> _Reading | None:
    """ "Last year" is a year of the calendar, "the last 2 years" end today."""
    groups = match.groupdict()
    unit, which = unit_name(groups["unit"]), groups["which"].lower()
    if groups.get("count") or which == "past":
        low = before(today, unit, int(groups.get("count") or 1))
        return (low, today, "counted", False, True) if low is not None else None
    last = which in ("last", "previous")
    if unit == "year":
        low, high = date(today.year - last, 1, 1), date(today.year - last, 12, 31)
    elif unit == "quarter":
        at = 4 * today.year + (today.month - 1) // 3 - last
        low, high = months_from(at // 4, 3 * (at % 4) + 1, 3)
    elif unit == "month":
        first = today.replace(day=1)
        low = (first - timedelta(days=1)).replace(day=1) if last else first
        high = first - timedelta(days=1) if last else today
    else:
        monday = today - timedelta(days=today.weekday())
        low = monday - timedelta(days=7) if last else monday
        high = low + timedelta(days=6)
    return low, high, "counted", False, True


def _weekday(match: re.Match[str], today: date) -> _Reading | None:
    back = (today.weekday() - _WEEKDAYS.index(match["weekday"][:3].lower())) % 7
    day = today - timedelta(days=back or 7 * (match["which"].lower() == "last"))
    return day, day, "counted", False, True


def _weekend(_: re.Match[str], today: date) -> _Reading | None:
    """The one that is over, or has begun."""
    saturday = today - timedelta(days=(today.weekday() - 5) % 7)
    return saturday, saturday + timedelta(days=1), "counted", False, True


def _week_of(match: re.Match[str], today: date) -> _Reading | None:
    """ "The week of 12 May 2025": seven days from that one on."""
    read = _day(match, today)
    return read and (read[0], read[0] + timedelta(days=6), "part", read[3], True)


def _days_ago(days: int, kind: Kind = "counted") -> Read:
    return lambda _, today: (today - timedelta(days=days), today - timedelta(days=days), kind, False, True)


def _so_long_ago(match: re.Match[str], today: date) -> _Reading | None:
    """Some days ago is a day; weeks, months and years ago only begin or end a time."""
    unit = unit_name(match["unit"])
    day = before(today, unit, int(match["count"]))
    return None if day is None else (day, day, "day" if unit == "day" else "ago", False, False)


def _feast(match: re.Match[str], today: date) -> _Reading | None:
    month, day = _DAYS_OF_FEAST[match["feast"][:4].lower()]
    year = _year(match, today)
    found = date(today.year if year is None else year, month, day)
    return found, found, "day", year is None, True


def _day_of_a_short_year(match: re.Match[str], today: date) -> _Reading | None:
    """ "1 jan 22": two digits after a day and a month are a year."""
    if match["short"] is None:
        return _day(match, today)
    day = date(century(int(match["short"]), today), month_number(match["month"]), int(match["d"]))
    return day, day, "day", False, True


def _years_in_short(match: re.Match[str], today: date) -> _Reading | None:
    """ "2022-24" are years, "2024-11" is a month, "2010-12" may be either."""
    first, short = int(match["y"]), int(match["short"])
    if short <= first % 100:
        return (*months_from(first, short, 1), "month", False, True) if 1 <= short <= 12 else None
    sure = short > 12 and match["sign"] != "/"
    return date(first, 1, 1), date(first - first % 100 + short, 12, 31), "year", False, sure


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"{_START}(?:{pattern}){_END}", re.IGNORECASE)


_WHICH_YEAR = r"(?:of\s)?(?P<which_year>this|last)\syear"
_TH = r"(?:st|nd|rd|th)?"
_WEEK_OF = r"(?:the\s)?week\s(?:of|from|commencing|beginning|starting)\s(?:the\s)?"
_MOMENTS: tuple[tuple[re.Pattern[str], Read], ...] = (
    (_words(rf"{_Y4}(?P<iso>[-./])(?P<m>\d\d?)(?P=iso)(?P<d>\d\d?)"), _day),
    (_words(rf"{_Y4}(?P<m>0[1-9]|1[0-2])(?P<d>[0-3]\d)(?P<iso>)"), _day),
    (_words(rf"(?P<d>\d\d?)(?P<sign>[./-])(?P<m>\d\d?)(?P=sign)(?:{_Y4}|(?P<yy>\d\d))"), _day),
    (_words(rf"{_WEEK_OF}(?:(?P<d>\d\d?){_TH}\s(?:of\s)?{_MONTH}(?:,?\s{_Y})?)"), _week_of),
    (_words(rf"{_WEEK_OF}{_MONTH}\s(?P<d>\d\d?){_TH}(?:,?\s{_Y})?"), _week_of),
    (_words(rf"{_WEEK_OF}{_Y4}-(?P<m>\d\d)-(?P<d>\d\d)(?P<iso>)"), _week_of),
    (_words(rf"(?P<d>\d\d?){_TH}\.?[\s-]?(?:of\s)?{_MONTH},?[\s-]?(?:{_Y}|(?P<short>\d\d))"), _day_of_a_short_year),
    (_words(rf"{_MONTH}\s(?P<d>\d\d?)(?:st|nd|rd|th)?,?\s{_Y}"), _day),
    (_words(rf"{_MONTH}\s?(?P<d>\d\d?)(?:st|nd|rd|th)"), _day),
    (_words(rf"(?P<d>\d\d?){_TH}\s(?:of\s)?{_MONTH}"), _day),
    (_words(rf"(?P<feast>xmas|christmas|boxing|new year{_APOSTROPHE}?s)(?:\s(?:day|eve))?(?:,?\s{_Y})?"), _feast),
    (_words(rf"(?:(?P<edge>early|mid|late)[\s-])?{_MONTH}(?:,?[\s-]|(?={_APOSTROPHE}|20))\s?(?:{_Y}|{_WHICH_YEAR})"), _month),
    (_words(rf"(?P<plain>){_MONTH}[\s-](?P<yy>\d\d)(?!\s?(?:y|m\b|mm|cm|%))"), _month),
    (_words(rf"(?P<m>0[1-9]|1[0-2]|[1-9](?=/))[/.-]{_Y4}"), _month),
    (_words(rf"{_Y4}[-/](?P<m>0[1-9])"), _month),
    (_words(rf"(?P<which>this|last)\s{_PART}"), _part),
    (_words(rf"(?P<which>this|last)\s(?!may\s(?!(?:and|at|by|for|from|in|of|on|only|or|to|with|without)\s)[^\W\d]){_MONTH}(?!\s\d)"), _month),
    (_words(rf"(?:the\s)?(?P<part>winter)(?:\sof)?\s?{_Y}\s?(?:[-–/]|to|and|into)\s?(?:20)?\d\d"), _part),
    (_words(rf"(?:the\s)?{_PART}(?:\sof|\sin)?[\s/-]?\s?(?:{_Y}(?:\s?/\s?\d\d(?!\d))?|{_WHICH_YEAR})"), _part),
    (_words(rf"{_Y4}\s?(?P<sign>[-–/])\s?(?P<short>\d\d)"), _years_in_short),
    (_words(rf"(?P<plain>)(?P<part>q[1-4]|h[12]|[1-4]q|[12]h|(?:spring|summer|autumn|winter)(?=\s))\s?{_APOSTROPHE}?(?P<yy>\d\d)"), _part),
    (_words(rf"(?P<plain>){_MONTH}(?P<yy>\d\d)"), _month),
    (_words(r"(?P<part>winter)\s(?P<yy>\d\d)/\d\d"), _part),
    (_words(rf"{_Y4}[\s/-]?{_PART.replace('spring|summer|autumn|fall|winter|', '')}"), _part),
    (_words(r"(?:the\s)?(?P<decade>(?:19|20)\d0)['’]?s"), _decade),
    (_words(rf"(?P<which>last|past|previous|preceding|prior|this)\s(?P<count>\d{{1,4}})\s?{_COUNTED}(?!\sold)"), _counted),
    (_words(rf"(?P<which>last|past|previous|this)\s{_WHOLE}(?!\sold)"), _counted),
    (_words(r"(?P<which>last|this|past)\sweek-?end(?:['’]s)?"), _weekend),
    (_words(r"(?P<which>last|this|on|since|from)\s(?P<weekday>mon|tues?|wednes|thurs?|fri|satur|sun)day"), _weekday),
    (_words(r"(?:the\s)?day before yesterday"), _days_ago(2)),
    (_words(r"(?P<count>\d{1,3})\s(?P<unit>days?|weeks?|months?|years?)\sago"), _so_long_ago),
    (_words("yesterday"), _days_ago(1)),
    (_words("today|tonight|this (?:morning|afternoon|evening)"), _days_ago(0)),
    (_words("now|present|date"), _days_ago(0, "now")),
    (_words(rf"(?:(?P<edge>early|mid|late)[\s-]){_Y4}"), _of_a_year),
    (re.compile(rf"{_START}{_Y4}(?!\w|[./]\d|,\d|-\d(?!\d{{3}}(?!\d)))"), _of_a_year),
    (re.compile(rf"(?<![\w/.,]){_APOSTROPHE}(?P<yy>\d\d)(?!\w|{_APOSTROPHE})"), _of_a_year),
    (_words(rf"(?:(?P<edge>early|mid|late)[\s-])?{_MONTH}(?!\s(?:fractures?|fx|ha?emoglobin\w*|thurner|hegglin))(?!-(?!(?:{'|'.join(_MONTHS)})\b)\w)"), _month),
    (_words(r"(?P<part>q[1-4]|h[12])"), _part),
    (_words(r"(?:the\s)?(?P<part>(?:first|second|third|fourth|1st|2nd|3rd|4th)\s(?:half|quarter))(?!\s(?:of|life))"), _part),
    (_words(_YEARLESS_SEASONS), _part),
)  # fmt: skip
_MAY_HOLD = re.compile(
    r"\d\d|\bq[1-4]|today|tonight|yesterday|this|last|past|previous|prior|preceding|day|\bago\b|half|quarter|spring|summer|autumn|winter|frühling|frühjahr|sommer|herbst|" + "|".join(rf"\b(?:{one})\b" for one in _MONTHS),
    re.IGNORECASE,
)  # fmt: skip
_WEEKDAY_WORDS = re.compile(r"^(?:since|on|from)\s", re.IGNORECASE)


def moments_in(text: str, today: date, taken: Taken) -> list[Moment]:
    """The times that a text names, in its order, where nothing else has been read. taken: what has."""
    if _MAY_HOLD.search(text) is None:
        return []
    seen, found = Taken(len(text)), list[Moment]()
    for one in _every(text, today):
        if not (taken.meets((one.start, one.stop)) or seen.meets((one.start, one.stop))):
            seen.take((one.start, one.stop))
            found.append(one)
    return sorted(found, key=lambda one: one.start)


def _every(text: str, today: date) -> Iterator[Moment]:
    for pattern, read in _MOMENTS:
        for match in pattern.finditer(text):
            try:
                reading = read(match, today)
            except ValueError:  # no such day
                continue
            if reading is not None:
                low, high, kind, yearless, sure = reading
                one = Moment(*match.span(), low, high, kind, yearless, sure)
                tied = _WEEKDAY_WORDS.match(match.group())
                yield replace(one, start=one.start + len(tied.group())) if tied else one
