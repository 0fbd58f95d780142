"""A report as passages: one sentence each, with its section, its sides, and what each clause asserts or denies."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spinecho.encoders.language.clauses.assertions import Assertion, Clause, clauses, sentence_assertion, strongest
from spinecho.encoders.language.clauses.measures import measured
from spinecho.encoders.language.laterality import Side, sides
from spinecho.encoders.language.parts.administration import administrative
from spinecho.encoders.language.parts.exam_side import exam_side
from spinecho.encoders.language.parts.languages import READ, Language, language_of
from spinecho.encoders.language.parts.sections import NEVER_AFFIRM, Section, SectionSpan, kind_of_heading, section_spans
from spinecho.encoders.language.parts.sentences import sentence_spans

__all__ = ["NEVER_AFFIRM", "Assertion", "Clause", "Passage", "Section", "Side", "passages"]


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence. `report[start:end] == text` exactly, line breaks included; `ordinal` counts from 0.

    `assertion` is one answer for the whole sentence; `clauses` keep their own, with places in `text`:
    `text[clause.start:clause.end] == clause.text`. What an indication, a technique or a comparison says keeps the
    answer that its words give: see `NEVER_AFFIRM`.
    """

    section: Section
    ordinal: int
    start: int
    end: int
    text: str
    assertion: Assertion
    sides: frozenset[Side]
    clauses: tuple[Clause, ...] = ()


def passages(
    report: str, language: Language | None = None, *, exam: frozenset[Side] = frozenset()
) -> tuple[Passage, ...]:
    """Sentences in order; () for a report without a word. language: told of the report's words where it is not given.

    A report in a language without rules ("other") has no clauses, and each sentence is uncertain: nothing is claimed.
    Where too little is written to tell ("unknown"), it is read as English, whose rules know common German.

    Headings, list numbers, titles, dates, identifiers and signatures belong to no passage. All that stands under a
    heading for the family's history is of the family, under one for the patient's past history historical. Where the
    title names the side of the exam ("MRI LEFT KNEE"), it is the side of clauses whose sentence names none. exam: that
    side by a title that stands beside the report, for reports without one.
    """
    language = language or language_of(report)
    found: list[Passage] = []
    spans = section_spans(report)
    of_exam = exam_side(report, spans, exam)
    for span in spans:
        heading_kind = kind_of_heading(span.heading)
        line = report.find("\n", span.start)
        first_line = span.end if line < 0 else line
        of_section = len(found)
        for start, end in sentence_spans(report, span.start, span.end):
            text = report[start:end]
            if (heading_kind == "administration" and start < first_line) or administrative(text):
                continue
            found.append(_passage(span, len(found), start, text, heading_kind, language))
        with_sizes = measured([one.clauses for one in found[of_section:]])
        found[of_section:] = [
            replace(one, clauses=parts) for one, parts in zip(found[of_section:], with_sizes, strict=True)
        ]
    return tuple(_sided(one, of_exam) for one in found) if of_exam else tuple(found)


def _sided(passage: Passage, of_exam: frozenset[Side]) -> Passage:
    """With the exam's side for what was found, where the sentence names none of its own."""
    if passage.sides or passage.section in NEVER_AFFIRM:
        return passage
    return replace(passage, clauses=tuple(replace(one, sides=of_exam) for one in passage.clauses))


def _passage(span: SectionSpan, ordinal: int, start: int, text: str, heading_kind: str, language: Language) -> Passage:
    if language == "other":
        return Passage(
            span.section, ordinal, start, start + len(text), text, "uncertain", sides(" ".join(text.split()))
        )
    by = language if language in READ else "en"
    # A wrapped sentence is one: what looks like lines of a list within it was looked at with the lines around.
    flat = text.replace("\r", " ").replace("\n", " ")
    parts = tuple(replace(one, text=text[one.start : one.end]) for one in clauses(flat, by))
    assertion = sentence_assertion(flat, by)
    if heading_kind == "family":
        parts = tuple(replace(one, assertion="uncertain", by="family", cue=span.heading) for one in parts)
        assertion = "uncertain"
    elif heading_kind == "past":
        parts = tuple(
            replace(one, assertion="historical", by="history", cue=span.heading) if one.by == "nothing" else one
            for one in parts
        )
        assertion = strongest(one.assertion for one in parts)
    return Passage(
        span.section, ordinal, start, start + len(text), text, assertion, sides(" ".join(text.split())), parts
    )
