"""The words of ages: in years, months, weeks and days, by stages of life, of persons and not of what they have."""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from spinecho.db.filters.algebra import Between, Is, both
from spinecho.search.planning.age_context import (
    AGO,
    LASTS_AFTER,
    MEASURE,
    NOT_NOW,
    PERSON_AFTER,
    SCALE,
    THING,
    alone,
    before,
    beside_somebody,
    lasts,
    of_somebody,
)
from spinecho.search.planning.age_words import (
    DECADES,
    NO_STAGE,
    SINGLE,
    SMALL,
    SMALL_OLD,
    SMALL_THAN,
    STAGES,
    UNIT,
    YEARS,
    YO,
    N,
)
from spinecho.search.planning.pattern_parts import CLINICAL, Pattern, Read, Reading, free, words
from spinecho.search.planning.small_ages import (
    in_fractions,
    in_small,
    months_of_a_person,
    of_life,
    small_span,
    years_and_months,
)


def _stage(low: int | None, high: int | None, in_words: str) -> Read:
    return lambda match, _: (Between("age", low, high), in_words, True)


def years_in_words(low: int | None, high: int | None) -> str:
    """What an age between these bounds, either None, is called."""
    if low is not None and high is not None:
        return f"{low} years" if low == high else f"{low} to {high} years"
    return f"{low} years and older" if low is not None else f"{high} years and younger"


def _aged(
    low: Callable[[int], int | None], high: Callable[[int], int | None], *, unit: bool = False, after: bool = False
) -> Read:
    """An age by a number. unit: it is one only with years, or of a person. after: its bound stands behind."""

    def read(match: re.Match[str], _: date) -> Reading | None:
        groups = match.groupdict()
        number = int(groups["n"])
        if number > 120:
            return None
        years, old = (
            groups.get("years") or groups.get("old2"),
            groups.get("old") or groups.get("aged") or groups.get("yo"),
        )
        person = of_somebody(match)
        passed = not person or years is not None  # "women over 60 after surgery" are so old
        if (
            (passed and AGO.match(match.string, match.end()))
            or NOT_NOW.search(before(match))
            or THING.match(match.string, match.end())
        ):
            return None
        if not (old or person) and (CLINICAL.search(before(match)) or (not years and MEASURE.search(before(match)))):
            return None  # "stable over 2 years", "PSA >10"
        behind = PERSON_AFTER.match(match.string, match.end()) is not None
        signed = match.group()[0] in "≥≤<>" and number >= 12
        if unit and not (years or person or old or behind or signed or alone(match)):
            return None
        certain = bool(old) or person or bool(re.match(r"older|younger|älter|jünger", match.group(), re.IGNORECASE))
        certain = certain or alone(match) or (years is not None and re.fullmatch(YO, years, re.IGNORECASE) is not None)
        certain = certain or (behind and (years is not None or after))
        bounds = low(number), high(number)
        return Between("age", *bounds), years_in_words(*bounds), certain

    return read


_TRACER = re.compile(
    r"(?<!\w)(?:pet\w*|fdg|naf|psma|fet|f?dopa|tracer\w*|suv\w*|choline|fluoro\w*|flu\w*piramal)(?!\w)", re.IGNORECASE
)


def _short(match: re.Match[str], _: date) -> Reading | None:
    """ "55F", "55 yo M", "71f": an age and a sex, as radiologists dictate them; in small letters it is offered."""
    number, value = int(match["n"]), match["who"].upper()
    if number > 120 or (number == 18 and value == "F" and _TRACER.search(match.string)):
        return None  # "18F PET"
    if SCALE.search(before(match)):
        return None  # "Bosniak 2F"
    where = both(Is("sex", (value,)), Between("age", number, number))
    certain = match["who"].isupper() or alone(match)
    return where, f"{'female' if value == 'F' else 'male'}, {number} years", certain


