"""FHIR DocumentReferences and Compositions as reports, in the shape of the specification's examples (R4 and R5)."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_pdf import pdf

from spinecho.encoders.errors import ReadError, Reason
from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports

ACSN = {"coding": [{"code": "ACSN"}]}
UID = "1.2.840.99.1.7"
PATIENT = {
    "resourceType": "Patient", "id": "p1", "name": [{"text": "Quandt, Ilse"}], "birthDate": "1950-02-03",
    "identifier": [{"value": "N1"}, {"type": {"coding": [{"code": "MR"}]}, "value": "4711"}],
}  # fmt: skip
ORDER = {"resourceType": "ServiceRequest", "id": "o1", "identifier": [{"type": ACSN, "value": "A100"}]}
STUDY = {
    "resourceType": "ImagingStudy", "id": "s1",
    "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{UID}"}],
    "basedOn": [{"reference": "ServiceRequest/o1"}],
}  # fmt: skip
RADIOLOGY = {"coding": [{"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}]}
CDA = b"""<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget>
<patientRole><id extension="4711"/><patient><name><family>Quandt</family></name></patient></patientRole></recordTarget>
<inFulfillmentOf><order><id extension="A100"/></order></inFulfillmentOf>
<component><structuredBody><component><section><title>Findings</title><text>A lesion of 5 mm.</text></section>
</component></structuredBody></component></ClinicalDocument>"""


def attachment(kind: str, data: bytes, **more: str) -> dict[str, str]:
    return {"contentType": kind, "data": base64.b64encode(data).decode(), **more}


def document(text: str = "A lesion of 5 mm.", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference", "id": "d1", "status": "current", "type": RADIOLOGY,
        "masterIdentifier": {"system": "urn:ietf:rfc3986", "value": "urn:oid:1.2.276.0.76.1.2"},
        "identifier": [{"system": "urn:ietf:rfc3986", "value": "urn:oid:1.2.276.0.76.1.2"}, {"value": "DOC-5"}],
        "subject": {"reference": "Patient/p1"}, "date": "2024-01-02T10:10:10+01:00", "description": "MRI brain",
        "content": [{"attachment": attachment("text/plain", text.encode())}],
        "context": {"related": [{"reference": "ServiceRequest/o1"}]}, **more,
    }  # fmt: skip


def section(title: str, text: str = "", **more: Any) -> dict[str, Any]:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'
    return {"title": title, **({"text": {"status": "additional", "div": div}} if text else {}), **more}


def composition(*sections: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Composition", "id": "c1", "status": "final", "type": RADIOLOGY, "title": "MRI brain report",
        "identifier": {"system": "urn:ietf:rfc3986", "value": "urn:oid:1.2.276.0.76.9.9"},
        "subject": {"reference": "Patient/p1"}, "date": "2024-01-02",
        "section": list(sections) or [section("Findings", "A lesion."), section("Impression", "Glioma.")], **more,
    }  # fmt: skip


def report(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "code": {"text": "MRI brain"},
        "basedOn": [{"reference": "ServiceRequest/o1"}], **more,
    }  # fmt: skip


def bundle(*resources: dict[str, Any], kind: str = "collection") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}


def parse(folder: Path, content: Any, name: str = "r.json") -> list[RawReport | ReportFailure]:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return list(parse_reports(path))


def one(folder: Path, content: Any, name: str = "r.json") -> RawReport:
    (found,) = parse(folder, content, name)
    assert isinstance(found, RawReport), found
    return found


def test_a_document_has_the_keys_of_its_exam_and_not_its_own(tmp_path: Path) -> None:
    found = one(tmp_path, bundle(PATIENT, ORDER, document()))
    assert (found.accession_number, found.study_uid, found.patient_id) == ("A100", "", "4711")
    assert (found.text, found.exam, found.dated) == ("A lesion of 5 mm.", "head", "2024-01-02T09:10:10Z")
    assert ("name", "Quandt, Ilse") in found.people
    both = one(tmp_path, bundle(ORDER, STUDY, document(context={"related": [{"reference": "ImagingStudy/s1"}]})))
    assert (both.accession_number, both.study_uid) == ("A100", UID)
    alone = document(context={"related": [{"identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{UID}"}}]})
    assert (one(tmp_path, alone).accession_number, one(tmp_path, alone).study_uid) == ("", UID)
    own = document(context={}, identifier=[{"value": "DOC-5"}, {"type": ACSN, "value": "A7"}])
    assert one(tmp_path, own).accession_number == "A7"
    newer = document(basedOn=[{"reference": "ServiceRequest/o1"}], context=[{"reference": "Encounter/e1"}])
    visit = {"resourceType": "Encounter", "id": "e1", "identifier": [{"value": "VISIT-3"}]}
    assert one(tmp_path, bundle(visit, ORDER, newer)).accession_number == "A100"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("text/plain; charset=latin-1", "Läsion.".encode("latin-1")), ("text/html", "<p>Läsion.</p>".encode()),
        ("text/rtf", rb"{\rtf1\ansi L\'e4sion.}"), ("application/pdf", pdf("Lasion.")),
        ("application/hl7-cda+xml", CDA.replace(b"A lesion of 5 mm.", "Läsion.".encode())),
        ("text/xml", CDA.replace(b"A lesion of 5 mm.", "Läsion.".encode())),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["inline", "binary"])
@pytest.mark.parametrize("of", ["document", "report"])
def test_attachments_of_every_kind(tmp_path: Path, kind: str, data: bytes, where: str, of: str) -> None:
    form = attachment(kind, data)
    binary = {"resourceType": "Binary", "id": "b1", "contentType": kind, "data": form["data"]}
    if where == "binary":
        form = {"contentType": kind, "url": "Binary/b1"}
    holder = document(content=[{"attachment": form}]) if of == "document" else report(presentedForm=[form])
    text = one(tmp_path, bundle(ORDER, binary, holder)).text
    assert "sion." in text
    assert "Quandt" not in text
    assert "4711" not in text


def test_a_cda_attachment_brings_the_keys_that_nothing_else_names(tmp_path: Path) -> None:
    found = one(tmp_path, document(content=[{"attachment": attachment("text/xml", CDA)}], context={}, identifier=[]))
    assert found.accession_number == "A100"


def test_what_cannot_be_read_is_told_with_its_reason(tmp_path: Path) -> None:
    for form, reason in (
        ({"contentType": "application/pdf", "url": "https://ris/Binary/9"}, "lies elsewhere"),
        ({"contentType": "application/msword", "data": "AAAA"}, "application/msword"),
        ({"contentType": "text/plain", "data": "%%"}, "no base64"),
    ):
        for holder in (document(content=[{"attachment": form}]), report(presentedForm=[form])):
            (found,) = parse(tmp_path, bundle(ORDER, holder))
            assert isinstance(found, ReportFailure)
            assert reason in found.message, (found, reason)
    (keyless,) = parse(tmp_path, document(context={}, identifier=[]))
    assert isinstance(keyless, ReportFailure)
    assert "neither an accession number" in keyless.message


def test_sections_stand_under_their_headings(tmp_path: Path) -> None:
    inner = section("", "Normal.", code={"coding": [{"code": "59776-5"}]})
    size = {"resourceType": "Observation", "id": "x", "code": {"text": "Diameter"}, "valueString": "5 mm"}
    whole = composition(
        section("History", "Headache."), section("Outer", section=[inner]),
        section("Measurements", entry=[{"reference": "Observation/x"}]), section("Impression", "Impression: none."),
        extension=[{"url": "x/composition-basedOn", "valueReference": {"reference": "ServiceRequest/o1"}}],
    )  # fmt: skip
    found = one(tmp_path, bundle(whole, PATIENT, ORDER, size, kind="document"))
    assert found.text == (
        "History:\nHeadache.\n\nFINDINGS:\nNormal.\n\nMeasurements:\nDiameter: 5 mm\n\nImpression: none."
    )
    assert (found.accession_number, found.patient_id, found.exam, found.dated) == ("A100", "4711", "head", "2024-01-02")


def test_the_study_of_a_comparison_is_not_the_reports(tmp_path: Path) -> None:
    older = {
        "resourceType": "ImagingStudy",
        "id": "s0",
        "identifier": [{"system": "urn:dicom:uid", "value": f"{UID}.1"}],
    }
    sections = [
        section("Comparison", "MRI of 2020.", entry=[{"reference": "ImagingStudy/s0"}]),
        section("Study", "MRI.", entry=[{"reference": "ImagingStudy/s1"}]),
    ]
    assert one(tmp_path, bundle(composition(*sections), ORDER, STUDY, older, kind="document")).study_uid == UID
    two = [section("A", "x", entry=[{"reference": f"ImagingStudy/s{n}"} for n in (0, 1)])]
    (either,) = parse(tmp_path, bundle(composition(*two, identifier=None), STUDY, older))
    assert isinstance(either, ReportFailure)


@pytest.mark.parametrize("way", ["entry", "composition", "related", "url", "data"])
def test_a_report_and_its_document_are_one(tmp_path: Path, way: str) -> None:
    form = attachment("text/plain", b"Whole text of the report.")
    if way in ("entry", "composition"):
        more = {"entry": [{"reference": "DiagnosticReport/r1"}]} if way == "entry" else {}
        other = composition(section("Findings", "Whole text of the report.", **more))
        main = report(
            conclusion="Glioma.", composition={"reference": "Composition/c1"} if way == "composition" else None
        )
    else:
        related = {"related": [{"reference": "DiagnosticReport/r1"}]} if way == "related" else {}
        other = document(
            content=[{"attachment": form | ({"url": "Binary/7"} if way == "url" else {})}], context=related
        )
        shown = {"url": {"contentType": "text/plain", "url": "Binary/7"}, "data": form}.get(way)
        main = report(conclusion="Glioma.", presentedForm=[shown] if shown else [])
    for order in ([other, main], [main, other]):
        found = one(tmp_path, bundle(*order, ORDER, PATIENT, kind="document"))
        assert "Whole text of the report." in found.text
        assert found.text.endswith("IMPRESSION:\nGlioma.")
        assert found.accession_number == "A100"


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("Diagnostic imaging study", True), ("MR Brain WO contrast", True), ("Radiologie-Befund", True),
        ("Compte rendu d'imagerie", True), ("Informe de resonancia", True), ("Radiology Consult note", True),
        ("Discharge summary", False), ("Progress note", False), ("Pathology report", False), ("Entlassbrief", False),
        ("Radiology order", False), ("MRI safety questionnaire", False), ("Aufklärungsbogen MRT", False),
        ("Consent for MRI", False), ("Report", True),
    ],
)  # fmt: skip
def test_only_reports_of_imaging_belong_in(tmp_path: Path, kind: str, read: bool) -> None:
    for holder in (document(type={"text": kind}, description="x"), composition(type={"text": kind}, title="x")):
        keyed = holder | {"identifier": [{"type": ACSN, "value": "A100"}]}
        if read:
            assert one(tmp_path, keyed).accession_number == "A100"
            continue
        with pytest.raises(ReadError, match=kind[:5]) as told:
            parse(tmp_path, keyed)
        assert told.value.reason is Reason.UNSUPPORTED_TYPE
        lines = "\n".join(json.dumps(row) for row in (keyed, bundle(ORDER, document()), keyed, keyed))
        (first, last) = parse(tmp_path, lines, "DocumentReference.ndjson")
        assert isinstance(first, RawReport)
        assert isinstance(last, ReportFailure)
        assert "(3)" in last.message
        assert last.reason is Reason.UNSUPPORTED_TYPE


REPLACES = {"target": {"reference": "DocumentReference/d0"}}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, ""), ({"docStatus": "final"}, "final"), ({"docStatus": "preliminary"}, "preliminary"),
        ({"docStatus": "amended"}, "corrected"), ({"status": "entered-in-error"}, "cancelled"),
        ({"docStatus": "entered-in-error"}, "cancelled"), ({"status": "superseded"}, "superseded"),
        ({"relatesTo": [{"code": "replaces", **REPLACES}], "docStatus": "final"}, "corrected"),
        ({"relatesTo": [{"code": {"coding": [{"code": "appends"}]}, **REPLACES}]}, "addendum"),
        ({"relatesTo": [{"code": "transforms", **REPLACES}], "docStatus": "final"}, "final"),
        ({"relatesTo": [{"code": "replaces", **REPLACES}], "docStatus": "preliminary"}, "preliminary"),
    ],
)  # fmt: skip
def test_status_of_documents(tmp_path: Path, more: dict[str, Any], status: str) -> None:
    assert one(tmp_path, bundle(ORDER, document(**more))).status == status


def test_a_replacing_document_counts_its_versions_apart_and_has_the_keys_of_what_it_replaces(tmp_path: Path) -> None:
    first = document("First.", id="d0", meta={"versionId": "7"})
    second = document("Second.", id="d2", meta={"versionId": "1"}, context={}, identifier=[],
                      relatesTo=[{"code": "replaces", **REPLACES}])  # fmt: skip
    old, new = parse(tmp_path, bundle(ORDER, first, second))
    assert isinstance(old, RawReport)
    assert isinstance(new, RawReport)
    assert (old.version, new.version, new.status, new.accession_number) == (7, None, "corrected", "A100")


def test_an_entry_in_error_needs_no_text_and_a_replaced_one_without_takes_nothing_back(tmp_path: Path) -> None:
    gone = one(tmp_path, bundle(ORDER, document(content=[], status="entered-in-error")))
    assert gone.status == "cancelled"
    assert "withdrawn" in gone.text
    with pytest.raises(ReadError):
        parse(tmp_path, bundle(ORDER, document(content=[], status="superseded")))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["#o", "Composition", "JVBERg==", "replaces", "final"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["reference", "identifier", "value", "coding", "code", "entry", "section", "data", "attachment", "target"]
    ), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
FIELDS = sorted({*document(), *composition(), "relatesTo", "basedOn", "event", "extension", "contained", "meta"})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(FIELDS), value=VALUES)
def test_odd_documents_end_in_reports_or_typed_errors(tmp_path: Path, field: str, value: Any) -> None:
    with contextlib.suppress(ReadError):
        parse(tmp_path, bundle(ORDER, report(), document() | {field: value}, composition() | {field: value}))
