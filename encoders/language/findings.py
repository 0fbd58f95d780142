"""What a clause of a report says, and what a question asks for, in the same terms: findings, places, sides, sizes.

What a clause says is stored with it, so that a question compares names and numbers and reads no sentence again.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

from spinecho.encoders.language.clauses.assertions import Assertion, By, Clause, is_normality
from spinecho.encoders.language.laterality import Side, sides
from spinecho.encoders.language.passages import Passage
from spinecho.encoders.language.places import places
from spinecho.encoders.language.sizes import SizeCondition, size_condition, sizes
from spinecho.encoders.language.stems import root
from spinecho.encoders.language.vocabulary import concepts, meant, wider
from spinecho.encoders.language.vocabulary.reading import read
from spinecho.encoders.language.vocabulary.tokens import WORD, bare

RULES = 17
"""Raised whenever the same text gives other sentences, clauses or facts: what older rules stored is told anew."""
ENGLISH_SINCE = 17
"""The rules since which English reports are read alike: what these stored of them stands."""

_FUNCTION_WORDS = "a an the of in on at to with and or for by is are any no not over from this that as mr mri scan"
_SMALL = frozenset(_FUNCTION_WORDS.split())
_SIDES = frozenset(get_args(Side))
_KIND, _UNSIDED = 0.5, 0.8
"""What it counts to name all that a finding is a kind of, and to name what is asked without its side."""
_LARGEST = 10_000.0
"""mm; "larger than 4 cm" has no upper end."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A clause of a sentence; start and end are characters of the sentence, sizes millimetres of the largest one."""

    start: int
    end: int
    text: str
    assertion: Assertion
    decided_by: By
    cue: str
    sides: tuple[str, ...]
    places: tuple[str, ...]
    concepts: tuple[str, ...]
    low_mm: float | None
    high_mm: float | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a question asks of a clause. findings: those named; a clause that names a narrower one names them too."""

    findings: frozenset[str]
    places: frozenset[str]
    sides: frozenset[Side]
    size: SizeCondition | None
    normal: bool
    """Whether it asks for what is normal, which denials answer."""
    concepts: frozenset[str]
    """All that it names: findings, places, technique."""
    words: frozenset[str]
    """Stems of its words that name none of these."""

    def covered(self, concepts: frozenset[str], text: str) -> float:
        """0..1: how much of what is asked a text names that holds these concepts."""
        asked = len(self.concepts) + len(self.words)
        return (len(self.concepts & concepts) + self._shared(text)) / asked if asked else 0.0

    def neared(self, concepts: frozenset[str], text: str, stated: Iterable[str]) -> float:
        """0..1: how near a text comes to what is asked, by which answers are put in order.

        A side counts beside what it is the side of, not by itself: "left" has half the words of "left meningioma" and
        nothing to do with one. What a finding is a kind of counts for a part of it: a schwannoma, where a vestibular
        one is asked for. stated: sides that the text names.
        """
        others = self.concepts - _SIDES
        if not others and not self.words:
            return self.covered(concepts, text)
        near = sum(nearness(one, concepts) for one in others)
        share = (near + self._shared(text)) / (len(others) + len(self.words))
        return share if not self.sides or not self.sides.isdisjoint(stated) else share * _UNSIDED

    def _shared(self, text: str) -> int:
        return len(self.words & read_words(text)) if self.words else 0


def nearness(asked: str, named: Set[str]) -> float:
    """0..1: how near what is named, and all that follows from it, comes to a concept: itself, or what it is a kind of.

    Of a macroadenoma of the pituitary gland "adenoma of the pituitary gland" says more than "tumour".
    """
    if asked in named:
        return 1.0
    above = wider(asked)
    return _KIND * len(above & named) / len(above) if above else 0.0


def statements_in(passage: Passage) -> tuple[Statement, ...]:
    """The clauses of a sentence."""
    return tuple(statement_of(clause) for clause in passage.clauses)


@lru_cache(maxsize=512)
def wish(wanted: str) -> Wish:
    """What the words that are wanted ask for."""
    size = size_condition(wanted)
    named, loose = read(wanted if size is None else wanted[: size.start] + wanted[size.stop :])
    return Wish(
        findings(wanted),
        places(wanted),
        sides(wanted),
        size,
        normal=is_normality(wanted),
        concepts=frozenset(mention.concept for mention in named),
        words=frozenset(loose) - _SMALL,
    )


@lru_cache(maxsize=8192)
def read_words(text: str) -> frozenset[str]:
    """Stems of the words of a text, whatever they name."""
    return frozenset(root(bare(word)) for word in WORD.findall(text))


@lru_cache(maxsize=4096)
def findings(text: str) -> frozenset[str]:
    """The findings that a text names, by id, without those that they are kinds of."""
    named = {mention.concept for mention in concepts(text) if mention.kind == "finding"}
    return frozenset(named - {above for one in named for above in wider(one)})


def statement_of(clause: Clause) -> Statement:
    """A clause with what it names."""
    found_sizes = sizes(clause.text) or sizes(clause.measure)
    largest = max((size.largest for size in found_sizes), key=lambda one: one[1], default=None)
    low, high = (largest[0], min(largest[1], _LARGEST)) if largest else (None, None)
    return Statement(
        clause.start,
        clause.end,
        clause.text,
        clause.assertion,
        clause.by,
        clause.cue,
        tuple(sorted(clause.sides)),
        tuple(sorted(places(clause.text))),
        tuple(sorted(meant(clause.text))),
        low,
        high,
    )
