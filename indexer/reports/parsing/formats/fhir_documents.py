"""FHIR's documents, Composition and DocumentReference: which of them are reports of imaging, and of which study."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from spinecho.db.keys import accession_key, is_uid
from spinecho.indexer.reports.parsing.formats.fhir_values import (
    Resource,
    Resources,
    as_dict,
    codes,
    dicts,
    names,
    text_of,
    words,
)
from spinecho.indexer.reports.report_status import Status

_IMAGING_CODES = frozenset(
    ("18748-4", "68604-8", "11528-7", "18726-0", "85430-7", "LP29684-5", "RAD", "NMR", "394914008", "4201000179104")
)
"""LOINC: diagnostic imaging study, radiology, imaging report; HL7 table 0074; SNOMED CT: radiology, imaging report."""
_IMAGING = re.compile(
    r"\b(?:(?:neuro)?radiolog\w*|imaging|mri?|mrt|magnetic|kernspin\w*|bildgeb\w*|irm|imagerie|rm|resonancia"
    r"|imagen(?:es|ología|ologia)?)\b"
)
_NO_REPORT = re.compile(
    r"\b(?:requests?|requisitions?|orders?|referrals?|consents?|questionnaires?|checklists?|safety|appointments?|invoices?"
    r"|manifests?|anforderung\w*|überweisung\w*|einwilligung\w*|aufklärung\w*|fragebogen|demandes?|consentement|bon"
    r"|solicitud\w*|consentimiento|cuestionario)\b"
)
_STATUSES: Mapping[str, Status] = {"superseded": "preliminary", "deprecated": "preliminary"}
"""What was replaced gives way to what replaced it, and stands where that never came."""
_DEEPEST = 12


def is_of_imaging(document: Resource) -> bool:
    """Whether its type, category, title or description says that it is a report of imaging."""
    kinds = [*dicts(document.get("type")), *dicts(document.get("category"))]
    said = [name for kind in kinds for name in names(kind)]
    said += [text_of(document.get(field)) for field in ("title", "description")]
    if any(_NO_REPORT.search(words(one)) for one in said):
        return False
    return bool(codes(kinds) & _IMAGING_CODES) or any(_IMAGING.search(words(one)) for one in said)


def status_of(document: Resource, stated: Mapping[str, Status]) -> Status:
    """stated: what the status of a report means. A document's own says whether it holds, `docStatus` what it is."""
    said = {text_of(document.get("status")), text_of(document.get("docStatus"))}
    if said & {"entered-in-error", "cancelled"}:
        return "cancelled"
    if old := said & _STATUSES.keys():
        return _STATUSES[min(old)]
    related = {code for one in dicts(document.get("relatesTo")) for code in _relations(one)}
    if related & {"appends", "append"}:
        return "addendum"
    if related & {"replaces", "replace"}:
        return "corrected"
    return next((stated[one] for one in sorted(said - {"current"}) if one in stated), "")


def _relations(one: Resource) -> Iterator[str]:
    """The code of a relation: a word in R4, a concept of R5's DocumentReference, `type` of R5's Composition."""
    yield text_of(one.get("code"))
    yield text_of(one.get("type"))
    yield from codes(one.get("code"))


def replaced_by(documents: Iterable[Resource], resources: Resources) -> set[int]:
    """`id` of the resources that others of these say they replace."""
    gone = set()
    for document in documents:
        for one in dicts(document.get("relatesTo")):
            if {"replaces", "replace"}.intersection(_relations(one)):
                for field in ("target", "targetReference", "resourceReference"):
                    gone.add(id(resources.get(one.get(field), document)))
    return gone


def document_keys(document: Resource, resources: Resources) -> tuple[str, str]:
    """(accession number, study UID) of the order and the ImagingStudy that it refers to, or of itself; '' for none.

    Its own number in the archive of documents is none of these: only what says that it is an accession number or a
    DICOM UID counts.
    """
    numbers: list[str] = []
    uids: list[str] = []
    for holder, typed in [*_referred(document, resources), (document, "")]:
        for one in dicts(holder.get("identifier")):
            value = text_of(one.get("value")).strip()
            bare = value.removeprefix("urn:oid:")
            if one.get("system") == "urn:dicom:uid" or (typed == "ImagingStudy" and is_uid(bare)):
                uids.append(bare)
            elif "ACSN" in codes(one.get("type")) or (typed in ("ServiceRequest", "ImagingStudy") and value):
                numbers.append(value)
    return next(filter(accession_key, numbers), numbers[0] if numbers else ""), next(iter(uids), "")


def _referred(document: Resource, resources: Resources) -> Iterator[tuple[Resource, str]]:
    """(what it refers to, its type) of orders and imaging studies; identifiers within a reference too."""
    for reference in references(document):
        found = resources.get(reference, document)
        typed = text_of(found.get("resourceType")) or text_of(reference.get("type"))
        typed = typed or next(iter(text_of(reference.get("reference")).split("/")[-2:-1]), "")
        if typed in ("ImagingStudy", "ServiceRequest", "DiagnosticReport"):
            yield {"identifier": [*dicts(found.get("identifier")), *dicts(reference.get("identifier"))]}, typed
            for inner in references(found) if typed == "DiagnosticReport" else ():
                known = resources.get(inner, found)
                yield known, text_of(known.get("resourceType"))


def references(value: Any, depth: int = 0) -> Iterator[Resource]:
    """Every reference within a resource; what it contains is not looked into."""
    if isinstance(value, list):
        for one in value:
            yield from references(one, depth)
    elif isinstance(value, dict) and depth < _DEEPEST:
        if isinstance(value.get("reference"), str) or ("identifier" in value and "type" in value):
            yield value
        for name, inner in value.items():
            if name != "contained":
                yield from references(inner, depth + 1)


def composition_of(report: Resource, resources: Resources, compositions: Iterable[Resource]) -> Resource:
    """The Composition that is a DiagnosticReport's text, {} for none.

    That is what the report names (`composition` of R5, as an extension too), or one of imaging that refers to this
    report and to no other.
    """
    extensions = [one.get("valueReference") for one in dicts(report.get("extension"))]
    for reference in [*dicts(report.get("composition")), *map(as_dict, extensions)]:
        if (found := resources.get(reference, report)).get("resourceType") == "Composition":
            return found
    for one in compositions:
        met = {id(known): known for reference in references(one) if (known := resources.get(reference, one))}
        reports = [known for known in met.values() if known.get("resourceType") == "DiagnosticReport"]
        if len(reports) == 1 and reports[0] is report and is_of_imaging(one):
            return one
    return {}
