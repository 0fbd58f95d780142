"""Facts in plain words: "women over 60", "from 2022", "T2 FLAIR axial at 3 tesla, Siemens", "not after contrast".

A fact is offered as a condition. It counts at once only where its words can mean nothing else: "women over 60" does,
"T2" beside "hyperintense lesion" does not, as it says where the lesion is bright and not which scans are wanted. Where
everything typed is such facts, they are what is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from spinecho.db.filters.algebra import Between, Filter, Is, Not, conjuncts
from spinecho.search.planning.fact_patterns import PATTERNS, SAYINGS
from spinecho.search.planning.query_plan import Offer
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


_NOT = re.compile(
    r"(?:(?:(?<!\S)[-−])|(?<![\w-])(?:and |but |or )?(?:not|no|non|except(?: for)?|excluding|without|w/o|other than|nor"
    r"|kein(?:e[nrsm]?)?|nicht|ohne)[\s-]{1,3})(?:(?:any|the|a|an|in|on|at|from|of|by|for|with)\s{1,3}){0,2}$",
    re.IGNORECASE,
)
_JOINS_BEFORE = re.compile(
    r"(?:(?<![\w-])(?:in|of|for|on|at|by|the|an?|and|from|with|patients?|imaged|scanned|aged)\s{1,3}){1,3}$",
    re.IGNORECASE,
)
_JOINS_AFTER = re.compile(
    r"\s{1,3}(?:with|and|who ha(?:ve|s|d)|having|showing|mit|scanners?|scans?|patients?)(?!\w)", re.IGNORECASE
)
_EITHER = re.compile(r"\s{0,3}(?:,|/|\+|&|and|or|und|oder|,\s{0,2}(?:and|or))\s{0,3}", re.IGNORECASE)
_NEITHER = re.compile(
    r"\s{1,3}(?:or|nor|and|oder|und)\s{1,3}$|\s{0,3}[,/]\s{0,3}(?:or|nor|and)?\s{0,3}$", re.IGNORECASE
)


def facts_in(text: str, today: date) -> tuple[Fact, ...]:
    """The facts that a text names, in its order, negations and lists of them taken together."""
    taken, found = Taken(len(text)), list[Fact]()
    for match in re.finditer(r'["“”„][^"“”„]*["“”„]|(?<!\S)[-−]?[A-Za-z_]+(?:\.[\w-]+)?:\S+', text):
        taken.take(match.span())  # quoted, or a condition already
    for match in SAYINGS.finditer(text):
        taken.take(match.span())
    for field, pattern, read in PATTERNS:
        for match in pattern.finditer(text):
            if taken.meets(match.span()) or not match.group().strip():
                continue
            reading = read(match, today)
            if reading is None:
                continue
            found.append(Fact(field, reading[0], reading[1], *match.span(), reading[2]))
            taken.take(match.span())
    return tuple(_negated(_joined(_of_now(sorted(found, key=lambda one: one.start), text), text), text))


def _of_now(facts: Sequence[Fact], text: str) -> list[Fact]:
    """Without stages of life that contradict an age in numbers: "sequelae of neonatal anoxia in a 7-year-old boy"."""
    ages = [one for one in facts if one.field == "age" and isinstance(one.where, Between)]
    stages = [one for one in ages if not any(map(str.isdigit, text[one.start : one.stop]))]
    told = [one for one in ages if one not in stages]
    gone = [one for one in stages if any(not _meet(one.where, other.where) for other in told)]
    return [one for one in facts if one not in gone]


def _meet(one: Filter, other: Filter) -> bool:
    if not (isinstance(one, Between) and isinstance(other, Between)):
        return True
    lows, highs = ([bound for bound in both if isinstance(bound, int | float)]
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
    """Each fact with the "not" before it; "not Siemens or GE" denies both."""
    last: Fact | None = None
    for one in facts:
        before = text[max(0, one.start - 40) : one.start]
        match = _NOT.search(before)
        found = one
        if match is not None:
            found = replace(one, where=Not(one.where), text=f"not {one.text}", start=one.start - len(match.group()))
        elif last is not None and last.text.startswith("not ") and last.field == one.field:
            between = text[last.stop : one.start]
            if _NEITHER.fullmatch(between):
                found = replace(one, where=Not(one.where), text=f"not {one.text}")
        last = found
        yield found


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
        else:
            kept.append(one)
    return kept


def fields_named(where: Filter) -> frozenset[str]:
    """The fields of an offered condition, also under a `Not`."""
    found = set[str]()
    for part in conjuncts(where):
        inner = part.part if isinstance(part, Not) else part
        found |= {one.field for one in conjuncts(inner) if isinstance(one, Is | Between)}
    return frozenset(found)
