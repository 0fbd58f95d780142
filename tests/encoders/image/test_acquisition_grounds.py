"""Each fact has its rule and what spoke against it; timing goes before words; sides, maps, Dixon images are named."""

# ruff: noqa: E501  (evidence stands in one line)

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.acquisition import FACTS, read_labelled, rows_of, second_reading
from benchmarks.acquisition import LABELS as LABELLED
from benchmarks.clauses import kappa
from spinecho.encoders.acquisition.evidence import Evidence, component_of
from spinecho.encoders.acquisition.facts import BodyRegion, Sequence
from spinecho.encoders.acquisition.grounds import CONFIDENCE
from spinecho.encoders.acquisition.rules import describe
from spinecho.encoders.acquisition.sides import PAIRED
from spinecho.encoders.reading.headers import VolumeRead

GRADIENT, SPIN, INVERSION = frozenset({"GR"}), frozenset({"SE"}), frozenset({"SE", "IR"})
TIMINGS: dict[str, dict[str, Any]] = {
    "T1": {"scanning_sequence": SPIN, "tr_ms": 500.0, "te_ms": 12.0},
    "T2": {"scanning_sequence": SPIN, "tr_ms": 4000.0, "te_ms": 100.0},
    "FLAIR": {"scanning_sequence": INVERSION, "tr_ms": 9000.0, "te_ms": 120.0, "ti_ms": 2500.0},
    "spoiled T1": {"scanning_sequence": GRADIENT, "variant": frozenset({"SP"}), "tr_ms": 5.0, "te_ms": 2.0, "flip_deg": 12.0},
    "balanced": {"scanning_sequence": GRADIENT, "variant": frozenset({"SS"}), "tr_ms": 5.0, "te_ms": 2.0, "flip_deg": 12.0},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "timing", "expected", "disputed"),
    [
        ("T1 SE", "T1", "T1", False),
        ("T1 SE", "T2", "T2", True),
        ("T1 SE", "FLAIR", "FLAIR", True),
        ("T2 TSE", "T1", "T1", True),
        ("T2 TSE", "FLAIR", "FLAIR", False),  # a FLAIR is T2-weighted
        ("FLAIR", "T1", "T1", True),
        ("FLAIR", "spoiled T1", "T1", True),
        ("T2 fiesta", "spoiled T1", "T1", True),
        ("T2 fiesta", "balanced", "T2", True),  # a steady state bears T2 with such times: kept, and shown
        ("arterial phase", "T2", "T2", True),
        ("dynamic", "spoiled T1", "DCE", False),
        ("perfusion", "spoiled T1", "DCE", False),
        ("localizer", "T2", "localizer", False),
    ],
)
def test_timing_goes_before_words_where_it_is_plain(text: str, timing: str, expected: str, disputed: bool) -> None:
    found = describe(Evidence(series_text=text, **TIMINGS[timing]))
    assert found.sequence == expected
    assert ("against" in found.why["sequence"]) is disputed
    if disputed:
        assert found.why["sequence"]["confidence"] < 0.8
        assert all(one["says"] != expected for one in found.why["sequence"]["against"])


def test_what_disagrees_is_kept_beside_the_fact() -> None:
    found = describe(
        Evidence(
            series_text="SAG T1 left shoulder", laterality="R", body_part="KNEE", agent="Gadovist",
            study_text="MR shoulder", protocol="T1 pre", plane="axial", nearest_plane="axial", **TIMINGS["T2"],
        )
    )  # fmt: skip
    assert (found.sequence, found.plane, found.body_region, found.side) == ("T2", "axial", "shoulder", "left")
    against = {fact: [(one["rule"], one["says"]) for one in why.get("against", ())] for fact, why in found.why.items()}
    assert against["sequence"] == [("series description", "T1"), ("protocol name", "T1")]
    assert against["plane"] == [("series description", "sagittal")]
    assert against["body_region"] == [("body part", "knee")]
    assert against["side"] == [("laterality", "right")]
    assert against["contrast"] == [("contrast agent", "yes")]


