"""When: the times that a text names, with the prepositions around them, and scans that are older than so much.

Every form of a time stands with every preposition: `moments` finds the first, this the second.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from spinecho.db.filters.algebra import Between
from spinecho.search.planning.day_spans import day_spans
from spinecho.search.planning.moments import Moment, before, moments_in, unit_name
from spinecho.search.planning.pattern_parts import Pattern, Reading, happened_then, words
from spinecho.search.planning.shared_years import with_shared_years
from spinecho.search.planning.spans import Span, Taken

_WAYS: tuple[tuple[str, str], ...] = (
    ("between", r"between|betw|btwn|btw|b/w|von|zwischen"),
    ("since", r"(?:no|not) (?:earlier|older) than|since|(?<!apart )(?<!aside )from|starting(?: in| from| on)?|as of|seit|ab|>=|≥|on or after"),
    ("after", r"after|later than|newer than|more recent than|post|nach|>"),
    ("until", r"(?:no|not) later than|until|till|'?til|up ?to|up until|through|thru|by|bis|<=|≤|on or before"),
    ("before", r"before|prior to|earlier than|older than|pre|vor|<"),
    ("in", r"in|of|during|on|within|over|im|am|year|(?:scanned|imaged|acquired|performed|dated)(?: in| on)?"),
)  # fmt: skip
_BEFORE = re.compile(
    r"(?<![\w-])(?:" + "|".join(f"(?P<{way}>{said})" for way, said in _WAYS) + r")(?:(?<=[<>=≥≤])\s{0,2}|\s{1,2}|(?<=pre)-|(?<=post)-)"
    r"(?:the\s)?(?:(?P<edge>beginning|start|begin|end|early|late|mid)(?:\sof|-)?\s{0,2}(?:the\s)?)?$",
    re.IGNORECASE,
)  # fmt: skip
_EDGE = re.compile(r"(?:the\s)?(?P<edge>beginning|start|end)(?:\sof)?\s{1,2}(?:the\s)?$", re.IGNORECASE)
_AFTER = re.compile(
    r"(?P<since>\s{0,2}\+(?!\w)|\s{1,2}(?:onwards?|(?:or|and|&) (?:later|after|newer|since|up|beyond)|to (?:date|now|present|today)|(?:un)?till? (?:now|today|date|present)))(?!\w)"
    r"|(?P<until>\s{1,2}(?:(?:or|and|&) (?:earlier|before|older)|backwards?))(?!\w)",
    re.IGNORECASE,
)  # fmt: skip
_LIST = re.compile(r"\s{0,3}(?:,|/|&|(?:,\s{0,2})?(?:and|or|und|oder)(?!\w))\s{0,3}", re.IGNORECASE)
_ON = re.compile(r"\s{1,2}on(?=\s{0,2}(?:$|[,;]))", re.IGNORECASE)
_JOINT = re.compile(
    r"\s{0,2}(?:-|–|\.\.)\s{0,2}|\s{1,2}(?:to|until|till|'?til|through|thru|bis|up to)\s{1,2}(?:the\s)?(?:(?P<edge>beginning|start|end) of\s{1,2}(?:the\s)?)?"
    r"|\s{0,2}(?P<and>(?<=\s)and(?=\s)|/|&|(?<=\s)und(?=\s))\s{0,2}(?:the\s)?",
    re.IGNORECASE,
)  # fmt: skip
_LASTS = re.compile(
    r"(?<!\w)(?:ms|multiple sclerosis|epilep\w*|diabet\w*|dementia|alzheimer\S*|parkinson\S*|pd|arthritis|ra|migraines?|lupus|sle|crohn\S*"
    r"|colitis|cancer|ca|hiv|copd|asthma|hypertension|cirrhosis|hepatitis|disease|disorder|syndrome|deficits?|pregnan\w*|smok\w*|married"
    r"|medication|steroids?|natalizumab|dialysis|remission|postmenopausal|menopause)\W{1,3}(?:\w+\s)?$",
    re.IGNORECASE,
)  # fmt: skip
"""What goes on for years: "MS since 2015" is how long, not when somebody was scanned."""
_SCANNED = re.compile(
    r"(?<!\w)(?:scanned|imaged|acquired|performed|dated|scans?|stud(?:y|ies)|exams?|mris?|images?)\W{1,3}(?:\w+\s)?$",
    re.IGNORECASE,
)
_NO_BARE_AFTER = re.compile(r"\s(?:ms|mm|cases|patients|images|slices|classification|criteria|who)", re.IGNORECASE)
_BARE_AFTER = re.compile(r"\s{0,3}(?:$|[,;]|\w{3})")
_OTHER_YEAR = re.compile(
    r"(?<!\w)(?:(?:fiscal|financial|academic|school|tax|budget|university)[\s-](?:year\s)?|fy\s?)(?:year\s)?$",
    re.IGNORECASE,
)
_COUNTED_FROM = re.compile(
    r"(?<!\w)(?:the\s)(?:(?P<count>\d{1,3})\s)?(?P<unit>days?|weeks?|months?|years?)\s{1,2}$", re.IGNORECASE
)
_NO_TIME = re.compile(
    r"(?<!\w)(?:born|dob|d\.o\.b\.?|birth(?:day|date)?|geb(?:oren)?)\W{0,3}(?:\w+\s){0,2}$", re.IGNORECASE
)
"""When somebody was born is no time of a scan."""

Said = tuple[Span, Reading]
"""(where it stands, what it says)"""


def dates_said(text: str, today: date, taken: Taken) -> list[Said]:
    """The conditions on dates that a text names. taken: what has been read as something else, and is left alone."""
    days = [said for said in day_spans(text) if not taken.meets(said[0])]
    for span, _ in days:
        taken.take(span)
    found = [
        said
        for said in _said(with_shared_years(moments_in(text, today, taken), text), text, today)
        if not taken.meets(said[0])
    ]
    scanned = [
        _SCANNED.search(text[: span[0]]) is not None or text[slice(*span)].lower().startswith(_TIED)
        for span, _ in found
    ]
    if any(scanned):  # "MS since 2015, scanned 2021": only the second is of scans
        found = [
            (span, reading if tied else (*reading[:2], False))
            for (span, reading), tied in zip(found, scanned, strict=True)
        ]
    return sorted(found + days)


_TIED = ("scanned", "imaged", "acquired", "performed", "dated")


def _said(moments: Sequence[Moment], text: str, today: date) -> Iterator[Said]:
    at, told = 0, -1
    while at < len(moments):
        one = moments[at]
        at += 1
        prep = _BEFORE.search(text, max(0, one.start - 40), one.start)
        way = prep.lastgroup if prep is not None else ""
        if prep is not None and way == "edge":
            way = next(name for name, _ in _WAYS if prep[name])
        if prep is not None and not prep["edge"] and _EDGE.search(text, max(0, one.start - 20), one.start) is not None:
            prep = None  # "end of 2022": the "of" is the end's
            way = ""
        if prep is None and one.yearless and told >= 0 and _LIST.fullmatch(text, told, one.start):
            way = "in"  # "in June and July"
        told = one.stop if way == "in" else -1
        start = prep.start() if prep is not None else one.start
        counted = _COUNTED_FROM.search(text, max(0, start - 40), start) if way in ("before", "after") else None
        if counted is not None and (so_long := _counted_from(one, way or "", counted, text)) is not None:
            yield so_long
            continue
        if _NO_TIME.search(text, max(0, start - 30), start):
            continue
        if at < len(moments) and (whole := _span(one, moments[at], way or "", text, today)) is not None:
            low, high, sure = whole
            stop, at = moments[at].stop, at + 1
            yield (
                (start if way in ("between", "since", "in") else one.start, stop),
                _reading(low, high, text, start, sure=sure),
            )
            continue
        edge = (prep["edge"] or "").lower() if prep is not None else ""
        if prep is None and (alone := _EDGE.search(text, max(0, one.start - 20), one.start)) is not None:
            start, edge = alone.start(), alone["edge"].lower()
        said = _one(one, way or "", edge, text, start, today)
        if said is not None:
            yield said


def _one(one: Moment, way: str, edge: str, text: str, start: int, today: date) -> Said | None:
    """A time on its own, by the words before and after it."""
    stop, after = one.stop, _AFTER.match(text, one.stop)
    if after is not None and not (way and after.group().strip() == "+"):
        way, stop = after.lastgroup or "", after.end()
    elif way in ("since", "after") and (on := _ON.match(text, one.stop)) is not None:
        stop = on.end()
    if (
        one.kind == "now"
        or way == "between"
        or (one.kind == "ago" and way not in ("since", "after", "until", "before"))
    ):
        return None
    if one.yearless and not way:
        return None  # "march fracture"
    if way == "since" and stop == one.stop and one.kind == "counted" and text[start : start + 4].lower() == "from":
        way = "in"  # "scans from last month"
    if not (way or edge):
        if one.kind == "date":
            return None  # an identifier, by the archive's own dates
        if one.kind == "bare year":
            return _bare(one, text, today)
    first, last, sure = _at_edge(one, edge, way)
    low, high = _bounds(first, last, edge, way)
    sure = sure and (one.sure or bool(way) or one.yearless)
    if _OTHER_YEAR.search(text, max(0, start - 20), one.start):
        sure = False  # a fiscal or an academic year is none of the calendar
    if way in ("since", "after") and _LASTS.search(text, max(0, start - 40), start):
        sure = False
    return (start, stop), _reading(low, high, text, start, sure=sure)


def _counted_from(one: Moment, way: str, counted: re.Match[str], text: str) -> Said | None:
    """ "The two weeks before Christmas 2025": so many days up to it, or after it."""
    number, unit = int(counted["count"] or 1), unit_name(counted["unit"])
    day = timedelta(days=1)
    other_end = before(one.low, unit, number) if way == "before" else before(one.high, unit, -number)
    if other_end is None:
        return None
    low, high = (other_end, one.low - day) if way == "before" else (one.high + day, other_end)
    sure = counted.group()[:4].lower() == "the " or counted["count"] is None
    return (counted.start(), one.stop), _reading(low, high, text, counted.start(), sure=sure)


def _bounds(first: date, last: date, edge: str, way: str) -> tuple[date | None, date | None]:
    """What a preposition makes of a time."""
    day = timedelta(days=1)
    match way:
        case "since":
            return (last + day if edge == "end" else first), None
        case "after":
            return last + day, None
        case "until":
            return None, (first - day if edge in ("beginning", "start", "begin") else last)
        case "before":
            return None, (last if edge == "end" else first - day)
    return first, last


def _at_edge(one: Moment, edge: str, way: str) -> tuple[date, date, bool]:
    """(first, last, whether the words say it exactly) of a time or of its beginning, middle or end."""
    if not edge:
        return one.low, one.high, True
    if way in ("since", "after", "until", "before") and edge in ("beginning", "start", "begin", "end"):
        return one.low, one.high, True
    third = (one.high - one.low) / 3
    match edge:
        case "beginning" | "start" | "begin" | "early":
            return one.low, one.low + third, False
        case "mid":
            return one.low + third, one.high - third, False
    return one.high - third, one.high, False


def _span(one: Moment, other: Moment, way: str, text: str, today: date) -> tuple[date, date | None, bool] | None:
    """From one time to another, where the words between them, and before the first, say so."""
    joint = _JOINT.fullmatch(text, one.stop, other.start)
    pair = one.yearless and not other.yearless and one.kind == other.kind  # "march and april 2025"
    if (
        joint is None
        or (joint["and"] and way not in ("between", "since") and not pair)
        or way in ("until", "before", "after")
    ):
        return None
    if (
        joint["and"]
        and way == "since"
        and not pair
        and text[:1]
        and "from" not in text[max(0, one.start - 12) : one.start].lower()
    ):
        return None
    if other.kind == "now":
        return one.low, None, True
    low, high = one.low, other.high
    if one.yearless and not other.yearless:
        low = _in_year(low, other.low.year)
        low = low if low <= high else _in_year(low, other.low.year - 1)
    elif one.yearless and not way and not one.shared:
        return None  # "may to march": of no year
    if (joint["edge"] or "").lower() in ("beginning", "start"):
        high = other.low - timedelta(days=1)
    if low > high or low > today:
        return None
    return low, high, (one.sure or one.yearless or bool(way)) and (other.sure or bool(way))


def _in_year(day: date, year: int) -> date:
    return date(year, day.month, min(day.day, 28) if day.month == 2 else day.day)


def _bare(one: Moment, text: str, today: date) -> Said | None:
    """A year that nothing ties to a date: offered, and counted where it stands alone."""
    before_it, after_it = text[: one.start].rstrip(), text[one.stop :].lstrip()
    if (not before_it or before_it[-1] in ",;") and (not after_it or after_it[0] in ",;"):
        return (one.start, one.stop), _reading(one.low, one.high, text, one.start)
    if one.low.year < 1990 or one.low.year > today.year or text[max(0, one.start - 1) : one.start] in ("-", "/"):
        return None
    if _BARE_AFTER.match(text, one.stop) is None or _NO_BARE_AFTER.match(text, one.stop) is not None:
        return None
    return (one.start, one.stop), _reading(one.low, one.high, text, one.start, sure=False)


def _reading(low: date | None, high: date | None, text: str, start: int, *, sure: bool = True) -> Reading:
    certain = sure and not happened_then(text, start)
    return Between("date", low, high), period(low, high), certain


def period(low: date | None, high: date | None) -> str:
    """A span of days in words; at least one of them is given."""
    if low is not None and high is not None:
        if (low.month, low.day, high.month, high.day) == (1, 1, 12, 31):
            return str(low.year) if low.year == high.year else f"{low.year} to {high.year}"
        return low.isoformat() if low == high else f"{low.isoformat()} to {high.isoformat()}"
    return f"from {low.isoformat()}" if low is not None else f"until {high.isoformat() if high else ''}"


def _old(match: re.Match[str], today: date) -> Reading | None:
    """ "Scans older than 5 years" are of before then, "less than 2 years ago" since then."""
    day = before(today, unit_name(match["unit"]), int(match["count"]))
    if day is None:
        return None
    newer = match["newer"] is not None
    low, high = (day, None) if newer else (None, day)
    return Between("date", low, high), period(low, high), True


def _ago(match: re.Match[str], today: date) -> Reading | None:
    """ "More than 5 years ago" is offered: who knows what was then."""
    said = _old(match, today)
    return said and (*said[:2], re.search(_OF_SCANS, match.group(), re.IGNORECASE) is not None)


def _this_year(_: re.Match[str], today: date) -> Reading | None:
    low = date(today.year, 1, 1)
    return Between("date", low, today), period(low, today), True


_THAN = r"(?:(?P<newer>(?:newer|less|younger|no older|not older|fewer) than|within|<)|(?:older|more) than|over|>)"
_SPAN = r"(?P<count>\d{1,3})\s?(?P<unit>days?|weeks?|wks?|months?|mths?|mo|years?|yrs?|y)"
_OF_SCANS = r"(?:scans?|stud(?:y|ies)|exams?|examinations?|images?|imaging|mris?|reports?)"
OLD_SCANS: tuple[Pattern, ...] = (
    ("date", words(rf"{_OF_SCANS}\s(?:that are\s|which are\s|done\s|from\s)?{_THAN}\s?{_SPAN}(?:\s(?:ago|old))?"), _old),
    ("date", words(rf"(?:scanned|imaged|acquired|performed|done)\s{_THAN}\s?{_SPAN}\sago"), _old),
    ("date", words(rf"{_THAN}\s?{_SPAN}\sago(?:\s{_OF_SCANS})?"), _ago),
    ("date", words("ytd|year to date"), _this_year),
)  # fmt: skip
"""Before ages: "older than 5 years" of scans is a time."""
