"""Which concepts of the vocabulary a text names: longest name first, abbreviations by the words near them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from spinecho.encoders.language.stems import root
from spinecho.encoders.language.vocabulary.everyday import is_everyday, local_stem
from spinecho.encoders.language.vocabulary.explained import explained
from spinecho.encoders.language.vocabulary.forms import as_nouns, halves, known_form
from spinecho.encoders.language.vocabulary.german_compounds import compound
from spinecho.encoders.language.vocabulary.lobes import lobes
from spinecho.encoders.language.vocabulary.spanish_adjectives import said_of
from spinecho.encoders.language.vocabulary.spine_levels import Level, levels
from spinecho.encoders.language.vocabulary.table import Concept, Kind, Meaning, vocabulary
from spinecho.encoders.language.vocabulary.tokens import Token, key_of, tokens

_LONG = 2000
"""Characters from which on a text is a whole report, whose reading is not remembered."""
_KEPT = 16384
"""Texts whose reading is remembered: an exclusion looks at every sentence of many studies, again and again."""
_JOINING = frozenset({"and", "or", "und", "oder"})
_ASIDE = re.compile(r"(?<=\w\s)\(\s?([A-Za-z]?[A-Z]{1,6}s?)\s?\)")
_HEAD = 2
"""Words that may stand before "of" in a name turned round."""
_OF = re.compile(r"(?<!\w)of(?!\w)", re.IGNORECASE)
_HYPHENS = ("-", "‐", "‑")
_LATIN = "".join(
    rf"(?<!\b{short})" for short in ("[AaMmNnVv]", "[AaMmNnVv][amnv]", "[Ll]ig", "[Ll]igg", "[Mm]usc", "[Pp]roc")
)
_BREAK = re.compile(rf"[,;:!?()\[\]\n<>|]|{_LATIN}\.|\.(?!\s?[a-z])")
"""What parts two names; not the stop in "N. medianus" or "Lig. flavum"."""


@dataclass(frozen=True, slots=True)
class Mention:
    """text[start:stop] names this concept."""

    start: int
    stop: int
    concept: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Word:
    """A word that can be part of a name."""

    stem: str
    start: int
    stop: int
    opens: bool
    """Whether a comma, a full stop or the like stands before it: no name goes across."""
    belongs: bool = False
    """Whether "of" stands before it: "horn of the lateral meniscus" is the lateral meniscus horn."""
    everyday: bool = False
    """Whether it is a name of the vocabulary elsewhere and names nothing here: "als" in a German sentence."""


def concepts(text: str) -> tuple[Mention, ...]:
    """Every concept that a text names, in its order.

    Words without an order of their own share what follows: "medial and lateral menisci" names two menisci.
    """
    return read(text)[0]


def read(text: str) -> tuple[tuple[Mention, ...], tuple[str, ...]]:
    """(mentions, stems of the words that are in none of them)."""
    return _remembered(text) if len(text) <= _LONG else _read(text)


@lru_cache(maxsize=_KEPT)
def _remembered(text: str) -> tuple[tuple[Mention, ...], tuple[str, ...]]:
    return _read(text)


def _read(text: str) -> tuple[tuple[Mention, ...], tuple[str, ...]]:
    spinal = tuple(sorted((*levels(text), *lobes(text)), key=lambda one: one.start))
    words, aside = _words(text, spinal)
    table = vocabulary()
    found: list[tuple[int, int, str]] = []
    loose: list[int] = []
    at = 0
    while at < len(words):
        length, concept = _longest(words, at, len(words))
        for other in range(at + 1, at + length):  # "parapharyngeal space" yields to "space occupying lesion"
            if _longest(words, other, len(words))[0] > length:
                length, concept = _longest(words, at, other)
                break
        if concept:
            found.append((at, at + length, concept))
        else:
            loose.append(at)
        at += max(length, 1)
    shared = _shared(words, found)
    taken = {at for at, _, _ in shared}
    both = sorted([one for one in found if not (one[0] in taken and one[1] == one[0] + 1)] + shared)
    mentions = [
        Mention(words[a].start, words[b - 1].stop, concept, table.concepts[concept].kind) for a, b, concept in both
    ]
    for word in aside:
        meanings = table.ambiguous.get((word.stem,))
        aside_of = _by_context(meanings, words, 0, 0) if meanings else table.named.get((word.stem,))
        if aside_of:
            mentions.append(Mention(word.start, word.stop, aside_of, table.concepts[aside_of].kind))
    said = dict[int, str]()
    for at in loose:
        if at not in taken:
            mentions += _within(text, words[at])
            if name := said_of(text, words[at].start, words[at].stop):
                said[at] = table.named[key_of(name)]
    mentions += [Mention(words[at].start, words[at].stop, one, table.concepts[one].kind) for at, one in said.items()]
    mentions += [Mention(level.start, level.stop, ident, "anatomy") for level in spinal for ident in level.ids]
    short = explained(text, ((one.start, one.stop, one.concept) for one in mentions))
    if short:
        told = {(start, stop) for start, stop, _ in short}
        mentions = [one for one in mentions if (one.start, one.stop) not in told]
        taken_up = [(one.start, one.stop) for one in mentions]
        mentions += [
            Mention(start, stop, ident, table.concepts[ident].kind)
            for start, stop, ident in short
            if not any(a < stop and start < b for a, b in taken_up)
        ]
    return tuple(sorted(mentions, key=lambda one: (one.start, one.stop))), tuple(
        words[at].stem for at in loose if at not in taken and at not in said
    )


def _longest(words: list[Word], at: int, stop: int) -> tuple[int, str]:
    """(number of words, concept) of the longest name that begins here and ends before `stop`; (0, "") for none."""
    table = vocabulary()
    first = words[at].stem
    reach = max(table.longest.get(first, 0), table.longest.get(as_nouns((first,))[0], 0))
    owner = next((n for n in range(at + 1, min(at + _HEAD + 1, stop)) if words[n].belongs), 0)
    if owner:
        whole = words[owner].stem
        turned = max(table.longest.get(whole, 0), table.longest.get(as_nouns((whole,))[0], 0))
        reach = max(reach, turned)
    reach = min(reach, stop - at)
    for length in range(1, reach):
        if words[at + length].opens:
            reach = length
            break
    for length in range(reach, 1 if words[at].everyday else 0, -1):
        key = tuple(word.stem for word in words[at : at + length])
        meanings = table.ambiguous.get(key)
        concept = _by_context(meanings, words, at, length) if meanings else table.named.get(key, "")
        if not concept and not meanings:
            concept = table.named.get(as_nouns(key), "")
        if not concept and owner and at < owner < at + length:
            front, behind = key[: owner - at], key[owner - at :]
            for round_ in (behind + front, front[:1] + behind + front[1:]):  # "posterior wall of the vagina" too
                concept = concept or table.named.get(round_) or table.named.get(as_nouns(round_), "")
            if concept and _longest(words, owner, stop)[0] > at + length - owner:
                concept = ""  # a "lesion of the ring finger" is no ring lesion
        if concept:
            return length, concept
    return 0, ""


def _words(text: str, spinal: tuple[Level, ...]) -> tuple[list[Word], list[Word]]:
    """(words that can be part of a name, abbreviations in brackets), those within a level of the spine left out.

    An abbreviation in brackets stands beside what it is short for and parts no name: "right ventricular (RV) mass".
    """
    asides = {match.start(1): match.end() for match in _ASIDE.finditer(text)}
    found: list[Word] = []
    aside: list[Word] = []
    last = 0
    skipped = iter(spinal)
    level = next(skipped, None)
    known = vocabulary().stems
    for token in (one for whole in tokens(text) for one in _apart(whole, known, text)):
        while level and level.stop <= token.start:
            level = next(skipped, None)
        if level and token.start < level.stop and level.start < token.stop:
            continue
        if token.start in asides:
            aside.append(Word(token.stem, token.start, token.stop, opens=True))
            last = asides[token.start]
            continue
        if found and text[last : token.start] in _HYPHENS:
            whole = root(text[found[-1].start : last] + text[token.start : token.stop])
            if whole in known:  # "temporo-mandibular"
                found[-1] = Word(whole, found[-1].start, token.stop, found[-1].opens)
                last = token.stop
                continue
        opens = _BREAK.search(text, last, token.start + 1) is not None
        belongs = _OF.search(text, last, token.start) is not None
        everyday = is_everyday(text, token.start, token.stop)
        stem = local_stem(text, token.start, token.stop) or token.stem
        found.append(Word(stem, token.start, token.stop, opens, belongs, everyday))
        last = token.stop
    return found, aside


def _apart(token: Token, known: set[str], text: str) -> tuple[Token, ...]:
    """A word that no name holds, without its prefix ("post-radiotherapy"), in a known form or in two halves."""
    if token.stem in known:
        return (token,)
    if token.parts:
        return token.parts
    word = text[token.start : token.stop]
    if german := compound(word, known):
        return tuple(Token(stem, token.start + start, token.start + stop) for stem, start, stop in german)
    stem = known_form(word, token.stem)
    if stem != token.stem:
        return (Token(stem, token.start, token.stop),)
    cut = halves(word)
    if not cut:
        return (token,)
    (first, _), (second, at) = cut
    middle = token.start + at
    return (Token(first, token.start, middle), Token(second, middle, token.stop))


def _within(text: str, word: Word) -> Iterator[Mention]:
    """What a word names that stands in longer names only: "rectovesical" is of rectum and bladder."""
    table = vocabulary()
    if word.stem not in table.stems or word.everyday or (word.stem,) in table.ambiguous:
        return
    whole = text[word.start : word.stop]
    parts = halves(whole) or ((known_form(whole, word.stem), 0),)
    ends = [word.start + at for _, at in parts[1:]] + [word.stop]
    for (stem, at), stop in zip(parts, ends, strict=True):
        concept = table.named.get((stem,))
        if concept and (stem,) not in table.ambiguous:
            yield Mention(word.start + at, stop, concept, table.concepts[concept].kind)


def _by_context(meanings: tuple[Meaning, ...], words: list[Word], at: int, length: int) -> str:
    """What an ambiguous name means here; "" for nothing."""
    beside = (*words[max(0, at - 12) : at], *words[at + length : at + length + 12]) if length else words
    near = {word.stem for word in beside}
    counted = [(len(one.near & near), -n) for n, one in enumerate(meanings)]
    _, which = max(counted)
    return meanings[-which].concept


def _shared(words: list[Word], found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The first of "medial and lateral menisci", "first, second and third toes": they share the noun."""
    table = vocabulary()
    long = {n for a, b, _ in found if b - a > 1 for n in range(a, b)}
    shared: list[tuple[int, int, str]] = []
    for a, b, _ in found:
        if b - a < 2:
            continue
        rest = tuple(word.stem for word in words[a + 1 : b])
        before, joined = a - 1, False
        opens = words[a].opens
        while before >= 0 and before not in long:
            if words[before].stem in _JOINING and not joined:
                joined, opens = True, opens or words[before].opens
                before -= 1
                continue
            concept = table.named.get((words[before].stem, *rest))
            if concept is None or not (joined or opens):
                break
            shared.append((before, before + 1, concept))
            joined, opens = False, words[before].opens
            before -= 1
    return shared


