"""FHIR resources and JSON arrays to reports, in the shape of the specification's examples."""

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

from spinecho.encoders.errors import ReadError
from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports

ACSN = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}
MR = {"coding": [{"code": "MR"}]}


def report(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final",
        "identifier": [{"value": "RIS-9"}, {"type": ACSN, "value": "A100"}],
        "code": {"text": "MRI brain", "coding": [{"code": "24590-2", "system": "http://loinc.org"}]},
        "subject": {"reference": "Patient/p1"}, "issued": "2024-01-02T10:10:10.5+01:00", "conclusion": "No bleed.",
        **more,
    }  # fmt: skip


PATIENT = {"resourceType": "Patient", "id": "p1", "identifier": [{"value": "N1"}, {"type": MR, "value": "4711"}]}


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def parse(folder: Path, content: Any, name: str = "r.json") -> list[RawReport | ReportFailure]:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
    return list(parse_reports(path))


def one(folder: Path, content: Any, name: str = "r.json") -> RawReport:
    (found,) = parse(folder, content, name)
    assert isinstance(found, RawReport), found
    return found


def form(kind: str, data: bytes) -> dict[str, str]:
    return {"contentType": kind, "data": base64.b64encode(data).decode()}


def test_a_report_has_its_keys_and_facts(tmp_path: Path) -> None:
    found = one(tmp_path, bundle(PATIENT, report(meta={"versionId": "3"})))
    assert (found.accession_number, found.patient_id, found.status) == ("A100", "4711", "final")
    assert (found.dated, found.version, found.exam, found.text) == ("2024-01-02T09:10:10Z", 3, "head", "No bleed.")


@pytest.mark.parametrize("field", ["imagingStudy", "study"])
def test_the_study_by_its_resource(tmp_path: Path, field: str) -> None:
    study = {
        "resourceType": "ImagingStudy", "id": "s1",
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.840.99.1"}],
    }  # fmt: skip
    found = one(tmp_path, bundle(study, report(identifier=[], **{field: [{"reference": "ImagingStudy/s1"}]})))
    assert (found.accession_number, found.study_uid) == ("", "1.2.840.99.1")
    order = {"resourceType": "ServiceRequest", "id": "o1", "identifier": [{"type": ACSN, "value": "A7"}]}
    contained = report(identifier=[], contained=[order], basedOn=[{"reference": "#o1"}])
    assert one(tmp_path, contained).accession_number == "A7"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("text/plain", b"A lesion of 5 mm."), ("text/html; charset=utf-8", b"<p>A lesion of 5 mm.</p>"),
        ("text/rtf", rb"{\rtf1 A lesion of 5 mm.}"), ("application/octet-stream", b""),
    ],
)  # fmt: skip
def test_presented_forms(tmp_path: Path, kind: str, data: bytes) -> None:
    found = one(tmp_path, report(presentedForm=[{"contentType": "image/png", "data": "AAAA"}, form(kind, data)]))
    assert found.text == ("A lesion of 5 mm.\n\nIMPRESSION:\nNo bleed." if data else "No bleed.")
    (bad,) = parse(tmp_path, report(conclusion="", presentedForm=[{"contentType": "application/pdf", "data": "%%"}]))
    assert isinstance(bad, ReportFailure)


def test_observations_contained_and_named(tmp_path: Path) -> None:
    inner = {"resourceType": "Observation", "id": "o1", "code": {"text": "Findings"}, "valueString": "A lesion."}
    size = {
        "resourceType": "Observation", "id": "o2", "code": {"text": "Diameter"},
        "valueQuantity": {"value": 5.20, "unit": "mm"},
        "component": [{"code": {"text": "Side"}, "valueString": "left"}],
    }  # fmt: skip
    whole = report(contained=[inner], result=[{"reference": "#o1"}, {"reference": "Observation/o2"}])
    expected = "Findings: A lesion.\nDiameter: 5.2 mm\nSide: left\n\nIMPRESSION:\nNo bleed."
    assert one(tmp_path, bundle(size, whole)).text == expected


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        ("preliminary", "preliminary"),
        ("amended", "corrected"),
        ("appended", "corrected"),
        ("entered-in-error", "cancelled"),
    ],
)
def test_status(tmp_path: Path, stated: str, status: str) -> None:
    assert one(tmp_path, report(status=stated)).status == status


def test_an_identifier_of_the_report_itself_is_no_study(tmp_path: Path) -> None:
    own = {"system": "urn:ietf:rfc3986", "value": "urn:oid:1.2.276.0.76.1.2"}
    found = one(tmp_path, report(identifier=[own, {"type": ACSN, "value": "A100"}]))
    assert (found.accession_number, found.study_uid) == ("A100", "")
    assert one(tmp_path, report(identifier=[own])).study_uid == "1.2.276.0.76.1.2"


def test_laboratory_reports_are_left_out_and_counted(tmp_path: Path) -> None:
    lab = report(category=[{"coding": [{"code": "LAB"}]}])
    (_, told) = parse(tmp_path, bundle(lab, report(), lab))
    assert isinstance(told, ReportFailure)
    assert "laboratory report (2)" in told.message


