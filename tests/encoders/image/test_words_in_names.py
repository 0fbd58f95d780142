"""Rules look at whole words: genuine spellings are found however they are written, parts of other words never are."""

# ruff: noqa: E501  (spellings stand in one line each; fullwidth and Cyrillic letters are the point)

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.rule_tables import BASIC_WORDS, REGION_WORDS, SPECIFIC_WORDS
from spinecho.encoders.acquisition.rules import describe
from spinecho.encoders.acquisition.whole_words import words, words_of_folder, words_of_name
from spinecho.encoders.reading.headers import VolumeRead

RAMP = np.random.default_rng(0).integers(0, 900, (8, 9, 5)).astype(np.int16)

# Words of five languages in which some rule's word hides.
_OTHERS = re.findall(
    r"\S+",
    """
    pt1x patient visit subject cohort adult unit zstat point student event moment plant absent impact transmit
    different difference difficult stiff swift swiss switches swinish edwin toffee petra mrangel adcock dwight
    perfect performance perfunctory superficial cinema cinereous fluorescent flower overflow asleep boldly
    stirling stirring astir medical medicine merger bladder1x facet facebook gadget gadabouts chestnut kneel
    hippo hippodrome ship chips whip heartland handsome footnote headline armada legend plumber columbia holbein
    sheriffs cardiff picardy orbiting exorbitant adrenaline pelves nonconformity natives prefix preface pressure poster
    postman postface axiom axis axon obliterated sagittarius corner coronavirus transfer transit tracing dynamo
    artery1x spinet sacrifice mammalian invertebrate neurological pericardia hamstringing hastes
    hydrogenated mapper mapped localhost scoutmaster1x surveyor subtle submarine densities
    chefs farnkraut huftier kolumbiens anklemmen fingerdicke geborstene herzusagender knietet launenhaften perfekten
    schuftetet abdrosseltet hastendem patienten besuch reinigung kopfsteinpflaster1x halsband beinahe handel fusion
    bassinerait brailleur calfeutra cliverai contrasterions differeriez encadrent exorbitees facettait fluxeraient
    hancherai hydrogenees hatifs hemodynamique louangions mammaire1x muscardines obliquai pituitant prostituer
    preconise sacrement swingue transvida pierre piece sinapsi sinistra continent
    differenze dimagriscano esorbitammo lavanderia lunghissimo nativita obliammo perfidamente piedini prostrero
    sacrilegi stimammo stirarono volenterosi axoidea bachillereja encovar falangio gacetable lavandero oblacion
    perfumadero piedad sobrevestir terrenal cabezal manojo
""",
)
_UNKNOWN = ("unknown", "unknown", "unknown", "unknown", None)


def _facts(text: str, **where: Any) -> tuple[Any, ...]:
    found = describe(replace(Evidence(**where), series_text=text))
    return found.sequence, found.plane, found.body_region, found.contrast, found.fat_suppressed


@pytest.mark.parametrize("form", ["{}", "{}1", "{}2", "{}_01", "Run_{}", "{}12a"])
def test_parts_of_other_words_say_nothing(form: str) -> None:
    wrong = {text: facts for word in _OTHERS if (facts := _facts(text := form.format(word))) != _UNKNOWN}
    assert not wrong


def test_no_rule_looks_inside_of_a_word() -> None:
    """Every literal of every row, with letters of no language before it, behind it, or on both sides of it."""
    rows = [*SPECIFIC_WORDS, *BASIC_WORDS, *REGION_WORDS]
    literals = {part for _, pattern in rows for part in re.findall(r"[a-z]{2,}\d?|[tr][12]", pattern.pattern)}
    assert len(literals) > 400
    wrong = []
    for literal in sorted(literals):
        for text in (f"quj{literal}", f"quj{literal}yqu", f"quj{literal}yqu1", f"{literal}yqj9z"):
            wrong += [(text, name) for name, pattern in rows if pattern.search(words(text))]
    assert not wrong


