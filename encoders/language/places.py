"""Where in the body a text speaks of, and whether that is where it was asked for.

A sentence vector hardly tells L4/5 from L5/S1, or the medial meniscus from the lateral, so places are conditions like
sides. They are the anatomy of `encoders.language.vocabulary`, each a part of what stands above it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, TypeAlias

from spinecho.encoders.language.vocabulary import concept, concepts, inner_places, wider
from spinecho.encoders.language.vocabulary.spine_levels import position

Fit: TypeAlias = Literal["same", "within", "contains", "other", "unknown"]

_CORD = {
    "spine:cervical cord": ("spine:cervical spine",), "spine:thoracic cord": ("spine:thoracic spine",),
    "spine:conus medullaris": ("spine:thoracic spine", "spine:lumbar spine"),
}  # fmt: skip
"""The parts of the spine in which a part of the cord lies, which has no levels of its own: reports give vertebrae's."""
_ALONG = frozenset(("spine:cervical spine", "spine:thoracic spine", "spine:lumbar spine", "spine:sacrum"))
_ORDER: tuple[Fit, ...] = ("same", "within", "contains", "unknown", "other")


@lru_cache(maxsize=4096)
def places(text: str) -> frozenset[str]:
    """Ids of the places that a text names: "spine:L4/5", "brain:frontal", "knee:medial meniscus", "hand:thumb".

    The narrowest alone: "frontal lobe of the brain" is the frontal lobe. The place of a finding counts: a meniscus for
    "meniscal tear". "left ventricle" is one, whatever side it has.
    """
    found = set(inner_places(text))
    for mention in concepts(text):
        if mention.kind == "anatomy":
            found.add(mention.concept)
        else:
            found.update(_of_finding(mention.concept))
    implied: frozenset[str] = frozenset().union(*(wider(one) for one in found))
    return frozenset(found) - implied


@lru_cache(maxsize=4096)
def place_fit(asked: frozenset[str], stated: frozenset[str]) -> Fit:
    """Whether what is said lies where it is asked for, by ids as `places` gives them.

    same: every place asked for is said. within: a part of it is said (asked the brain, said the frontal lobe).
    contains: only something larger is said, or some of the places asked for and nothing against the others. other: a
    place of the same kind is said that is not the one asked for. unknown: no place of that kind is said, or none is
    asked for.
    Places asked for that rule one another out ("L4/5 and L5/S1") are alternatives: the best fit of them counts.
    """
    if not asked:
        return "unknown"
    fits: list[tuple[str, Fit]] = [(one, _fit(one, stated)) for one in sorted(asked)]
    judged: list[Fit] = []
    for one, fit in fits:
        rivals = [other for place, other in fits if place != one and _excludes(place, one)]
        judged.append(min((fit, *rivals), key=_ORDER.index))
    if "other" in judged:
        return "other"
    if "unknown" in judged:
        return "unknown" if set(judged) == {"unknown"} else "contains"
    return max(judged, key=_ORDER.index)


def _fit(asked: str, stated: frozenset[str]) -> Fit:
    if asked in stated:
        return "same"
    if any(asked in wider(one) for one in stated):
        return "within"
    at = position(asked)
    if at is not None and {at - 1, at + 1} <= {position(one) for one in stated}:
        return "within"  # L4 lies between L3/4 and L4/5
    if _off_along_the_spine(asked, stated):
        return "other"
    above = wider(asked)
    nearest = [one for one in stated if one in above]
    rivals = [one for one in stated if _excludes(asked, one)]
    if nearest and not any(one in wider(rival) for one in nearest for rival in rivals):
        return "contains"
    if rivals:
        return "other"
    return "contains" if nearest else "unknown"


def _off_along_the_spine(asked: str, stated: frozenset[str]) -> bool:
    """Whether a part of the cord is asked for and levels elsewhere are said, or the other way round."""
    mine = _sections(asked)
    its = [found for one in stated if (one in _CORD) != (asked in _CORD) and (found := _sections(one))]
    return bool(mine and its) and not any(mine & one for one in its)


def _sections(place: str) -> frozenset[str]:
    return frozenset(_CORD.get(place, ())) or _ALONG & _whole(place)


@lru_cache(maxsize=65536)
def _excludes(one: str, other: str) -> bool:
    """Whether two places rule each other out: neither is part of the other, and they part at neighbours that do."""
    if one == other:
        return False
    first, second = position(one), position(other)
    if first is not None and second is not None:
        return abs(first - second) > 1
    mine, its = _whole(one), _whole(other)
    if one in its or other in mine:
        return False
    common = {place for place in mine & its if not _is_class(place)}
    nearest = [place for place in common if not any(place in wider(lower) for lower in common)]
    return bool(nearest) and all(_parted(place, mine, its) for place in nearest)


def _is_class(place: str) -> bool:
    """Whether all of its kinds bear its name, wherever they lie: two nerves need not rule each other out."""
    return place.startswith("tissue:") or place == "brain:gyrus"


def _parted(above: str, mine: frozenset[str], its: frozenset[str]) -> bool:
    """Whether the ways from `above` down to both begin with parts of it that do not overlap."""
    first, second = ({one for one in whole if above in _parents(one) and not _overlaps(one)} for whole in (mine, its))
    return bool(first and second) and not first & second


def _whole(place: str) -> frozenset[str]:
    return wider(place) | {place}


def _parents(place: str) -> tuple[str, ...]:
    found = concept(place)
    return found.parents if found else ()


def _overlaps(place: str) -> bool:
    found = concept(place)
    return found is None or found.overlaps


def _of_finding(ident: str) -> Iterable[str]:
    """The places that a finding is composed of."""
    found = concept(ident)
    for part in found.parts if found else ():
        known = concept(part)
        if known and known.kind == "anatomy":
            yield part
        else:
            yield from _of_finding(part)
