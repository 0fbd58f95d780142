"""FHIR R4 and R5: DiagnosticReports and documents of imaging, alone, in a Bundle, or one a line."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spinecho.db.keys import accession_key, is_uid, known_patient
from spinecho.encoders.reading.opening import open_file
from spinecho.indexer.reports.parsing.decode import lines, reading
from spinecho.indexer.reports.parsing.formats.fhir_documents import (
    composition_of,
    document_keys,
    is_of_imaging,
    replaced_by,
    status_of,
)
from spinecho.indexer.reports.parsing.formats.fhir_people import people_of
from spinecho.indexer.reports.parsing.formats.fhir_texts import attachment_text, body_of, composition_text
from spinecho.indexer.reports.parsing.formats.fhir_values import (
    Resource,
    Resources,
    as_dict,
    codes,
    dated,
    dicts,
    names,
    reference_name,
    text_of,
)
from spinecho.indexer.reports.parsing.formats.reading import (
    LARGEST_DOCUMENT,
    ReportFormat,
    Row,
    TooLarge,
    read_whole,
    some_rows,
)
from spinecho.indexer.reports.parsing.markup import NoText
from spinecho.indexer.reports.parsing.parsed import RawReport, ReportFailure, trouble_with
from spinecho.indexer.reports.report_facts import exam_key
from spinecho.indexer.reports.report_status import Status

_SUFFIXES = frozenset((".json", ".ndjson", ".jsonl", ".fhir"))
_STATUSES: dict[str, Status] = {
    "registered": "preliminary", "partial": "preliminary", "preliminary": "preliminary", "modified": "preliminary",
    "final": "final", "amended": "corrected", "corrected": "corrected", "appended": "corrected",
    "cancelled": "cancelled", "entered-in-error": "cancelled",
}  # fmt: skip
"""An appended report is sent whole, so it takes the place of the one before it."""
_READ = ("DiagnosticReport", "Composition", "DocumentReference")
_UNKEYED = "neither an accession number nor a study UID: no identifier of the report, its order or its ImagingStudy"
_GONE = "This report was withdrawn by the system that sent it."


def recognises(path: Path, head: bytes) -> bool:
    """A JSON file whose beginning names a type of resource."""
    return path.suffix.lower() in _SUFFIXES and re.search(rb'"resourceType"\s*:\s*"', head) is not None


def read(path: Path) -> Iterator[Row]:
    """Every report of the file, in its order. Raises `NotAReport` for a file of other resources alone."""
    rows = _of_lines(path) if path.suffix.lower() in (".ndjson", ".jsonl") else _of_document(path)
    return some_rows(rows, f"{path.name} holds FHIR resources, and none of them a report of imaging with a text")


def _of_document(path: Path) -> Iterator[Row]:
    try:
        whole = json.loads(read_whole(path).decode("utf-8-sig", "replace"), parse_float=str)
    except (ValueError, RecursionError, TooLarge) as error:
        reason = str(error) if isinstance(error, TooLarge) else "the file is no whole JSON document"
        yield ReportFailure(str(path), 0, reason)
        return
    yield from _of_resource(whole, str(path), 1)


def _of_lines(path: Path) -> Iterator[Row]:
    ordinal = 1
    with reading(path), io.TextIOWrapper(open_file(path), encoding="utf-8-sig", errors="replace") as file:
        for line in lines(file, longest=LARGEST_DOCUMENT):
            if '"resourceType"' not in line:
                continue
            try:
                resource = json.loads(line.strip("\ufeff \t\r\n"), parse_float=str)
            except (ValueError, RecursionError):
                yield ReportFailure(str(path), ordinal, "the line is no whole JSON document")
                ordinal += 1
                continue
            for row in _of_resource(resource, str(path), ordinal):
                ordinal += 1
                yield row


def _of_resource(resource: Any, source: str, ordinal: int) -> Iterator[Row]:
    """Rows numbered from `ordinal`."""
    entries = dicts(resource if isinstance(resource, list) else [resource])
    found: list[Resource] = []
    named: dict[str, Resource] = {}
    while entries:
        one = entries.pop(0)
        if one.get("resourceType") == "Bundle":
            for entry in dicts(one.get("entry")):
                inner = as_dict(entry.get("resource"))
                named[reference_name(text_of(entry.get("fullUrl")))] = inner
                entries.append(inner)
        if one.get("id"):
            named[f"{text_of(one.get('resourceType'))}/{text_of(one.get('id'))}"] = one
        if one.get("resourceType") in _READ:
            found.append(one)
    named.pop("", None)
    for row in _reports(found, named, source):
        yield replace(row, ordinal=ordinal)
        ordinal += 1


def _reports(found: Sequence[Resource], named: Mapping[str, Resource], source: str) -> Iterator[Row]:
    """DiagnosticReports, and the documents that are no form of one of them."""
    of = {name: [one for one in found if one.get("resourceType") == name] for name in _READ}
    own = {id(one): composition_of(one, Resources(named, one), of["Composition"]) for one in of["DiagnosticReport"]}
    taken = {id(one) for one in own.values()}
    old = replaced_by((*of["Composition"], *of["DocumentReference"]), Resources(named, {}))
    for one in found:
        resources = Resources(named, one)
        if one.get("resourceType") == "DiagnosticReport":
            row = _report(one, resources, own[id(one)], source)
        elif id(one) in taken or not is_of_imaging(one):
            row = None
        else:
            row = _document(one, resources, source, replaced=id(one) in old)
        if row is not None:
            yield row


def _report(report: Resource, resources: Resources, composition: Resource, source: str) -> Row | None:
    """None for one of a laboratory, and for one that was only registered and says nothing yet."""
    if any(code in ("LAB", "laboratory") for code in codes(report.get("category"))):
        return None
    status = _STATUSES.get(text_of(report.get("status")), "")
    try:
        text = body_of(report, resources, composition)
    except NoText as error:
        return ReportFailure(source, 0, str(error))
    if not text.strip():
        if status != "cancelled":
            return None if status == "preliminary" else ReportFailure(source, 0, "no report text")
        text = _GONE
    meta = as_dict(report.get("meta"))
    version = text_of(meta.get("versionId"))
    return _row(
        report, resources, source, text, _keys(report, resources), status=status,
        when=dated(report.get("issued")) or dated(meta.get("lastUpdated")),
        version=int(version) if version.isascii() and version.isdecimal() and len(version) < 9 else None,
        exams=names(report.get("code")),
    )  # fmt: skip


def _document(document: Resource, resources: Resources, source: str, *, replaced: bool) -> Row | None:
    """None for one that holds pictures, or another resource's fields, alone, and for one that says nothing yet."""
    status = status_of(document, _STATUSES)
    status = "preliminary" if replaced and status != "cancelled" else status
    try:
        if document.get("resourceType") == "Composition":
            text = composition_text(document, resources)
        else:
            text = attachment_text(document, resources)
    except NoText as error:
        if status != "cancelled":
            return ReportFailure(source, 0, str(error))
        text = ""
    if not text.strip():
        if status != "cancelled":
            return None
        text = _GONE
    return _row(
        document, resources, source, text, document_keys(document, resources), status=status,
        when=dated(document.get("date")) or dated(as_dict(document.get("meta")).get("lastUpdated")), version=None,
        exams=[text_of(document.get("title")), text_of(document.get("description")), *names(document.get("type"))],
    )  # fmt: skip


