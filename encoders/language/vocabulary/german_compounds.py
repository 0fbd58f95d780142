"""German compounds that no table holds: the last part is the finding ("Unterschenkelfraktur" is a fracture)."""

from __future__ import annotations

import re
from functools import lru_cache

_HEADS = (
    "infarkt|blutung|hämatom|fraktur|ruptur|läsion|zyste|metastase|karzinom|ödem|erguss|stenose|thrombose|nekrose|abszess"
    "|arthrose|atrophie|dissektion|verschluss|protrusion|raumforderung|verkalkung|luxation|degeneration|hernie|fistel"
    "|verdickung|entzündung|hypertrophie"
)
_COMPOUND = re.compile(rf"[^\W\d_]{{3,}}?(?P<head>{_HEADS})(?:e|en|n|s|es)?", re.IGNORECASE)


@lru_cache(maxsize=16384)
def compound(word: str) -> tuple[str, int] | None:
    """(what the compound is, where that begins in it); None for another word."""
    match = _COMPOUND.fullmatch(word)
    return (match["head"].lower(), match.start("head")) if match else None
