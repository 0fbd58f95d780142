"""The words of names and texts as they are compared: by their stems, with prefixes joined to what they belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from spinecho.encoders.language.stems import root

Key: TypeAlias = tuple[str, ...]

WORD = re.compile(r"[^\W_]+(?:['’]s\b)?")
DROPPED = frozenset({"of", "the", "a", "an"})
"""Words that stand in a name or do not: "shift of the midline"."""
_PREFIX = re.compile(
    r"(?<![^\W_])(?:(?:anti|endo|epi|extra|infra|inter|intra|juxta|macro|micro|mid|multi|non|para|peri|poly|post|pre"
    r"|pseudo|retro|semi|sub|supra|trans|un)[-‐‑]|(?:hyper|hypo|iso)[-‐‑ ])(?=[^\W\d_])",
    re.IGNORECASE,
)
"""What is one word with the next: "sub-mandibular", "hyper intense", "non-enhancing"."""
_TURNING = frozenset({"non", "un", "anti", "pseudo", "hyper", "hypo", "iso"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text as names are compared: its stem, and text[start:stop].

    parts: what it is made of, where a prefix was joined to it that does not turn it round ("post-radiotherapy").
    """

    stem: str
    start: int
    stop: int
    parts: tuple[Token, ...] = ()


def tokens(text: str) -> list[Token]:
    """The words of a text in order, without "of", "the" and "'s", prefixes joined to what they belong to."""
    prefixes = {match.start() for match in _PREFIX.finditer(text)}
    found: list[Token] = []
    held: list[tuple[int, str]] = []
    for match in WORD.finditer(text):
        word, start = match.group(), match.start()
        if start in prefixes:
            held.append((start, word))
            continue
        if word.lower() in DROPPED and not held:
            continue
        if not held:
            found.append(Token(root(bare(word)), start, match.end()))
            continue
        whole = "".join(part for _, part in held) + bare(word)
        parts = [Token(root(part), at, at + len(part)) for at, part in held]
        parts.append(Token(root(bare(word)), start, match.end()))
        turned = any(part.lower() in _TURNING for _, part in held)
        found.append(Token(root(whole), held[0][0], match.end(), () if turned else tuple(parts)))
        held.clear()
    return found


def key_of(name: str) -> Key:
    """The stems by which a name is found."""
    words = name.split()
    if "".join(words).isalnum() and "hyp" not in name and "iso" not in name:  # most names, at a third of the cost
        return tuple([root(word) for word in words if word not in DROPPED])
    return tuple(token.stem for token in tokens(name))


def bare(word: str) -> str:
    """A word without its possessive ending."""
    return word[:-2] if word.endswith(("'s", "’s")) else word
