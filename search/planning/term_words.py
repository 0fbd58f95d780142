"""The words of the table of terms, as those are compared with them who look for slips of the pen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from spinecho.encoders.language import terms
from spinecho.encoders.language.vocabulary.table import vocabulary

LEAST = 5
"""Letters from which on a word may be misspelt."""


@lru_cache(maxsize=1)
def every_term_word() -> frozenset[str]:
    """In all languages of the table."""
    return english_words() | _words_in(name for one in vocabulary().concepts.values() for name in one.elsewhere)


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Of two words that are as near, an English one is taken: "meningeoma" is no slip of "Meningeom"."""
    return _words_in(name for one in vocabulary().concepts.values() for name in one.names)


def _words_in(names: Iterable[str]) -> frozenset[str]:
    spelled = {word for name in names for word in re.findall(r"[^\W\d_]+", name.casefold())}
    for american, british in _SPELLINGS:
        spelled |= {word.replace(american, british) for word in spelled if american in word}
    return frozenset(spelled)


@lru_cache(maxsize=256)
def said_elsewhere(word: str) -> frozenset[str]:
    """Words of other languages that stand in names of what this English word is in a name of: Spanish "sagital"."""
    held = (one for one in vocabulary().concepts.values() if one.elsewhere and word in _words_in(one.names))
    return _words_in(name for one in held for name in one.elsewhere)


_SPELLINGS = (
    ("hemorrh", "haemorrh"),
    ("edema", "oedema"),
    ("tumor", "tumour"),
    ("ischem", "ischaem"),
    ("hema", "haema"),
)


@lru_cache(maxsize=1)
def term_words() -> dict[str, tuple[str, ...]]:
    """The words of the table of terms, by their first letter."""
    found: dict[str, list[str]] = {}
    for word in sorted(every_term_word()):
        if len(word) >= LEAST:
            found.setdefault(word[0], []).append(word)
    return {letter: tuple(words) for letter, words in found.items()}


@lru_cache(maxsize=1)
def term_stems() -> frozenset[str]:
    """The stems of all of them."""
    return frozenset(terms.stem("".join(typed for _, typed in terms.plain_words(word))) for word in every_term_word())
