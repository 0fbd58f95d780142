"""Spanish names in the plural: "hernia inguinal" is "hernias inguinales" where there are several."""

from __future__ import annotations

import re

from spinecho.encoders.language.stems import neutral

_LINKS = frozenset(["a", "al", "con", "de", "del", "en", "no", "para", "por", "sin", "tipo", "y"])
"""Words from which on a name stays as it is: "hernias de hiato"."""
_WORD = re.compile(r"[^\W\d_]{4,}")


def plural(word: str) -> str:
    """A noun or an adjective in the plural, without accents that it loses; one that ends in "s" stays.

    >>> plural("inguinal"), plural("protrusión"), plural("raíz")
    ('inguinales', 'protrusiones', 'raices')
    """
    if word.endswith("s"):
        return word
    if word.endswith("z"):
        return neutral(word[:-1]) + "ces"
    return word + "s" if word[-1] in "aeoáéóiu" else neutral(word) + "es"


def plural_name(name: str) -> str:
    """A name in the plural, up to its first preposition; "" for one that has none, as abbreviations."""
    words = name.split()
    head = next((at for at, word in enumerate(words) if word in _LINKS), len(words))
    several = [plural(word) if _WORD.fullmatch(word) else word for word in words[:head]]
    found = " ".join([*several, *words[head:]])
    return found if found != name else ""
