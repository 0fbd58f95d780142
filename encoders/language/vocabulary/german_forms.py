"""German names in the forms that a sentence gives them: "medialer Meniskus" is also "des medialen Meniskus"."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ADJECTIVE = re.compile(r"(?P<stem>[^\W\d_]{4,}?)(?:e|er|es|en|em)")
_ENDINGS = ("e", "er", "en", "em")
"""Without "es", which goes as a plural of every word does."""
_BEHIND_NOUNS = frozenset({"der", "des", "von", "am", "im", "in", "mit", "ohne", "und"})
_NO_PLURAL = re.compile(r"(?:en|us|um|is|[aioux]|ei)$", re.IGNORECASE)
_IN_N = re.compile(r"(?:e|el|er)$", re.IGNORECASE)


def inflected(name: str) -> Iterator[str]:
    """Further forms of a name: its adjectives, all with one ending, and its noun with the plural that no stem drops."""
    words = name.split()
    nouns = [words[-1], *_plural(words[-1])] if words[0].isalpha() else [words[-1]]
    adjectives = {n: match["stem"] for n, match in _adjectives(words)}
    for ending in _ENDINGS if adjectives else ("",):
        begun = [adjectives[n] + ending if n in adjectives else word for n, word in enumerate(words[:-1])]
        for noun in nouns:
            form = " ".join([*begun, noun])
            if form != name:
                yield form


def _adjectives(words: list[str]) -> Iterator[tuple[int, re.Match[str]]]:
    for n, word in enumerate(words[:-1]):
        match = _ADJECTIVE.fullmatch(word)
        if match is None or words[n + 1] in _BEHIND_NOUNS:
            return
        yield n, match


def _plural(noun: str) -> Iterator[str]:
    if noun.isalpha() and not _NO_PLURAL.search(noun):
        yield noun + ("n" if _IN_N.search(noun) else "en")
    elif noun.endswith("itis"):
        yield noun[:-2] + "iden"
