"""German compounds that no table holds: the last part is the finding ("Unterschenkelfraktur" is a fracture).

What stands before it is a place, which may be a compound too ("Meniskushinterhornriss").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from spinecho.encoders.language.stems import root

_HEADS = (
    "infarkt|blutung|hämatom|fraktur|ruptur|läsion|zyste|metastase|karzinom|ödem|erguss|stenose|thrombose|nekrose|abszess"
    "|arthrose|atrophie|dissektion|verschluss|protrusion|raumforderung|verkalkung|luxation|degeneration|hernie|fistel"
    "|verdickung|entzündung|hypertrophie|tendinopathie|tendinose|sklerose|aneurysma|adenom|hämangiom|lipom|schwannom"
    "|meningeom|kavernom|lymphom|sarkom|glioblastom|gliom|embolie|insuffizienz|kontusion|extrusion|dysplasie|malazie"
)
_SHORT = (
    "riss|tumor|knoten|polyp|stein|konkrement|narbe|enge|einengung|schaden|defekt|vorfall|prolaps|erweiterung"
    "|schwellung|vergrößerung|rezidiv|prothese|abriss|einriss"
)
"""Ends of other words too ("Umriss"): read where what stands before is known."""
_HEAD = re.compile(rf"(?=(?P<head>{_HEADS}|(?P<short>{_SHORT}))(?:e|en|n|s|es)?$)", re.IGNORECASE)
_LINKS = ("", "s", "n", "en", "es", "er", "e", "ns", "teil", "steil", "nteil")
"""What stands between the parts, "Teilruptur" among it."""
_LEAST = 4
"""Letters of a part within a first part: shorter ones stand in anything."""


def compound(word: str, known: Collection[str]) -> list[tuple[str, int, int]]:
    """(stem, start, stop) of the parts of a compound, the finding last; empty for another word. known: stems."""
    unknown: list[tuple[str, int, int]] = []
    for match in _HEAD.finditer(word):  # "Kreuzbeinriss": "einriss" first
        at = match.start()
        if at < _LEAST - 1 or not word[:at].isalpha():
            continue
        last = (root(match["head"].lower()), at, len(word))
        if first := next(_split(word[:at], known), []):
            return [*first, last]
        if not match["short"] and not unknown:
            unknown = [(root(word[:at]), 0, at), last]
    return unknown


def _split(word: str, known: Collection[str]) -> Iterator[list[tuple[str, int, int]]]:
    """A first part as it is known, without the letter that links it, or as two that are."""
    whole = _known(word, known)
    if whole:
        yield [(whole, 0, len(word))]
        return
    for middle in range(len(word) - _LEAST, _LEAST - 1, -1):
        parts = [_known(word[a:b], known) for a, b in pairwise((0, middle, len(word)))]
        if all(parts):
            yield [(parts[0], 0, middle), (parts[1], middle, len(word))]


def _known(part: str, known: Collection[str]) -> str:
    for link in _LINKS:
        if part.endswith(link) and len(part) - len(link) >= _LEAST - 1:
            stem = root(part[: len(part) - len(link)])
            if stem in known:
                return stem
    return ""