@pytest.mark.parametrize(
    ("text", "sequence", "plane"),
    [
        ("T1w", "T1", "unknown"), ("T2W_TSE", "T2", "unknown"), ("t1mprage", "T1", "unknown"), ("SagT2", "T2", "sagittal"),
        ("ax_t2_tse", "T2", "axial"), ("AXT2FS", "T2", "axial"), ("CORSTIR", "STIR", "coronal"), ("axflair", "FLAIR", "axial"),
        ("ep2d_diff", "DWI", "unknown"), ("ep2ddiff", "DWI", "unknown"), ("T2FSEIDEALARC", "T2", "unknown"),
        ("T1weighted", "T1", "unknown"), ("T2gewichtet", "T2", "unknown"), ("Diffusionswichtung", "DWI", "unknown"), ("PDWspair", "PD", "unknown"),
        ("T2Star", "T2*", "unknown"), ("t1+c", "T1", "unknown"), ("study1T1w", "T1", "unknown"), ("T1ce", "T1", "unknown"),
        ("mDIXON", "T1", "unknown"), ("pCASL", "ASL", "unknown"), ("fMRI", "BOLD", "unknown"), ("colFA", "DTI map", "unknown"),
        ("sagt1tse", "T1", "sagittal"), ("Cor3dfgre", "T1", "coronal"), ("traceW", "DWI", "unknown"), ("dwi1000", "DWI", "unknown"),
        ("МРТ_Т1_T1ВИ", "T1", "unknown"), ("头部T2加权", "T2", "unknown"), ("Ｔ１ ＴＳＥ", "T1", "unknown"), ("🧠T2🧠", "T2", "unknown"),
    ],
)  # fmt: skip
def test_genuine_spellings_are_found(text: str, sequence: str, plane: str) -> None:
    assert _facts(text)[:2] == (sequence, plane)


def test_numbers_behind_words_and_foreign_letters_leave_regions() -> None:
    found = {
        text: _facts(text)[2] for text in ("brain1", "KNEE_02", "Fuß", "Schädel", "prostaat", "Hüfte", "LWS", "MR_Knie")
    }
    assert list(found.values()) == ["brain", "knee", "foot", "brain", "prostate", "hip", "lumbar spine", "knee"]


@given(st.text(max_size=80))
def test_words_are_stable(text: str) -> None:
    plain = words(text)
    assert words(plain) == plain
    assert plain == " ".join(plain.split())
    assert words_of_name(text) is not None
    assert words_of_folder(text) is not None


def test_very_long_names_take_no_time() -> None:
    for text in ("t1" * 4000 + "x", "t1se" * 4000, "_".join(["ax"] * 4000), "9" * 9000, "т" * 9000):
        assert isinstance(words(text), str)


def test_the_nearest_name_decides_and_people_and_places_say_nothing(kit: Any, tmp_path: Path) -> None:
    cases = {
        "knee_study/brain/x.nii": ("unknown", "brain"),
        "brain/knee/x.nii": ("unknown", "knee"),
        "T1/x_T2w.nii": ("T2", "unknown"),
        "heart_clinic/patient1/x.nii": ("unknown", "unknown"),
        "site_head/T1/x.nii": ("T1", "unknown"),
        "Task07/sub01.nii": ("unknown", "unknown"),
        "QC/merge1.nii": ("unknown", "unknown"),
        "sub-t2/sub-t2_T1w.nii": ("T1", "unknown"),
        "1234/5678.nii": ("unknown", "unknown"),
        "visit2/scan.nii": ("unknown", "unknown"),
    }
    found = {}
    for number, name in enumerate(cases):
        path = tmp_path / str(number) / name
        path.parent.mkdir(parents=True)
        (read,) = kit.read_all([kit.write_nifti(path, RAMP)], tmp_path / str(number))
        assert isinstance(read, VolumeRead)
        found[name] = (read.acquisition.sequence, read.acquisition.body_region)
    assert found == cases
