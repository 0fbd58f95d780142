"""The words of facts: which of them name a sex, an age, a time, a sequence, a plane, a scanner or a contrast agent."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, timedelta

from spinecho.db.filters.algebra import Between, Filter, Is, Not, age_between, both
from spinecho.db.filters.coded import years

_Reading = tuple[Filter, str, bool]
"""(the condition, the condition in words, whether the words can mean nothing else)"""
_Read = Callable[[re.Match[str], date], _Reading | None]

# ages
_N = r"(?P<n>\d{1,3})"
_YEARS = r"(?:[\s-]{0,2}(?P<years>years?|yrs?|y/?o|y\.o\.?|y|jahren?|jahre?)\b(?:[\s-]{0,2}(?P<old>olds?|of age|alt))?)"
_UNIT = (
    r"(?!\s{0,2}(?:[.,]\d|mm|cm|m\b|ml|l\b|cc|%|percent|°|deg|ms|s\b|sec|min|h\b|hours?|days?|weeks?|months?|k?hz|mhz"
    r"|t\b|tesla|g\b|kg|mg|hu\b|mmhg|x\s?\d|/\d|slices?|lesions?|cases?|times|points?|levels?|nodes?|mets|plaques?|foci))"
)
_PERSON = re.compile(
    r"(?:wom[ae]n|m[ae]n|patients?|people|persons?|adults?|f?e?males?|subjects?|individuals|frau(?:en)?|m[äa]nner|child(?:ren)?|infants?|bab(?:y|ies)|kids?|toddlers?|newborns?|boys?|girls?|kinder|anyone"
    r"|everybody|those|studies)\s{1,3}(?:aged\s{1,3})?(?:who are\s{1,3})?$",
    re.IGNORECASE,
)
_STAGES: tuple[tuple[str, int | None, int | None, str], ...] = (
    (r"newborns?|neonat(?:es?|al)|neugeborene?n?", None, 0, "newborn"),
    (r"infants?|bab(?:y|ies)|säuglinge?", None, 1, "below 2 years"),
    (r"toddlers?", 1, 3, "1 to 3 years"),
    (r"child(?:ren)?(?:'s)?|kids?|pa?ediatrics?|kind(?:ern?)?", None, 17, "below 18 years"),
    (r"adolescents?", 10, 19, "10 to 19 years"),
    (r"teen(?:ager)?s?", 13, 19, "13 to 19 years"),
    (r"adults?|erwachsenen?", 18, None, "18 years and older"),
    (r"elderly|geriatric|octogenarians?|senioren", 65, None, "65 years and older"),
)
_SMALL = r"(?:months?|mths?|mos?\.?|weeks?|wks?|days?|monaten?|monate?|wochen?|tagen?|tage?)"
_SMALL_OLD = rf"[\s-]{{0,2}}(?P<small>{_SMALL})(?:[\s-]{{0,2}}(?P<old>olds?|of age|alte?[rs]?)\b|(?=[\s-]{{1,2}}(?P<child>infants?|bab(?:y|ies)|child|boys?|girls?|toddlers?|newborns?)\b)|[\s-]{{1,2}}(?-i:(?P<who>[FM]))(?!\w))"
_SMALL_THAN = rf"(?:[\s-]{{0,2}}(?P<small>{_SMALL})(?!\w)(?:[\s-]{{0,2}}(?P<old>olds?|of age|alt)\b)?)"
_NO_STAGE = r"(?![\s-]{0,2}(?:pugh|turcotte|-?type\b|class\b|[ABC]\b)|hood)"
_DECADES = {
    name: 10 * tens
    for tens, name in enumerate(
        ["twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties"], start=2
    )
}

# dates
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
_CLINICAL = re.compile(
    r"\b(?:surg\w+|operat\w+|resect\w+|treat\w+|diagnos\w+|known|trauma|injur\w+|accident|radiother\w+|chemo\w*|seizures?"
    r"|symptoms?|stable|unchanged|compar\w+|prior|previous\w*|histor\w+|status post|s/p|follow\w*|fell|fall"
    r"|onset|headaches?|pain)[^\w,;]+(?:\w+[^\w,;]+){0,3}$",
    re.IGNORECASE,
)
"""What happened to somebody then: "surgery in 2019" asks for no study of 2019."""

# scans
_IMAGES = r"(?:[\s-]{1,2}(?P<image>images?|imaging|scans?|sequences?|series|planes?|views?|slices?|acquisitions?|protocol)\b)?"
_SEQUENCES: tuple[tuple[str, str], ...] = (
    ("FLAIR", r"(?:T2w?[\s-]{0,2})?FLAIR|dark fluid|fluid[\s-]attenuated inversion recovery"),
    ("T2*", r"T2\s?(?:\*|[\s-]star)w?(?:[\s-]weighted)?"),
    ("T1", r"T1(?:w|[\s-]?weighted)?(?![\w*])"),
    ("T2", r"T2(?:w|[\s-]?weighted)?(?![\w*])"),
    ("PD", r"PDw?(?:[\s-]weighted)?(?!\w)|proton[\s-]density(?:[\s-]weighted)?"),
    ("STIR", r"STIR|short tau inversion recovery"),
    ("SWI", r"SWI|susceptibility[\s-]weighted(?: imaging)?"),
    ("DWI", r"DWI|diffusion[\s-]weighted(?: imaging)?"),
    ("MRA", r"MRA|MR angiograph(?:y|ic)|TOF"),
    ("BOLD", r"BOLD|fMRI"),
    ("ASL", r"ASL|arterial spin label+ing"),
    ("cine", r"cine(?: SSFP)?"),
)
_PLANES = (
    ("axial", r"axials?|transvers(?:e|al)|tra(?![\w])"), ("coronal", r"coronal|cor(?![\w])|koronar"),
    ("sagittal", r"sagittal|sag(?![\w])"), ("oblique", r"oblique"),
)  # fmt: skip
_VENDORS: tuple[tuple[str, str, bool], ...] = (
    ("Siemens", r"siemens(?: healthineers)?", True),
    ("Philips", r"philips", True),
    ("GE", r"(?-i:GE)(?: healthcare)?|general electric", False),
    ("Canon", r"canon", True),
    ("Toshiba", r"toshiba", True),
    ("Hitachi", r"hitachi", True),
    ("UIH", r"united imaging|(?-i:UIH)", True),
    ("Hyperfine", r"hyperfine", True),
    ("Bruker", r"bruker", True),
)
_AGENT = r"(?:contrast(?:[\s-](?:agent|media|medium|material|administration|injection))?|gadolinium|gd|gad|kontrastmittel|kontrast|km)"
_T = r"(?P<n>\d(?:\.\d{1,2})?)\s{0,2}-?\s{0,2}(?:tesla|(?-i:T))(?!\w)"


def _sex(value: str, said: str) -> _Read:
    return lambda match, _: (Is("sex", (value,)), said, True)


def _young(value: str, said: str) -> _Read:
    where = both(Is("sex", (value,)), Between("age", None, 17))
    return lambda match, _: (where, f"{said}, below 18 years", True)


def _stage(low: int | None, high: int | None, said: str) -> _Read:
    return lambda match, _: (Between("age", low, high), said, True)


def _age(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f"{low} years" if low == high else f"{low} to {high} years"
    return f"{low} years and older" if low is not None else f"{high} years and younger"


def _aged(low: Callable[[int], int | None], high: Callable[[int], int | None], *, unit: bool = False) -> _Read:
    """An age by a number. unit: it is one only with years, or of a person."""

    def read(match: re.Match[str], _: date) -> _Reading | None:
        said = match.groupdict()
        number = int(said["n"])
        if number > 120:
            return None
        years, old = said.get("years"), said.get("old") or said.get("aged")
        before = match.string[max(0, match.start() - 40) : match.start()]
        person = _PERSON.search(before) is not None
        if _CLINICAL.search(before) and not (old or person):
            return None  # "stable over 2 years"
        if unit and not (years or person or old):
            return None
        certain = bool(old) or person or bool(re.match(r"older|younger|älter|jünger", match.group(), re.IGNORECASE))
        certain = certain or bool(said.get("yo")) or _alone(match)
        certain = certain or (years is not None and re.fullmatch(r"y/?o|y\.o\.?", years) is not None)
        bounds = low(number), high(number)
        return Between("age", *bounds), _age(*bounds), certain

    return read


def _in_small(way: str) -> _Read:
    """An age in months, weeks or days: "18 months old", "younger than 6 weeks". A month is a whole month."""

    def read(match: re.Match[str], _: date) -> _Reading | None:
        said = match.groupdict()
        name = {"m": "month", "w": "week", "d": "day", "t": "day"}[said["small"][0].lower()]
        first, last = int(said["n"]), int(said.get("n2") or said["n"])
        if not 0 <= first <= last <= 999:
            return None
        low, below = years(first, name[0])[0], years(last, name[0])[1]
        number = f"{first} to {last}" if last > first else f"{first}"
        number += f" {name}" if number == "1" else f" {name}s"
        before = match.string[max(0, match.start() - 40) : match.start()]
        plain = re.match(r"older|younger|aged|älter|jünger", match.group(), re.IGNORECASE) is not None
        if not (said.get("old") or said.get("child") or said.get("who") or plain or _PERSON.search(before)):
            return None  # "under 6 weeks of treatment", "over 3 months"
        match way:
            case "above":
                return Between("age", below, None), f"older than {number}", True
            case "from":
                return Between("age", low, None), f"{number} and older", True
            case "below":
                return Between("age", None, math.nextafter(low, -1.0)), f"younger than {number}", True
            case "until":
                return age_between(0.0, below), f"{number} and younger", True
            case _:
                found = age_between(low, below)
                if who := said.get("who"):
                    return both(Is("sex", (who,)), found), f"{'female' if who == 'F' else 'male'}, {number}", True
                return found, number, True

    return read


def _short(match: re.Match[str], _: date) -> _Reading | None:
    """ "55F", "55 yo M": an age and a sex, as radiologists dictate them."""
    number, value = int(match["n"]), match["who"]
    if number > 120:
        return None
    where = both(Is("sex", (value,)), Between("age", number, number))
    return where, f"{'female' if value == 'F' else 'male'}, {number} years", True


def _span_of_years(match: re.Match[str], _: date) -> _Reading | None:
    low, high = int(match["a"]), int(match["b"])
    said = match.groupdict()
    if not low <= high <= 120:
        return None
    before = match.string[max(0, match.start() - 40) : match.start()]
    person = _PERSON.search(before) is not None
    if not (said["years"] or said["aged"] or person):
        return None
    certain = bool(said["old"] or said["aged"]) or person or _alone(match)
    return Between("age", low, high), _age(low, high), certain


def _decade(match: re.Match[str], _: date) -> _Reading | None:
    low = int(match["tens"]) if match["tens"] else _DECADES[match["name"].lower()]
    return Between("age", low, low + 9), _age(low, low + 9), True


def _alone(match: re.Match[str]) -> bool:
    """Whether it stands between commas, so that no word of the query takes it for its own."""
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    return (not before or before[-1] in ",;") and (not after or after[0] in ",;")


def _bounds(said: dict[str, str | None], which: str = "") -> tuple[date, date]:
    """First and last day of a year, a month or a day."""
    if day := said.get(f"day{which}"):
        return date.fromisoformat(day), date.fromisoformat(day)
    year = int(said.get(f"y{which}") or 0)
    if month := said.get(f"month{which}"):
        number = 1 + next(at for at, name in enumerate(_MONTHS) if name.startswith(month.lower()))
        following = date(year + number // 12, number % 12 + 1, 1)
        return date(year, number, 1), following - timedelta(days=1)
    return date(year, 1, 1), date(year, 12, 31)


def _dated(way: str) -> _Read:
    def read(match: re.Match[str], _: date) -> _Reading | None:
        said = match.groupdict()
        try:
            first, last = _bounds(said)
            end = _bounds(said, "2")[1] if way == "between" else last
        except ValueError:
            return None
        certain = _CLINICAL.search(match.string[max(0, match.start() - 60) : match.start()]) is None
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


def _relative(match: re.Match[str], today: date) -> _Reading | None:
    said = match.groupdict()
    certain = _CLINICAL.search(match.string[max(0, match.start() - 60) : match.start()]) is None
    unit, number = (said["unit"] or "").rstrip("s").lower(), int(said["count"] or 1)
    which = (said["which"] or "").lower()
    if said["count"] or said["rolling"] or which == "past":
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


def _day(days: int) -> _Read:
    def read(match: re.Match[str], today: date) -> _Reading | None:
        day = today - timedelta(days=days)
        return Between("date", day, day), day.isoformat(), True

    return read


def _scan(field: str, value: str, *, certain: bool = False) -> _Read:
    """certain: wherever it stands; else with "images" after it."""

    def read(match: re.Match[str], _: date) -> _Reading | None:
        return Is(field, (value,)), value, certain or bool(match.groupdict().get("image"))

    return read


def _strength(match: re.Match[str], _: date) -> _Reading | None:
    tesla = float(match["n"])
    if not 0 < tesla <= 12:
        return None
    sign = (match.groupdict().get("sign") or "").strip().lower()
    same = Is("field_strength", (tesla,))
    if sign in ("below", "under", "less than", "<"):
        return both(Between("field_strength", None, tesla), Not(same)), f"below {tesla:g} T", True
    if sign in ("above", "over", "more than", ">"):
        return both(Between("field_strength", tesla, None), Not(same)), f"above {tesla:g} T", True
    if sign in ("at least", ">=", "≥"):
        return Between("field_strength", tesla, None), f"{tesla:g} T and more", True
    if sign in ("at most", "up to", "<=", "≤"):
        return Between("field_strength", None, tesla), f"{tesla:g} T and less", True
    if other := match.groupdict().get("other"):
        return Is("field_strength", (float(other), tesla)), f"{float(other):g} or {tesla:g} T", True
    return same, f"{tesla:g} T", True


def _contrast(value: str) -> _Read:
    said = {"yes": "after contrast", "no": "without contrast"}[value]
    return lambda match, _: (Is("contrast", (value,)), said, True)


_BEGINS = r"(?<!\w)(?:(?<!\w-)|(?<=\bnon-))"
"""Where a word begins: not behind a hyphen, unless that of "non-Siemens"."""


def _words(pattern: str, after: str = "") -> re.Pattern[str]:
    return re.compile(rf"{_BEGINS}(?:{pattern})(?!\w){after}", re.IGNORECASE)


def _free(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){pattern}", re.IGNORECASE)


PATTERNS: tuple[tuple[str, re.Pattern[str], _Read], ...] = (
    # contrast first: "without contrast" is one thing, and no negation of another
    ("contrast", _words(rf"with and without (?:i\.?v\.? )?{_AGENT}"), _contrast("yes")),
    ("contrast", _words(
        rf"(?:without|w/o|before|non?|pre|ohne|vor)[\s-]{{1,2}}(?:i\.?v\.? |any )?{_AGENT}(?![\s-](?:enhancement|uptake))(?:[\s-]enhanced)?"
        rf"|unenhanced(?: (?:scans?|images?|mri?))?|(?:non|not)[\s-]{{1,2}}{_AGENT}[\s-]enhanced|nativ(?:e scans?)?"
    ), _contrast("no")),
    ("contrast", _words(
        rf"(?:after|post|with|following|nach|mit)[\s-]{{1,2}}(?:i\.?v\.? )?{_AGENT}(?![\s-](?:enhancement|uptake))(?:[\s-]enhanced)?"
        rf"|{_AGENT}[\s-]enhanced"
    ), _contrast("yes")),
    # field strength before ages: "over 1.5 T"
    ("field_strength", _free(rf"(?:(?P<sign>below|under|less than|above|over|more than|at least|at most|up to|[<>≥≤]=?)\s{{0,2}}|at\s{{1,2}})?(?:(?P<other>\d(?:\.\d{{1,2}})?)\s{{0,2}}-?(?:tesla|(?-i:T))?\s{{0,2}}(?:or|and|oder|und|/)\s{{0,2}})?{_T}"), _strength),
    ("age", _free(rf"(?:(?:aged|between)\s{{1,2}})?(?P<n>\d{{1,3}})\s{{0,2}}(?:-|–|to|and|bis|und)\s{{0,2}}(?P<n2>\d{{1,3}}){_SMALL_OLD}"), _in_small("")),
    ("age", _free(rf"(?:over|above|older than|more than|>(?!=)|über|älter als)\s{{0,2}}{_N}{_SMALL_THAN}"), _in_small("above")),
    ("age", _free(rf"(?:at least|≥|>=|mindestens)\s{{0,2}}{_N}{_SMALL_THAN}"), _in_small("from")),
    ("age", _free(rf"(?:under|below|younger than|less than|<(?!=)|unter|jünger als)\s{{0,2}}{_N}{_SMALL_THAN}"), _in_small("below")),
    ("age", _free(rf"(?:up to|at most|≤|<=|höchstens)\s{{0,2}}{_N}{_SMALL_THAN}"), _in_small("until")),
    ("age", _free(rf"(?:aged?:?\s{{1,2}})?{_N}{_SMALL_OLD}"), _in_small("")),
    ("age", _free(rf"aged?:?\s{{1,2}}{_N}{_SMALL_THAN}"), _in_small("")),
    ("age", _free(rf"(?:(?P<aged>aged?|between|ages)\s{{1,2}})?(?P<a>\d{{1,3}})\s{{0,2}}(?:-|–|to|and|bis|und)\s{{0,2}}(?P<b>\d{{1,3}})(?![\d/]){_UNIT}{_YEARS}?"), _span_of_years),
    ("age", _free(rf"{_N}\s?(?:y|yo|y/o|yr)?\s?(?-i:(?P<who>[FM]))(?!\w)"), _short),
    ("age", _free(rf"{_N}{_YEARS}?\s{{0,2}}(?:(?:and|or|und|oder) (?:over|above|older|more|up)|\+|plus)(?:\s(?P<old2>years?|yrs?))?(?![\w])")  , _aged(lambda n: n, lambda n: None)),
    ("age", _free(rf"{_N}{_YEARS}?\s{{0,2}}(?:and|or) (?:under|below|younger|less)\b"), _aged(lambda n: None, lambda n: n)),
    ("age", _free(rf"(?P<aged>aged )?(?:over|above|older than|more than|beyond|>(?!=)|über|älter als)\s{{0,2}}(?:the age of )?{_N}(?!\d){_UNIT}{_YEARS}?"), _aged(lambda n: n + 1, lambda n: None)),
    ("age", _free(rf"(?P<aged>aged )?(?:at least|≥|>=|mindestens)\s{{0,2}}{_N}(?!\d){_UNIT}{_YEARS}?"), _aged(lambda n: n, lambda n: None, unit=True)),
    ("age", _free(rf"(?P<aged>aged )?(?:under|below|younger than|less than|<(?!=)|unter|jünger als)\s{{0,2}}(?:the age of )?{_N}(?!\d){_UNIT}{_YEARS}?"), _aged(lambda n: None, lambda n: n - 1 if n else None)),
    ("age", _free(rf"(?P<aged>aged )?(?:up to|at most|≤|<=|höchstens)\s{{0,2}}{_N}(?!\d){_UNIT}{_YEARS}?"), _aged(lambda n: None, lambda n: n, unit=True)),
    ("age", _free(r"in (?:his|her|their|the) (?:early |mid |mid-|late )?(?:(?P<tens>[1-9]0)(?:'?s)|(?P<name>" + "|".join(_DECADES) + r"))\b"), _decade),
    ("age", _free(rf"(?P<aged>age of|aged?:?)\s{{1,2}}{_N}(?!\d){_UNIT}{_YEARS}?"), _aged(lambda n: n, lambda n: n)),
    ("age", _free(rf"{_N}(?:[\s-]{{0,2}}(?P<years>years?|yrs?|y)[\s-]{{1,2}}(?P<old>olds?|of age)|[\s-]?(?P<yo>y/?o|y\.o\.?|jährige\w?))(?!\w)"),
     _aged(lambda n: n, lambda n: n)),
    *(("age", _words(pattern, _NO_STAGE), _stage(low, high, said)) for pattern, low, high, said in _STAGES),
    ("sex", _words(r"girls?|mädchen"), _young("F", "female")),
    ("sex", _words(r"boys?"), _young("M", "male")),
    ("sex", _words(r"wom[ae]n(?:'s)?|females?|lad(?:y|ies)|frau(?:en)?|weibliche?\w?"), _sex("F", "female")),
    ("sex", _words(r"m[ae]n(?:'s)?|males?|gentlem[ae]n|m[äa]nner|männliche?\w?"), _sex("M", "male")),
    ("date", _free(rf"(?:between|from|von)\s{{1,2}}{_WHEN}\s{{0,2}}(?:and|to|until|till|-|–|bis|und)\s{{0,2}}{_WHEN2}"), _dated("between")),
    ("date", _free(rf"{_YEAR}\s{{0,2}}(?:-|–|to)\s{{0,2}}(?P<y2>(?:19|20)\d\d)(?![\d./-]\d|\w)"), _dated("between")),
    ("date", _words(rf"(?:since|from|starting(?: in)?|seit|ab)\s{{1,2}}{_WHEN}(?:\s(?:on(?:wards)?|or later|and later))?"), _dated("since")),
    ("date", _words(rf"(?:after|later than|nach)\s{{1,2}}{_WHEN}"), _dated("after")),
    ("date", _words(rf"(?:before|prior to|earlier than|vor)\s{{1,2}}{_WHEN}"), _dated("before")),
    ("date", _words(rf"(?:until|till|up to|through|bis)\s{{1,2}}{_WHEN}"), _dated("until")),
    ("date", re.compile(rf"(?:^|(?<=[,;]))\s{{0,3}}{_Y}(?=\s{{0,3}}(?:$|[,;]))"), _dated("in")),
    ("date", _words(rf"(?:in|of|during|on)\s{{1,2}}{_WHEN}"), _dated("in")),
    ("date", _words(
        r"(?:(?:in|within|during|over|from)\s)?(?:the\s)?(?P<which>last|past|this)\s(?:(?P<count>\d{1,4})\s)?(?P<unit>days?|weeks?|months?|years?)(?P<rolling>(?!))?"
    ), _relative),
    ("date", _words("yesterday"), _day(1)),
    ("date", _words("today"), _day(0)),
    *(("sequence", re.compile(rf"{_BEGINS}(?:{pattern}){_IMAGES}", re.IGNORECASE), _scan("sequence", value)) for value, pattern in _SEQUENCES),
    *(("plane", re.compile(rf"{_BEGINS}(?:{pattern})(?!\w)(?![\s-](?:spondyl|skelet|spine\b|myopia)){_IMAGES}", re.IGNORECASE), _scan("plane", value)) for value, pattern in _PLANES),
    *(("vendor", _words(pattern), _scan("vendor", value, certain=certain)) for value, pattern, certain in _VENDORS),
)  # fmt: skip