def _number_first(match: re.Match[str], _: date) -> Reading | None:
    """ "45, female, glioma", "45/F": certain with a comma or a stroke; "6 m" and "65 male" may be else, and are offered."""
    number, who = int(match["n"]), match["who"].lower()
    if not (13 if who == "m" else 1) <= number <= 110 or (number == 18 and _TRACER.search(match.string)):
        return None
    if SCALE.search(before(match)):
        return None  # "type 2 F"
    value = "F" if who in ("f", "female", "woman", "lady", "girl") else "M"
    where = both(Is("sex", (value,)), Between("age", number, number))
    certain = re.search(r"[,/]", match.group()) is not None or alone(match)
    return where, f"{'female' if value == 'F' else 'male'}, {number} years", certain


def _letter_first(match: re.Match[str], _: date) -> Reading | None:
    """ "m 44", "F, 71": offered, unless it stands between commas; "M 1" and "F 18 PET" are none."""
    number, value = int(match["n"]), match["who"].upper()
    tight = match.group()[1].isdigit()  # "f45" of thirty and more alone: "F18" and "M1" are else
    if not (19 if tight else 2) <= number <= 110 or (number == 18 and value == "F" and _TRACER.search(match.string)):
        return None
    where = both(Is("sex", (value,)), Between("age", number, number))
    return where, f"{'female' if value == 'F' else 'male'}, {number} years", alone(match)


def _number_of_a_person(match: re.Match[str], _: date) -> Reading | None:
    """ "Woman, 64, meningioma", "male 65": offered, unless a comma or nothing follows."""
    number = int(match["n"])
    if not 1 <= number <= 110 or not of_somebody(match) or lasts(match):
        return None
    behind = match.string[match.end() :].lstrip()
    certain = (
        not behind
        or behind[0] in ",;"
        or match.group()[:2].lower() == "of"
        or re.match(r"(?:with|w/|w)\s", behind) is not None
    )
    return Between("age", number, number), years_in_words(number, number), certain


_SINGLE = re.compile(rf"(?<![\w'’./+&-])(?<!other ){SINGLE}[\s,]{{1,2}}$", re.IGNORECASE)

_SINGLE_IS = re.compile(rf"(?<![\w'’./+&-])(?<!other ){SINGLE}\s(?:is|was)\s$", re.IGNORECASE)


def _number_of_a_single_person(match: re.Match[str], today: date) -> Reading | None:
    """ "Patients 30" may be thirty patients."""
    if _SINGLE_IS.search(before(match)) and match.string[match.end() : match.end() + 1] in ("", ",", ";", "."):
        number = int(match["n"])
        return (Between("age", number, number), years_in_words(number, number), True) if 1 <= number <= 110 else None
    return _number_of_a_person(match, today) if _SINGLE.search(before(match)) else None


def _plain_years(match: re.Match[str], _: date) -> Reading | None:
    """ "33yrs" of somebody; offered elsewhere, and none where it is how long something lasts."""
    number = int(match["n"])
    somebody = beside_somebody(match)
    if (
        number > 120
        or LASTS_AFTER.match(match.string, match.end())
        or THING.match(match.string, match.end())
        or (not somebody and lasts(match))
    ):
        return None
    return Between("age", number, number), years_in_words(number, number), somebody or alone(match)


def _about(match: re.Match[str], _: date) -> Reading | None:
    """ "Around 40 years old", "40ish": two years to either side, offered."""
    number = int(match["n"])
    if number > 120 or not (match["years"] or match["ish"] or match["aged"] or beside_somebody(match)):
        return None
    return Between("age", max(0, number - 2), number + 2), f"about {number} years", False


def _span_of_years(match: re.Match[str], _: date) -> Reading | None:
    low, high = int(match["a"]), int(match["b"])
    groups = match.groupdict()
    if not low <= high <= 120:
        return None
    if not (groups["years"] or groups["aged"]) and MEASURE.search(before(match)):
        return None
    person = beside_somebody(match)
    if not (groups["years"] or groups["aged"] or person):
        return _bare_span(match, low, high)
    if groups["years"] and not groups["old"] and not groups["aged"] and not person and lasts(match):
        return None
    certain = bool(groups["old"] or groups["aged"]) or person or alone(match)
    return Between("age", low, high), years_in_words(low, high), certain


