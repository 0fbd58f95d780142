"""FHIR R4 and R5: DiagnosticReports, DocumentReferences and Compositions, alone, in a Bundle, or one a line."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.opening import open_file
from spinecho.indexer.reports.parsing.decode import lines, reading
from spinecho.indexer.reports.parsing.formats import fhir_documents as documents
from spinecho.indexer.reports.parsing.formats.fhir_attachments import read_attached
from spinecho.indexer.reports.parsing.formats.fhir_keys import document_keys, patient_of, report_keys
from spinecho.indexer.reports.parsing.formats.fhir_observations import observation_text
from spinecho.indexer.reports.parsing.formats.fhir_people import people_of
from spinecho.indexer.reports.parsing.formats.fhir_values import (
    Resource,
    Resources,
    codes_of,
    dict_of,
    dicts_of,
    moment_of,
    names_of,
    number_of_version,
    plain_reference,
    plain_words,
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
from spinecho.indexer.reports.parsing.markup import NoText, as_shown
from spinecho.indexer.reports.parsing.parsed import NO_TEXT, NotAReport, RawReport, ReportFailure, trouble_with
from spinecho.indexer.reports.report_facts import exam_key
from spinecho.indexer.reports.report_status import Status

_SUFFIXES = frozenset((".json", ".ndjson", ".jsonl", ".fhir"))
_STATUSES: dict[str, Status] = {
    "registered": "preliminary", "partial": "preliminary", "preliminary": "preliminary", "modified": "preliminary",
    "final": "final", "amended": "corrected", "corrected": "corrected", "appended": "corrected",
    "cancelled": "cancelled", "entered-in-error": "cancelled",
}  # fmt: skip
"""An appended report is sent whole, so it takes the place of the one before it."""
_GONE = "This report was withdrawn by the system that sent it."
_UNKEYED = "neither an accession number nor a study UID: no identifier of the report, its order or its ImagingStudy"
_MOST_KINDS = 6


@dataclass(slots=True)
class _Left:
    """What a file holds that is no report of imaging, by kind: told in one line."""

    kinds: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        told = [f"{kind} ({count})" for kind, count in self.kinds.most_common(_MOST_KINDS)]
        more = [f"{len(self.kinds) - _MOST_KINDS} further kinds"] if len(self.kinds) > _MOST_KINDS else []
        return f"no reports of imaging, and left out: {', '.join(told + more)}" if told else ""


def recognises(path: Path, head: bytes) -> bool:
    """A JSON file whose beginning names a type of resource."""
    return path.suffix.lower() in _SUFFIXES and re.search(rb'"resourceType"\s*:\s*"', head) is not None


def read(path: Path) -> Iterator[Row]:
    """Every report of the file, in its order, then what other documents it holds, counted.

    Raises `NotAReport` for a file of other resources and documents alone.
    """
    return some_rows(_rows(path), f"{path.name} holds FHIR resources, and none of them a report with a text")


def _rows(path: Path) -> Iterator[Row]:
    left, ordinal = _Left(), 0
    read_rows = _of_lines if path.suffix.lower() in (".ndjson", ".jsonl") else _of_document
    for row in read_rows(path, left):
        ordinal = row.ordinal
        yield row
    if told := str(left):
        if not ordinal:
            raise NotAReport(told)
        yield ReportFailure(str(path), ordinal + 1, told, Reason.UNSUPPORTED_TYPE)


def _of_document(path: Path, left: _Left) -> Iterator[Row]:
    try:
        whole = json.loads(read_whole(path).decode("utf-8-sig", "replace"), parse_float=str)
    except (ValueError, RecursionError, TooLarge) as error:
        reason = str(error) if isinstance(error, TooLarge) else "the file is no whole JSON document"
        yield ReportFailure(str(path), 0, reason)
        return
    yield from _of_resource(whole, str(path), 1, left)


def _of_lines(path: Path, left: _Left) -> Iterator[Row]:
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
            for row in _of_resource(resource, str(path), ordinal, left):
                ordinal += 1
                yield row


def _of_resource(resource: Any, source: str, ordinal: int, left: _Left) -> Iterator[Row]:
    """Rows numbered from `ordinal`."""
    entries = dicts_of(resource if isinstance(resource, list) else [resource])
    found: list[Resource] = []
    named: dict[str, Resource] = {}
    while entries:
        one = entries.pop(0)
        if one.get("resourceType") == "Bundle":
            for entry in dicts_of(one.get("entry")):
                inner = dict_of(entry.get("resource"))
                named[plain_reference(text_of(entry.get("fullUrl")))] = inner
                entries.append(inner)
        if one.get("id"):
            named[f"{text_of(one.get('resourceType'))}/{text_of(one.get('id'))}"] = one
        if text_of(one.get("resourceType")) in ("DiagnosticReport", *documents.DOCUMENTS):
            found.append(one)
    named.pop("", None)
    tied = _tied(found, named)
    of_others = {id(document) for _, forms in tied.values() for document in forms}
    for report in found:
        resources = Resources(named, report)
        if report.get("resourceType") == "DiagnosticReport":
            row = _report(report, tied[id(report)][1], resources, source, ordinal, left)
        else:
            row = None if id(report) in of_others else _document(report, resources, source, ordinal, left)
        if row is not None:
            ordinal += 1
            yield row


def _tied(found: Sequence[Resource], named: dict[str, Resource]) -> dict[int, tuple[Resource, list[Resource]]]:
    """The documents that are forms of a DiagnosticReport beside them, by its id(): one report, told once."""
    tied: dict[int, tuple[Resource, list[Resource]]] = {
        id(one): (one, []) for one in found if one.get("resourceType") == "DiagnosticReport"
    }
    for document in found:
        if id(document) in tied or documents.status_of(document) in ("cancelled", "superseded"):
            continue
        resources = Resources(named, document)
        places = _places(form for form, _ in documents.forms_of(document))
        named_there = {id(resources.get(one, document)) for one in documents.related_of(document)}
        of = [
            key
            for key, (report, _) in tied.items()
            if key in named_there
            or Resources(named, report).get(report.get("composition"), report) is document
            or places & _places(dicts_of(report.get("presentedForm")))
        ]
        if len(of) == 1:
            tied[of[0]][1].append(document)
    return tied


def _places(forms: Any) -> set[str]:
    """Where attachments lie: their URLs, or what they hold."""
    return {place for form in forms for name in ("url", "data") if (place := text_of(form.get(name)))}


def _report(
    report: Resource, forms: list[Resource], resources: Resources, source: str, ordinal: int, left: _Left
) -> Row | None:
    """None for one of a laboratory, and for one that was only registered and says nothing yet."""
    if any(code in ("LAB", "laboratory") for code in codes_of(report.get("category"))):
        left.kinds["laboratory report"] += 1
        return None
    status = _STATUSES.get(text_of(report.get("status")), "")
    try:
        text = _body(report, forms, resources)
    except NoText as error:
        return ReportFailure(source, ordinal, str(error))
    if not text.strip():
        if status != "cancelled":
            return None if status == "preliminary" else ReportFailure(source, ordinal, NO_TEXT)
        text = _GONE
    keys = report_keys(report, resources)
    for document in forms:
        keys = keys if any(keys) else document_keys(document, documents.related_of(document), resources)
    exam = next((key for name in names_of(report.get("code")) if (key := exam_key(name))), "")
    meta = dict_of(report.get("meta"))
    dated = moment_of(report.get("issued")) or moment_of(meta.get("lastUpdated"))
    version = number_of_version(meta.get("versionId"))
    return _row(report, forms, resources, source, ordinal, text, keys, status, dated, version, exam)


def _document(document: Resource, resources: Resources, source: str, ordinal: int, left: _Left) -> Row | None:
    """None for what is no report of imaging, and for one that says nothing and takes nothing back."""
    related = list(documents.related_of(document))
    keys = document_keys(document, related, resources)
    if kind := documents.other_kind(document, keyed=any(keys)):
        left.kinds[kind] += 1
        return None
    status = documents.status_of(document)
    fault: NoText | None = None
    text = documents.sections_text(document, resources)
    if not text.strip():
        attached = read_attached(documents.forms_of(document), resources)
        text, fault = attached.text, attached.fault
        keys = (keys[0] or attached.keys[0], keys[1] or attached.keys[1])
    if not text.strip() and fault is None and document.get("resourceType") == "Composition":
        text = documents.narrative_of(document)
    if not any(keys):
        for one in documents.targets_of(document):
            target = resources.get(one, document)
            keys = keys if any(keys) else document_keys(target, documents.related_of(target), resources)
    if not text.strip():
        if status == "superseded":
            return None
        if status != "cancelled":
            return ReportFailure(source, ordinal, str(fault) if fault is not None else NO_TEXT)
        text = _GONE
    meta = dict_of(document.get("meta"))
    dated = moment_of(document.get("date")) or moment_of(meta.get("lastUpdated"))
    version = None if documents.replaces_another(document) else number_of_version(meta.get("versionId"))
    exam = documents.exam_of(document)
    return _row(document, [], resources, source, ordinal, text.strip("\n"), keys, status, dated, version, exam)


def _row(
    report: Resource, forms: Sequence[Resource], resources: Resources, source: str, ordinal: int, text: str,
    keys: tuple[str, str], status: Status, dated: str, version: int | None, exam: str,
) -> Row:  # fmt: skip
    number, uid = keys
    patient = patient_of(report, resources)
    problem = trouble_with(text, number, uid, patient, keyed=bool(number or uid), unkeyed=_UNKEYED, what="report")
    if problem:
        return ReportFailure(source, ordinal, problem)
    people = dict.fromkeys(one for holder in (report, *forms) for one in people_of(holder, resources.get))
    return RawReport(
        source, ordinal, number, uid, text, patient_id=patient, status=status, dated=dated, version=version, exam=exam,
        people=tuple(people),
    )  # fmt: skip


def _body(report: Resource, others: Sequence[Resource], resources: Resources) -> str:
    """The sections of its Composition, or the presented form; where none is readable, the observations and the
    narrative. The conclusion where it is not among them. Raises `NoText` where all there is cannot be read.

    others: documents that are forms of the report.
    """
    fault: NoText | None = None
    body = next((text for one in others if (text := documents.sections_text(one, resources)).strip()), "")
    if not body.strip():
        forms = [(form, report) for form in dicts_of(report.get("presentedForm"))]
        attached = read_attached([*forms, *(form for one in others for form in documents.forms_of(one))], resources)
        body, fault = attached.text, attached.fault
    conclusion = as_shown(text_of(report.get("conclusion"))).strip()
    if not body.strip():
        results = [observation_text(resources.get(one, report), resources, 0) for one in dicts_of(report.get("result"))]
        body = "\n".join(filter(None, results))
    if not body.strip() and not conclusion:
        body = documents.narrative_of(report)
    codes = (name for code in dicts_of(report.get("conclusionCode")) for name in names_of(code)[:1])
    said = [one for one in (conclusion, *dict.fromkeys(codes)) if one]
    for one in said:
        if plain_words(one) in plain_words(body):
            continue
        if body.strip() and said[0] in (one, conclusion) and "IMPRESSION:" not in body.split("\n"):
            body = f"{body.rstrip()}\n\nIMPRESSION:"
        body = f"{body}\n{one}".strip("\n")
    if not body.strip() and fault is not None:
        raise fault
    for note in dicts_of(report.get("note")):  # R5
        if (one := as_shown(text_of(note.get("text"))).strip()) and plain_words(one) not in plain_words(body):
            body = f"{body.rstrip()}\n\n{one}"
    return body.strip("\n")


FHIR = ReportFormat("FHIR resources", frozenset((".json", ".fhir")), recognises, read)
