"""FHIR DocumentReferences and Compositions: which of them are reports of imaging, what they say and how they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from spinecho.indexer.reports.parsing.formats.fhir_observations import observation_text
from spinecho.indexer.reports.parsing.formats.fhir_values import (
    Resource,
    Resources,
    codes_of,
    dict_of,
    dicts_of,
    names_of,
    text_of,
)
from spinecho.indexer.reports.parsing.markup import html_text
from spinecho.indexer.reports.report_facts import exam_key
from spinecho.indexer.reports.report_status import Status

DOCUMENTS = frozenset(("DocumentReference", "Composition"))
_CODES = frozenset(
    """
    18748-4 68604-8 18726-0 85430-7 LP29684-5 24590-2 24556-3 24872-4 24968-9 24977-0 30657-1 36801-9 RAD IMG radiology
    imaging
    """.split()  # noqa: SIM905
)
"""Types and categories of reports of imaging (LOINC and others), where nothing displays them."""
_NO_REPORT = re.compile(
    r"\b(?:orders?|requests?|requisition|consent|questionnaire|checklist|appointment|invoice|dos(?:e|age)|patholog\w*"
    r"|histolog\w*|cytolog\w*|laborator\w*|lab|advance directive|instructions?|anforderung|auftrag|überweisung"
    r"|einwilligung\w*|aufklärung\w*|fragebogen|labor\w*|patholog\w*|demande|consentement|ordonnance|solicitud"
    r"|consentimiento|laborator\w*)\b",
    re.IGNORECASE,
)
"""No report even where it is of imaging."""
_IMAGING = re.compile(
    r"radiolog|imaging|imagerie|imagen|bildgeb|\bmr[it]?\b|\birm\b|\brmn?\b|magnet|resonan|r[öo]ntgen|tomogra|sonogra"
    r"|ultraso|x-?ray|\bct\b|mammogra",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"discharge|progress|consult|operati|operative|op-?bericht|surg|nurs|medicat|prescri|history and physical"
    r"|endoscop|\becg\b|\bekg\b|referral|entlass|arztbrief|pflege|sortie|receta|alta\b|care plan|continuity"
    r"|patient summary|transfer|immuni[sz]ation",
    re.IGNORECASE,
)
_OLDER = re.compile(r"compar|prior|previous|vergleich|vorunters|ant[ée]rieur|previo|histor|anamnes", re.IGNORECASE)
_OLDER_CODES = frozenset(("18834-2", "55114-3", "11329-0", "121074", "121060"))
_STATUSES: dict[str, Status] = {
    "registered": "preliminary", "partial": "preliminary", "preliminary": "preliminary", "final": "final",
    "amended": "corrected", "corrected": "corrected", "appended": "corrected", "cancelled": "cancelled",
    "entered-in-error": "cancelled", "superseded": "superseded", "deprecated": "superseded",
}  # fmt: skip
_RELATED: dict[str, Status] = {"replaces": "corrected", "appends": "addendum"}
_HEADINGS = {
    "59776-5": "FINDINGS", "18782-3": "FINDINGS", "121070": "FINDINGS", "19005-8": "IMPRESSION", "121072": "IMPRESSION",
    "55110-1": "IMPRESSION", "121076": "CONCLUSION", "55111-9": "TECHNIQUE", "121064": "TECHNIQUE",
    "18834-2": "COMPARISON", "18785-6": "INDICATION", "121109": "INDICATION", "55752-0": "CLINICAL INFORMATION",
    "11329-0": "HISTORY", "121060": "HISTORY", "18783-1": "RECOMMENDATION", "55107-7": "ADDENDUM",
}  # fmt: skip
_DEEPEST = 12
_MOST_NAME = 40


def other_kind(document: Resource, *, keyed: bool) -> str:
    """What a document is that is no report of imaging, '' for one that is.

    keyed: it names an exam (a study, or an accession number that says that it is one): then a document of a type that
    says nothing of imaging, and nothing else either, is taken for its report.
    """
    practice = dict_of(dict_of(document.get("context")).get("practiceSetting")) or document.get("practiceSetting")
    concepts = [*dicts_of(document.get("type")), *dicts_of(document.get("category")), *dicts_of(document.get("class"))]
    types = [name for concept in concepts for name in names_of(concept)]
    around = [*types, *names_of(practice), text_of(document.get("title")), text_of(document.get("description"))]
    kind = re.sub(r"[^\w /&.,()-]", " ", types[0])[:_MOST_NAME].strip() if types else ""
    if any(map(_NO_REPORT.search, types)):
        return kind
    if codes_of(concepts) & _CODES or any(map(_IMAGING.search, around)):
        return ""
    return (kind or "a document of no stated type") if not keyed or any(map(_OTHER.search, around)) else ""


def status_of(document: Resource) -> Status:
    """In error or replaced, as either of its two fields says; else what it does to another; else its own word."""
    stated = [_STATUSES.get(text_of(document.get(name)), "") for name in ("status", "docStatus")]
    for status in ("cancelled", "superseded", "preliminary"):
        if status in stated:
            return status
    does = {_RELATED.get(code, "") for one in dicts_of(document.get("relatesTo")) for code in _relation(one)}
    return "corrected" if "corrected" in does else "addendum" if "addendum" in does else next(filter(None, stated), "")


def replaces_another(document: Resource) -> bool:
    """Whether the document says of another that it comes after it, so that the two count their versions apart."""
    return any(code in _RELATED for one in dicts_of(document.get("relatesTo")) for code in _relation(one))


def _relation(one: Resource) -> set[str]:
    """R4: a code; R5: a concept, or of a Composition a type."""
    return {text_of(one.get("code")), text_of(one.get("type"))} | codes_of(one.get("code"))


def targets_of(document: Resource) -> Iterator[Resource]:
    """References to the documents that it replaces or adds to."""
    for one in dicts_of(document.get("relatesTo")):
        if _relation(one) & _RELATED.keys():
            for name in ("target", "targetReference", "resourceReference"):
                yield from dicts_of(one.get(name))


def related_of(document: Resource) -> Iterator[Resource]:
    """References to what the document is of: its order, its study, the report that it is a form of; not older exams."""
    context = document.get("context")
    held = dict_of(context).get("related") if isinstance(context, dict) else None
    for value in (document.get("basedOn"), held):
        yield from dicts_of(value)
    for one in dicts_of(document.get("extension")):
        yield from dicts_of(one.get("valueReference"))
    for event in dicts_of(document.get("event")):
        for one in (event, *dicts_of(event.get("detail"))):
            yield from dicts_of(one if "identifier" in one or isinstance(one.get("reference"), str) else
                                one.get("reference"))  # fmt: skip
    for section in _sections(document, 0):
        if not _is_older(section):
            yield from dicts_of(section.get("entry"))


def forms_of(document: Resource) -> Iterator[tuple[Resource, Resource]]:
    """The attachments of a DocumentReference, each with it."""
    for content in dicts_of(document.get("content")):
        for form in dicts_of(content.get("attachment")):
            yield form, document


def sections_text(document: Resource, resources: Resources) -> str:
    """The sections of a Composition under their headings; '' where none says anything."""
    parts: list[str] = []
    for section in _sections(document, 0):
        body = narrative_of(section)
        if not body.strip():
            found = (resources.get(one, document) for one in dicts_of(section.get("entry")))
            lines = (observation_text(one, resources, 0) for one in found if one.get("resourceType") == "Observation")
            body = "\n".join(filter(None, lines))
        if body.strip():
            parts.append(
                f"{heading}:\n{body}" if (heading := _heading(section)) and not _headed(body, heading) else body
            )
    return "\n\n".join(part.strip("\n") for part in parts)


def narrative_of(resource: Resource) -> str:
    """What people wrote of a resource; what a server made of its fields, the patient among them, is none."""
    text = html_text(text_of(dict_of(resource.get("text")).get("div")))
    return "" if text.lstrip().startswith("Generated Narrative") else text


def exam_of(document: Resource) -> str:
    """The body parts that its type, its title or what it is described as name."""
    titles = [*names_of(document.get("type")), text_of(document.get("title")), text_of(document.get("description"))]
    return next((key for name in titles if (key := exam_key(name))), "")


def _sections(holder: Resource, depth: int) -> Iterator[Resource]:
    for section in dicts_of(holder.get("section")) if depth < _DEEPEST else ():
        yield section
        yield from _sections(section, depth + 1)


def _is_older(section: Resource) -> bool:
    titles = [text_of(section.get("title")), *names_of(section.get("code"))]
    return bool(codes_of(section.get("code")) & _OLDER_CODES) or any(map(_OLDER.search, titles))


def _heading(section: Resource) -> str:
    title = " ".join(text_of(section.get("title")).split()).rstrip(": ")
    known = next((_HEADINGS[code] for code in sorted(codes_of(section.get("code"))) if code in _HEADINGS), "")
    return title or known or next(iter(names_of(section.get("code"))), "")


def _headed(body: str, heading: str) -> bool:
    first = next(iter(body.strip().splitlines()), "")
    return first.strip().casefold().startswith(heading.casefold())