def _bare_span(match: re.Match[str], low: int, high: int) -> Reading | None:
    """ "Hippocampal sclerosis 20-40": offered at the end of a query."""
    text = match.string
    if (
        text[match.end() :].strip(" .?!")
        or not 15 <= low < high <= 99
        or not re.search(r"[^\W\d]{4,}\s$", text[: match.start()])
    ):
        return None
    return Between("age", low, high), years_in_words(low, high), False


_PARTS = {"early": (0, 3), "mid": (4, 6), "late": (6, 9), "": (0, 9)}
"""The years of a decade that are its beginning, middle and end."""


def _decade(match: re.Match[str], _: date) -> Reading | None:
    groups = match.groupdict()
    low = int(groups["tens"]) if groups.get("tens") else DECADES[groups["name"].lower()]
    first, last = _PARTS[(groups.get("part") or "").lower()]
    if groups.get("part2"):
        last = _PARTS[groups["part2"].lower()][1]
    last_decade = low
    if groups.get("tens2") or groups.get("name2"):
        last_decade = int(groups["tens2"]) if groups.get("tens2") else DECADES[groups["name2"].lower()]
        if last_decade < low:
            return None
    bounds = low + first, last_decade + last
    return Between("age", *bounds), years_in_words(*bounds), True


def _decade_of_a_person(match: re.Match[str], today: date) -> Reading | None:
    """ "Men in twenties", "f 20s"; "the roaring twenties" and "20s" after a bolus are of nobody."""
    return _decade(match, today) if beside_somebody(match) else None


def _under_tens(match: re.Match[str], _: date) -> Reading | None:
    """ "Under 12s", "over 75s": of persons; ">65s" is offered, as it may be seconds."""
    number, sign = int(match["n"]), match["sign"].lower()
    if not 0 < number <= 120:
        return None
    low, high = (None, number - 1) if sign in ("under", "<", "below") else (number + 1, None)
    return Between("age", low, high), years_in_words(low, high), sign.isalpha() or of_somebody(match)


def _of_a_person(match: re.Match[str], _: date) -> Reading | None:
    """ "A woman of 45 years", not "a history of 45 years"."""
    number = int(match["n"])
    if number > 120 or not of_somebody(match):
        return None
    return Between("age", number, number), years_in_words(number, number), True


def _strictly_between(match: re.Match[str], _: date) -> Reading | None:
    """ "More than 70 and less than 80", and with "at least" and "at most"."""
    low = int(match["a"]) + (match["or_more"] is None)
    high = int(match["b"]) - (match["or_less"] is None)
    if not low <= high <= 120:
        return None
    certain = bool(match["aged"] or match["years"] or match["years2"]) or of_somebody(match) or alone(match)
    return Between("age", low, high), years_in_words(low, high), certain


