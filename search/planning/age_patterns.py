"""The words of ages: in years, months, weeks and days, by stages of life, of persons and not of what they have."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date

from spinecho.db.filters.algebra import Between, Is, age_between, both
from spinecho.db.filters.coded import years
from spinecho.search.planning.pattern_parts import CLINICAL, Pattern, Read, Reading, free, words

_N = r"(?P<n>\d{1,3})"
_YEARS = r"(?:[\s-]{0,2}(?P<years>years?|yrs?|y/?o|y\.o\.?|y|jahren?|jahre?)\b(?:[\s-]{0,2}(?P<old>olds?|of age|alt))?)"
_UNIT = (
    r"(?!\s{0,2}(?:[.,]\d|mm|cm|m\b|ml|l\b|cc|%|percent|°|deg|ms|s\b|sec|min|h\b|hours?|days?|weeks?|months?|k?hz|mhz"
    r"|t\b|tesla|g\b|kg|mg|hu\b|mmhg|x\s?\d|/\d|slices?|lesions?|cases?|times|points?|levels?|nodes?|mets|plaques?|foci))"
)
_PERSON = re.compile(
    r"(?:wom[ae]n|m[ae]n|patients?|people|persons?|adults?|f?e?males?|subjects?|individuals|frau(?:en)?|m[äa]nner|child(?:ren)?|infants?|bab(?:y|ies)|kids?|toddlers?|newborns?|boys?|girls?|kinder|anyone"
    r"|everybody|those|studies|lad(?:y|ies)|gentlem[ae]n|chaps?|guys?|blokes?)\s{1,3}(?:aged\s{1,3}|of\s{1,3}|in\s{1,3})?(?:who are\s{1,3})?$",
    re.IGNORECASE,
)
_STAGES: tuple[tuple[str, int | None, int | None, str], ...] = (
    (r"newborns?|neonat(?:es?|al)|neugeborene?n?", None, 0, "newborn"),
    (r"infants?|bab(?:y|ies)|säuglinge?", None, 1, "below 2 years"),
    (r"toddlers?", 1, 3, "1 to 3 years"),
    (r"child(?:ren)?(?:'s)?|kids?|pa?ediatrics?|pa?eds|kind(?:ern?)?", None, 17, "below 18 years"),
    (r"adolescents?", 10, 19, "10 to 19 years"),
    (r"teen(?:ager)?s?", 13, 19, "13 to 19 years"),
    (r"adults?|erwachsenen?", 18, None, "18 years and older"),
    (r"elderly|geriatric|senioren", 65, None, "65 years and older"),
    (r"sexagenarians?", 60, 69, "60 to 69 years"),
    (r"septuagenarians?", 70, 79, "70 to 79 years"),
    (r"octogenarians?", 80, 89, "80 to 89 years"),
    (r"nonagenarians?", 90, 99, "90 to 99 years"),
    (r"centenarians?", 100, None, "100 years and older"),
)
_SMALL = r"(?:months?|mths?|mos?\.?|weeks?|wks?|days?|monaten?|monate?|wochen?|tagen?|tage?)"
_SMALL_OLD = rf"[\s-]{{0,2}}(?P<small>{_SMALL})(?:[\s-]{{0,2}}(?P<old>olds?|of age|alte?[rs]?)\b|(?=[\s-]{{1,2}}(?P<child>infants?|bab(?:y|ies)|child|boys?|girls?|toddlers?|newborns?)\b)|[\s-]{{1,2}}(?-i:(?P<who>[FM]))(?!\w))"
_SMALL_THAN = rf"(?:[\s-]{{0,2}}(?P<small>{_SMALL})(?!\w)(?:[\s-]{{0,2}}(?P<old>olds?|of age|alt)\b)?)"
_NO_STAGE = r"(?![\s-]{0,2}(?:onset|polycystic|pugh|turcotte|-?type\b|class\b|[ABC]\b)|hood)"
_DECADES = {
    name: 10 * tens
    for tens, name in enumerate(
        ["twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties"], start=2
    )
}


def _stage(low: int | None, high: int | None, in_words: str) -> Read:
    return lambda match, _: (Between("age", low, high), in_words, True)


def years_in_words(low: int | None, high: int | None) -> str:
    """What an age between these bounds, either None, is called."""
    if low is not None and high is not None:
        return f"{low} years" if low == high else f"{low} to {high} years"
    return f"{low} years and older" if low is not None else f"{high} years and younger"


def _aged(low: Callable[[int], int | None], high: Callable[[int], int | None], *, unit: bool = False) -> Read:
    """An age by a number. unit: it is one only with years, or of a person."""

    def read(match: re.Match[str], _: date) -> Reading | None:
        groups = match.groupdict()
        number = int(groups["n"])
        if number > 120:
            return None
        years, old = groups.get("years"), groups.get("old") or groups.get("aged") or groups.get("yo")
        before = match.string[max(0, match.start() - 40) : match.start()]
        person = _PERSON.search(before) is not None
        if CLINICAL.search(before) and not (old or person):
            return None  # "stable over 2 years"
        if unit and not (years or person or old):
            return None
        certain = bool(old) or person or bool(re.match(r"older|younger|älter|jünger", match.group(), re.IGNORECASE))
        certain = certain or bool(groups.get("yo")) or _alone(match)
        certain = certain or (years is not None and re.fullmatch(r"y/?o|y\.o\.?", years) is not None)
        bounds = low(number), high(number)
        return Between("age", *bounds), years_in_words(*bounds), certain

    return read


def _in_small(way: str) -> Read:
    """An age in months, weeks or days: "18 months old", "younger than 6 weeks". A month is a whole month."""

    def read(match: re.Match[str], _: date) -> Reading | None:
        groups = match.groupdict()
        name = {"m": "month", "w": "week", "d": "day", "t": "day"}[groups["small"][0].lower()]
        first, last = int(groups["n"]), int(groups.get("n2") or groups["n"])
        if not 0 <= first <= last <= 999:
            return None
        low, below = years(first, name[0])[0], years(last, name[0])[1]
        number = f"{first} to {last}" if last > first else f"{first}"
        number += f" {name}" if number == "1" else f" {name}s"
        before = match.string[max(0, match.start() - 40) : match.start()]
        plain = re.match(r"older|younger|aged|älter|jünger", match.group(), re.IGNORECASE) is not None
        if not (groups.get("old") or groups.get("child") or groups.get("who") or plain or _PERSON.search(before)):
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
                if who := groups.get("who"):
                    return both(Is("sex", (who,)), found), f"{'female' if who == 'F' else 'male'}, {number}", True
                return found, number, True

    return read


def _short(match: re.Match[str], _: date) -> Reading | None:
    """ "55F", "55 yo M": an age and a sex, as radiologists dictate them."""
    number, value = int(match["n"]), match["who"]
    if number > 120:
        return None
    where = both(Is("sex", (value,)), Between("age", number, number))
    return where, f"{'female' if value == 'F' else 'male'}, {number} years", True


def _span_of_years(match: re.Match[str], _: date) -> Reading | None:
    low, high = int(match["a"]), int(match["b"])
    groups = match.groupdict()
    if not low <= high <= 120:
        return None
    before = match.string[max(0, match.start() - 40) : match.start()]
    person = _PERSON.search(before) is not None
    if not (groups["years"] or groups["aged"] or person):
        return None
    certain = bool(groups["old"] or groups["aged"]) or person or _alone(match)
    return Between("age", low, high), years_in_words(low, high), certain


def _decade(match: re.Match[str], _: date) -> Reading | None:
    groups = match.groupdict()
    low = int(groups["tens"]) if groups.get("tens") else _DECADES[groups["name"].lower()]
    return Between("age", low, low + 9), years_in_words(low, low + 9), True


def _under_tens(match: re.Match[str], _: date) -> Reading | None:
    """ "Under 12s", "over 75s": of persons."""
    number, below = int(match["n"]), match["old"].lower() == "under"
    low, high = (None, number - 1) if below else (number + 1, None)
    return (Between("age", low, high), years_in_words(low, high), True) if 0 < number <= 120 else None


def _of_somebody(match: re.Match[str]) -> bool:
    """Whether words for persons stand right before it."""
    return _PERSON.search(match.string[max(0, match.start() - 40) : match.start()]) is not None


def _decade_of_a_person(match: re.Match[str], today: date) -> Reading | None:
    """ "Men in twenties"; "the roaring twenties" are of nobody."""
    return _decade(match, today) if _of_somebody(match) else None


def _of_a_person(match: re.Match[str], _: date) -> Reading | None:
    """ "A woman of 45 years", not "a history of 45 years"."""
    number = int(match["n"])
    if number > 120 or not _of_somebody(match):
        return None
    return Between("age", number, number), years_in_words(number, number), True


def _strictly_between(match: re.Match[str], _: date) -> Reading | None:
    low, high = int(match["a"]) + 1, int(match["b"]) - 1
    if not low <= high <= 120:
        return None
    person = _of_somebody(match)
    certain = bool(match["aged"] or match["years"]) or person or _alone(match)
    return Between("age", low, high), years_in_words(low, high), certain


def _alone(match: re.Match[str]) -> bool:
    """Whether it stands between commas, so that no word of the query takes it for its own."""
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    return (not before or before[-1] in ",;") and (not after or after[0] in ",;")


AGES: tuple[Pattern, ...] = (
    ("age", free(rf"(?P<aged>aged?\s?)?(?:over|above|older than|more than|>)\s{{0,2}}(?P<a>\d{{1,3}}){_YEARS}?\s{{1,2}}(?:and|but)\s{{1,2}}(?:under|below|younger than|less than|<)\s{{0,2}}(?P<b>\d{{1,3}})(?!\d){_UNIT}(?:\s(?:years?|yrs?)(?: old)?)?"), _strictly_between),
    ("age", free(rf"(?:(?:aged|between)\s{{1,2}})?(?P<n>\d{{1,3}})\s{{0,2}}(?:-|–|to|and|bis|und)\s{{0,2}}(?P<n2>\d{{1,3}}){_SMALL_OLD}"), _in_small("")),
    ("age", free(rf"(?:over|above|older than|more than|>(?!=)|über|älter als)\s{{0,2}}{_N}{_SMALL_THAN}"), _in_small("above")),
    ("age", free(rf"(?:at least|≥|>=|mindestens)\s{{0,2}}{_N}{_SMALL_THAN}"), _in_small("from")),
    ("age", free(rf"(?:under|below|younger than|less than|<(?!=)|unter|jünger als)\s{{0,2}}{_N}{_SMALL_THAN}"), _in_small("below")),
    ("age", free(rf"(?:up to|at most|≤|<=|höchstens)\s{{0,2}}{_N}{_SMALL_THAN}"), _in_small("until")),
    ("age", free(rf"(?:aged?:?\s{{1,2}})?{_N}{_SMALL_OLD}"), _in_small("")),
    ("age", free(rf"aged?:?\s{{1,2}}{_N}{_SMALL_THAN}"), _in_small("")),
    ("age", free(rf"(?:(?P<aged>aged?|between|ages)\s{{1,2}})?(?P<a>\d{{1,3}})\s{{0,2}}(?:-|–|to|and|bis|und)\s{{0,2}}(?P<b>\d{{1,3}})(?![\d/]){_UNIT}{_YEARS}?"), _span_of_years),
    ("age", free(rf"{_N}\s?(?:y|yo|y/o|yr)?\s?(?-i:(?P<who>[FM]))(?!\w)"), _short),
    ("age", free(rf"{_N}{_YEARS}?\s{{0,2}}(?:(?:and|or|und|oder) (?:over|above|older|more|up)(?!\s+than)|\+|plus)(?:\s(?P<old2>years?|yrs?))?(?![\w])")  , _aged(lambda n: n, lambda n: None)),
    ("age", free(rf"{_N}{_YEARS}?\s{{0,2}}(?:and|or) (?:under|below|younger|less)\b(?!\s+than)"), _aged(lambda n: None, lambda n: n)),
    ("age", free(rf"(?P<old>under|over)(?:[\s-]){_N}'?s(?!\w)"), _under_tens),
    ("age", free(r"(?P<tens>[2-9]0)'?s\s(?=(?:fe)?males?\b|wom[ae]n\b|m[ae]n\b|(?-i:[FM])\b)"), _decade),
    ("age", free(rf"(?P<aged>aged?\s?)?(?:over|above|older than|more than|beyond|>(?!=)|über|älter als)\s{{0,2}}(?:the age of )?{_N}(?!\d){_UNIT}{_YEARS}?"), _aged(lambda n: n + 1, lambda n: None)),
    ("age", free(rf"(?P<aged>aged?\s?)?(?:at least|≥|>=|mindestens)\s{{0,2}}{_N}(?!\d){_UNIT}{_YEARS}?"), _aged(lambda n: n, lambda n: None, unit=True)),
    ("age", free(rf"(?P<aged>aged?\s?)?(?:under|below|younger than|less than|<(?!=)|unter|jünger als)\s{{0,2}}(?:the age of )?{_N}(?!\d){_UNIT}{_YEARS}?"), _aged(lambda n: None, lambda n: n - 1 if n else None)),
    ("age", free(rf"(?P<aged>aged?\s?)?(?:up to|at most|≤|<=|höchstens)\s{{0,2}}{_N}(?!\d){_UNIT}{_YEARS}?"), _aged(lambda n: None, lambda n: n, unit=True)),
    ("age", free(r"in (?:his|her|their|the) (?:early |mid |mid-|late )?(?:(?P<tens>[1-9]0)(?:'?s)|(?P<name>" + "|".join(_DECADES) + r"))\b"), _decade),
    ("age", free(r"(?:early|mid|late)[\s-](?:(?P<tens>[1-9]0)'?s|(?P<name>" + "|".join(_DECADES) + r"))\b"), _decade),
    ("age", free(r"(?P<name>" + "|".join(_DECADES) + r")\b"), _decade_of_a_person),
    ("age", free(rf"of\s{{1,2}}{_N}[\s-]{{0,2}}(?P<years>years?|yrs?)(?!\w)"), _of_a_person),
    ("age", free(rf"(?P<aged>age of|aged?:?)\s{{1,2}}{_N}(?!\d){_UNIT}{_YEARS}?"), _aged(lambda n: n, lambda n: n)),
    ("age", free(rf"{_N}(?:[\s-]{{0,2}}(?P<years>years?|yrs?|y)[\s-]{{1,2}}(?P<old>olds?|of age)|[\s-]?(?P<yo>y/?o|y\.o\.?|jährige\w?))(?!\w)"),
     _aged(lambda n: n, lambda n: n)),
    *(("age", words(pattern, _NO_STAGE), _stage(low, high, stage)) for pattern, low, high, stage in _STAGES),
)  # fmt: skip
"""In the order in which they are tried."""