@pytest.mark.parametrize(
    ("evidence", "disputed"),
    [
        (Evidence(study_text="MRI ABDOMEN PELVIS", body_part="PELVIS"), False),
        (Evidence(study_text="MRI ABDOMEN", body_part="PELVIS"), True),
        (Evidence(study_text="MRI whole body", body_part="ABDOMEN"), False),
        (Evidence(study_text="MR prostate", body_part="PELVIS"), False),
        (Evidence(study_text="brain phantom", body_part="HEAD"), False),
        (Evidence(study_text="MR hip", body_part="EXTREMITY"), False),
        (Evidence(study_text="MR knee", body_part="ANKLE"), True),
    ],
)
def test_regions_that_can_both_be_true_are_no_dispute(evidence: Evidence, disputed: bool) -> None:
    assert ("against" in describe(evidence).why["body_region"]) is disputed


def test_an_echo_planar_diffusion_series_is_no_dispute() -> None:
    timing: dict[str, Any] = {"scanning_sequence": frozenset({"EP"}), "tr_ms": 3000.0, "te_ms": 60.0}
    for text in ("ep2d_diff", "ep2d_diff_ADC"):
        assert "against" not in describe(Evidence(series_text=text, **timing)).why["sequence"]


def test_agreement_is_surer_than_one_source_and_that_surer_than_dispute() -> None:
    alone = describe(Evidence(series_text="T1"))
    agreed = describe(Evidence(series_text="T1", **TIMINGS["T1"]))
    disputed = describe(Evidence(series_text="T1", **TIMINGS["T2"]))
    sure = [one.why["sequence"]["confidence"] for one in (agreed, alone, disputed)]
    assert sure == sorted(sure, reverse=True)
    assert len(set(sure)) == 3


@given(
    text=st.text(max_size=40) | st.sampled_from(["T1 left breast", "DWI b800 ADC", "t1_vibe_dix_W", "AX SUB MIP"]),
    study=st.sampled_from(["", "MR knee right", "MRA RENAL", "MR BREAST BILAT"]),
    codes=st.lists(st.sampled_from(["ORIGINAL", "DERIVED", "PRIMARY", "M", "P", "W", "ADC", "MIP"]), max_size=4),
    timing=st.sampled_from([{}, *TIMINGS.values()]),
    tag=st.sampled_from(["", "L", "R", "B", "U"]),
)
def test_every_known_fact_names_its_rule(
    text: str, study: str, codes: list[str], timing: dict[str, Any], tag: str
) -> None:
    found = describe(Evidence(series_text=text, study_text=study, image_type=tuple(codes), laterality=tag, **timing))
    for fact in ("sequence", "plane", "body_region", "contrast", "side", "component", "dixon", "computed", "technique"):
        known = getattr(found, fact) not in (None, "unknown", ())
        assert known == (fact in found.why), fact
    for why in found.why.values():
        assert why["rule"] in CONFIDENCE
        assert 0 < why["confidence"] <= 1
        assert set(why) <= {"rule", "confidence", "against"}


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(series_text="t1_vibe_dix_tra_bh_W"), ("water", ("Dixon",))),
        (Evidence(series_text="t1_vibe_dix_tra_bh_opp"), ("opposed phase", ("Dixon",))),
        (Evidence(series_text="FAT: Ax LAVA Flex"), ("fat", ("Dixon",))),
        (Evidence(image_type=("DERIVED", "PRIMARY", "DIXON", "IN_PHASE")), ("in phase", ("Dixon",))),
        (Evidence(series_text="AX T1 IN/OUT"), (None, ())),
        (Evidence(series_text="T2 FAT SAT"), (None, ())),
        (Evidence(series_text="3D_AX_T1_MP2RAGE_INV1"), (None, ("MP2RAGE", "MP2RAGE inversion 1"))),
        (Evidence(series_text="mp2rage UNI images"), (None, ("MP2RAGE", "MP2RAGE uniform"))),
        (Evidence(series_text="3D pCASL"), (None, ("ASL",))),
        (Evidence(series_text="pCASL control label"), (None, ("ASL", "ASL control and label"))),
        (Evidence(series_text="pasl_3d_m0"), (None, ("ASL", "ASL proton density (M0)"))),
        (Evidence(series_text="control T2"), (None, ())),
        (Evidence(file_text="| anat | inv 2 mp2rage"), (None, ("MP2RAGE", "MP2RAGE inversion 2"))),
        (Evidence(file_text="mprage|scan"), (None, ())),
        (Evidence(file_text="data|ideal"), (None, ())),
        (Evidence(series_text="dyn THRIVE"), (None, ("DCE",))),
        (Evidence(series_text="gre", n_echoes=3), (None, ("multi-echo",))),
    ],
)
def test_techniques_and_dixon_images(evidence: Evidence, expected: tuple[str | None, tuple[str, ...]]) -> None:
    found = describe(evidence)
    assert (found.dixon, found.technique) == expected