_OVER = r"(?:over|above|older than|more than|greater than|beyond|>(?!=)|über|älter als)"
_LEAST = r"(?:at least|min(?:imum)?(?: age)?|≥|>=|mindestens)"
_BELOW = r"(?:under|below|younger than|less than|<(?!=)|unter|jünger als)"
_MOST = r"(?:up ?to|at most|max(?:imum)?(?: age)?|≤|<=|höchstens)"
_AGE_OF = r"(?P<aged>(?:aged?|ages?)[:\s]{0,2})?"
_THE_AGE = r"\s{0,2}(?:the age of |age )?"
_TO = r"(?:-|–|\.\.|to|through|thru|until|till|and|&|bis|und)"
_BETWEEN = r"(?P<aged>aged?|ages|age (?:range|group|band)|between|betw|btwn|btw|b/w)[:\s]\s{0,2}(?:the ages of |ages )?"
_NAMES = "|".join(DECADES)
_TENS = rf"(?:(?P<tens>[1-9]0)['’]?s|(?P<name>{_NAMES}))"
_TENS2 = rf"(?:\s{{0,2}}(?:-|–|to|and|or|&)\s{{0,2}}(?:(?P<tens2>[1-9]0)['’]?s|(?P<name2>{_NAMES})))?"
_PART = r"(?:(?P<part>early|mid|late)[\s-]{1,2}(?:(?:to|or)[\s-](?P<part2>mid|late)[\s-])?)?"
AGES: tuple[Pattern, ...] = (
    ("age", free(rf"{_AGE_OF}(?:{_OVER}|(?P<or_more>{_LEAST}))\s{{0,2}}(?P<a>\d{{1,3}}){YEARS}?(?:\s{{1,2}}(?:and|but)\s{{1,2}}|\s{{0,2}},?\s{{0,2}}(?=[<≤]))(?:{_BELOW}|(?P<or_less>{_MOST}))\s{{0,2}}(?P<b>\d{{1,3}})(?!\d){UNIT}(?:\s{{0,2}}(?P<years2>years?|yrs?|y)(?!\w)(?: old)?)?"), _strictly_between),
    ("age", free(rf"(?:(?:aged|between)\s{{1,2}})?{N}\s{{0,2}}(?:-|–|to|and|bis|und)\s{{0,2}}(?P<n2>\d{{1,3}}){SMALL_OLD}"), in_small("")),
    ("age", free(rf"(?:{_BETWEEN})?{N}\s{{0,2}}{_TO}\s{{0,2}}(?P<n2>\d{{1,3}})[\s-]{{0,2}}(?P<small>{SMALL})(?!\w)"), small_span),
    ("age", free(rf"{_OVER}\s{{0,2}}{N}{SMALL_THAN}"), in_small("above")),
    ("age", free(rf"{_LEAST}\s{{0,2}}{N}{SMALL_THAN}"), in_small("from")),
    ("age", free(rf"{_BELOW}\s{{0,2}}{N}{SMALL_THAN}"), in_small("below")),
    ("age", free(rf"{_MOST}\s{{0,2}}{N}{SMALL_THAN}"), in_small("until")),
    ("age", free(rf"{N}\s?(?:y|yrs?|years?)[\s,]{{0,2}}(?:and\s)?(?P<n2>\d{{1,2}})\s?(?:m|mo|mths?|months?)(?!\w)(?P<old>[\s-]olds?)?"), years_and_months),
    ("age", free(rf"(?:(?P<aged>aged?|age:)\s)?(?P<sign>(?:{_OVER}|{_BELOW})\s{{0,2}})?(?:(?P<n0>\d{{1,2}})\s?(?:-|–|to)\s?)?{N}/(?P<of>12|52|7)(?![\w/])(?P<old>[\s-]{{0,2}}(?:olds?|of age))?"), in_fractions),
    ("age", free(rf"(?:(?P<small>days?|weeks?|months?)\s{N}\sof\slife|(?:dol|day of life)\s?#?(?P<n2>\d{{1,3}}))(?P<first>(?!))?(?!\w)"), of_life),
    ("age", free(r"(?P<first>first)\s(?:(?P<n>\d{1,2})\s)?(?P<small>days?|weeks?|months?|years?)\sof\slife(?P<n2>(?!))?(?!\w)"), of_life),
    ("age", free(rf"(?:aged?:?\s{{1,2}})?{N}{SMALL_OLD}"), in_small("")),
    ("age", free(rf"aged?:?\s{{1,2}}{N}{SMALL_THAN}"), in_small("")),
    ("age", free(rf"(?:of\s)?{N}{SMALL_THAN}"), months_of_a_person),
    ("age", free(rf"(?:around|about|circa|ca\.?|approx(?:imately|\.)?|~|≈)\s{{0,2}}(?P<aged>aged?\s)?{N}(?P<ish>(?!))?(?!\d){UNIT}{YEARS}?"), _about),
    ("age", free(rf"(?P<aged>aged?\s)?{N}(?P<ish>[\s-]?ish)(?!\w){YEARS}?"), _about),
    ("age", free(rf"(?:{_BETWEEN}|(?P<of>from|of)\s)?(?P<a>\d{{1,3}}){YEARS.replace('years>', 'years0>').replace('old>', 'old0>')}?\s{{0,2}}{_TO}\s{{0,2}}(?P<b>\d{{1,3}})(?![\d/]){UNIT}{YEARS}?"), _span_of_years),
    ("age", free(rf"(?:(?P<aged>aged?:?)\s{{0,2}})?{N}{YEARS}?\s{{0,2}}(?:(?:and|or|und|oder|&) (?:over|above|older|more|up)(?!\s+than)|\+|plus)(?:\s?(?P<old2>years?|yrs?|{YO}|y)(?: old)?)?(?![\w])"), _aged(lambda n: n, lambda n: None, after=True)),
    ("age", free(rf"{N}{YEARS}?\s{{0,2}}(?:and|or|&) (?:under|below|younger|less)\b(?!\s+than)"), _aged(lambda n: None, lambda n: n, after=True)),
    ("age", free(rf"(?P<sign>under|over|below|above|>(?!=)|<(?!=))(?:[\s-]{{0,2}}){N}['’]?s(?!\w)"), _under_tens),
    ("age", free(rf"{_AGE_OF}{_OVER}{_THE_AGE}{N}(?!\d){UNIT}{YEARS}?"), _aged(lambda n: n + 1, lambda n: None)),
    ("age", free(rf"{_AGE_OF}{_LEAST}{_THE_AGE}{N}(?!\d){UNIT}{YEARS}?"), _aged(lambda n: n, lambda n: None, unit=True)),
    ("age", free(rf"{_AGE_OF}{_BELOW}{_THE_AGE}{N}(?!\d){UNIT}{YEARS}?"), _aged(lambda n: None, lambda n: n - 1 if n else None)),
    ("age", free(rf"{_AGE_OF}{_MOST}{_THE_AGE}{N}(?!\d){UNIT}{YEARS}?"), _aged(lambda n: None, lambda n: n, unit=True)),
    ("age", free(rf"{N}\s?(?:y|yo|y/o|yr)?\s?(?-i:(?P<who>[FM]))(?!\w|/\w\b)"), _short),
    ("age", free(rf"in (?:his|her|their|the) {_PART}{_TENS}(?!\w){_TENS2}"), _decade),
    ("age", free(rf"{_PART.removesuffix('?')}{_TENS}(?!\w)"), _decade),
    ("age", free(rf"(?:in\s)?{_TENS}(?!\w){_TENS2}"), _decade_of_a_person),
    ("age", free(rf"of\s{{1,2}}{N}[\s-]{{0,2}}(?P<years>years?|yrs?)(?!\w)"), _of_a_person),
    ("age", free(rf"(?P<aged>age of|aged?\s?[:=]?)\s{{0,2}}(?<![a-z]){N}(?!\d){UNIT}{YEARS}?"), _aged(lambda n: n, lambda n: n)),
    ("age", free(rf"(?P<yo>{YO})\s?:?\s?{N}(?!\w)"), _aged(lambda n: n, lambda n: n)),
    ("age", free(rf"{N}(?:[\s-]{{0,2}}(?P<years>years?|yrs?|y)[\s-]{{1,2}}(?P<old>olds?|of age)|[\s-]?(?P<yo>{YO}|jährige\w?))(?!\w)"), _aged(lambda n: n, lambda n: n)),
    ("age", free(rf"{N}[\s-]{{0,2}}(?P<years>years?|yrs?\.?|y)(?!\w|/)"), _plain_years),
    ("age", free(rf"{N}(?P<who>[fm])(?![\w/.'’+-])"), _short),
    ("age", re.compile(rf"(?<![\w'’.,/+&-]){N}[\s,/]{{1,2}}(?P<who>female|male|woman|man|lady|gentleman|girl|boy|f|m)(?![\w/.'’+-])", re.IGNORECASE), _number_first),
    ("age", re.compile(rf"(?<![\w'’./+&-])(?P<who>[fm])[\s,/:]{{0,2}}{N}(?![\d/]){UNIT}(?![\w+-]|\.\d)", re.IGNORECASE), _letter_first),
    ("age", re.compile(rf"(?<=[\s,])(?:of\s)?{N}(?![\d/]){UNIT}(?![\w+%-]|\.\d)(?=\s|[,;.)]|$)", re.IGNORECASE), _number_of_a_single_person),
    *(("age", words(pattern, NO_STAGE), _stage(low, high, stage)) for pattern, low, high, stage in STAGES),
)  # fmt: skip
"""In the order in which they are tried."""