def test_lines_of_resources(tmp_path: Path) -> None:
    lab = report(category=[{"coding": [{"code": "LAB"}]}])
    content = "\n".join(json.dumps(one) for one in (PATIENT, report(), lab, report(conclusion="Second.")))
    found = parse(tmp_path, content, "DiagnosticReport.ndjson")
    assert [(row.text, row.ordinal) for row in found if isinstance(row, RawReport)] == [
        ("No bleed.", 1),
        ("Second.", 2),
    ]


def test_what_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="none of them a report"):
        parse(tmp_path, bundle(PATIENT))
    (keyless,) = parse(tmp_path, report(identifier=[]))
    assert isinstance(keyless, ReportFailure)
    (torn,) = parse(tmp_path, json.dumps(report())[:-5])
    assert isinstance(torn, ReportFailure)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_an_array_of_reports(tmp_path: Path, name: str) -> None:
    rows = [{"accession": "A1", "report": "First."}, 7, {"accession": "A2", "report": "Second."}]
    found = parse(tmp_path, rows, name)
    assert [getattr(row, "text", "") for row in found] == ["First.", "", "Second."]
    if name == "a.json":
        assert one(tmp_path, {"accession": "A1", "findings": "x", "impression": "y"}).text.startswith("FINDINGS")
        assert one(tmp_path, {"count": 1, "reports": rows[:1]}).text == "First."
        with pytest.raises(ReadError):
            parse(tmp_path, {"EchoTime": 0.03})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["#o", "Bundle", "JVBERg=="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["reference", "identifier", "value", "coding", "code", "entry", "resource", "data", "contentType", "id"]
    ), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(sorted({*report(), "result", "contained", "presentedForm", "study", "meta", "text"})),
       value=VALUES)  # fmt: skip
def test_odd_resources_end_in_reports_or_typed_errors(tmp_path: Path, field: str, value: Any) -> None:
    with contextlib.suppress(ReadError):
        parse(tmp_path, bundle(PATIENT, report(**{field: value})))


def test_a_narrative_that_lists_the_resources_fields_is_no_report(tmp_path: Path) -> None:
    """As the publisher of FHIR writes it into its examples, with the patient's name among the fields."""
    fields = "<p><b>Generated Narrative with Details</b></p><p><b>subject</b>: <a>Eve Everywoman</a></p>"
    resource = {
        "resourceType": "DiagnosticReport", "status": "final", "identifier": [{"value": "Q7"}],
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{fields}</div>'},
    }  # fmt: skip
    path = tmp_path / "a.json"
    path.write_text(json.dumps(resource), encoding="utf-8")
    (found,) = parse_reports(path)
    assert isinstance(found, ReportFailure)
    assert found.message == "no report text"
    path.write_text(json.dumps({**resource, "conclusion": "No tumour."}), encoding="utf-8")
    (found,) = parse_reports(path)
    assert isinstance(found, RawReport)
    assert found.text == "No tumour."


WRITTEN = {
    "&lt;5 mm": "<5 mm", "&#8805; 4 cm": "≥ 4 cm", "A &amp; B": "A & B", "a<br/>b": "a\nb", "L4<L5": "L4<L5",
    "<p>No&nbsp;tear.</p>": "No tear.", "{\\rtf1 No tear.}": "No tear.", "size &lt; 5 &gt; 3": "size < 5 > 3",
}  # fmt: skip


@pytest.mark.parametrize("written", WRITTEN)
def test_texts_of_every_field_are_read_as_they_were_shown(tmp_path: Path, written: str) -> None:
    observed = {"resourceType": "Observation", "id": "o1", "code": {"text": "Finding"}, "valueString": written}
    noted = {"resourceType": "Observation", "id": "o1", "note": [{"text": written}]}
    shown = WRITTEN[written]
    assert one(tmp_path, report(conclusion=written)).text == shown
    for held, text in ((observed, f"Finding: {shown}"), (noted, shown)):
        found = one(tmp_path, report(conclusion="", contained=[held], result=[{"reference": "#o1"}]))
        assert found.text == text
    plain = one(tmp_path, report(conclusion="", presentedForm=[form("text/plain", written.encode())]))
    assert plain.text == shown


