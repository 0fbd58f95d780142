"""Facts in plain words: "women over 60", "from 2022", "T2 FLAIR axial at 3 tesla, Siemens", "not after contrast".

A fact is offered as a condition. It counts at once only where its words can mean nothing else: "women over 60" does,
"T2" beside "hyperintense lesion" does not, as it says where the lesion is bright and not which scans are wanted. Where
everything typed is such facts, they are what is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeAlias

from spinecho.db.filters.algebra import ALL, And, Between, Filter, Is, Not, Or, both, conjuncts
from spinecho.search.planning.age_context import of_another
from spinecho.search.planning.age_words import DECADES, SEX
from spinecho.search.planning.date_patterns import dates_said
from spinecho.search.planning.fact_patterns import PATTERNS, SAYINGS
from spinecho.search.planning.fact_spelling import mended_words
from spinecho.search.planning.negations import denied_behind, denied_from, weighs
from spinecho.search.planning.plain_forms import plain
from spinecho.search.planning.query_plan import Correction, Offer
from spinecho.search.planning.spans import Span, Taken


@dataclass(frozen=True, slots=True)
class Fact:
    """What some words say: typed[start:stop]. certain: wherever it stands, else only among facts."""

    field: str
    where: Filter
    text: str
    start: int
    stop: int
    certain: bool
    mended: tuple[Correction, ...] = ()
    """Words in it that were misspelt."""


Knows: TypeAlias = Callable[[str], bool]
_NO_FACTS = re.compile(r'["“”„][^"“”„]*["“”„]|(?<!\S)[-−]?[A-Za-z_]+(?:\.[\w-]+)?:\S+')
_WHO = "|".join(f"(?P<{value}>{said})" for value, said in SEX)
SEX_BEFORE = re.compile(
    rf"(?<![\w'’./+&-])(?P<who>{_WHO})(?:[\s,:]{{1,3}}(?:is\s|was\s)?(?:in\s)?|(?<=[FMfm]))$", re.IGNORECASE
)
SEX_BEHIND = re.compile(rf"[\s,/.()-]{{0,3}}(?P<who>{_WHO})(?![\w/'’+&-])", re.IGNORECASE)


_JOINS_BEFORE = re.compile(
    r"(?:(?<![\w-])(?:in|of|for|on|at|by|the|an?|and|from|with|patients?|pts?|pats?|imaged|scanned|aged|is|was|vendor"
    r"|men and women|women and men|boys and girls|girls and boys|both sexes|either sex)\s{1,3}){1,3}$",
    re.IGNORECASE,
)
_JOINS_AFTER = re.compile(
    r"\s{1,3}(?:with|and|who ha(?:ve|s|d)|having|showing|mit|scanners?|scans?|patients?)(?!\w)", re.IGNORECASE
)
_EITHER = re.compile(r"\s{0,3}(?:,|/|\+|&|and|or|und|oder|,\s{0,2}(?:and|or))\s{0,3}", re.IGNORECASE)
_GROUPS = re.compile(r"\s{1,3}(?:and|or|&|und|oder)\s{1,3}", re.IGNORECASE)
_SAME_PERSON = re.compile(r"\s{1,2}(?:(?:who are|that are|aged)\s)?")
_NEITHER = re.compile(
    r"\s{1,3}(?:or|nor|and|oder|und)\s{1,3}$|\s{0,3}[,/]\s{0,3}(?:or|nor|and)?\s{0,3}$", re.IGNORECASE
)


def facts_in(text: str, today: date, *, knows: Knows | None = None) -> tuple[Fact, ...]:
    """The facts that a text names, in its order, negations and lists of them taken together.

    knows: whether a word in lower case is one of the language; misspelt words of facts are mended with it.
    """
    mended = mended_words(text, knows) if knows is not None else ()
    form = plain(text, [(one.start, one.stop, one.taken) for one in mended])
    facts = _facts_in_plain(form.text, today)
    if form.text is text:
        return facts
    found = []
    for one in facts:
        start, stop = form.typed_span(one.start, one.stop)
        slips = tuple(slip for slip in mended if start <= slip.start and slip.stop <= stop)
        found.append(replace(one, start=start, stop=stop, mended=slips))
    return tuple(found)


def _facts_in_plain(text: str, today: date) -> tuple[Fact, ...]:
    taken, found = Taken(len(text)), list[Fact]()
    for match in _NO_FACTS.finditer(text):
        taken.take(match.span())  # quoted, or a condition already
    for match in SAYINGS.finditer(text):
        taken.take(match.span())
    for field, pattern, read in PATTERNS:
        for match in pattern.finditer(text):
            if taken.meets(match.span()) or not match.group().strip():
                continue
            reading = None if field == "age" and of_another(match) else read(match, today)
            if reading is None:
                continue
            taken.take(match.span())
            if reading[0] != ALL:
                start = match.start() + len(match.group()) - len(match.group().lstrip())
                found.append(Fact(field, reading[0], reading[1], start, start + len(match.group().strip()), reading[2]))
    for span, reading in dates_said(text, today, taken):
        found.append(Fact("date", reading[0], reading[1], *span, reading[2]))
        taken.take(span)
    found += _sexes_beside(found, text, taken)
    found.sort(key=lambda one: one.start)
    return tuple(_of_now(list(_negated(_joined(found, text), text)), text))


def _sexes_beside(facts: Sequence[Fact], text: str, taken: Taken) -> list[Fact]:
    """Letters and words beside an age that tell a sex only there: "64 yo f", "m ≥75", "husband aged 58"."""
    found = []
    for one in facts:
        if one.field != "age" or (not any(map(str.isdigit, text[one.start : one.stop])) and one.start == one.stop):
            continue
        for match in (SEX_BEHIND.match(text, one.stop), SEX_BEFORE.search(text, max(0, one.start - 20), one.start)):
            if match is None or taken.meets(match.span("who")):
                continue
            value = "F" if match["F"] else "M"
            found.append(
                Fact("sex", Is("sex", (value,)), "female" if value == "F" else "male", *match.span("who"), one.certain)
            )
            taken.take(match.span("who"))
            break
    return found


def _of_now(facts: Sequence[Fact], text: str) -> list[Fact]:
    """Without stages of life that an age in numbers contradicts or makes narrower.

    "Sequelae of neonatal anoxia in a 7-year-old boy" is of the past, and an "old lady in her eighties" is 80 to 89.
    """
    told = [one for one in facts if one.field == "age" and isinstance(one.where, Between) and _in_numbers(one, text)]
    kept = []
    for one in facts:
        age = next((part for part in conjuncts(one.where) if isinstance(part, Between) and part.field == "age"), None)
        if age is None or isinstance(one.where, Not) or one in told:
            kept.append(one)
            continue
        others = [other.where for other in (told if not _is_grown(one) else [*told, *_stages(facts, one)])
                  if isinstance(other.where, Between) and (other.certain or not _meet(age, other.where))]  # fmt: skip
        if not any(not _meet(age, other) or _within(other, age) or _is_grown(one) for other in others):
            kept.append(one)
        elif len(rest := [part for part in conjuncts(one.where) if part != age]) == 1:
            kept.append(replace(one, where=rest[0], text=one.text.split(",")[0]))
    return kept


def _stages(facts: Sequence[Fact], but: Fact) -> list[Fact]:
    return [one for one in facts if one is not but and one.field == "age" and isinstance(one.where, Between)]


def _is_grown(one: Fact) -> bool:
    """Whether a fact is "boy" or "girl", whose age gives way to any other that is told."""
    return one.field == "sex" and isinstance(one.where, And)


def _in_numbers(one: Fact, text: str) -> bool:
    said = text[one.start : one.stop].lower()
    return any(map(str.isdigit, said)) or any(name in said for name in DECADES) or "of life" in said


def _within(one: Filter, other: Filter) -> bool:
    """Whether one range of ages lies in another."""
    if not (isinstance(one, Between) and isinstance(other, Between)):
        return False
    low = other.low is None or (one.low is not None and float(str(one.low)) >= float(str(other.low)))
    return low and (other.high is None or (one.high is not None and float(str(one.high)) < float(str(other.high)) + 1))


def _meet(one: Filter, other: Filter) -> bool:
    if not (isinstance(one, Between) and isinstance(other, Between) and one.field == other.field):
        return True
    lows, highs = ([_order(bound) for bound in both if bound is not None]
                   for both in ((one.low, other.low), (one.high, other.high)))  # fmt: skip
    return not lows or not highs or max(lows) <= min(highs)


def offers_of(text: str, facts: Sequence[Fact]) -> tuple[Offer, ...]:
    """Facts as conditions that are offered, each with the small words that tie it to the rest."""
    spans: list[Span] = []
    for one in facts:
        start, stop = _whole(text, one)
        spans.append((max(start, spans[-1][1]) if spans else start, stop))
    rest = Taken(len(text), spans)
    only = not any(
        any(char.isalnum() for char in match.group()) and not rest.meets(match.span())
        for match in re.finditer(r"[^\s,;]+", text)
        if match.group().casefold() not in _SAYS_NOTHING
    )
    offers = []
    for one, (start, stop) in zip(facts, spans, strict=True):
        key = " ".join(text[one.start : one.stop].casefold().split())
        certain = one.certain or only
        offers.append(Offer(key, one.text, one.where, start, stop, on=certain, certain=certain))
    return tuple(offers)


_SAYS_NOTHING = frozenset(
    [
        "mri",
        "mr",
        "mrt",
        "scan",
        "scans",
        "study",
        "studies",
        "exam",
        "exams",
        "image",
        "images",
        "imaging",
        "all",
        "every",
        "show",
        "find",
        "me",
        "with",
        "and",
        "in",
        "of",
        "the",
        "on",
        "at",
        "from",
        "a",
        "patient",
        "patients",
        "any",
        "only",
    ]
)


def _whole(text: str, fact: Fact) -> Span:
    start, stop = fact.start, fact.stop
    if (before := _JOINS_BEFORE.search(text[max(0, start - 40) : start])) is not None:
        start -= len(before.group())
    if (after := _JOINS_AFTER.match(text[stop : stop + 20])) is not None:
        stop += after.end()
    return start, stop


def _negated(facts: Sequence[Fact], text: str) -> Iterator[Fact]:
    """Each fact with the "not" before it; "not Siemens or GE" denies both, "no men under 50" who is both."""
    last: Fact | None = None
    for one in _of_one_person(facts, text):
        if not weighs(text, one.start):
            continue
        found, start, behind = one, denied_from(text, one.start), denied_behind(text, one.stop)
        if start is not None:
            found = replace(one, where=Not(one.where), text=f"not {one.text}", start=start)
        elif behind is not None:
            found = replace(one, where=Not(one.where), text=f"not {one.text}", stop=behind)
        elif last is not None and last.text.startswith("not ") and last.field == one.field:
            between = text[last.stop : one.start]
            if _NEITHER.fullmatch(between):
                found = replace(one, where=Not(one.where), text=f"not {one.text}")
        last = found
        yield found


def _of_one_person(facts: Sequence[Fact], text: str) -> Iterator[Fact]:
    """What is denied of a person together as one fact: "no children over 12" are those of 13 to 17."""
    last: Fact | None = None
    for one in facts:
        if last is not None and _goes_on(last, one, text):
            in_words = f"{last.text}, {one.text}"
            last = replace(
                last,
                where=both(last.where, one.where),
                text=in_words,
                stop=one.stop,
                certain=last.certain and one.certain,
            )
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def _goes_on(last: Fact, one: Fact, text: str) -> bool:
    return (
        {last.field, one.field} <= {"sex", "age"}
        and not (last.field == "age" and _in_numbers(last, text))
        and _SAME_PERSON.fullmatch(text, last.stop, one.start) is not None
        and denied_from(text, last.start) is not None
    )


def _joined(facts: Sequence[Fact], text: str) -> list[Fact]:
    """Values of one field in a row, as in "T1 and T2", are one condition that either of them meets."""
    kept: list[Fact] = []
    for one in facts:
        last = kept[-1] if kept else None
        if (
            last is not None and last.field == one.field and isinstance(last.where, Is) and isinstance(one.where, Is)
            and _EITHER.fullmatch(text[last.stop : one.start])
        ):  # fmt: skip
            values = tuple(dict.fromkeys((*last.where.values, *one.where.values)))
            where, in_words = Is(one.field, values), f"{last.text} or {one.text}"
            kept[-1] = Fact(one.field, where, in_words, last.start, one.stop, last.certain or one.certain)
        elif last is not None and last.field == one.field and (both := _both_ranges(last, one, text)) is not None:
            kept[-1] = both
        elif last is not None and (either := _either_time(last, one, text)) is not None:
            kept[-1] = either
        else:
            kept.append(one)
    # "children and adults" asks for nothing
    return [_of_two_groups(one, kept, text) for one in kept if one.where != ALL]


def _of_two_groups(one: Fact, facts: Sequence[Fact], text: str) -> Fact:
    """ "Women and children" are two groups: what holds for one of them is offered."""
    if one.field not in ("sex", "age") or _in_numbers(one, text):
        return one
    for other in facts:
        between = text[min(one.stop, other.stop) : max(one.start, other.start)]
        if {one.field, other.field} == {"sex", "age"} and not _in_numbers(other, text) and _GROUPS.fullmatch(between):
            return replace(one, certain=False)
    return one


def _both_ranges(one: Fact, other: Fact, text: str) -> Fact | None:
    """ "Neonates and infants", "yesterday and today" as one range that holds both; None where they are no such two."""
    first, second = one.where, other.where
    if (
        not (isinstance(first, Between) and isinstance(second, Between))
        or _in_numbers(one, text)
        or _in_numbers(other, text)
    ):
        return None
    if _EITHER.fullmatch(text[one.stop : other.start]) is None:
        return None
    lows, highs = (first.low, second.low), (first.high, second.high)
    low = None if None in lows else min(lows, key=_order)
    high = None if None in highs else max(highs, key=_order)
    if one.field == "date" and None in (low, high):
        return None  # "since last month and before yesterday" are two bounds
    where: Filter = Between(one.field, low, high) if low is not None or high is not None else ALL
    in_words = f"{one.text} or {other.text}"
    return Fact(one.field, where, in_words, one.start, other.stop, one.certain and other.certain)


def _either_time(one: Fact, other: Fact, text: str) -> Fact | None:
    """ "2019, 2021", "May 2024 or March 2025": times apart in a row, of which no scan is of all."""
    every = [*(one.where.parts if isinstance(one.where, Or) else (one.where,)), other.where]
    bounded = all(
        isinstance(part, Between) and part.field == "date" and None not in (part.low, part.high) for part in every
    )
    if not bounded or _EITHER.fullmatch(text[one.stop : other.start]) is None:
        return None
    if any(_meet(part, other.where) for part in every[:-1]):
        return None  # "2021, March 2021" is one time, told more closely
    where, in_words = _either_of(every), f"{one.text} or {other.text}"
    return Fact("date", where, in_words, one.start, other.stop, one.certain or other.certain)


def _either_of(spans: Sequence[Filter]) -> Filter:
    """Any of these times; those that follow one another without a day between are one."""
    times = sorted((one for one in spans if isinstance(one, Between)), key=lambda one: str(one.low))
    joined = [times[0]]
    for one in times[1:]:
        last = joined[-1].high
        if isinstance(last, date) and isinstance(one.low, date) and one.low <= last + timedelta(days=1):
            joined[-1] = Between("date", joined[-1].low, one.high)
        else:
            joined.append(one)
    return joined[0] if len(joined) == 1 else Or(tuple(joined))


def _order(bound: object) -> float:
    return bound.toordinal() if isinstance(bound, date) else float(str(bound))


def fields_named(where: Filter) -> frozenset[str]:
    """The fields of an offered condition, also under a `Not`."""
    found = set[str]()
    for part in conjuncts(where):
        inner = part.part if isinstance(part, Not) else part
        found |= {one.field for one in conjuncts(inner) if isinstance(one, Is | Between)}
    return frozenset(found)
