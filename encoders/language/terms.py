"""Does a sentence mention a term, under any of its names? Used to apply conditions such as "no haemorrhage".

Names and what they are kinds or parts of come from `vocabulary`. A narrower finding mentions the wider
("no tumour" leaves out a glioblastoma), never the other way; what is denied is denied with all its kinds (`denied_by`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from spinecho.encoders.language.stems import located, plain_words, stem
from spinecho.encoders.language.vocabulary import concept, meant, wider
from spinecho.encoders.language.vocabulary.reading import read

__all__ = ["denied_by", "located", "mentions", "plain_words", "stem"]

_ITEM = re.compile(r"[,;/]|(?<!\w)(?:and|or|nor|und|oder)(?!\w)", re.IGNORECASE)
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


def denied_by(term: str, sentence: str) -> bool:
    """True where a sentence that denies all it names denies `term` too: "no mass" denies a glioma, not the reverse.

    Places that it names must be those of the term, larger, or a whole region: "no infarct in the pons" does not deny an
    infarct, "no intracranial mass" a tumour.
    """
    asked, loose = _parts(term)
    whole = {one for part in asked for one in (part, *wider(part))}
    return any(_denies(item, whole, loose) for item in _ITEM.split(sentence))


def _denies(item: str, whole: set[str], loose: frozenset[str]) -> bool:
    """Whether one item of a list of what is denied holds nothing narrower than what is asked for."""
    said, words = _parts(item)
    findings = {one for one in said if _is_finding(one)}
    places = {one for one in said if one not in findings and not _is_region(one)}
    return bool(findings) and all(_within(one, whole) for one in findings) and places <= whole and loose <= words


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """(concepts that a text names, stems of its other words)."""
    found, loose = read(text)
    return frozenset(mention.concept for mention in found), frozenset(loose) - _SMALL


@lru_cache(maxsize=4096)
def _plain(text: str) -> frozenset[str]:
    return frozenset(stem for stem, _, _ in located(text)) - _SMALL


def _within(ident: str, whole: set[str]) -> bool:
    """Whether a finding is one of these, or is composed of these and of a region ("brain mass")."""
    found = concept(ident)
    parts = found.parts if found else ()
    return ident in whole or (bool(parts) and all(one in whole or _is_region(one) for one in parts))


def _is_region(ident: str) -> bool:
    area, _, part = ident.partition(":")
    found = concept(ident)
    return area == part or (found is not None and not found.parents and found.kind == "anatomy")


def _is_finding(ident: str) -> bool:
    found = concept(ident)
    return found is not None and found.kind == "finding"