VALUES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"valueQuantity": {"value": 42, "unit": "mm"}}, "Size: 42 mm"),
    ({"valueQuantity": {"value": 4.2, "code": "cm", "comparator": ">="}}, "Size: >= 4.2 cm"),
    ({"valueRange": {"low": {"value": 2, "unit": "cm"}, "high": {"value": 3, "unit": "cm"}}}, "Size: 2 cm to 3 cm"),
    ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 3}}}, "Size: 1 : 3"),
    ({"valueBoolean": False}, "Size: no"), ({"valueInteger": 0}, "Size: 0"),
    ({"valueCodeableConcept": {"coding": [{"display": "large"}]}}, "Size: large"),
    ({"dataAbsentReason": {"text": "not measured"}}, "Size: not measured"),
    ({"valueQuantity": {"value": 5, "unit": "mm"}, "interpretation": [{"text": "High"}]}, "Size: 5 mm (High)"),
    ({"valueInteger": 3, "bodySite": {"text": "left breast"}}, "Size (left breast): 3"),
)  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=[text for _, text in VALUES])
def test_an_observation_and_its_components_say_their_values(tmp_path: Path, value: tuple[dict[str, Any], str]) -> None:
    part = {"code": {"text": "Size"}, **value[0]}
    inner = {"resourceType": "Observation", "id": "inner", **part}
    outer = {"resourceType": "Observation", "id": "o1", "code": {"text": "Lesion"}, "valueString": "seen"}
    for held in ({**outer, "component": [part]}, {**outer, "hasMember": [{"reference": "#inner"}]}):
        found = one(tmp_path, report(conclusion="", contained=[inner, held], result=[{"reference": "#o1"}]))
        assert found.text == f"Lesion: seen\n{value[1]}"


def test_conclusion_codes_are_read_once(tmp_path: Path) -> None:
    codes = [{"text": "Meningioma"}, {"coding": [{"display": "Oedema"}]}, {"text": "meningioma"}]
    assert one(tmp_path, report(conclusionCode=codes)).text == "No bleed.\n\nIMPRESSION:\nMeningioma\nOedema"
    assert one(tmp_path, report(conclusion="A meningioma with oedema.", conclusionCode=codes)).text.count("\n") == 0
    assert one(tmp_path, report(conclusion="", conclusionCode=codes[:1])).text == "Meningioma"


UUID = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"


@pytest.mark.parametrize("name", [UUID, UUID.upper(), f"{UUID}/_history/2"])
def test_references_of_a_bundle_are_followed(tmp_path: Path, name: str) -> None:
    seen = {"resourceType": "Observation", "code": {"text": "Finding"}, "valueString": "a cyst"}
    for full in (UUID, "https://fhir.example/r4/Observation/o7"):
        reference = name if full == UUID else name.replace(name[:45], full)
        entries = [{"fullUrl": full, "resource": seen},
                   {"resource": report(conclusion="", result=[{"reference": reference}])}]  # fmt: skip
        assert one(tmp_path, {"resourceType": "Bundle", "entry": entries}).text == "Finding: a cyst"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\n\ufeff\n \n\ufeff"])
def test_lines_with_marks_and_blank_ones_between(tmp_path: Path, end: str) -> None:
    keys = [[{"type": ACSN, "value": f"A{n}"}] for n in (1, 2)]
    lines = [json.dumps(report(conclusion="Normal.", identifier=one)) for one in keys]
    found = parse(tmp_path, f"\ufeff{end}{end.join(lines)}{end}", "r.ndjson")
    assert [one.accession_number for one in found if isinstance(one, RawReport)] == ["A1", "A2"]


FORMS = (
    ("text/plain; charset=iso-8859-1", "Ödem".encode("latin-1")),
    ('text/plain;charset="windows-1252"', "Ödem".encode("cp1252")),
    ("TEXT/PLAIN; Charset = UTF-16", "Ödem".encode("utf-16")),
    ("text/html; charset=iso-8859-1", "<html><body>Ödem</body></html>".encode("latin-1")),
    ("application/rtf", b"{\\rtf1\\ansi\\ansicpg1252 \\'d6dem}"),
    ("text/plain", b"{\\rtf1\\ansi\\ansicpg1252 \\'d6dem}"),
    ("application/pdf", pdf("Oedem")),
    ("", "Ödem".encode()),
)


@pytest.mark.parametrize(("kind", "data"), FORMS)
@pytest.mark.parametrize("url", [False, True])
def test_a_presented_form_of_any_kind_and_set(tmp_path: Path, kind: str, data: bytes, *, url: bool) -> None:
    held = form(kind, data)
    if len(data) % 2:  # as addresses are written
        held["data"] = held["data"].replace("+", "-").replace("/", "_").rstrip("=")
    if url:
        binary = {"resourceType": "Binary", "id": "b1", "contentType": kind, "data": held.pop("data")}
        held["url"] = "Binary/b1"
        found = one(tmp_path, bundle(binary, report(conclusion="", presentedForm=[held])))
    else:
        found = one(tmp_path, report(conclusion="", presentedForm=[held]))
    assert found.text.strip() == ("Oedem" if "pdf" in kind else "Ödem")


def test_resources_in_an_array_name_one_another_and_notes_of_a_report_are_read(tmp_path: Path) -> None:
    order = {"resourceType": "ServiceRequest", "id": "s1", "identifier": [{"value": "A100"}]}
    report = {
        "resourceType": "DiagnosticReport", "status": "final", "basedOn": [{"reference": "ServiceRequest/s1"}],
        "conclusion": "A tear.", "note": [{"text": "Seen again: no tear."}],
    }  # fmt: skip
    path = tmp_path / "a.json"
    path.write_text(json.dumps([report, order]))
    (found,) = parse_reports(path)
    assert isinstance(found, RawReport)
    assert (found.accession_number, found.text) == ("A100", "A tear.\n\nSeen again: no tear.")
