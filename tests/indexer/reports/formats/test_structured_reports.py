"""Structured reports: measurements say what was measured, and no tree, however odd, loses a word. Nobody is real."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from structured_reports import SR, TITLE, code, coded, dicom, item, number, tracked

from spinecho.encoders.language.findings import Statement, statements_in
from spinecho.indexer.reports.parsing.identity import report_passages
from spinecho.indexer.reports.parsing.parse import RawReport, parse_reports

LIVER = coded("Finding Site", "Liver", "HAS CONCEPT MOD", coded("Laterality", "Left", "HAS CONCEPT MOD"))


def report(folder: Path, *tree: Dataset, title: list[Dataset] = TITLE) -> RawReport:
    (folder / "sr.dcm").write_bytes(dicom(f"{SR}34", ContentSequence=list(tree), ConceptNameCodeSequence=title))
    (found,) = parse_reports(folder / "sr.dcm")
    assert isinstance(found, RawReport), found
    return found


def statements(text: str) -> list[Statement]:
    return [one for passage in report_passages(text) for one in statements_in(passage)]


PARTS = (
    coded("Finding", "Mass"), LIVER, number("Long Axis", "42", "mm"), number("Short Axis", "3.1", "cm"),
    number("Volume", "33", "ml"), number("Distance to skin", "8", "cm"), coded("Shape", "Lobulated"),
)  # fmt: skip


@given(st.permutations(PARTS))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_measured_finding_has_its_size_side_and_place_in_whatever_order_they_come(
    tmp_path: Path, parts: list[Dataset]
) -> None:
    text = report(tmp_path, item("CONTAINER", "Imaging Measurements", "CONTAINS", tracked(*parts))).text
    mass = next(one for one in statements(text) if "mass" in one.concepts)
    assert (mass.assertion, mass.low_mm, mass.high_mm) == ("present", 42.0, 42.0)
    assert (mass.sides, mass.places) == (("left",), ("abdomen:liver",))
    for words in ("42 mm mass in the left liver", "Short Axis: 3.1 cm", "Volume: 33 ml", "Tracking Identifier: L1"):
        assert words in text
    assert not any("spine" in one.concepts for one in statements(text)), "the name of a lesion is no vertebra"


@pytest.mark.parametrize(
    ("parts", "words", "assertion", "high"),
    [
        ([coded("Finding", "Nodule"), coded("Presence of finding", "Absent")], "No nodule", "absent", None),
        ([coded("Finding", "Nodule"), coded("Presence", "Possibly present"), number("Diameter", "9", "mm")],
         "possible 9 mm nodule", "uncertain", 9.0),
        ([coded("Finding", "Nodule, Solid"), number("Diameter", "0.5", "[in_i]")],
         "12.7 mm nodule Solid", "present", 12.7),
        ([coded("Finding", "Nodule"), number("Diameter", "9.123456789", "mm")], "9.123 mm nodule", "present", 9.123),
        ([coded("Finding", "Nodule"), number("Area", "90", "mm2")], "nodule", "present", None),
        ([coded("Finding", "Nodule"), number("Distance", "90", "mm")], "nodule", "present", None),
        ([coded("Finding", "No nodule"), number("Diameter", "9", "mm")], "no nodule", "absent", None),
    ],
)  # fmt: skip
def test_what_is_said_of_a_finding_counts(
    tmp_path: Path, parts: list[Dataset], words: str, assertion: str, high: float | None
) -> None:
    text = report(tmp_path, tracked(*parts)).text
    assert words in text
    first = next(one for one in statements(text) if "nodule" in one.concepts)
    assert (first.assertion, first.high_mm) == (assertion, high)


def test_a_finding_with_measurements_below_it_is_a_group_too(tmp_path: Path) -> None:
    text = report(tmp_path, coded("Finding", "Cyst", "CONTAINS", number("Diameter", "12", "mm")), title=[]).text
    assert text == "12 mm cyst; Diameter: 12 mm."


def test_a_text_that_runs_over_items_is_one_text(tmp_path: Path) -> None:
    parts = [item("TEXT", "a", TextValue="There is no"), coded("Finding", "Mass"),
             item("TEXT", "b", TextValue="in the liver, only a cyst of"), number("Diameter", "5", "mm")]  # fmt: skip
    text = report(tmp_path, item("CONTAINER", "Findings", "CONTAINS", *parts, ContinuityOfContent="CONTINUOUS")).text
    assert text == "FINDINGS:\nThere is no Mass in the liver, only a cyst of 5 mm"
    assert {one.assertion for one in statements(text) if "mass" in one.concepts} == {"absent"}


def test_who_observed_and_of_whom_is_left_out_wherever_it_stands(tmp_path: Path) -> None:
    subject = item("TEXT", "Subject Name", "CONTAINS", TextValue="Doe Jane", code="121029")
    observer = item("PNAME", "Reader", "CONTAINS", PersonName="House^Greg")
    assert report(tmp_path, tracked(*PARTS, subject, observer), subject, observer).text.count("Doe") == 0
    made_up = item("TEXT", "Lesions", "CONTAINS", TextValue="three", code="121029")
    made_up.ConceptNameCodeSequence[0].CodingSchemeDesignator = "99LAB"
    assert report(tmp_path, made_up).text == "Lesions: three"


WORDS = st.sampled_from(["Stable", "oedema", "Grade 2", "42", "multi\nline", "ä é", "x; y"])
ODD = ("", "no name", "no meaning", "no kind", "no relation")


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Dataset:
    """Items of any kind in any order, with what an item may lack left out of some."""
    kind = draw(st.sampled_from(["TEXT", "CODE", "NUM", "DATE", "IMAGE", "SCOORD", "CONTAINER", "GROUP"]))
    inner = draw(st.lists(trees(depth - 1), max_size=3)) if depth else []
    if kind == "GROUP":
        return tracked(*inner, name=draw(WORDS))
    relation = draw(
        st.sampled_from(["CONTAINS", "HAS CONCEPT MOD", "HAS PROPERTIES", "INFERRED FROM", "HAS ACQ CONTEXT"])
    )
    said = draw(WORDS)
    name = draw(st.sampled_from(["Finding", "Finding Site", "Laterality", "Comment", "Findings", "Odd"]))
    unit = draw(st.sampled_from(["mm", "cm", "mm2", "ml", "1", "[hnsf'U]", "{counts}"]))
    values: dict[str, dict[str, Any]] = {
        "TEXT": {"TextValue": said}, "CODE": {"ConceptCodeSequence": [code(said)]}, "DATE": {"Date": "20240102"},
        "CONTAINER": {"ContinuityOfContent": draw(st.sampled_from(["SEPARATE", "CONTINUOUS"]))},
    }  # fmt: skip
    made = number(name, "7.5", unit) if kind == "NUM" else item(kind, name, relation, **values.get(kind, {}))
    made.RelationshipType = relation
    if inner:
        made.ContentSequence = inner
    match draw(st.sampled_from(ODD)):
        case "no name":
            del made.ConceptNameCodeSequence
        case "no meaning" if kind == "CODE":
            del made.ConceptCodeSequence[0].CodeMeaning
        case "no kind" if kind in ("TEXT", "CODE", "NUM"):
            del made.ValueType
        case "no relation":
            del made.RelationshipType
    return made


def mark(tree: list[Dataset], count: list[int]) -> list[str]:
    """Give each item a value of its own; these values."""
    marks = []
    for one in tree:
        count[0] += 1
        own = f"q{count[0]}"
        for text in [one] if "TextValue" in one else []:
            text.TextValue = f"{text.TextValue} {own}"
        for coding in one.get("ConceptCodeSequence", []):
            name = "CodeMeaning" if "CodeMeaning" in coding else "CodeValue"
            setattr(coding, name, f"{coding[name].value} {own}")
        for measured in one.get("MeasuredValueSequence", []):
            measured.NumericValue = own = f"{1000 + count[0]}.5"
        if "Date" in one:
            one.Date, own = f"19{count[0]:02d}0102", f"19{count[0]:02d}-01-02"
        if one.keys() & {0x0040A160, 0x0040A168, 0x0040A300, 0x0040A121}:
            marks.append(own)
        marks += mark(list(one.get("ContentSequence", [])), count)
    return marks


@given(tree=st.lists(trees(), min_size=1, max_size=4), measured=st.booleans())
@settings(max_examples=40, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
def test_no_tree_loses_a_word(tmp_path: Path, tree: list[Dataset], *, measured: bool) -> None:
    marks = mark(tree, [0])
    text = report(tmp_path, *tree, item("TEXT", "Comment", TextValue="Read."), title=TITLE if measured else []).text
    lost = [one for one in marks if not re.search(rf"(?<![\w.]){re.escape(one)}(?![\w])", text)]
    assert not lost, (lost, text, tree)


@pytest.mark.parametrize(
    ("written", "begins"),
    [
        (b"4,2 ", "4.2 cm mass; Diameter: 4.2 cm;"), (b"abou", "mass; Diameter: abou cm;"),
        (b"-1.5", "mass; Diameter: -1.5"), (b"1e99", "mass; Diameter: 1e+99 cm;"), (b"    ", "mass; Shape"),
        (b"1\\2 ", "mass; Diameter: 1, 2 cm;"), (b"\xff\xfe  ", "mass; "), (b"0.00", "mass; Diameter: 0 cm;"),
    ],
)  # fmt: skip
def test_a_number_that_breaks_its_rules_loses_itself_alone(tmp_path: Path, written: bytes, begins: str) -> None:
    tree = [coded("Finding", "Mass"), number("Diameter", "9.75", "cm"), coded("Shape", "Lobulated")]
    content = dicom(f"{SR}34", ContentSequence=[tracked(*tree)], ConceptNameCodeSequence=TITLE)
    assert content.count(b"9.75") == 1
    (tmp_path / "sr.dcm").write_bytes(content.replace(b"9.75", written))
    (found,) = parse_reports(tmp_path / "sr.dcm")
    assert isinstance(found, RawReport), found
    assert found.text.startswith(begins)
    assert "Shape: Lobulated" in found.text


@pytest.mark.parametrize(("zone", "dated"), [("+0200", "08:10:10Z"), ("-0500", "15:10:10Z"), ("", "10:10:10")])
def test_the_time_of_a_report_is_in_utc_where_it_names_its_zone(tmp_path: Path, zone: str, dated: str) -> None:
    tree = [item("TEXT", "Finding", TextValue="No infarct.")]
    (tmp_path / "a.dcm").write_bytes(dicom(f"{SR}33", ContentSequence=tree, TimezoneOffsetFromUTC=zone))
    (found,) = parse_reports(tmp_path / "a.dcm")
    assert isinstance(found, RawReport)
    assert found.dated == f"2024-01-02T{dated}"