@pytest.mark.parametrize(
    ("evidence", "rule"),
    [
        (Evidence(series_text="gre", n_echoes=3), "echo times"),
        (Evidence(series_text="scan", scanning_sequence=frozenset({"EP"})), "scanning sequence"),
        (Evidence(series_text="T1 in", image_type=("ORIGINAL", "PRIMARY", "M", "WATER")), "image type"),
        (Evidence(series_text="T1", protocol="t1_mprage"), "protocol name"),
        (Evidence(protocol="haste", n_echoes=2), "protocol name"),
        (Evidence(series_text="mp2rage", protocol="inv1"), "protocol name"),
        (Evidence(file_text="| anat | inv 1 mp2rage"), "file name"),
        (Evidence(file_text="| anat | mDixon"), "file name"),
    ],
)
def test_a_technique_tells_the_least_sure_of_the_rules_that_named_it(evidence: Evidence, rule: str) -> None:
    assert describe(evidence).why["technique"]["rule"] == rule


@pytest.mark.parametrize(
    ("evidence", "computed", "derived"),
    [
        (Evidence(series_text="ep2d_diff_ADC"), "ADC map", True),
        (Evidence(series_text="Exponential Apparent Diffusion Coefficient"), "exponential ADC map", True),
        (Evidence(series_text="MDDW DTI AXIAL 12 DIRECTION_FA"), "FA map", True),
        (Evidence(series_text="(11058/5/76)-(11558/5/20)"), "subtraction", True),
        (Evidence(series_text="AX T1 POST SUB MIP"), "subtraction", True),
        (Evidence(series_text="MIP SPIN"), "maximum projection", True),
        (Evidence(series_text="AAHead_Scout_MPR_sag"), "reformat", True),
        (Evidence(series_text="t1_mpr_sag_p2_iso"), None, False),  # Siemens' short name of MPRAGE
        (Evidence(series_text="MIP", image_type=("ORIGINAL", "PRIMARY", "M")), None, False),
        (Evidence(image_type=("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW")), "trace", False),
        (Evidence(series_text="ep2d_diff_CALC_BVAL"), "calculated b-value", False),
        (Evidence(series_text="T1 Map liver"), "T1 map", False),
        (Evidence(series_text="Pre RT T1Map Ax 8flip"), None, False),  # one of the scans that a map is made of
        (Evidence(series_text="multi-flip_T1-map"), None, False),
        (
            Evidence(series_text="diff_CALC_BVAL", image_type=("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW")),
            "calculated b-value",
            False,
        ),
        (Evidence(file_text="sub 01|FA", is_computed=True), "FA map", True),
        (Evidence(file_text="FA|scan"), None, True),  # what a folder is called, its files need not be
    ],
)
def test_computed_images_are_named(evidence: Evidence, computed: str | None, derived: bool) -> None:
    found = describe(evidence)
    assert (found.computed, found.derived) == (computed, derived)


