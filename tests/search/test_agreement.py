"""Whether a sentence that sounds like the query also says it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from passage_cards import cards

from spinecho.db.values import PassageCard
from spinecho.encoders.language.query_words import parse_query
from spinecho.search.channels.clause_agreement import judge, violates, weight


def card(sentence: str, *, section: str = "findings") -> PassageCard:
    (only,) = cards(sentence, section=section)
    return only


@pytest.mark.parametrize(
    ("query", "sentence", "contradicts"),
    [
        ("acute infarct", "Acute infarct in the left frontal lobe.", ""),
        ("acute infarct", "No acute infarct.", "absent"),
        ("acute infarct", "Chronic infarct in the left frontal lobe.", "opposite"),
        ("acute on chronic infarct", "Chronic infarct in the left frontal lobe.", ""),
        ("left frontal infarct", "Infarct in the right frontal lobe.", "side"),
        ("left frontal infarct", "Infarcts in both frontal lobes.", ""),
        ("left frontal infarct", "Infarcts in the left and right frontal lobes.", ""),
        ("frontal infarct", "Infarct in the right frontal lobe.", ""),
        ("high-grade glioma", "This may represent a low grade glioma.", "opposite"),
        ("glioma", "This may represent a low grade glioma.", ""),
        ("no haemorrhage", "No haemorrhage.", ""),
        ("medial meniscus tear", "Tear of the lateral meniscus.", "place"),
        ("left frontal mass", "Mass of the left adrenal gland.", "place"),
        ("right parotid mass", "Mass in the right medial thigh.", "place"),
        ("frontal mass", "Mass of the orbit.", ""),  # neighbours are left undecided
        ("metastases of the brain and the breast", "Metastases of the breast.", ""),
        ("normal ACL", "Ligament - ACL Low Grade sprain.", "abnormal"),
        ("normal ACL", "The ACL is intact.", ""),
    ],
)
def test_contradictions_are_named(query: str, sentence: str, contradicts: str) -> None:
    assert judge(parse_query(query), card(sentence), 0.8).contradicts == contradicts


@pytest.mark.parametrize(
    ("query", "sentences"),
    [  # each nearer to what is asked than the one after it
        (
            "left vestibular schwannoma",
            ("Vestibular schwannoma on the left.", "Vestibular schwannoma.", "A schwannoma.", "Left renal cyst."),
        ),
        (
            "pituitary macroadenoma",
            ("A macroadenoma of the pituitary gland.", "A pituitary adenoma.", "A tumor.", "Fracture."),
        ),
        (
            "bilateral femoral head necrosis",
            ("Femoral head necrosis on both sides.", "Osteonecrosis.", "Bilateral cysts."),
        ),
        ("left", ("Cyst on the left.", "Cyst.")),
    ],
)
def test_a_side_counts_beside_its_finding_and_a_kind_of_it_in_part(query: str, sentences: tuple[str, ...]) -> None:
    nears = [judge(parse_query(query), card(sentence), 0.5).nears for sentence in sentences]
    assert nears == sorted(nears, reverse=True), nears
    assert len(set(nears)) == len(nears), nears
    assert nears[0] == 1.0


@pytest.mark.parametrize("side", ["left", "right", "bilateral"])
@pytest.mark.parametrize("finding", ["meningioma", "renal cyst", "hippocampal sclerosis", "knee effusion"])
def test_a_side_alone_comes_near_nothing(side: str, finding: str) -> None:
    other = judge(parse_query(f"{side} {finding}"), card(f"Fracture, {side}."), 0.5)
    assert other.nears == 0.0
    assert not other.covers >= 0.8  # and none of it fits


def test_what_contradicts_weighs_less_than_what_is_unsure_and_that_less_than_what_is_said() -> None:
    query = parse_query("glioma")
    said, unsure, denied = (
        weight(judge(query, card(sentence), 0.8))
        for sentence in ("A glioma is seen.", "This may represent a glioma.", "No glioma.")
    )
    assert said > unsure > denied


def test_an_indication_asks_and_does_not_find() -> None:
    query = parse_query("infarct")
    asked, found = (weight(judge(query, card("Infarct.", section=s), 0.8)) for s in ("indication", "impression"))
    assert asked < found


@pytest.mark.parametrize(
    ("sentence", "section", "expected"),
    [
        ("The mass shows enhancement.", "findings", True),
        ("There is no enhancement.", "findings", False),
        ("Enhancement? Please assess.", "indication", False),
        ("A mass is seen.", "findings", False),
    ],
)
def test_only_an_affirmed_finding_violates_a_condition(sentence: str, section: str, expected: bool) -> None:
    said = cards(sentence, section=section)
    assert violates(parse_query("mass, no enhancement"), said) is expected


@pytest.mark.parametrize(
    ("query", "sentence", "contradicts", "assertion"),
    [
        ("infarct", "A 2 cm mass, but no infarct.", "absent", "absent"),
        ("mass", "A 2 cm mass, but no infarct.", "", "present"),
        ("haemorrhage", "Cavernoma, no haemorrhage.", "absent", "absent"),
        ("mass", "Query mass.", "", "uncertain"),
        ("disc herniation L4/5", "Disc herniation at L5/S1.", "place", "present"),
        ("disc herniation L4/5", "Disc herniation L4-L5.", "", "present"),
        ("frontal meningioma", "Meningioma of the left parietal lobe.", "place", "present"),
        ("mass larger than 4 cm", "A mass of 2.1 x 3 cm.", "size", "present"),
        ("mass larger than 4 cm", "A mass of 5 x 3 cm.", "", "present"),
        ("glioblastoma", "Low-grade glioma of the temporal lobe.", "", ""),
        ("glioma", "Glioblastoma of the temporal lobe.", "", "present"),
        ("left mass", "Mass on the right, normal left kidney.", "side", "present"),
        ("normal lumbar spine", "Normal lumbar spine.", "", "absent"),
        ("normal lumbar spine", "Disc herniation of the lumbar spine.", "abnormal", ""),
    ],
)
def test_the_clause_that_holds_the_finding_decides(query: str, sentence: str, contradicts: str, assertion: str) -> None:
    hit = judge(parse_query(query), card(sentence), 0.8)
    assert (hit.contradicts, hit.assertion) == (contradicts, assertion)


def test_a_size_in_the_sentence_that_follows_is_the_findings() -> None:
    mass = cards("FINDINGS: There is a mass in the liver. It measures 4.2 x 3 cm.")[0]
    assert judge(parse_query("liver mass larger than 4 cm"), mass, 0.9).contradicts == ""
    assert judge(parse_query("liver mass smaller than 2 cm"), mass, 0.9).contradicts == "size"


@pytest.mark.parametrize("size", ["larger than 4 cm", "up to 5 mm", "of 2 cm or more", "between 1 and 2 cm"])
def test_what_gives_no_size_is_unmeasured_whoever_says_it(size: str) -> None:
    """A header that names a tumour gives no size, as a report's sentence without one gives none."""
    query = parse_query(f"tumour {size}")
    report = card("A tumour is seen.")
    header = replace(
        report, report_id=None, section="header", clauses=(), text="Axial MRI of the pelvis. PELVIS TUMOUR"
    )
    assert [judge(query, one, 0.5).unmeasured for one in (report, header)] == [True, True]
    assert not judge(query, card("A tumour of 15 mm."), 0.5).unmeasured
    assert not judge(parse_query("tumour"), header, 0.5).unmeasured
