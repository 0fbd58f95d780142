"""Where the sections of a report begin, by their headings. Offsets are into the report as it came.

The five sections are those of the ACR Practice Parameter for Communication of Diagnostic Imaging Findings and of
RSNA's RadReport templates; the many names under each were collected from how sites write them, in English and German.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Section = Literal["indication", "technique", "comparison", "findings", "impression", "other"]

_NAMES: tuple[tuple[Section, str], ...] = (
    (
        "indication",
        "indications?|(?:brief )?(?:clinical )?history|(?:clinical|relevant) (?:indications?|information|details?|data"
        "|question|background|notes?|context|statement)|reason for (?:the )?(?:exam(?:ination)?|study|scan|referral)"
        "|presenting complaints?|history and indication|(?:klinische )?fragestellung|klinische (?:angaben?|daten)"
        "|(?:rechtfertigende )?indikation|anamnese",
    ),
    (
        "technique",
        "techniques?|procedures?|(?:scan |imaging )?protocol|sequences?|methods?|examination technique"
        "|imaging technique|technical(?: factors| details)?|(?:untersuchungs)?technik|methodik?|contrast(?: agent)?"
        "|kontrastmittel",
    ),
    (
        "comparison",
        "comparisons?|(?:prior|previous) (?:stud(?:y|ies)|exams?|examinations?|imaging)|comparison (?:stud(?:y|ies)|exams?)"
        "|vergleich|vor(?:aufnahmen|untersuchung(?:en)?)",
    ),
    (
        "findings",
        "(?:(?:mri?|ct|brain|spine|imaging|radiological|key|other) )?findings?|(?:radiology |mri? )?report|description"
        "|observations?|results?|befunde?|body of report",
    ),
    (
        "impression",
        "impressions?|conclusions?|summary|opinions?|interpretations?|assessment|(?:radiological |imaging )?diagnos[ei]s"
        "|(?:final )?diagnosis|comments?|recommendations?|bottom line|(?:zusammenfassende )?beurteilung|zusammenfassung"
        "|empfehlung(?:en)?",
    ),
    (
        "other",
        "exam(?:ination)?|study|examination type|addend(?:um|a)|signature|(?:electronically )?signed(?: by)?"
        "|(?:dictated|reported|reviewed|transcribed|verified) by|radiologist|patient(?: name| id)?|accession(?: (?:no\\.?|number))?"
        "|study ?instance ?uid|study uid|date(?: of (?:exam|study|birth))?|untersuchung",
    ),
)

_ANY = "|".join(names for _, names in _NAMES)
# Possessive and bounded: a line of a million blanks must cost no more than its length.
_EDGE = r"[ \t\xa0#*_=>\-–—]{0,20}+"
_HEADING_LINE = re.compile(
    rf"^{_EDGE}(?:\(?(?:\d{{1,2}}|[ivx]{{1,4}})[.)]{_EDGE})?"
    rf"(?P<name>{_ANY})(?:[ \t]{{0,5}}(?:/|&|\+|,|and|und)[ \t]{{0,5}}(?:{_ANY}))*(?:[ \t]{{0,5}}\([^()\n]{{0,40}}\))?"
    rf"(?:[*_]{{0,3}}[ \t]{{0,5}}[:：][*_]{{0,3}}|[ \t]{{1,5}}[-–—](?=[ \t])|[*_= \t]*+(?=\r?$)"
    rf"|[ \t]{{1,5}}[-–—](?=\r?$))",
    re.IGNORECASE | re.MULTILINE,
)
# Reports squeezed into one line keep their headings in capitals: "FINDINGS: ... IMPRESSION: ...".
_HEADING_INLINE = re.compile(rf"(?<=[\s.;)\]])(?P<name>{_ANY})[ \t]{{0,5}}[:：]", re.IGNORECASE)

_SECTION_OF = tuple((section, re.compile(names, re.IGNORECASE)) for section, names in _NAMES)


@dataclass(frozen=True, slots=True)
class SectionSpan:
    """report[start:end] is the section's body, without its heading; `heading` is what named it, "" for none."""

    section: Section
    start: int
    end: int
    heading: str = ""


def section_spans(report: str) -> tuple[SectionSpan, ...]:
    """Bodies in order. Text before the first heading, or a report with none, is "other"."""
    headings = [(match.start(), match.end(), match["name"]) for match in _HEADING_LINE.finditer(report)]
    headings += [
        (match.start(), match.end(), match["name"])
        for match in _HEADING_INLINE.finditer(report)
        if match["name"].isupper()
    ]
    spans: list[SectionSpan] = []
    section: Section = "other"
    start, heading = 0, ""
    for begin, end, name in sorted(headings):
        if begin < start:  # the same heading, found both ways
            continue
        spans.append(SectionSpan(section, start, begin, heading))
        section, start, heading = _section_of(name), end, name
    spans.append(SectionSpan(section, start, len(report), heading))
    return tuple(span for span in spans if span.heading or span.end > span.start)


def _section_of(name: str) -> Section:
    return next((section for section, names in _SECTION_OF if names.fullmatch(name)), "other")