@pytest.mark.parametrize(
    ("text", "study", "tag", "side"),
    [
        ("RT COR T1 knee", "", "", "right"),
        ("", "MRT Knie links", "", "left"),
        ("", "IRM genou droit", "", "right"),
        ("", "RM hombro izquierdo", "", "left"),
        ("", "MRT der Schulter", "", None),
        ("", "MR BREAST BILAT", "", "both"),
        ("L KNEE sag PD", "", "", "left"),
        ("T1", "MR wrist", "R", "right"),
        ("T1", "MR wrist", "U", None),
        ("T1", "MR brain left", "L", None),
        ("T1 breast post RT", "MR breast", "", None),
    ],
)
def test_sides_of_paired_parts(text: str, study: str, tag: str, side: str | None) -> None:
    assert describe(Evidence(series_text=text, study_text=study, laterality=tag)).side == side


IN_FILE, IN_FOLDER = (f"side beside the part in {where} name" for where in ("the file's", "a folder's"))


@pytest.mark.parametrize(
    ("names", "side", "rule"),
    [
        ("x | x | knee R", "right", IN_FILE),
        ("x | x | li schulter pd", "left", IN_FILE),
        ("x | x | t1 genou g", "left", IN_FILE),
        ("x | x | rodilla izq t2", "left", IN_FILE),
        ("x | x | Hüfte re", "right", IN_FILE),
        ("x | x | sag left hand", "left", IN_FILE),
        ("x | x | knee joint left", "left", IN_FILE),
        ("x | linkes Knie | t1", "left", IN_FOLDER),
        ("right hip | series 3 | hip t2", "right", IN_FOLDER),
        ("left knee | x | knee L", "left", IN_FILE),
        ("x | x | both knee", "both", IN_FILE),
        ("left knee | x | knee R", None, ""),  # which of them?
        ("x | x | knee left hip right", "left", IN_FILE),
        ("x | knee R | t1", None, ""),  # a letter behind a folder's name is somebody's
        ("x | x | hand r", None, ""),  # R. Hand
        ("x | x | knee R Miller", None, ""),
        ("x | x | Miller R knee", None, ""),
        ("x | x | knee R 003 sag t1", "right", IN_FILE),
        ("x | x | pd R knee", "right", IN_FILE),
        ("x | x | t1 right knee left knee", None, ""),
        ("x | x | wright john knee", None, ""),
        ("x | x | links peter knee", None, ""),
        ("x | x | knee re run", None, ""),  # a side of another language
        ("x | x | r t1 knee", None, ""),
        ("x | x | knee d", None, ""),
        ("x | x | left brain", None, ""),
    ],
)
def test_sides_in_names_count_beside_their_part_alone(names: str, side: str | None, rule: str) -> None:
    found = describe(Evidence(file_text=names))
    assert (found.side, found.why.get("side", {}).get("rule", "")) == (side, rule)


@pytest.mark.parametrize(
    "where", [{"series_text": "right knee"}, {"study_text": "MR knee right"}, {"laterality": "R", "body_part": "KNEE"}]
)
def test_any_header_goes_before_the_side_in_a_name(where: dict[str, Any]) -> None:
    found = describe(Evidence(file_text="x | x | left knee", **where))
    assert found.side == "right"
    assert found.why["side"]["rule"] in {"series description", "study description", "laterality"}


