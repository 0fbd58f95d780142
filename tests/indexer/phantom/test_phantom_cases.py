"""What is planned: determined by (seed, index), plausible, and told truly in the report."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import UID

from spinecho.indexer.phantom import Case, plan_case, plan_cases
from spinecho.indexer.phantom.cases import KINDS
from spinecho.indexer.phantom.report_text import midline_shift_mm, seen_in

SECTIONS = ("INDICATION:", "TECHNIQUE:", "COMPARISON:", "FINDINGS:", "IMPRESSION:")

any_case = st.builds(lambda seed, index: plan_case(index, seed=seed), st.integers(0, 2**31), st.integers(0, 5000))


def told(case: Case) -> str:
    """The report without its indication, which the referrer wrote."""
    return case.report[case.report.index("TECHNIQUE:") :]


def test_the_same_seed_gives_the_same_cases_whatever_their_number():
    few, many = plan_cases(5, seed=3), plan_cases(30, seed=3)
    assert few == many[:5]
    assert many == plan_cases(30, seed=3)
    assert plan_cases(5, seed=4) != few


def test_two_dozen_studies_show_every_kind_and_some_are_normal():
    cases = plan_cases(24, seed=0)
    found = Counter(case.diagnosis for case in cases)
    assert set(found) == {*KINDS, "normal"}
    assert 0.18 <= found["normal"] / len(cases) <= 0.3
    assert any(plan.storage == "enhanced" for case in cases for plan in case.series)
    assert {plan.syntax for case in cases for plan in case.series} == {"explicit", "rle", "jpeg2000"}
    assert any(plan.sequence == "localizer" for case in cases for plan in case.series)


def test_some_patients_come_twice_and_the_second_report_names_the_first_study():
    cases = plan_cases(24, seed=0)
    again = [case for case in cases if case.prior_accession]
    assert len(again) == 3
    for case in again:
        before = cases[case.index - 1]
        assert case.patient_id == before.patient_id
        assert case.prior_accession == before.accession_number
        assert case.date > before.date
        assert case.change
        assert case.lesions != before.lesions
        assert before.accession_number in case.report
    assert len({case.patient_id for case in cases}) == len(cases) - len(again)


@settings(max_examples=40)
@given(any_case)
def test_any_seed_plans_a_valid_case(case: Case):
    assert 18 <= case.age_years <= 90
    assert len(case.accession_number) <= 16
    assert UID(case.study_uid).is_valid
    volumes = {(plan.series_uid, plan.part) for plan in case.series}
    assert len(volumes) == len(case.series)
    assert 3 <= len({plan.series_uid for plan in case.series}) <= 7
    for plan in case.series:
        assert UID(plan.series_uid).is_valid
        assert plan.columns > 0
        assert plan.rows > 0
        assert plan.slices > 0
        assert plan.spacing_mm >= plan.thickness_mm * 0.999
        assert 0 < plan.te_ms < plan.tr_ms
        assert (plan.b_value is not None) == (plan.sequence == "DWI")
    for lesion in case.lesions:
        x = lesion.center_mni_mm[0]
        if lesion.side in ("left", "right"):
            assert (x > 10) == (lesion.side == "right")
            assert abs(x) > 10
        assert lesion.size_mm > 0 or lesion.kind == "small vessel disease"


@settings(max_examples=80)
@given(any_case)
def test_a_report_says_only_what_was_acquired_and_is_true(case: Case):
    text, seen = told(case), seen_in(case)
    at = [case.report.index(section) for section in SECTIONS]
    assert at == sorted(at)
    assert not re.search(r"[{}]", case.report)
    low = text.lower()
    if "contrast" not in seen:
        assert "enhanc" not in low
        assert "after contrast" not in low
    if "DWI" not in seen:
        assert "restrict" not in low
        assert "diffusion" not in low
    if "T2*" not in seen:
        for word in ("gradient echo", "t2*", "bloom", "susceptib", "microbleed"):
            assert word not in low
    if "FLAIR" not in seen:
        assert "flair" not in low
    if "T2" not in seen:
        assert "axial t2" not in low.replace("t2*", "")


@settings(max_examples=80)
@given(any_case)
def test_negatives_and_sides_agree_with_the_lesions(case: Case):
    text = told(case).lower()
    kinds = {lesion.kind for lesion in case.lesions}
    if any(lesion.restricted for lesion in case.lesions):
        assert "no restricted diffusion" not in text
        assert "no diffusion restriction" not in text
    if kinds & {"haemorrhage", "cavernoma"}:
        assert "no haemorrhage" not in text.replace("no haemorrhagic", "")
        assert "no blood products" not in text
        assert "no evidence of" not in text or "haemorrhage or" not in text
    if any(midline_shift_mm(lesion) >= 2 for lesion in case.lesions):
        assert "no midline shift" not in text
        assert "midline shift" in text
    sides = {lesion.side for lesion in case.lesions} & {"left", "right"}
    single = len(case.lesions) == 1
    if single and sides and case.change == "":
        side = sides.pop()
        assert f"{side} " in text
        other = {"left": "right", "right": "left"}[side]
        assert f"{other} {case.lesions[0].site}" not in text
    if not case.lesions:
        assert "mass effect" not in text


@pytest.mark.parametrize(("british", "american"), [("haemorrhage", "hemorrhage"), ("oedema", "edema")])
def test_both_spellings_occur_but_not_in_one_report(british: str, american: str):
    texts = [case.report.lower() for case in plan_cases(96, seed=1)]
    assert any(british in text for text in texts)
    assert any(re.search(rf"\b{american}\b", text) for text in texts)
    assert not any(british in text and re.search(rf"\b{american}\b", text) for text in texts)
