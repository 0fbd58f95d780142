"""Lobes of the brain run together: "frontoparietal", "temporo-occipital", "bifrontal" has one."""

from __future__ import annotations

import re

from spinecho.encoders.language.vocabulary.spine_levels import Level

_LOBES = {
    "front": "brain:frontal", "pariet": "brain:parietal", "tempor": "brain:temporal", "occip": "brain:occipital",
    "insul": "brain:insula", "operc": "brain:frontal operculum region",
}  # fmt: skip
_LOBE = re.compile("|".join(_LOBES))
_COMPOUND = re.compile(
    r"(?<!\w)(?:bi|sub)?(?:(?:fronto|parieto|temporo|occipito)[-‐‑ ]?){1,4}"
    r"(?:frontal|parietal|temporal|occipital|insular|opercular)(?!\w| dementia)",
    re.IGNORECASE,
)


def lobes(text: str) -> tuple[Level, ...]:
    """Every such word, with the lobes that it names."""
    return tuple(
        Level(*match.span(), tuple(_LOBES[part] for part in _LOBE.findall(match.group().lower())))
        for match in _COMPOUND.finditer(text)
    )