def _row(
    resource: Resource, resources: Resources, source: str, text: str, keys: tuple[str, str], *, status: Status,
    when: str, version: int | None, exams: Sequence[str],
) -> Row:  # fmt: skip
    """exams: what names the exam, of which the first that names a part of the body counts."""
    number, uid = keys
    patient = _patient(resource, resources)
    problem = trouble_with(text, number, uid, patient, keyed=bool(number or uid), unkeyed=_UNKEYED, what="report")
    if problem:
        return ReportFailure(source, 0, problem)
    return RawReport(
        source, 0, number, uid, text, patient_id=patient, status=status, dated=when, version=version,
        exam=next((key for name in exams if (key := exam_key(name))), ""), people=people_of(resource, resources.get),
    )  # fmt: skip


def _keys(report: Resource, resources: Resources) -> tuple[str, str]:
    holders = [report]
    for field in ("imagingStudy", "study", "basedOn"):
        for reference in dicts(report.get(field)):
            holders.append(resources.get(reference, report))
            holders.append({"identifier": reference.get("identifier")})
    accession: list[str] = []
    others: list[str] = []
    uids: list[str] = []
    for holder in holders:
        for one in dicts(holder.get("identifier")):
            value = text_of(one.get("value")).strip()
            bare = value.removeprefix("urn:oid:")
            if one.get("system") == "urn:dicom:uid" or is_uid(bare):
                uids.append(bare)
            elif "ACSN" in codes(one.get("type")):
                accession.append(value)
            elif value:
                others.append(value)
    numbers = [*accession, *others]
    return next(filter(accession_key, numbers), numbers[0] if numbers else ""), next(iter(uids), "")


def _patient(report: Resource, resources: Resources) -> str:
    subject = as_dict(report.get("subject"))
    found = [*dicts(subject.get("identifier")), *dicts(resources.get(subject, report).get("identifier"))]
    found.sort(key=lambda one: "MR" not in codes(one.get("type")))
    return next((value for one in found if known_patient(value := text_of(one.get("value")).strip())), "")


FHIR = ReportFormat("FHIR resources", frozenset((".json", ".fhir")), recognises, read)
