"""What a language other than English gives to the clause machinery: one table of cues and cuts, a file for each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

from spinecho.encoders.language.clauses.cues import Kind, Reach

CueTable = tuple[Kind, Reach, re.Pattern[str]]


@dataclass(frozen=True, slots=True)
class Rules:
    """Patterns over lower-case text with plain quotes and dashes.

    cues: where two share words, the earlier table has them. cuts: where a clause begins; what is matched belongs to it.
    joins: "or", "and" of a list. small: words without a meaning of their own. finding: what is no mere anatomy.
    """

    cues: tuple[CueTable, ...]
    cuts: re.Pattern[str]
    joins: re.Pattern[str]
    small: re.Pattern[str]
    finding: re.Pattern[str]


def cue(kind: Kind, reach: Reach, *patterns: str) -> CueTable:
    """One table of cues, whole words."""
    return kind, reach, re.compile(r"(?<![\w~])(?:" + "|".join(patterns) + r")(?!\w)")


def words(*patterns: str) -> re.Pattern[str]:
    """Whole words."""
    return re.compile(r"(?<!\w)(?:" + "|".join(patterns) + r")(?!\w)")


_MODULES = {"de": "german", "fr": "french", "es": "spanish"}


@lru_cache(maxsize=8)
def rules_for(language: str) -> Rules:
    """The table of a language; KeyError for one that has none."""
    found: Rules = import_module(f"spinecho.encoders.language.clauses.{_MODULES[language]}").RULES
    return found
