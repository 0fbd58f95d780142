"""FHIR R4 and R5: DiagnosticReports, alone, in a Bundle, or one a line, with what they name."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from spinecho.db.keys import accession_key, is_uid, known_patient
from spinecho.encoders.reading.opening import open_file
from spinecho.indexer.reports.parsing.decode import lines, reading
from spinecho.indexer.reports.parsing.formats.documents import document_text
from spinecho.indexer.reports.parsing.formats.fhir_people import people_of
from spinecho.indexer.reports.parsing.formats.reading import (
    LARGEST_DOCUMENT,
    ReportFormat,
    Row,
    TooLarge,
    read_whole,
    some_rows,
)
from spinecho.indexer.reports.parsing.markup import NoText, as_shown, html_text
from spinecho.indexer.reports.parsing.parsed import RawReport, ReportFailure, trouble_with
from spinecho.indexer.reports.report_facts import exam_key, in_utc, read_date
from spinecho.indexer.reports.report_status import Status

_SUFFIXES = frozenset((".json", ".ndjson", ".jsonl", ".fhir"))
_STATUSES: dict[str, Status] = {
    "registered": "preliminary", "partial": "preliminary", "preliminary": "preliminary", "modified": "preliminary",
    "final": "final", "amended": "corrected", "corrected": "corrected", "appended": "corrected",
    "cancelled": "cancelled", "entered-in-error": "cancelled",
}  # fmt: skip
"""An appended report is sent whole, so it takes the place of the one before it."""
_GONE = "This report was withdrawn by the system that sent it."
_DEEPEST = 6
"""Observations within observations."""
_READABLE = ("text/html", "text/plain", "text/rtf", "application/rtf", "application/pdf", "application/xhtml+xml",
             "text/xml", "application/vnd.openxmlformats")  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Resources:
    """What references lead to. report: whose contained resources may name one another."""

    named: Mapping[str, dict[str, Any]]
    report: dict[str, Any]

    def get(self, reference: Any, within: dict[str, Any]) -> dict[str, Any]:
        """The resource, {} where it is not at hand."""
        return self.of_name(_text(_dict(reference).get("reference")), within)

    def of_name(self, name: str, within: dict[str, Any]) -> dict[str, Any]:
        """As `get`, by what a reference says."""
        if name.startswith("#"):
            contained = (one for holder in (within, self.report) for one in _dicts(holder.get("contained")))
            return next((one for one in contained if one.get("id") == name[1:]), {})
        name = _reference(name)
        return self.named.get(name) or self.named.get("/".join(name.split("/")[-2:])) or {}


def _reference(name: str) -> str:
    """A reference as it is compared: without its version, and a UUID without regard to case."""
    plain = re.sub(r"(?:/_history/[^/]*|\|[^|]*)$", "", name.strip())
    return plain.casefold() if plain[:4].casefold() == "urn:" else plain


def recognises(path: Path, head: bytes) -> bool:
    """A JSON file whose beginning names a type of resource."""
    return path.suffix.lower() in _SUFFIXES and re.search(rb'"resourceType"\s*:\s*"', head) is not None


def read(path: Path) -> Iterator[Row]:
    """Every DiagnosticReport of the file, in its order. Raises `NotAReport` for a file of other resources alone."""
    rows = _of_lines(path) if path.suffix.lower() in (".ndjson", ".jsonl") else _of_document(path)
    return some_rows(rows, f"{path.name} holds FHIR resources, and none of them a DiagnosticReport with a text")


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
    entries = _dicts(resource if isinstance(resource, list) else [resource])
    found: list[dict[str, Any]] = []
    named: dict[str, dict[str, Any]] = {}
    while entries:
        one = entries.pop(0)
        if one.get("resourceType") == "Bundle":
            for entry in _dicts(one.get("entry")):
                inner = _dict(entry.get("resource"))
                named[_reference(_text(entry.get("fullUrl")))] = inner
                entries.append(inner)
        if one.get("id"):
            named[f"{_text(one.get('resourceType'))}/{_text(one.get('id'))}"] = one
        if one.get("resourceType") == "DiagnosticReport":
            found.append(one)
    named.pop("", None)
    for report in found:
        row = _report(report, _Resources(named, report), source, ordinal)
        if row is not None:
            ordinal += 1
            yield row


def _report(report: dict[str, Any], resources: _Resources, source: str, ordinal: int) -> Row | None:
    """None for one of a laboratory, and for one that was only registered and says nothing yet."""
    if any(code in ("LAB", "laboratory") for code in _codes(report.get("category"))):
        return None
    status = _STATUSES.get(_text(report.get("status")), "")
    try:
        text = _body(report, resources)
    except NoText as error:
        return ReportFailure(source, ordinal, str(error))
    if not text.strip():
        if status != "cancelled":
            return None if status == "preliminary" else ReportFailure(source, ordinal, "no report text")
        text = _GONE
    number, uid = _keys(report, resources)
    patient = _patient(report, resources)
    unkeyed = "neither an accession number nor a study UID: no identifier of the report, its order or its ImagingStudy"
    problem = trouble_with(text, number, uid, patient, keyed=bool(number or uid), unkeyed=unkeyed, what="report")
    if problem:
        return ReportFailure(source, ordinal, problem)
    meta = _dict(report.get("meta"))
    version = _text(meta.get("versionId"))
    exam = next((key for name in _names(report.get("code")) if (key := exam_key(name))), "")
    return RawReport(
        source, ordinal, number, uid, text, patient_id=patient, status=status,
        dated=_dated(report.get("issued")) or _dated(meta.get("lastUpdated")),
        version=int(version) if version.isascii() and version.isdecimal() and len(version) < 9 else None, exam=exam,
        people=people_of(report, resources.get),
    )  # fmt: skip


def _keys(report: dict[str, Any], resources: _Resources) -> tuple[str, str]:
    holders = [report]
    for field in ("imagingStudy", "study", "basedOn"):
        for reference in _dicts(report.get(field)):
            holders.append(resources.get(reference, report))
            holders.append({"identifier": reference.get("identifier")})
    accession: list[str] = []
    others: list[str] = []
    uids: list[str] = []
    for holder in holders:
        for one in _dicts(holder.get("identifier")):
            value = _text(one.get("value")).strip()
            bare = value.removeprefix("urn:oid:")
            if one.get("system") == "urn:dicom:uid" or is_uid(bare):
                uids.append(bare)
            elif "ACSN" in _codes(one.get("type")):
                accession.append(value)
            elif value:
                others.append(value)
    numbers = [*accession, *others]
    return next(filter(accession_key, numbers), numbers[0] if numbers else ""), next(iter(uids), "")


def _patient(report: dict[str, Any], resources: _Resources) -> str:
    subject = _dict(report.get("subject"))
    found = [*_dicts(subject.get("identifier")), *_dicts(resources.get(subject, report).get("identifier"))]
    found.sort(key=lambda one: "MR" not in _codes(one.get("type")))
    return next((value for one in found if known_patient(value := _text(one.get("value")).strip())), "")


def _body(report: dict[str, Any], resources: _Resources) -> str:
    """The presented form; where none is readable, the observations and the narrative. The conclusion where it is not
    among them. Raises `NoText` where all there is cannot be read.
    """
    fault: NoText | None = None
    body = ""
    for form in sorted(_dicts(report.get("presentedForm")), key=_rank):
        data = _text(form.get("data")) or _text(resources.of_name(_text(form.get("url")), report).get("data"))
        if not data or _rank(form) == len(_READABLE):
            continue
        try:
            body = _decoded(data, _text(form.get("contentType")))
        except NoText as error:
            fault = error
            continue
        if body.strip():
            break
    conclusion = as_shown(_text(report.get("conclusion"))).strip()
    if not body.strip():
        observations = [_observation(resources.get(one, report), resources, 0) for one in _dicts(report.get("result"))]
        body = "\n".join(filter(None, observations))
    if not body.strip() and not conclusion:
        body = html_text(_text(_dict(report.get("text")).get("div")))
        if body.lstrip().startswith("Generated Narrative"):  # fields of the resource by name, the patient's among them
            body = ""
    codes = (name for code in _dicts(report.get("conclusionCode")) for name in _names(code)[:1])
    said = [one for one in (conclusion, *dict.fromkeys(codes)) if one]
    for one in said:
        if _words(one) in _words(body):
            continue
        if body.strip() and said[0] in (one, conclusion) and "IMPRESSION:" not in body.split("\n"):
            body = f"{body.rstrip()}\n\nIMPRESSION:"
        body = f"{body}\n{one}".strip("\n")
    if not body.strip() and fault is not None:
        raise fault
    for note in _dicts(report.get("note")):  # R5
        if (one := as_shown(_text(note.get("text"))).strip()) and _words(one) not in _words(body):
            body = f"{body.rstrip()}\n\n{one}"
    return body.strip("\n")


def _words(text: str) -> str:
    return " ".join(text.split()).casefold()


def _decoded(data: str, kind: str) -> str:
    plain = "".join(data.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        content = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoText("the presented form is no base64") from error
    charset = re.search(r"charset\s*=\s*[\"']?([\w-]{3,20})", kind, re.IGNORECASE)
    text = document_text(content, encoding=charset[1] if charset else "")
    return as_shown(text) if kind.lower().startswith("text/plain") else text


def _rank(form: dict[str, Any]) -> int:
    kind = _text(form.get("contentType")).lower()
    return next((n for n, one in enumerate(_READABLE) if kind.startswith(one)), len(_READABLE) if kind else 0)


def _observation(one: dict[str, Any], resources: _Resources, depth: int) -> str:
    """An observation as lines: its name and its value, then its components and members."""
    if not one or depth > _DEEPEST or one.get("status") in ("cancelled", "entered-in-error"):
        return ""
    name = next(iter(_names(one.get("code"))), "")
    sites = ", ".join(site for place in _dicts(one.get("bodySite")) for site in _names(place)[:1])
    name = f"{name} ({sites})" if name and sites and _words(sites) not in _words(name) else name or sites
    value = _value(one)
    means = ", ".join(found for concept in _dicts(one.get("interpretation")) for found in _names(concept)[:1])
    value = f"{value} ({means})" if value and means else value or means
    own = (f"{name}:\n{value}" if len(value) > 80 else f"{name}: {value}") if name and value else value
    parts = [own, *(as_shown(_text(note.get("text"))) for note in _dicts(one.get("note")))]
    parts += [_observation(part, resources, depth + 1) for part in _dicts(one.get("component"))]
    parts += [_observation(resources.get(part, one), resources, depth + 1) for part in _dicts(one.get("hasMember"))]
    return "\n".join(filter(None, parts))


def _value(one: dict[str, Any]) -> str:
    """The value of an observation or component, of whatever type; why there is none, where it says so."""
    if said := as_shown(_text(one.get("valueString"))).strip():
        return said
    if coded := next(iter(_names(one.get("valueCodeableConcept"))), ""):
        return coded
    if quantity := _quantity(one.get("valueQuantity")):
        return quantity
    held = _dict(one.get("valueRange"))
    low, high = _quantity(held.get("low")), _quantity(held.get("high"))
    if low or high:
        return f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
    ratio = [_quantity(_dict(one.get("valueRatio")).get(part)) for part in ("numerator", "denominator")]
    if all(ratio):
        return " : ".join(ratio)
    if isinstance(told := one.get("valueBoolean"), bool):
        return "yes" if told else "no"
    plain = (_text(one.get(f"value{kind}")) for kind in ("Integer", "DateTime", "Time"))
    return next(filter(None, (*plain, *_names(one.get("dataAbsentReason")))), "")


def _quantity(quantity: Any) -> str:
    """A number with its unit, and whether it is more or less than that: "< 5 mm"."""
    quantity = _dict(quantity)
    number, comparator = _text(quantity.get("value")), as_shown(_text(quantity.get("comparator")))
    unit = _text(quantity.get("unit")) or _text(quantity.get("code"))
    return f"{comparator} {number} {unit if unit != '1' else ''}".strip() if number else ""


def _dated(value: Any) -> str:
    """An instant in UTC, as ISO 8601; a date as it is."""
    text = _text(value)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return read_date(text)
    if moment.tzinfo is None:
        return read_date(text)
    try:
        return in_utc(moment)
    except OverflowError:
        return ""


def _names(concept: Any) -> list[str]:
    concept = _dict(concept)
    coded = [_text(one.get("display")) for one in _dicts(concept.get("coding"))]
    return [shown for name in (_text(concept.get("text")), *coded) if (shown := as_shown(name).strip())]


def _codes(concepts: Any) -> set[str]:
    return {_text(one.get("code")) for concept in _dicts(concepts) for one in _dicts(concept.get("coding"))}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    """One or several objects, whatever else it holds left out."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if type(value) is int and abs(value) < 10**64 else ""


FHIR = ReportFormat("FHIR resources", frozenset((".json", ".fhir")), recognises, read)
