"""The keys of a FHIR report: the number of its order, the UID of its study, and its patient's ID."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from spinecho.db.keys import accession_key, is_uid, known_patient
from spinecho.indexer.reports.parsing.formats.fhir_values import (
    Resource,
    Resources,
    codes_of,
    dict_of,
    dicts_of,
    text_of,
)

_STUDY_UIDS = frozenset(("urn:dicom:uid", "urn:ihe:iti:xds:2016:studyInstanceUID"))
_ACCESSION = frozenset(("ACSN", "urn:ihe:iti:xds:2013:accession"))
_ORDERS = frozenset(("ServiceRequest", "ProcedureRequest", "DiagnosticOrder", "ImagingStudy", "ImagingSelection"))


@dataclass(slots=True)
class _Found:
    uids: list[str] = field(default_factory=list)
    accessions: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    own_uids: list[str] = field(default_factory=list)
    """Without a word of what they are: mostly of the resource itself."""

    def add(self, identifiers: Iterable[Resource], *, own: bool, plain: bool = True) -> None:
        """plain: whether a number counts that does not say what it is."""
        for one in identifiers:
            value = text_of(one.get("value")).strip()
            bare = value.removeprefix("urn:oid:")
            kinds = codes_of(one.get("type"))
            if text_of(one.get("system")) in _STUDY_UIDS or kinds & _STUDY_UIDS:
                self.uids.append(bare)
            elif is_uid(bare):
                (self.own_uids if own else self.uids).append(bare)
            elif kinds & _ACCESSION:
                self.accessions.append(value)
            elif value and plain and not value.startswith("urn:"):
                self.numbers.append(value)


def report_keys(report: Resource, resources: Resources) -> tuple[str, str]:
    """(accession number, study UID) of a DiagnosticReport, '' for what it does not say."""
    found = _Found()
    found.add(dicts_of(report.get("identifier")), own=True)
    for name in ("imagingStudy", "study", "basedOn"):
        for reference in dicts_of(report.get(name)):
            found.add(dicts_of(resources.get(reference, report).get("identifier")), own=False)
            found.add(dicts_of(reference.get("identifier")), own=False)
    keys = _first([*found.accessions, *found.numbers]), next(iter(found.uids), "")
    return keys if keys[1] or found.accessions else (keys[0], next(iter(found.own_uids), ""))


def document_keys(document: Resource, related: Iterable[Resource], resources: Resources) -> tuple[str, str]:
    """As `report_keys`, of a DocumentReference or Composition. Its own identifiers, which are those of the document and
    not of the exam, count where they say that they are more, or as the last resort.

    related: references to what the document is of. Where these name several studies none of them counts.
    """
    typed, of_exam, own = _Found(), _Found(), _Found()
    typed.add(dicts_of(document.get("identifier")), own=True, plain=False)
    for reference in related:
        of_exam.add(dicts_of(reference.get("identifier")), own=False, plain=False)
        one = resources.get(reference, document)
        for order in (one, *(resources.get(further, one) for further in dicts_of(one.get("basedOn")))):
            if text_of(order.get("resourceType")) in _ORDERS:
                of_exam.add(dicts_of(order.get("identifier")), own=False)
                if uid := text_of(order.get("studyUid")).removeprefix("urn:oid:"):  # ImagingSelection
                    of_exam.uids.append(uid)
    own.add(dicts_of(document.get("identifier")), own=True)
    numbers = typed.accessions or _one(of_exam.accessions) or _one(of_exam.numbers)
    uid = next(iter(typed.uids or _one(of_exam.uids)), "")
    return _first(numbers) or ("" if uid else _first(own.numbers)), uid


def patient_of(report: Resource, resources: Resources) -> str:
    """The patient's ID, the medical record's before any other; '' where none is known."""
    subject = dict_of(report.get("subject"))
    found = [*dicts_of(subject.get("identifier")), *dicts_of(resources.get(subject, report).get("identifier"))]
    found.sort(key=lambda one: "MR" not in codes_of(one.get("type")))
    return next((value for one in found if known_patient(value := text_of(one.get("value")).strip())), "")


def _one(values: list[str]) -> list[str]:
    return values[:1] if len(set(values)) == 1 else []


def _first(numbers: list[str]) -> str:
    return next(filter(accession_key, numbers), numbers[0] if numbers else "")