def test_no_part_but_a_paired_one_has_a_side() -> None:
    assert set(get_args(BodyRegion)) > PAIRED
    for region, side in product(("brain", "heart", "lumbar spine", "prostate"), ("left", "right")):
        assert describe(Evidence(study_text=f"MR {region} {side}", laterality=side[0].upper())).side is None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"complex": "PHASE"}, "phase"),
        ({"ge_part": 2}, "real"),
        ({"ge_part": 0}, None),
        ({"image_type": "ORIGINAL\\PRIMARY\\M_FFE\\M\\FFE"}, "magnitude"),
        ({"image_type": "ORIGINAL\\PRIMARY\\PHASE MAP\\P\\FFE"}, "phase"),
        ({"image_type": "ORIGINAL\\PRIMARY\\I"}, "imaginary"),
        ({"image_type": "DERIVED\\SECONDARY"}, None),
    ],
)
def test_magnitude_and_phase(facts: dict[str, Any], expected: str | None) -> None:
    assert component_of(facts) == expected


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("swi|Phase", "phase"),
        ("swi|Mag", "magnitude"),
        ("fmap|sub-01_magnitude2", "magnitude"),
        ("fmap|sub-01_phasediff", "phase"),
        ("scans|gre_e2_ph", "phase"),
        ("scans|t1_in_phase", None),
        ("scans|arterial_phase", None),
        ("scans|phase1", None),
        ("phase|scan", None),
    ],
)
def test_a_file_that_is_called_phase_is_one(file: str, expected: str | None) -> None:
    assert describe(Evidence(file_text=file)).component == expected


@pytest.mark.parametrize(
    ("text", "header", "expected"),
    [("AX DWI b1000", None, 1000), ("DWI b50_b400", None, None), ("AX DWI b1000", 800.0, 800),
     ("twist_dyn (h20 ex B17)", None, None), ("DWI", 0.0, 0), ("", 0.0, 0), ("Sag MPRAGE", 0.0, None),
     ("ADC", 800.0, None), ("DTI FA map", 1000.0, None), ("3D pCASL", 0.0, None)],
)  # fmt: skip
def test_b_values_of_descriptions(text: str, header: float | None, expected: float | None) -> None:
    assert describe(Evidence(series_text=text, b_value=header)).b_value == expected


def test_tags_of_a_file_come_through(kit: Any, series_of: Any) -> None:
    """Laterality and two echo times of real DICOM files, by series or by image."""
    sets = []
    for number in range(4):
        data = kit.slice_dataset(number % 2)
        data.SOPInstanceUID = f"1.2.9.{number}"
        data.BodyPartExamined, data.ImageLaterality, data.EchoTime = "KNEE", "L", 10.0 + 20 * (number // 2)
        sets.append(data)
    reads = series_of(sets)
    assert [type(read) for read in reads] == [VolumeRead, VolumeRead]
    for read in reads:
        assert read.acquisition.side == "left"
        assert "multi-echo" in read.acquisition.technique
        assert read.acquisition.why["side"] == {"rule": "laterality", "confidence": 0.95}


def test_labels_are_whole_and_name_what_there_is() -> None:
    rows = rows_of(LABELLED)
    assert len({row["row"] for row in rows}) == 500
    assert sum(row["part"] == "unseen" for row in rows) == 200
    assert {name for row in rows for name in row["sequence"].split("/")} <= set(get_args(Sequence))
    assert {name for row in rows for name in row["region"].split("/")} <= set(get_args(BodyRegion))


def test_labels_are_steady_over_two_readings() -> None:
    """By the same reader twice: how steady the labels are, not whether another reader would agree."""
    for fact, pairs in second_reading().items():
        assert len(pairs) == 100
        print(f"{fact}: Cohen's kappa {kappa(pairs):.3f} of {len(pairs)}")  # noqa: T201
        assert kappa(pairs) > 0.9


@pytest.mark.parametrize("part", ["seen", "unseen"])
def test_accuracy_over_labelled_texts(testdata: Path, part: str) -> None:
    """97 % right on sequence, 99 % on plane, 95 % on region of the answers given; silence counted apart."""
    rows = [row for row in read_labelled(testdata) if row.part == part]
    floors = {"sequence": (0.97, 0.06), "plane": (0.99, 0.03), "region": (0.95, 0.03)}
    for fact in FACTS:
        verdicts = [row.judged(fact, describe(row.evidence)).verdict for row in rows]
        right, wrong, silent = (verdicts.count(name) for name in ("right", "wrong", "silent"))
        least, most_silent = floors[fact]
        assert right / (right + wrong) >= least, (fact, right, wrong)
        assert silent / len(rows) <= most_silent, (fact, silent)
        assert "invented" not in verdicts
