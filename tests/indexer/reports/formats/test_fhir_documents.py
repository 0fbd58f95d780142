"""FHIR's Composition and DocumentReference as reports, in the shape of the specification's and of national examples."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from small_pdf import pdf

from spinecho.encoders.errors import ReadError
from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports

LOINC = "http://loinc.org"
ACSN = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}
PATIENT = {
    "resourceType": "Patient", "id": "p1", "name": [{"family": "Quandt"}],
    "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "4711"}],
}  # fmt: skip
STUDY = {
    "resourceType": "ImagingStudy", "id": "s1",
    "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.840.99.1"}],
}  # fmt: skip
ORDER = {"resourceType": "ServiceRequest", "id": "o1", "identifier": [{"type": ACSN, "value": "A100"}]}
IMAGING = {"coding": [{"system": LOINC, "code": "18748-4", "display": "Diagnostic imaging study"}]}
DISCHARGE = {"coding": [{"system": LOINC, "code": "18842-5", "display": "Discharge summary"}]}


def attached(content: bytes, kind: str = "text/plain") -> dict[str, Any]:
    return {"attachment": {"contentType": kind, "data": base64.b64encode(content).decode()}}


def document(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference", "id": "d1", "status": "current", "docStatus": "final", "type": IMAGING,
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.4.5"},
        "identifier": [{"value": "77"}], "subject": {"reference": "Patient/p1"}, "date": "2024-01-02T10:10:10+01:00",
        "content": [attached(b"FINDINGS: A meningioma.")],
        "context": {"related": [{"reference": "ServiceRequest/o1"}, {"reference": "ImagingStudy/s1"}]}, **more,
    }  # fmt: skip


def section(title: str, text: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "text": {"status": "additional", "div": f"<div><p>{text}</p></div>"}, **more}


def composition(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Composition", "id": "c1", "status": "final", "type": IMAGING, "title": "MRI brain report",
        "identifier": {"value": "doc-9"}, "subject": {"reference": "Patient/p1"}, "date": "2024-01-02",
        "section": [
            section("Findings", "A meningioma of 12 mm.", entry=[{"reference": "ImagingStudy/s1"}]),
            section("Impression", "Meningioma."),
        ],
        "event": [{"detail": [{"reference": "ServiceRequest/o1"}]}], **more,
    }  # fmt: skip


def report(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final",
        "identifier": [{"type": ACSN, "value": "A100"}], "code": {"text": "MRI brain"},
        "subject": {"reference": "Patient/p1"}, **more,
    }  # fmt: skip


def bundle(*resources: dict[str, Any], kind: str = "collection") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}


def rows(folder: Path, *resources: dict[str, Any]) -> list[RawReport | ReportFailure]:
    """What a Bundle of these and the patient, study and order gives; and, to the same, in any order of the entries."""
    found = []
    for number, entries in enumerate(((PATIENT, STUDY, ORDER, *resources), (*resources, ORDER, STUDY, PATIENT))):
        path = folder / f"b{number}.json"
        path.write_text(json.dumps(bundle(*entries)), encoding="utf-8")
        found.append(list(parse_reports(path)))
    facts = [[(*keyed(row), row.status, row.text) for row in some if isinstance(row, RawReport)] for some in found]
    assert facts[0] == facts[1]
    return found[0]


def one(folder: Path, *resources: dict[str, Any]) -> RawReport:
    (found,) = rows(folder, *resources)
    assert isinstance(found, RawReport), found
    return found


def keyed(row: RawReport) -> tuple[str, str, str]:
    return row.accession_number, row.study_uid, row.patient_id


def test_a_document_is_the_report_of_the_order_and_study_that_it_names(tmp_path: Path) -> None:
    found = one(tmp_path, document())
    assert (keyed(found), found.status) == (("A100", "1.2.840.99.1", "4711"), "final")
    assert (found.dated, found.text) == ("2024-01-02T09:10:10Z", "FINDINGS: A meningioma.")
    assert ("name", "Quandt") in found.people


@pytest.mark.parametrize(
    "more",
    [
        {"context": {"related": [{"type": "ServiceRequest", "identifier": {"type": ACSN, "value": "A100"}}]}},
        {"context": [], "basedOn": [{"reference": "ServiceRequest/o1"}]},  # R5
        {"context": {}, "identifier": [{"value": "77"}, {"type": ACSN, "value": "A100"}]},
        {"context": {}, "contained": [ORDER | {"id": "in"}], "basedOn": [{"reference": "#in"}]},
    ],
)
def test_an_accession_number_is_found_wherever_the_document_names_it(tmp_path: Path, more: dict[str, Any]) -> None:
    assert keyed(one(tmp_path, document(**more)))[:2] == ("A100", "")


def test_a_documents_own_number_is_no_accession_number(tmp_path: Path) -> None:
    """Of an archive of documents: 77 may be somebody's accession number, and an OID of a document no study."""
    (found,) = rows(tmp_path, document(context={}))
    assert isinstance(found, ReportFailure)
    assert "neither an accession number nor a study UID" in found.message


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, "final"), ({"docStatus": "preliminary"}, "preliminary"), ({"docStatus": "amended"}, "corrected"),
        ({"status": "superseded"}, "preliminary"), ({"status": "entered-in-error"}, "cancelled"),
        ({"docStatus": "entered-in-error"}, "cancelled"), ({"docStatus": "deprecated"}, "preliminary"),
        ({"relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/d0"}}]}, "corrected"),
        ({"relatesTo": [{"code": {"coding": [{"code": "appends"}]}, "target": {}}]}, "addendum"),  # R5
        ({"docStatus": None}, ""),
    ],
)  # fmt: skip
def test_the_status_of_a_document(tmp_path: Path, more: dict[str, Any], status: str) -> None:
    assert one(tmp_path, document(**more)).status == status


