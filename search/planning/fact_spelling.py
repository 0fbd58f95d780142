"""Misspelt words of facts: "femal", "saggital", "Febuary" are mended where the patterns of facts are asked.

The list of these words is closed. A word is mended from five letters on, where it begins as one of them does, lies
within one slip of it (two from eight letters on), and nearer to it than to any other word that is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from rapidfuzz.distance import OSA

from spinecho.encoders.language import terms
from spinecho.search.planning.query_plan import Correction
from spinecho.search.planning.term_words import said_elsewhere, term_stems, term_words

_WORD = re.compile(r"(?<![\w*:])[^\W\d_]{5,}(?![\w*:])")
_LONG = 8
"""Letters from which on two slips are likely."""
_WORDS_OF_FACTS = (
    "female females woman women males gentleman gentlemen ladies child children paediatric paediatrics pediatric"
    " pediatrics infant infants babies newborn newborns neonate neonates neonatal toddler toddlers teenage teenager"
    " teenagers adolescent adolescents adult adults elderly geriatric pensioner pensioners preschooler preschoolers"
    " octogenarian octogenarians nonagenarian nonagenarians septuagenarian sexagenarian patient patients middle"
    " january february march april august september october november december spring summer autumn winter"
    " yesterday today month months years weeks christmas quarter"
    " older younger under above below before after between since until without excluding except"
    " axial coronal sagittal transverse oblique weighted flair tesla siemens philips toshiba hitachi canon bruker"
    " hyperfine contrast gadolinium enhanced unenhanced images"
)
FACT_WORDS = frozenset(_WORDS_OF_FACTS.split())
"""Words of five letters and more that tell of a fact, or tie one to the rest."""
_NO_WORDS = (
    "patientin patientinnen patienten transversal transversale axials coronals sagittals enhances contrasts sparing"
)
_NO_SLIPS = frozenset(_NO_WORDS.split())
"""Forms of them in English and German that are spelt as they are meant."""


def mended_words(text: str, knows: Callable[[str], bool]) -> tuple[Correction, ...]:
    """The misspelt words of facts. knows: whether a word in lower case is one of the language."""
    found = []
    for match in _WORD.finditer(text):
        word = match.group().casefold()
        taken = fact_word_meant(word)
        if taken and not knows(word):
            taken = taken.capitalize() if match.group()[0].isupper() else taken
            found.append(Correction(match.group(), taken, *match.span()))
    return tuple(found)


@lru_cache(maxsize=4096)
def fact_word_meant(word: str) -> str:
    """The word of facts that a word in lower case is a slip of; '' where it is none, or one of another word as well."""
    if word in FACT_WORDS or word in _NO_SLIPS or word.endswith(("us", "um")):  # Latin: "musculus obliquus"
        return ""
    taken = _nearest(word)
    if not taken or _stem(word) == _stem(taken):
        return taken
    same = said_elsewhere(taken)  # "sagital" is Spanish, and no other word than "sagittal"
    if _stem(word) in term_stems() and word not in same:
        return ""
    away = OSA.distance(word, taken)
    others = (
        other
        for other in term_words().get(word[0], ())
        if other not in FACT_WORDS and other not in same and _stem(other) != _stem(taken)
    )
    return "" if any(OSA.distance(word, other, score_cutoff=away) <= away for other in others) else taken


def _stem(word: str) -> str:
    return terms.stem("".join(typed for _, typed in terms.plain_words(word)))


def _nearest(word: str) -> str:
    most = 2 if len(word) >= _LONG else 1
    near = sorted(
        (away, known)
        for known in _by_letter().get(word[0], ())
        if OSA.distance(word, known, score_cutoff=most) <= most and (away := _slips(word, known)) <= most
    )
    return near[0][1] if near and near[0][0] else ""


def _slips(typed: str, meant: str) -> int:
    """Slips of the pen: a letter too many, too few or in the other's place is one, as is another vowel.

    Another consonant is two: "flail" is no slip of "flair", nor "WOMAC" of "woman".
    """
    before, row = list[int](), list(range(len(meant) + 1))
    for at, letter in enumerate(typed, start=1):
        last, before, row = before, row, [at]
        for to, other in enumerate(meant, start=1):
            other_letter = 0 if letter == other else 1 if letter in _VOWELS and other in _VOWELS else 2
            cost = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + other_letter)
            if last and to > 1 and typed[at - 2 : at] == meant[to - 2 : to][::-1]:
                cost = min(cost, last[to - 2] + 1)
            row.append(cost)
    return row[-1]


_VOWELS = frozenset("aeiouyäöü")


@lru_cache(maxsize=1)
def _by_letter() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word in sorted(FACT_WORDS):
        found.setdefault(word[0], []).append(word)
    return {letter: tuple(words) for letter, words in found.items()}
