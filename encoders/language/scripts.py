"""Which words are in letters that what compares words with scans was trained on."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_](?:[^\s,;]*[^\W_])?")
_READ = ("LATIN ", "GREEK ")
"""How the names of these letters begin: findings have Greek ones in their names."""


def in_other_letters(text: str) -> tuple[str, ...]:
    """The words of a text whose letters are of other scripts than Latin and Greek, in their order, each once."""
    return tuple(dict.fromkeys(word for word in _WORD.findall(text) if _is_other(word)))


def without_other_letters(text: str) -> str:
    """The text without these words; the text itself where it has none, '' where it has no other."""
    if not in_other_letters(text):
        return text
    kept = " ".join(_WORD.sub(lambda found: "" if _is_other(found[0]) else found[0], text).split())
    return kept if _WORD.search(kept) else ""


def _is_other(word: str) -> bool:
    names = [unicodedata.name(one, "") for one in unicodedata.normalize("NFKC", word) if one.isalpha()]
    return bool(names) and not any(name.startswith(_READ) for name in names)
