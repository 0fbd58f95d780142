"""The words of a query as full text finds them: which count, under which names, and how strictly they are joined."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from spinecho.db.reports.full_text import (
    Group,
    Joined,
    Match,
    count_each,
    count_words,
    expression,
    is_together,
    together,
)
from spinecho.db.schema.database import Database
from spinecho.encoders.language.expand import expand
from spinecho.encoders.language.query_words import QueryText
from spinecho.encoders.language.sizes import SizeCondition, size_condition, sizes
from spinecho.encoders.language.terms import located
from spinecho.encoders.language.vocabulary import concept, concepts, looked_for, wider

_WORD = re.compile(r"\w+")
_UNITS = frozenset({"cm", "mm"})
_MOST_OF_A_PART = 8
_COMMON = 5_000
"""Passages from which on a word is too common to be looked for on its own."""


@dataclass(frozen=True, slots=True)
class Words:
    """What full text looks for."""

    groups: tuple[Group, ...]
    """All that was typed, in its order."""
    exact: tuple[Group, ...] = ()
    """Those that must be there, from quotes and `word*`."""
    learned: tuple[Group, ...] = ()
    """From studies that fitted: looked for beside what was typed, where nothing has to be there."""
    size: SizeCondition | None = None
    """The size that is asked for: sizes that are so are marked, not their unit."""

    @property
    def names(self) -> list[str]:
        """Every name of what was typed."""
        return [name for group in (*self.groups, *self.exact) for name in group if not is_together(name)]

    def match(self, joined: Joined, groups: Sequence[Group] | None = None) -> Match:
        """The full-text query: the exact ones, and all the others; or the exact ones, else any of the others."""
        others = self.groups if groups is None else groups
        if joined == "all":
            return expression((*self.exact, *others))
        return expression(self.exact) or expression((*others, *self.learned) if others else (), "any")


NO_WORDS = Words(())


def words_of(query: QueryText) -> Words:
    """The groups of what is wanted; what is not wanted is a condition and adds no words."""
    exact = tuple((phrase,) for phrase in query.phrases) + tuple((f"{start}*",) for start in query.prefixes)
    rest = query.wanted
    for taken in (*query.phrases, *query.prefixes):
        rest = rest.replace(taken, " ")
    return Words(_expanded(rest), exact, size=size_condition(query.wanted))


def words_unwanted(query: QueryText) -> Words:
    """The groups of what is not wanted: what is marked where a sentence denies it."""
    return Words(tuple(group for term in query.unwanted for group in _expanded(term)))


@lru_cache(maxsize=256)
def _expanded(wanted: str) -> tuple[Group, ...]:
    """What is named, each with all its names and with what together means it: a tear and a meniscus in one passage."""
    return tuple((*group, *composed(group[0])) for group in expand(wanted))


def composed(own: str) -> Group:
    """The parts of a finding together, a tear and a meniscus, as one name; none where it has no parts."""
    found = [concept(mention.concept) for mention in concepts(own)]
    if len(found) != 1 or found[0] is None or len(found[0].parts) < 2:
        return ()
    return (together(looked_for(part)[:_MOST_OF_A_PART] for part in found[0].parts),)


def rare(database: Database, words: Iterable[str], *, most: int) -> tuple[Group, ...]:
    """The first of these words, `most` at most, that some passage holds and not too many do, each a group."""
    kept: list[Group] = []
    for word in words:
        if len(kept) < most and 0 < count_words(database, expression([(word,)]), most=_COMMON) < _COMMON:
            kept.append((word,))
    return tuple(kept)


def rarest_first(database: Database, words: Words) -> tuple[Group, ...]:
    """The groups that some passage holds, those that too many hold left out unless there is no other."""
    asked = [(match, group) for group in words.groups if (match := expression([group]))]
    counts = count_each(database, [match for match, _ in asked], most=_COMMON)
    counted = [(count, group) for count, (_, group) in zip(counts, asked, strict=True)]
    found = sorted((pair for pair in counted if pair[0]), key=lambda pair: pair[0])
    return tuple(group for count, group in found if count < _COMMON) or tuple(group for _, group in found[:1])


def spans(words: Words, text: str) -> tuple[tuple[int, int], ...]:
    """(start, stop) of what a sentence says of these words, in characters: what was asked for, kinds and parts of it.

    Under whatever name; a tear and a meniscus where a meniscal tear was asked for.
    """
    names, starts = _stems(words)
    asked = _asked(words)
    found = [
        (mention.start, mention.stop)
        for mention in concepts(text)
        if mention.concept in asked or asked & wider(mention.concept)
    ]
    stems = located(text)
    at = 0
    while at < len(stems):
        longest = next((n for n in range(6, 0, -1) if tuple(stem for stem, _, _ in stems[at : at + n]) in names), 0)
        if not longest and text[stems[at][1] :].casefold().startswith(starts):
            longest = 1
        if longest:
            last = min(at + longest, len(stems)) - 1
            found.append((stems[at][1], stems[last][2]))
        at += longest or 1
    if words.size is not None:
        found = [one for one in found if text[slice(*one)].casefold() not in _UNITS]
        found += [(one.start, one.stop) for one in sizes(text) if words.size.holds(one)]
    return _merged(found)


def _merged(found: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return tuple(merged)


@lru_cache(maxsize=64)
def _asked(words: Words) -> frozenset[str]:
    """The concepts that are asked for, and the parts of those that are composed."""
    named = [mention.concept for group in words.groups for mention in concepts(group[0])]
    known = [found for one in named if (found := concept(one))]
    return frozenset(named).union(*(found.parts for found in known))


@lru_cache(maxsize=64)
def _stems(words: Words) -> tuple[frozenset[tuple[str, ...]], tuple[str, ...]]:
    """(stems of every name, beginnings of words)."""
    every = [name for group in (*words.groups, *words.exact) for name in group if not is_together(name)]
    names = frozenset(tuple(stem for stem, _, _ in located(name)) for name in every if not name.endswith("*"))
    return names - {()}, tuple(name.rstrip("*").casefold() for name in every if name.endswith("*"))


def unheard(database: Database, words: Words, wanted: str = "", *, passages: Iterable[str] = ()) -> tuple[str, ...]:
    """What of the query no passage of the archive says, as it is written in `wanted`, where sizes are no words.

    passages: some of them; what these say word for word is not asked for.
    """
    size = size_condition(wanted)
    sized = set(re.findall(r"\w+", wanted[size.start : size.stop].casefold())) if size is not None else set()
    typed = {word.casefold(): word for word in re.findall(r"\w[\w-]*", wanted)}
    heard = [_spaced(one) for one in passages]
    asked = [
        (match, group[0])
        for group in (*words.exact, *words.groups)
        if group[0].casefold() not in sized and not _among(group, heard) and (match := expression([group]))
    ]
    counts = count_each(database, [match for match, _ in asked], most=1)
    whole = {piece: word for key, word in typed.items() if "-" in key for piece in key.split("-") if piece not in typed}
    never = [name for count, (_, name) in zip(counts, asked, strict=True) if not count]
    known_words = (
        whole.get(name.casefold(), typed.get(name.casefold(), name)) for name in never
    )  # "x-ray", not "x" and "ray"
    return tuple(dict.fromkeys(known_words))


def _among(group: Group, heard: Sequence[str]) -> bool:
    """Whether one of these texts holds a name of the group word for word, as full text would find it too."""
    names = [_spaced(name) for name in group if name.isascii() and "*" not in name and not is_together(name)]
    return any(name in text for name in names if name.strip() for text in heard)


def _spaced(text: str) -> str:
    """The words of a text in lower case, a blank before and after each."""
    words = " ".join(_WORD.findall(text.lower()))
    return f" {words} "