def test_what_another_document_of_the_file_replaces_gives_way(tmp_path: Path) -> None:
    new = document(
        id="d2", content=[attached(b"FINDINGS: No meningioma.")],
        relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/d1"}}],
    )  # fmt: skip
    found = rows(tmp_path, document(), new)
    assert [(row.status, row.text[10:12]) for row in found if isinstance(row, RawReport)] == [
        ("preliminary", "A "), ("corrected", "No"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        [attached(b"\x89PNG", "image/png"), attached(b"<p>FINDINGS: A meningioma.</p>", "text/html")],
        [attached(pdf("FINDINGS: A meningioma."), "application/pdf")],
        [attached(rb"{\rtf1 FINDINGS: A meningioma.}", "application/rtf")],
        [{"attachment": {"contentType": "text/plain", "url": "Binary/b1"}}],
    ],
)
def test_the_readable_form_of_a_document_is_read(tmp_path: Path, content: list[dict[str, Any]]) -> None:
    binary = {"resourceType": "Binary", "id": "b1", "data": base64.b64encode(b"FINDINGS: A meningioma.").decode()}
    assert one(tmp_path, document(content=content), binary).text.strip() == "FINDINGS: A meningioma."


def test_a_document_that_is_not_at_hand_is_told(tmp_path: Path) -> None:
    url = [{"attachment": {"contentType": "application/pdf", "url": "https://documents.example/77"}}]
    (found,) = rows(tmp_path, document(content=url))
    assert isinstance(found, ReportFailure)
    assert "export it with its Binary" in found.message


@pytest.mark.parametrize(
    "more",
    [
        {"type": DISCHARGE},
        {"type": {"text": "Anamnese"}},
        {"type": None},
        {"type": {"text": "MRI request"}},
        {"description": "Einwilligung MRT"},
        {"type": {"text": "MRI safety questionnaire"}},
        {"content": [attached(b"\x00", "application/dicom")]},
    ],
)
def test_other_documents_are_no_reports_of_imaging(tmp_path: Path, more: dict[str, Any]) -> None:
    """A discharge summary that names the study is not the study's report; nor is a manifest of its pictures."""
    with pytest.raises(ReadError, match="none of them a report of imaging"):
        rows(tmp_path, document(**more))


