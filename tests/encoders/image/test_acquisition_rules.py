"""The acquisition rules: cases one by one, then their accuracy over the real data's hand-made table."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.acquisition import judged_volumes
from spinecho.encoders.acquisition.evidence import Evidence, age_in_years, b_value, iso_date
from spinecho.encoders.acquisition.rules import contrast_of, describe, field_of, region_of, sequence_of, vendor_of
from spinecho.encoders.reading.geometry import plane_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AX T2 FSE", "T2"),
        ("t2_tse_tra", "T2"),
        ("AXT2FS", "T2"),
        ("SAG T1 FLAIR", "T1"),
        ("Ax T2 FLAIR FS", "FLAIR"),
        ("t2_tirm_tra_dark-fluid", "FLAIR"),
        ("Cor STIR", "STIR"),
        ("Ax T2* GRE", "T2*"),
        ("t2_fl2d_tra_hemo", "T2*"),
        ("Sag PD FS", "PD"),
        ("ep2d_diff_tra_DYNDIST_ADC", "ADC"),
        ("ep2d_diff_tra_DYNDIST", "DWI"),
        ("DTI_30dir", "DWI"),
        ("Axial SWI", "SWI"),
        ("3D TOF MRA", "MRA"),
        ("3-plane localizer", "localizer"),
        ("AAHScout", "localizer"),
        ("gre_field_mapping", "field map"),
        ("pCASL 3D", "ASL"),
        ("ep2d_perf", "perfusion"),
        ("rest fMRI", "BOLD"),
        ("tfl_dyn_fast_tra_1.5x1.5_t3.5sec", "DCE"),
        ("T1 MPRAGE SAG", "T1"),
        ("ax LAVA +C", "T1"),
        ("AX VIBE in phase", "T1"),
        ("post1", "unknown"),
        ("cine_sa_stack", "cine"),
        ("T1 map MOLLI", "quantitative map"),
        ("phase contrast venc 150", "phase contrast"),
        ("Average", "unknown"),
        ("SUPERFICIAL lesion T2", "T2"),
        ("MR Cholangiogram", "T2"),
        ("VIBE DELAY 5 MIN FOR HEMANGIOMA", "T1"),
        ("t1 se axial flow comp", "T1"),
        ("NAV localization T1 MPRAGE", "T1"),
        ("Localization", "localizer"),
        ("Multiple Myeloma T1", "T1"),
        ("", "unknown"),
    ],
)
def test_sequence_by_words(text: str, expected: str) -> None:
    assert sequence_of(Evidence(series_text=text)) == expected


@pytest.mark.parametrize(
    ("kinds", "tr", "te", "ti", "flip", "expected"),
    [
        ({"SE"}, 500, 12, None, 90, "T1"),
        ({"SE"}, 4000, 100, None, 90, "T2"),
        ({"SE"}, 3000, 20, None, 90, "PD"),
        ({"SE", "IR"}, 9000, 120, 2500, 150, "FLAIR"),
        ({"SE", "IR"}, 4000, 40, 160, 150, "STIR"),
        ({"GR"}, 600, 20, None, 20, "T2*"),
        ({"GR"}, 5, 2, None, 12, "T1"),
        ({"GR", "IR"}, 2300, 3, 900, 9, "T1"),
        ({"SE"}, None, 100, None, 90, "unknown"),
        ({"RM"}, 1000, 50, None, 90, "unknown"),
    ],
)
def test_sequence_by_timing(kinds: set[str], tr: Any, te: Any, ti: Any, flip: Any, expected: str) -> None:
    evidence = Evidence(scanning_sequence=frozenset(kinds), tr_ms=tr, te_ms=te, ti_ms=ti, flip_deg=flip)
    assert sequence_of(evidence) == expected


def test_evidence_has_an_order() -> None:
    inherited = Evidence(series_text="ep2d_diff_tra", image_type=("DERIVED", "PRIMARY", "DIFFUSION", "ADC"))
    assert sequence_of(inherited) == "ADC"
    assert describe(inherited).derived
    spin = frozenset({"SE"})
    assert sequence_of(Evidence(series_text="T1", scanning_sequence=spin, tr_ms=4000, te_ms=100)) == "T2"
    dual = Evidence(series_text="PD+T2 TSE", scanning_sequence=spin, tr_ms=3000, te_ms=14)
    assert sequence_of(dual) == "PD"
    trace = Evidence(image_type=("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"), b_value=1000)
    assert (sequence_of(trace), describe(trace).derived) == ("DWI", False)
    assert sequence_of(Evidence(file_text="data | x_FLAIR", protocol="")) == "FLAIR"


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(body_part="HEAD"), "brain"),
        (Evidence(body_part="PELVIS", study_text="MR prostaat kanker detectie"), "prostate"),
        (Evidence(body_part="SPINE", series_text="t2_sag LWS"), "lumbar spine"),
        (Evidence(body_part="TSPINE", study_text="MRI_CERVICAL_SPINE"), "cervical spine"),
        (Evidence(body_part="HEADNECK", study_text="BrainTumor"), "brain"),
        (Evidence(body_part="PHANTOM", study_text="GBM DSC DRO"), "phantom"),
        (Evidence(study_text="IRM du genou"), "knee"),
        (Evidence(study_text="MRT Schulter rechts"), "shoulder"),
        (Evidence(study_text="RM de rodilla"), "knee"),
        (Evidence(study_text="MR BREASTUNI UE"), "breast"),
        (Evidence(study_text="MRI abdomen/pelvis"), "abdomen"),
        (Evidence(study_text="Unspecified MR"), "unknown"),
        (Evidence(series_text="T1 MPRAGE"), "brain"),
        (Evidence(study_text="Brain, temporal lobe epilepsy"), "brain"),
        (Evidence(study_text="Hip prosthesis MARS"), "hip"),
        (Evidence(study_text="left hemisphere"), "unknown"),
        (Evidence(series_text="T1 spinecho", study_text="MR knee"), "knee"),
        (Evidence(study_text="protocollo encefalo"), "brain"),
        (Evidence(study_text="senos paranasales"), "unknown"),
        (Evidence(series_text="outer"), "unknown"),
    ],
)
def test_region(evidence: Evidence, expected: str) -> None:
    assert region_of(evidence) == expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(series_text="T1 post gad"), "yes"),
        (Evidence(series_text="Sag T1 FS +C"), "yes"),
        (Evidence(series_text="T1 pre", agent="Gadovist"), "no"),
        (Evidence(series_text="SPGR PRE/POSTX3"), "unknown"),
        (Evidence(agent="Gadovist"), "yes"),
        (Evidence(agent="NO"), "no"),
        (Evidence(study_text="MRI brain w/o contrast"), "no"),
        (Evidence(study_text="MRI brain w/o & w contrast"), "unknown"),
        (Evidence(series_text="phase contrast"), "unknown"),
        (Evidence(protocol="BRAIN WITH AND WITHOUT CONTRAST", agent="Gadovist"), "yes"),
        (Evidence(protocol="Kopf mit und ohne KM"), "unknown"),
        (Evidence(protocol="Kopf ohne KM"), "no"),
        (Evidence(series_text="T1 w/o fat sat"), "unknown"),
        (Evidence(series_text="T2 post fossa"), "unknown"),
        (Evidence(series_text="T1 basal ganglia"), "unknown"),
        (Evidence(series_text="T1 pre-op stealth", agent="Gadovist"), "yes"),
        (Evidence(series_text="AX T1 POST : Processed"), "yes"),
        (Evidence(series_text="AX T1 PRE : Processed"), "no"),
        (Evidence(), "unknown"),
    ],
)
def test_contrast(evidence: Evidence, expected: str) -> None:
    assert contrast_of(evidence) == expected


def test_small_facts() -> None:
    assert [field_of(v) for v in (1.5, 15000.0, 0.064, 300.0, None)] == [1.5, 1.5, 0.064, None, None]
    names = ["SIEMENS", "GE MEDICAL SYSTEMS / MIM Software", "Philips Healthcare", "UIH", "ACME", "", "0000000"]
    assert [vendor_of(n) for n in names] == ["Siemens", "GE", "Philips", "UIH", "other", "unknown", "unknown"]
    assert [age_in_years(t) for t in ("067Y", "006M", "45", "000Y", "x", "")] == [67, 0.5, 45, None, None, None]
    assert [iso_date(t) for t in ("20210902", "2021.09.02", "***", "")] == ["2021-09-02", "2021-09-02", None, None]
    assert [iso_date(t) for t in ("20240230", "20240229")] == [None, "2024-02-29"]
    assert b_value({"ge_b": [1000000800.0, 0]}) == 800
    assert b_value({"ge_b": [0.0]}) is None
    assert plane_of([0, 0.2, 1]) == "axial"
    assert plane_of([0, 0.7, 0.7]) == "oblique"
    assert describe(Evidence(series_text="T1 No FatSAT")).fat_suppressed is False
    assert describe(Evidence(series_text="t2_tse_fs_tra")).fat_suppressed is True


@pytest.mark.slow
def test_accuracy_over_real_series(testdata: Path) -> None:
    """Of the answers given at least 97 % right on sequence, 99 % on plane and 95 % on region, and few left out."""
    floors = {"sequence": 0.97, "plane": 0.99, "region": 0.95}
    judged = list(judged_volumes(testdata))
    for fact, least in floors.items():
        counts = Counter(one.verdict for name, one in judged if name == fact)
        wrong = [(one.name, one.wanted, one.given) for name, one in judged if name == fact and one.verdict == "wrong"]
        assert counts["right"] + counts["wrong"] > 60
        assert counts["right"] / (counts["right"] + counts["wrong"]) >= least, (fact, counts, wrong)
        assert counts["right"] >= 0.75 * counts.total(), (fact, counts, wrong)


@pytest.mark.slow
def test_coverage_of_real_descriptions(testdata: Path) -> None:
    """Texts alone, without any tag: most of 123,085 real series still get a sequence and a region."""
    path = testdata / "text" / "idc_mr_index" / "idc_mr_series_descriptions.csv.gz"
    known: Counter[str] = Counter()
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            evidence = Evidence(
                series_text=row["SeriesDescription"],
                study_text=row["StudyDescription"],
                body_part=row["BodyPartExamined"],
            )
            weight = int(row["n_series"])
            known["all"] += weight
            known["sequence"] += weight * (sequence_of(evidence) != "unknown")
            known["region"] += weight * (region_of(evidence) != "unknown")
    print(dict(known))  # noqa: T201
    assert known["all"] > 120_000
    assert known["sequence"] > 0.85 * known["all"]
    assert known["region"] > 0.95 * known["all"]


@pytest.mark.parametrize(
    ("image_type", "expected"),
    [
        (("ORIGINAL", "PRIMARY", "M"), False),
        (("ORIGINAL", "SECONDARY", "M_SE", "M", "SE"), False),  # an export of an acquired image
        (("DERIVED", "SECONDARY", "PROCESSED"), True),
        (("DERIVED", "PRIMARY", "MPR"), True),
        (("DERIVED", "PRIMARY", "M", "NORM"), False),
    ],
)
def test_only_computed_images_are_derived(image_type: tuple[str, ...], expected: bool) -> None:
    assert describe(Evidence(image_type=image_type)).derived is expected
