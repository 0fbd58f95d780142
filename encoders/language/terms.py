"""Does a sentence mention a term, under any of its names? Used to apply conditions such as "no haemorrhage".

Names and what they are kinds or parts of come from `vocabulary`. A narrower finding mentions the wider
("no tumour" leaves out a glioblastoma), never the other way.
"""

from __future__ import annotations

from functools import lru_cache

from spinecho.encoders.language.stems import located, plain_words, stem
from spinecho.encoders.language.vocabulary import meant
from spinecho.encoders.language.vocabulary.reading import read

__all__ = ["located", "mentions", "plain_words", "stem"]

_FUNCTION_WORDS = "a an the of in on at to with and or for by is are any no not"
_SMALL = frozenset(_FUNCTION_WORDS.split())


def mentions(term: str, sentence: str) -> bool:
    """True where every part of `term` is named in `sentence`, in any order, whatever its form or synonym.

    It says nothing about whether the sentence asserts or denies; "non-enhancing" does not mention enhancement.
    A term without a word is mentioned nowhere.
    """
    asked, loose = _parts(term)
    if not (asked or loose):
        return False
    words = _plain(sentence) | _parts(sentence)[1]
    if asked <= meant(sentence) and loose <= words:
        return True
    plain = _plain(term)  # "low lying cord" against "the cord lies low", where no name stands in one piece
    return len(plain) > 1 and plain <= words


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """(concepts that a text names, stems of its other words)."""
    found, loose = read(text)
    return frozenset(mention.concept for mention in found), frozenset(loose) - _SMALL


@lru_cache(maxsize=4096)
def _plain(text: str) -> frozenset[str]:
    return frozenset(stem for stem, _, _ in located(text)) - _SMALL