@pytest.mark.parametrize(
    "more",
    [
        {"type": {"text": "Radiology report"}},
        {"type": {"text": "Befund MRT Knie"}},
        {"type": {"text": "Compte rendu d'IRM"}},
        {"type": {"text": "Informe de resonancia magnética"}},
        {"type": None, "category": [{"coding": [{"code": "LP29684-5"}]}]},
        {"type": None, "description": "MR Schädel"},
    ],
)
def test_reports_of_imaging_are_known_by_any_of_their_names(tmp_path: Path, more: dict[str, Any]) -> None:
    assert one(tmp_path, document(**more)).text == "FINDINGS: A meningioma."


def test_a_composition_is_read_by_its_sections(tmp_path: Path) -> None:
    found = one(tmp_path, composition())
    assert (keyed(found), found.status, found.exam) == (("A100", "1.2.840.99.1", "4711"), "final", "head")
    assert found.text == "Findings:\nA meningioma of 12 mm.\n\nImpression:\nMeningioma."


def test_sections_within_sections_and_observations_without_a_narrative(tmp_path: Path) -> None:
    observation = {"resourceType": "Observation", "id": "x", "code": {"text": "Midline shift"}, "valueString": "none"}
    inner = {"title": "Findings", "section": [section("Brain", "No infarct."), section("Spine", "SPINE: Normal.")]}
    found = one(
        tmp_path, observation,
        composition(section=[inner, {"title": "Measured", "entry": [{"reference": "Observation/x"}]}],
                    category=[{"text": "Imaging"}]),
    )  # fmt: skip
    assert found.text.splitlines() == [
        "Brain:", "No infarct.", "", "Spine:", "SPINE: Normal.", "", "Measured:", "Midline shift: none",
    ]  # fmt: skip


def test_a_composition_is_the_text_of_its_diagnostic_report(tmp_path: Path) -> None:
    """As national guides send it, a document of both: keys and status of the report, words of the Composition."""
    text = "Findings:\nA meningioma of 12 mm.\n\nImpression:\nMeningioma."
    whole = {"title": "Report", "entry": [{"reference": "DiagnosticReport/r1"}]}
    named = {"reference": "Composition/c1"}
    for resources in (
        (composition(), report(status="amended", composition=named)),
        (composition(), report(status="amended", extension=[{"url": "http://hl7.example", "valueReference": named}])),
        (
            composition(section=[*composition()["section"], whole]),
            report(status="amended", conclusion="Meningioma."),
        ),
    ):
        found = one(tmp_path, *resources)
        assert (found.status, found.accession_number, found.text) == ("corrected", "A100", text)


def test_a_summary_that_lists_reports_gives_them_no_words(tmp_path: Path) -> None:
    listed = [{"reference": "DiagnosticReport/r1"}, {"reference": "DiagnosticReport/r2"}]
    summary = composition(type=DISCHARGE, title="Summary", section=[section("Course", "Pneumonia.", entry=listed)])
    found = rows(tmp_path, summary, report(conclusion="No bleed."), report(id="r2", conclusion="A cyst."))
    assert [row.text for row in found if isinstance(row, RawReport)] == ["No bleed.", "A cyst."]


def test_lines_of_documents(tmp_path: Path) -> None:
    path = tmp_path / "d.ndjson"
    first, second = (
        {"type": "ServiceRequest", "identifier": {"type": ACSN, "value": number}} for number in ("A1", "A2")
    )
    documents = [
        document(id="1", basedOn=first, context={}),
        document(id="2", type=DISCHARGE),
        composition(id="3", extension=[{"valueReference": second}]),
    ]
    path.write_text("\n".join(map(json.dumps, documents)))
    found = [row for row in parse_reports(path) if isinstance(row, RawReport)]
    assert [(row.ordinal, row.accession_number) for row in found] == [(1, "A1"), (2, "A2")]
