"""Words that are names of the vocabulary in one language and everyday words in another.

"ALS" is a disease and "als" German for "as"; "la" is the left atrium and an article; "sein" is French for breast and
German for "to be". Everyday words name nothing: the letters they are written in and the words around them tell.
"""

from __future__ import annotations

import re

from spinecho.encoders.language.function_words import FUNCTION_WORDS, shows
from spinecho.encoders.language.stems import root
from spinecho.encoders.language.vocabulary.table import vocabulary

_WORDS: dict[str, tuple[str, ...]] = {
    "als": ("de", "nl"), "av": ("sv",), "com": ("pt",), "dai": ("it",), "den": ("de",), "gut": ("de",), "ich": ("de",),
    "la": ("fr", "es", "it"),
    "là": ("fr",), "met": ("nl", "en"), "pad": ("en",), "par": ("fr",), "sah": ("de",), "sein": ("de",),
    "sol": ("tr",),
}  # fmt: skip
"""By word the languages in which it is an everyday one."""
_NO_NAME = frozenset({"den", "là", "par"})
"""Never a name: "dens" and "pars" are, which have their stems."""
_SELDOM = frozenset({"ich", "sah", "av", "dai", "sol"})
"""Hardly ever in a report of these languages, and often an abbreviation: everyday words only where others say so."""
_WORD = re.compile(r"[^\W\d_]+")


def is_everyday(text: str, start: int, stop: int) -> bool:
    """Whether text[start:stop] is an everyday word there, and names nothing by itself."""
    written = text[start:stop]
    languages = _WORDS.get(written.lower())
    if languages is None:
        return False
    if written.lower() in _NO_NAME:
        return True
    if written.isupper() and not text.isupper():
        return False  # an abbreviation, in the letters of one
    before, after = (_WORD.findall(part.lower()) for part in (text[:start], text[stop:]))
    around = before + after
    if not any(len(word) > 1 for word in around):
        return False  # asked for alone, as in "A. com."
    if "en" in languages and before and (root(before[-1]),) in vocabulary().named:
        return False  # "brain met"
    if any(shows(one, around) for one in languages):
        return True
    return written.lower() not in _SELDOM and not _is_english(around, languages)


def _is_english(words: list[str], unlike: tuple[str, ...]) -> bool:
    """Whether something among the words speaks for English, and nothing for names of another language."""
    stems = [(root(word),) for word in words]
    table = vocabulary()
    if any(stem in table.foreign for stem in stems):
        return False
    shared = frozenset[str]().union(*(FUNCTION_WORDS[one] for one in unlike if one != "en"))
    return any(word in FUNCTION_WORDS["en"] - shared for word in words) or any(
        stem in table.named or stem in table.ambiguous for stem in stems
    )