def concept(ident: str) -> Concept | None:
    """The concept of this id."""
    return vocabulary().concepts.get(ident)


def names(ident: str) -> tuple[str, ...]:
    """What a concept is called, the name it goes by first; empty for an unknown id."""
    found = vocabulary().concepts.get(ident)
    return found.names if found else ()


def elsewhere(ident: str) -> tuple[str, ...]:
    """What a concept is called in other languages than English."""
    found = vocabulary().concepts.get(ident)
    return found.elsewhere if found else ()


def is_foreign(name: str) -> bool:
    """Whether a name is known, and is of another language than English."""
    return tuple(token.stem for token in tokens(name)) in vocabulary().foreign


@cache
def looked_for(ident: str) -> tuple[str, ...]:
    """The names of a concept, and of its kinds that are said for it (haematoma for haemorrhage), English ones first."""
    meant = tuple(_sought_for(ident))
    every = (*(name for one in meant for name in names(one)), *(name for one in meant for name in elsewhere(one)))
    return tuple(dict.fromkeys(every))


def _sought_for(ident: str) -> Iterator[str]:
    """A concept, and its kinds that are said for it."""
    yield ident
    table = vocabulary()
    for child in table.children.get(ident, ()):
        if table.concepts[child].alike and table.concepts[child].parents[0] == ident:
            yield from _sought_for(child)


