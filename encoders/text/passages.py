"""A report as passages: one sentence each, with its section, whether it asserts or denies, and the sides it names."""

from __future__ import annotations

from dataclasses import dataclass

from encoders.text.assertions import Assertion, Clause, clauses, sentence_assertion
from encoders.text.laterality import Side, sides
from encoders.text.sections import Section, section_spans
from encoders.text.sentences import sentence_spans

__all__ = ["Assertion", "Clause", "Passage", "Section", "Side", "passages"]


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence. `report[start:end] == text` exactly, line breaks included; `ordinal` counts from 0."""

    section: Section
    ordinal: int
    start: int
    end: int
    text: str
    assertion: Assertion
    sides: frozenset[Side]
    clauses: tuple[Clause, ...] = ()
    """In order, with places in `text`: `text[clause.start:clause.end] == clause.text`."""


def passages(report: str) -> tuple[Passage, ...]:
    """Sentences in order; () for a report without a word. Headings and list numbers belong to no passage."""
    found = [
        (span.section, start, end)
        for span in section_spans(report)
        for start, end in sentence_spans(report, span.start, span.end)
    ]
    return tuple(_passage(report, ordinal, *place) for ordinal, place in enumerate(found))


def _passage(report: str, ordinal: int, section: Section, start: int, end: int) -> Passage:
    text = report[start:end]
    meaning = " ".join(text.split())
    return Passage(section, ordinal, start, end, text, sentence_assertion(meaning), sides(meaning), clauses(text))
