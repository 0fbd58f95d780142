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
from spinecho.search.planning.term_words import term_stems, term_words

_WORD = re.compile(r"(?<![\w*:])[^\W\d_]{5,}(?![\w*:])")
_LONG = 8
"""Letters from which on two slips are likely."""
FACT_WORDS = (
    "female females woman women males gentleman gentlemen ladies child children paediatric paediatrics pediatric"
    " pediatrics infant infants babies newborn newborns neonate neonates neonatal toddler toddlers teenage teenager"
    " teenagers adolescent adolescents adult adults elderly geriatric pensioner pensioners preschooler preschoolers"
    " octogenarian octogenarians nonagenarian nonagenarians septuagenarian sexagenarian patient patients middle"
    " january february march april august september october november december spring summer autumn winter"
    " yesterday today month months years weeks christmas quarter"
    " older younger under above below between before after since until older without excluding except"
    " axial coronal sagittal transverse oblique weighted flair tesla siemens philips toshiba hitachi canon bruker hyperfine"
    " contrast gadolinium enhanced unenhanced images"
).split()
"""Words of five letters and more that tell of a fact, or tie one to the rest."""
_NO_SLIPS = frozenset("patientin patientinnen patienten transversal transversale axials coronals sagittals enhances contrasts sparing".split())


def mended_words(text: str, knows: Callable[[str], bool]) -> tuple[Correction, ...]:
    """The misspelt words of facts. knows: whether a word in lower case is one of the language."""
    found = []
    for match in _WORD.finditer(text):
        word = match.group().casefold()
        if word in _known() or word in _NO_SLIPS or word.endswith(("us", "um")) or not (taken := nearest_fact_word(word)) or knows(word):
            continue
        stem = _stem(word)
        if stem in term_stems() and stem != _stem(taken):
            continue
        away = OSA.distance(word, taken)
        if stem != _stem(taken) and any(
            OSA.distance(word, other, score_cutoff=away) <= away
            for other in term_words().get(word[0], ())
            if other not in _known()
        ):
            continue
        found.append(Correction(match.group(), taken.capitalize() if match.group()[0].isupper() else taken, *match.span()))
    return tuple(found)


def _stem(word: str) -> str:
    return terms.stem("".join(typed for _, typed in terms.plain_words(word)))


@lru_cache(maxsize=4096)
def nearest_fact_word(word: str) -> str:
    """The word of facts that a word in lower case may be a slip of; '' where none or several with other meanings are."""
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
def _known() -> frozenset[str]:
    return frozenset(FACT_WORDS)


@lru_cache(maxsize=1)
def _by_letter() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word in FACT_WORDS:
        found.setdefault(word[0], []).append(word)
    return {letter: tuple(words) for letter, words in found.items()}