@cache
def wider(ident: str) -> frozenset[str]:
    """All that a concept is a kind or a part of, however far up; not itself. What it is composed of counts too."""
    found = vocabulary().concepts.get(ident)
    if found is None:
        return frozenset()
    above = (*found.parents, *found.parts)
    return frozenset(above).union(*(wider(one) for one in above))


@cache
def narrower(ident: str) -> frozenset[str]:
    """All that is a kind or a part of a concept, however far down; not itself."""
    table = vocabulary()
    below = (*table.children.get(ident, ()), *table.composed.get(ident, ()))
    return frozenset(below).union(*(narrower(one) for one in below))


def closure(idents: Iterable[str]) -> frozenset[str]:
    """These concepts, all wider ones, and those whose parts are all there: a tear and a meniscus."""
    table = vocabulary()
    found = set(idents)
    found |= {above for one in found for above in wider(one)}
    while True:
        more = {
            whole
            for part in found
            for whole in table.composed.get(part, ())
            if whole not in found and found.issuperset(table.concepts[whole].parts)
        }
        if not more:
            return frozenset(found)
        found |= more | {above for one in more for above in wider(one)}


@lru_cache(maxsize=_KEPT)
def meant(text: str) -> frozenset[str]:
    """Every concept that a text names or that follows from what it names."""
    return closure((*(mention.concept for mention in concepts(text)), *inner_places(text)))


_NO_PLACE = frozenset({
    "valgus", "erosion", "dawson fingers", "patent foramen ovale", "pancreas divisum", "non-ossifying fibroma",
    "intramural fibroid", "aortic dissection", "extraprostatic extension", "gestational trophoblastic disease",
    "persistent trigeminal artery", "brain herniation", "chiari malformation", "pulmonary hypertension",
    "pulmonary regurgitation", "pulmonary stenosis", "cranial nerve palsy",
})  # fmt: skip
"""Findings in whose names a word stands that elsewhere is a place."""


@lru_cache(maxsize=4096)
def inner_places(text: str) -> frozenset[str]:
    """Places that stand within the name of a finding: the left ventricle in "LV thrombus"."""
    found: set[str] = set()
    for mention in concepts(text):
        phrase = text[mention.start : mention.stop]
        if mention.kind != "finding" or " " not in phrase or mention.concept in _NO_PLACE:
            continue
        for part in (phrase[: phrase.rindex(" ")], phrase[phrase.index(" ") + 1 :]):
            found.update(one.concept for one in read(part)[0] if one.kind == "anatomy")
    return frozenset(found)


__all__ = ["Mention", "closure", "concept", "concepts", "meant", "names", "narrower", "read", "wider"]
