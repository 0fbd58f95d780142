"""Where the sections of a report begin, by their headings. Offsets are into the report as it came.

The five sections are those of the ACR Practice Parameter for Communication of Diagnostic Imaging Findings and of
RSNA's RadReport templates; the many names under each were collected from how sites write them, in English and German; those
of other languages are in `section_names`.
"""

# ruff: noqa: E501 - alternatives broken over more lines read worse

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from spinecho.encoders.language.parts.section_names import CAPITALS, FAMILY, NAMES, PAST

Section = Literal["indication", "technique", "comparison", "findings", "impression", "other"]

_NAMES: tuple[tuple[Section, str], ...] = (
    (
        "indication",
        "indications?|(?:brief )?(?:clinical )?history|(?:clinical|relevant) (?:indications?|information|details?|data"
        "|question|background|notes?|context|statement)|reason for (?:the )?(?:exam(?:ination)?|study|scan|referral)"
        "|presenting complaints?|history and indication|(?:klinische )?fragestellung|klinische (?:angaben?|daten)"
        "|(?:rechtfertigende )?indikation|anamnese"
        "|clinical(?: (?:hx|problem|summary|diagnosis|presentation|concern))?|indication for (?:the )?(?:exam(?:ination)?|study|scan)|reason(?: for (?:request|visit))?"
        "|request(?: details)?|chief complaint|c/?c|hpi|hx|history of (?:present|presenting) (?:illness|complaint)|presentation|symptoms|question"
        "|p[ms]h(?:x)?|pmhx|pshx|past (?:medical |surgical |clinical )?(?:history|hx)|(?:medical|surgical|oncological|obstetric|personal|gyna?ecological|psychiatric) history|previous history"
        "|f\\.?h\\.?x\\.?|family (?:medical )?(?:history|hx)|familienanamnese|shx|social (?:history|hx)|meds?|medications?|allergies|ros|risk factors",
    ),
    (
        "technique",
        "techniques?|procedures?|(?:scan |imaging )?protocol|sequences?|methods?|examination technique"
        "|imaging technique|technical(?: factors| details)?|(?:untersuchungs)?technik|methodik?|contrast(?: agent)?"
        "|kontrastmittel|sequences? (?:acquired|obtained|performed)|scanner|imaging protocol",
    ),
    (
        "comparison",
        "comparisons?|(?:prior|previous) (?:stud(?:y|ies)|exams?|examinations?|imaging)|comparison (?:stud(?:y|ies)|exams?)"
        "|compared (?:with|to)|priors|vergleich|vor(?:aufnahmen|untersuchung(?:en)?)",
    ),
    (
        "findings",
        "(?:(?:mri?|ct|brain|spine|imaging|radiological|key|other) )?findings?|(?:radiology |mri? )?report|description"
        "|observations?|results?|befunde?|body of report|findings and impression|image findings|finding|detailed findings|reports?",
    ),
    (
        "impression",
        "impressions?|conclusions?|summary|opinions?|interpretations?|assessment|(?:radiological |imaging )?diagnos[ei]s"
        "|(?:final )?diagnosis|comments?|recommendations?|bottom line|(?:zusammenfassende )?beurteilung|zusammenfassung"
        "|empfehlung(?:en)?|imp|concl|conclusion and recommendations?|final impression|radiological opinion|key points|interpretation and recommendations?",
    ),
    (
        "other",
        "course|hospital course|clinical course|outcome|discussion|exam(?:ination)?|study|examination type|addend(?:um|a)|signature|(?:electronically )?signed(?: by)?"
        "|(?:dictated|reported|reviewed|transcribed|verified) by|radiologist|patient(?: name| id)?|accession(?: (?:no\\.?|number))?"
        "|study ?instance ?uid|study uid|date(?: of (?:exam|study|birth|report|service))?|untersuchung"
        "|mrn|dob|d\\.o\\.b\\.?|ref(?:erring|erred)?(?: (?:physician|doctor|clinician|by|dr))?|ordering (?:physician|provider)|attending|consultant|reporting (?:radiologist|doctor)"
        "|accession(?:number)?|acc(?:\\.|ession)? ?(?:no|nr|#)\\.?|(?:hospital|nhs|case|report|study|exam) (?:no|number|id)\\.?|ward|department|hospital|name|age|sex|gender|typed by|authori[sz]ed by|approved by",
    ),
)

