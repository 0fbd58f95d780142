"""Which language a report is written in, by its commonest words: plain rules that anyone can check."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from spinecho.encoders.language.function_words import FUNCTION_WORDS, LETTERS
from spinecho.encoders.language.vocabulary.table import vocabulary

Language = Literal["en", "de", "fr", "es", "other", "unknown"]
READ: tuple[str, ...] = ("en", "de", "fr", "es")
"""Languages whose clauses are judged."""

_WORD = re.compile(r"[^\W\d_]+")
_SHORT = re.compile(r"(?<!\w)(?:[a-z]{1,2}/)+[a-z]{1,2}(?!\w)")
"""Letters that are words elsewhere: "k/c/o", "o/e", "e/o" are no Portuguese."""
_LEAST, _LEAST_OTHER = 2, 4
"""Marks of a language from which on it is believed: of one that has rules, and of one that has none."""
_LEAD = 1.2
"""How many times those of the next one."""
_LONG = 20
"""Words of a text that must hold an English function word, if it is English."""
_NAMED = 0.3
"""Share of words of English names from which on a list without a function word is not of another language."""
_MOST = 6000
"""Characters that are looked at: a report tells its language in its first lines."""


@lru_cache(maxsize=1024)
def language_of(text: str) -> Language:
    """The language of a report: one whose clauses are judged, "other", or "unknown" for too little to tell.

    Function words of each language are counted, and letters that it has alone; a language must lead. English is taken
    unless another leads: its words are the plainest.
    """
    heard = text[:_MOST].lower().replace("’", "'")
    words = _WORD.findall(_SHORT.sub(" ", heard))
    if not words:
        return "unknown"
    counted = {language: float(sum(word in known for word in words)) for language, known in FUNCTION_WORDS.items()}
    english = counted.pop("en")
    if not any(char.isascii() for word in words[:50] for char in word):
        return "other"
    for language, letters in LETTERS:
        hits = sum(letters.search(word) is not None for word in heard.split())
        counted[language] += min(hits, 0.5 * len(words))
    best = max(counted, key=lambda one: counted[one])
    most = counted.pop(best)
    if english >= most:
        if english or len(words) < _LONG or most:
            return "en" if english else "unknown"
        named = sum(word in _english_names() for word in words)
        return "unknown" if named >= _NAMED * len(words) else "other"
    second = max(counted.values())
    if most < (_LEAST if best in READ else _LEAST_OTHER) or most < (_LEAD if best in READ else 2.0) * english:
        return "unknown"
    if best not in READ:
        return (
            "other" if most >= _LEAD * second or all(one not in READ for one in _near(counted, second)) else "unknown"
        )
    return _typed(best) if most >= _LEAD * second else "unknown"


@lru_cache(maxsize=1)
def _english_names() -> frozenset[str]:
    """The words of the vocabulary's English names."""
    every = (name for one in vocabulary().concepts.values() for name in one.names)
    return frozenset(word for name in every for word in _WORD.findall(name.lower()))


def _near(counted: dict[str, float], second: float) -> list[str]:
    return [language for language, count in counted.items() if count == second]


def _typed(language: str) -> Language:
    return "de" if language == "de" else "fr" if language == "fr" else "es"
