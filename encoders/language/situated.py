"""A finding as somebody asks for it, apart from where it must be: "left temporal haemorrhage"."""

from __future__ import annotations

from functools import lru_cache

from spinecho.encoders.language.expand import SMALL, expand, spans
from spinecho.encoders.language.findings import findings
from spinecho.encoders.language.laterality import sides, without_sides
from spinecho.encoders.language.places import places
from spinecho.encoders.language.vocabulary import concept, concepts

_JOINING = SMALL | frozenset(
    ("side", "sides", "sided", "both", "seite", "beide", "beiden", "der", "die", "das", "des", "den", "dem", "im", "am",
     "du", "de", "la", "le", "les", "del", "el", "los", "las", "en", "côté", "lado")
)  # fmt: skip
"""What joins a finding with its side and place."""


@lru_cache(maxsize=512)
def situated(text: str) -> tuple[str, frozenset[str], frozenset[str], frozenset[str]]:
    """The finding ('' where only sides and places are named), its sides (left, right, both), ids of its places, and the
    id of a finding that is made of several things, as clauses tell it whatever their words ("the meniscus is torn").

    What is named in one piece stays in one piece: "medial meniscal tear", "left ventricle", "white matter lesion".

    >>> situated("haemorrhage in the left temporal lobe")
    ('haemorrhage', frozenset({'left'}), frozenset({'brain:temporal'}), frozenset())
    """
    loose, kept, found, at = [], [], set[str](), 0
    for start, stop, mentions in (*spans(concepts(text)), (len(text), len(text), ())):
        between, piece = text[at:start], text[start:stop]
        at = max(at, stop)
        loose.append(between)
        kept.append(_without(between))
        if any(one.kind == "finding" for one in mentions):
            kept.append(piece)
            continue
        loose.append(piece)
        if mentions and all(one.kind == "anatomy" for one in mentions) and (here := places(piece)):
            found |= here
        elif sides(piece) != {"bilateral"}:
            kept.append(_without(piece))
    told = sides("".join(loose)) & {"left", "right", "bilateral"}
    rest = [word for word in "".join(kept).split() if word.casefold() not in _JOINING]
    what = " ".join(rest) if any(word[0].isalnum() for word in rest) else ""
    if what and found and not findings(what):  # "liver function": one thing, for all we know
        what, found = " ".join(word for word in _without(text).split()), set()
    both = frozenset("both" if one == "bilateral" else one for one in told)
    return what, both, frozenset(found), _made(what)


def _without(text: str) -> str:
    return f" {without_sides(text)} " if sides(text) else text


def _made(what: str) -> frozenset[str]:
    """The id of a finding that is made of several things, where it is all that is named; its name tells no more."""
    found = findings(what)
    known = concept(next(iter(found))) if len(found) == 1 and len(expand(what)) == 1 else None
    made = known is not None and len(known.parts) > 1 and places(known.id) == places(what)
    return found if made else frozenset()