_NAMES = tuple((section, f"{names}|{NAMES[section]}" if section in NAMES else names) for section, names in _NAMES)
_ANY = "|".join(names for _, names in _NAMES)
# Possessive and bounded: a line of a million blanks must cost no more than its length.
_EDGE = r"[ \t\xa0#*_=>\-–—]{0,20}+"
# A heading in capitals needs no colon before its text: "FINDINGS There is a cyst", but not "FINDINGS ARE NORMAL".
_SAYS = (
    r"ARE|IS|OF|AND|OR|IN|ON|WAS|WERE|THAT|AT|WITH|FOR|TO|BY|FROM|SUGGEST\w*|CONSISTENT|COMPATIBLE|REPRESENT\w*|MAY|COULD|SHOWS?|CORRELAT\w*|LIMITED|NEGATIVE|REMAINS?"
    r"|NOTED|SEEN|NUMBER|NO\.|DATE|MADE|NODES?|COLLECTION|WHEN|AS"
)
_NUMBERED = rf"(?:\(?(?:\d{{1,2}}|[ivx]{{1,4}}|[a-h])[.)]{_EDGE})?"
_HEADING_LINE = re.compile(
    rf"^{_EDGE}{_NUMBERED}"
    rf"(?P<name>{_ANY})(?:[ \t]{{0,5}}(?:/|&|\+|,|and|und)[ \t]{{0,5}}(?:{_ANY}))*(?:[ \t]{{0,5}}\([^()\n]{{0,40}}\))?"
    rf"(?:[*_]{{0,3}}[ \t]{{0,5}}[:：][*_]{{0,3}}|[ \t]{{1,5}}[-–—](?=[ \t])|[*_= \t]*+(?=\r?$)"
    rf"|[ \t]{{1,5}}[-–—](?=\r?$))",
    re.IGNORECASE | re.MULTILINE,
)
# Reports squeezed into one line keep their headings in capitals: "FINDINGS: ... IMPRESSION: ...", or "Findings: ... 3. Impression: ...".
_HEADING_INLINE = re.compile(
    rf"(?:(?<=[\s.;)\]])|(?<=<br>)|(?<=~))(?:\d{{1,2}}[.)] {{1,3}}(?=\w))?(?P<name>{_ANY})[ \t]{{0,5}}[:：]",
    re.IGNORECASE,
)
_CAPITALS = (
    r"CLINICAL(?: (?:HISTORY|INDICATIONS?|INFORMATION|DETAILS|DATA|QUESTION|HX|SUMMARY|NOTES?))?+|CC|HX|HPI|PMHX?|PSHX?|FHX|FH|SHX|MEDS|MEDICATIONS|COURSE|OPINION|CONCLUSIONS?"
    r"|IMPRESSIONS?|FINDINGS?|TECHNIQUE|COMPARISONS?|INDICATIONS?|(?:PAST MEDICAL |FAMILY |SOCIAL |CLINICAL )?HISTORY|SUMMARY|INTERPRETATION|REASON FOR (?:EXAM(?:INATION)?|STUDY)|PROCEDURE"
    r"|BEFUND|BEURTEILUNG|TECHNIK|FRAGESTELLUNG|ANAMNESE|KLINISCHE ANGABEN"
    rf"|{CAPITALS}"
)
_HEADING_BARE = re.compile(
    rf"(?:(?<![^\n])|(?<=[.;:!?)\]] )|(?<=[.;:!?)\]]  ))(?P<name>{_CAPITALS})(?![\w/:.,-])[ \t]{{1,5}}(?!(?:{_SAYS})(?!\w))(?=[\w?(])"
)

_SECTION_OF = tuple((section, re.compile(names, re.IGNORECASE)) for section, names in _NAMES)


_HEADING_KINDS: tuple[tuple[Literal["family", "past", "administration"], re.Pattern[str]], ...] = (
    (
        "family",
        re.compile(r"f\.?h\.?x\.?|family (?:medical )?(?:history|hx)|familienanamnese|" + FAMILY, re.IGNORECASE),
    ),
    (
        "past",
        re.compile(
            r"p[ms]h(?:x)?|pmhx|pshx|past (?:medical |surgical |clinical )?(?:history|hx)|(?:medical|surgical|oncological|obstetric|personal|gyna?ecological|psychiatric) history|previous history|"
            + PAST,
            re.IGNORECASE,
        ),
    ),
    (
        "administration",
        re.compile(
            r"signature|(?:electronically )?signed(?: by)?|(?:dictated|reported|reviewed|transcribed|verified|typed|authori[sz]ed|approved) by|radiologist|patient(?: name| id)?|accession.*"
            r"|acc\W.*|study ?instance ?uid|study uid|date.*|mrn|dob|d\.o\.b\.?|ref(?:erring|erred)?(?: .*)?|ordering .*|attending|consultant|reporting .*|(?:hospital|nhs|case|report|study|exam) (?:no|number|id)\.?"
            r"|ward|department|hospital|name|age|sex|gender",
            re.IGNORECASE,
        ),
    ),
)
NEVER_AFFIRM: frozenset[Section] = frozenset({"indication", "technique", "comparison"})
"""Sections that say why and how was scanned, not what was found: they affirm a finding only to who asks for the section."""


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
        if match["name"].isupper() or report[match.start()].isdigit()
    ]
    headings += [(match.start(), match.end(), match["name"]) for match in _HEADING_BARE.finditer(report)]
    spans: list[SectionSpan] = []
    section: Section = "other"
    start, heading = 0, ""
    for begin, end, name in sorted(headings, key=lambda one: (one[0], -one[1])):
        if begin < start:  # the same heading, found twice
            continue
        spans.append(SectionSpan(section, start, begin, heading))
        section, start, heading = _section_of(name), end, name
    spans.append(SectionSpan(section, start, len(report), heading))
    return tuple(span for span in spans if span.heading or span.end > span.start)


def kind_of_heading(heading: str) -> Literal["family", "past", "administration", ""]:
    """Of whom, or of when, everything under a heading is told."""
    return next((kind for kind, names in _HEADING_KINDS if names.fullmatch(heading)), "")


def _section_of(name: str) -> Section:
    return next((section for section, names in _SECTION_OF if names.fullmatch(name)), "other")
