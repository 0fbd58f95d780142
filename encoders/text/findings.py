"""A report as sentences and clauses with all that is matched: assertion, sides, places, findings by name, sizes.

What a clause says is stored with it, so that a question compares names and numbers and reads no sentence again.
"""

from __future__ import annotations

from dataclasses import dataclass

from encoders.text import terms
from encoders.text.assertions import clauses
from encoders.text.passages import Passage

RULES = 1
"""Raised whenever the same text gives other sentences, clauses or facts: what older rules stored is told anew."""


@dataclass(frozen=True, slots=True)
class Said:
    """A clause of a sentence; start and end are characters of the sentence, sizes millimetres of the largest one."""

    start: int
    end: int
    text: str
    assertion: str
    decided_by: str
    cue: str
    sides: tuple[str, ...]
    places: tuple[str, ...]
    concepts: tuple[str, ...]
    low_mm: float | None
    high_mm: float | None


def said_in(passage: Passage) -> tuple[Said, ...]:
    """The clauses of a sentence."""
    return tuple(
        Said(
            clause.start,
            clause.end,
            clause.text,
            clause.assertion,
            "nothing",
            "",
            tuple(sorted(clause.sides)),
            (),
            tuple(sorted(terms.concepts(clause.text))),
            None,
            None,
        )
        for clause in clauses(passage.text)
    )
