"""Abbreviations that a text explains itself: "anterior fibrous cord (AFC)", "AFC: anterior fibrous cord"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

Span = tuple[int, int, str]
"""Start, stop and concept of what is named."""

_SHORT = re.compile(r"(?<![\w-])([A-Z][a-z]?[A-Z]{1,4})s?(?![\w-])")
_WORD = re.compile(r"[A-Za-z]+")
_SMALL = frozenset({"of", "the", "and", "in", "to"})
_BETWEEN = re.compile(r"(?:\s*[,:=–—-]\s*|\s+(?:is|indicates|denotes|means)\s+|\s+)(?:the\s+|an?\s+)?", re.IGNORECASE)
_MOST = 6


def explained(text: str, named: Iterable[Span]) -> list[Span]:
    """Where abbreviations stand that a text explains, and the concept that what they are short for ends with."""
    shorts = list(_SHORT.finditer(text))
    if not shorts:
        return []
    ends = {stop: (start, concept) for start, stop, concept in sorted(named, key=lambda one: (one[1], -one[0]))}
    meant: dict[str, str] = {}
    for match in shorts:
        for start, stop in _spelled_out(text, match):
            if stop in ends and start <= ends[stop][0]:
                meant.setdefault(match.group(1), ends[stop][1])
    return [(*match.span(), meant[match.group(1)]) for match in shorts if match.group(1) in meant]


def _spelled_out(text: str, match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Start and end of the words beside an abbreviation whose first letters it is made of."""
    letters = match.group(1).lower()
    if text[: match.start()].endswith("("):
        before = list(_WORD.finditer(text[max(0, match.start() - 120) : match.start() - 1]))
        at = max(0, match.start() - 120)
        if before and not text[at + before[-1].end() : match.start() - 1].strip():
            for count in range(1, min(len(before), _MOST) + 1):
                if _initials(before[-count:]) == letters:
                    yield at + before[-count].start(), at + before[-1].end()
    between = _BETWEEN.match(text, match.end())
    if between:
        after: list[re.Match[str]] = []
        for word in _WORD.finditer(text, between.end()):
            if after and text[after[-1].end() : word.start()].strip("- "):
                break
            after.append(word)
            if len(after) > _MOST or len(letters) < len(_initials(after)):
                break
            if _initials(after) == letters:
                yield after[0].start(), word.end()


def _initials(words: Iterable[re.Match[str]]) -> str:
    return "".join(word.group()[0].lower() for word in words if word.group().lower() not in _SMALL)


__all__ = ["explained"]
