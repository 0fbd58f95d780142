"""What a NIfTI file holds, by all the evidence: scans stay, what is no scan is refused with a reason, maps are derived."""

# ruff: noqa: E501  (a case stands in one line)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.headers import FileFailure, Flag, VolumeRead

RNG = np.random.default_rng(0)
SCAN = RNG.integers(0, 900, (14, 16, 9)).astype(np.int16)
GRID = np.indices(SCAN.shape).sum(axis=0)
MASK = (GRID > 20).astype(np.uint8)
LABELS = (GRID // 6).astype(np.int16)
UNIT = RNG.random(SCAN.shape).astype(np.float32)
CT = np.where(GRID < 15, -1000, RNG.integers(-40, 120, SCAN.shape)).astype(np.int16)
PHASE = RNG.integers(-4096, 4095, SCAN.shape).astype(np.int16)
EIGHT_BIT = RNG.integers(0, 255, SCAN.shape).astype(np.uint8)

LABEL, OTHER = Reason.LABEL_MAP, Reason.NOT_MR
# name -> values, what else is set, and the right answer: a reason, or (sequence, derived)
CASES: dict[str, tuple[Any, dict[str, Any], Any]] = {
    # scans
    "a/scan.nii": (SCAN, {}, ("unknown", False)),
    "b/imagesTr/case_001_0000.nii": (SCAN, {}, ("unknown", False)),
    "c/phase.nii": (PHASE, {}, ("unknown", False)),
    "d/eight_bit.nii": (EIGHT_BIT, {}, ("unknown", False)),
    "e/labels/T2w.nii": (SCAN, {}, ("T2", False)),
    "f/labelsTr/real.nii": (EIGHT_BIT, {}, ("unknown", False)),
    "g/sub-1/anat/sub-1_acq-ct_T1w.nii": (SCAN, {}, ("T1", False)),
    "h/petra.nii": (SCAN, {}, ("unknown", False)),
    "i/PETMR_T1.nii": (SCAN, {}, ("T1", False)),
    "j/CT_T1.nii": (SCAN, {}, ("T1", False)),
    "k/ct_site/x.nii": (SCAN, {"sidecar": {"Modality": "MR"}}, ("unknown", False)),
    "l/anatomy_project/brain.nii": (SCAN, {"descrip": "TE=2.9;Time=101010"}, ("unknown", False)),
    "m/sub-1/anat/sub-1_rec-SR_T2w.nii": (SCAN, {}, ("T2", False)),
    "n/sub-1/anat/sub-1_label-6_T2w.nii": (SCAN, {}, ("T2", False)),
    "na/manual_eight_bit.nii": (EIGHT_BIT, {}, ("unknown", False)),
    "nb/brain_tumor.nii": (EIGHT_BIT, {}, ("unknown", False)),
    "nd/sub-1/anat/sub-1_acq-t1map_T2w.nii": (SCAN, {}, ("T2", False)),
    "ne/wm_T1.nii": (UNIT, {}, ("T1", False)),
    # masks and tissue maps
    "la/labelsTr/case_001.nii": (MASK, {}, LABEL),
    "lb/Segmentations/p1.nii": (LABELS, {}, LABEL),
    "lc/p1/GT/vol.nii": (MASK * 3, {}, LABEL),
    "ld/masks/p1/a/b.nii": (MASK.astype(np.float32), {}, LABEL),
    "le/tumorMask.nii": (MASK, {}, LABEL),
    "lf/T1_seg2.nii": (LABELS, {}, LABEL),
    "lg/sub-1/anat/sub-1_desc-brain_mask.nii": (MASK, {}, LABEL),
    "lh/sub-1/anat/sub-1_label-GM_probseg.nii": (UNIT, {}, LABEL),
    "li/sub-1/anat/sub-1_space-T1w_desc-aseg_dseg.nii": (LABELS, {}, LABEL),
    "lj/x_pve_1.nii": (UNIT, {}, LABEL),
    "lk/gm_prob.nii": (UNIT, {}, LABEL),
    "ll/c1x.nii": (UNIT, {"descrip": "Tissue class 1"}, LABEL),
    "lm/x.nii": (LABELS, {"intent": 1002}, LABEL),
    "ln/unnamed.nii": (MASK, {}, LABEL),
    "lo/Segmentierung.nii": (LABELS, {}, LABEL),
    "lq/labelstr/a.nii": (LABELS, {}, LABEL),
    "lr/T1_lesion.nii": (MASK, {}, LABEL),
    "lp/x.nii": (SCAN, {"sidecar": {"Modality": "SEG"}}, LABEL),
    # no MR
    "oa/sub-1/pet/sub-1_pet.nii": (SCAN, {}, OTHER),
    "ob/sub-1/ct/sub-1_ct.nii": (SCAN, {}, OTHER),
    "oc/CT_Abdo.nii": (SCAN, {}, OTHER),
    "od/s0001/ct.nii": (SCAN, {}, OTHER),
    "oe/PET/p1/x.nii": (SCAN, {}, OTHER),
    "of/sub-1/anat/sub-1_T1w.nii": (SCAN, {"sidecar": {"Modality": ["CT"]}}, OTHER),
    "og/x.nii": (SCAN, {"sidecar": {"TracerName": "FDG"}}, OTHER),
    "oh/volume-0.nii": (CT, {}, OTHER),
    "oi/CT_T1.nii": (CT, {}, OTHER),
    "oj/x.nii": (SCAN, {"intent": 5}, OTHER),
    "ok/x.nii": (np.stack([UNIT] * 3, axis=-1)[:, :, :, None], {"intent": 1007}, OTHER),
    "ol/x.nii": (UNIT, {"intent": 1006}, OTHER),
    "om/x.nii": (UNIT, {"intent": 2006}, OTHER),
    "on/beta_0001.nii": (UNIT, {"descrip": "spm_spm:beta (0001) - Sn(1) x"}, OTHER),
    "oo/biasfield.nii": (UNIT, {}, OTHER),
    "op/sub1Warp.nii": (UNIT, {}, OTHER),
    "oq/sub-1/anat/sub-1_from-T1w_to-MNI_mode-image_xfm.nii": (UNIT, {}, OTHER),
    "or/T1_warp.nii": (np.stack([UNIT] * 3, axis=-1)[:, :, :, None], {}, OTHER),
    # computed from scans
    "da/derivatives/fmriprep/sub-1/anat/sub-1_desc-preproc_T1w.nii": (SCAN, {}, ("T1", True)),
    "db/sub-1/anat/sub-1_space-MNI152_T2w.nii": (SCAN, {}, ("T2", True)),
    "dc/sub-1/anat/sub-1_Chimap.nii": (UNIT * 1e-9, {}, ("quantitative map", True)),
    "dd/sub-1/anat/sub-1_T1map.nii": (SCAN, {}, ("quantitative map", True)),
    "de/sub-1/anat/sub-1_FLAIR.nii": (SCAN, {"sidecar": {"SkullStripped": True}}, ("FLAIR", True)),
    "df/sub-1/anat/sub-1_T2w.nii": (SCAN, {"sidecar": {"RawSources": ["bids:raw:x"]}}, ("T2", True)),
    "dg/zstat1.nii": (SCAN, {}, ("unknown", True)),
    "dh/spmT_0001.nii": (UNIT, {}, ("unknown", True)),
    "di/T1_preproc.nii": (SCAN, {}, ("T1", True)),
    "dj/wx.nii": (SCAN, {"descrip": "spm - 3D normalized"}, ("unknown", True)),
    "dk/QSM.nii": (UNIT, {}, ("quantitative map", True)),
    "dl/cope1.nii": (UNIT, {}, ("unknown", True)),
}  # fmt: skip


@pytest.fixture(scope="module")
def archive(kit: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What reading gives for each case, each file alone."""
    root, answers = tmp_path_factory.mktemp("kinds"), {}
    for name, (values, more, _) in CASES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = nibabel.Nifti1Image(values, np.diag([2.0, 2, 3, 1]))
        image.header["descrip"] = more.get("descrip", "")
        image.header["intent_code"] = more.get("intent", 0)
        nibabel.save(image, path)
        if "sidecar" in more:
            path.with_suffix(".json").write_text(json.dumps(more["sidecar"]))
        answers[name] = kit.read_all([path], root / name.partition("/")[0])
    return answers


@pytest.mark.parametrize("name", CASES)
def test_kind(archive: dict[str, Any], name: str) -> None:
    found, expected = archive[name], CASES[name][2]
    if isinstance(expected, Reason):
        assert all(isinstance(item, FileFailure) and item.reason is expected and item.message for item in found), found
        return
    (read,) = found
    assert isinstance(read, VolumeRead), read
    assert (read.acquisition.sequence, read.acquisition.derived) == expected


def test_few_grey_values_are_read_and_flagged(kit: Any, tmp_path: Path) -> None:
    """A digital phantom, or a label map without a name: nobody can tell, so it is neither lost nor unmarked."""
    (read,) = kit.read_all([kit.write_nifti(tmp_path / "phantom.nii", LABELS)], tmp_path)
    assert Flag.FEW_VALUES in read.flags
    (read,) = kit.read_all([kit.write_nifti(tmp_path / "T1.nii", MASK)], tmp_path)
    assert Flag.FEW_VALUES in read.flags
    (read,) = kit.read_all([kit.write_nifti(tmp_path / "scan.nii", SCAN)], tmp_path)
    assert Flag.FEW_VALUES not in read.flags


FACTS = '{"Manufacturer":"Siemens","MagneticFieldStrength":3,"ImageComments":"flip 90°","EchoTime":0.09}'
SIDECARS: dict[str, tuple[bytes, tuple[Any, Any, Any], set[Flag]]] = {
    # vendor, tesla, TE in ms
    "utf8": (FACTS.encode(), ("Siemens", 3.0, 90.0), set()),
    "bom": (FACTS.encode("utf_8_sig"), ("Siemens", 3.0, 90.0), set()),
    "latin1": (FACTS.encode("latin_1"), ("Siemens", 3.0, 90.0), {Flag.CHARSET_GUESSED}),
    "utf16": (FACTS.encode("utf_16"), ("Siemens", 3.0, 90.0), {Flag.CHARSET_GUESSED}),
    "utf16le": (FACTS.encode("utf_16_le"), ("Siemens", 3.0, 90.0), {Flag.CHARSET_GUESSED}),
    "comments": (b'{// scanner\n"Manufacturer":"Siemens", /* T */ "MagneticFieldStrength":3,"EchoTime":0.09,}', ("Siemens", 3.0, 90.0), set()),
    "nan": (b'{"Manufacturer":"Siemens","MagneticFieldStrength":NaN,"EchoTime":0.09}', ("Siemens", None, 90.0), {Flag.SIDECAR_SUSPECT}),
    "infinity": (b'{"Manufacturer":"Siemens","MagneticFieldStrength":1e999,"EchoTime":-Infinity}', ("Siemens", None, None), {Flag.SIDECAR_SUSPECT}),
    "twice": (b'{"Manufacturer":"Siemens","EchoTime":0.09,"EchoTime":0.02}', ("Siemens", None, None), {Flag.SIDECAR_SUSPECT}),
    "twice_the_same": (b'{"Manufacturer":"Siemens","EchoTime":0.09,"EchoTime":0.09}', ("Siemens", None, 90.0), set()),
    "units": (b'{"Manufacturer":"Siemens","MagneticFieldStrength":"3.0 T","EchoTime":"90 ms"}', ("Siemens", 3.0, 90.0), set()),
    "comma": (b'{"Manufacturer":"Siemens","MagneticFieldStrength":"1,5","EchoTime":"0,09"}', ("Siemens", 1.5, 90.0), set()),
    "lists": (b'{"Manufacturer":["a","b"],"MagneticFieldStrength":[3],"EchoTime":[0.01,0.02]}', ("unknown", 3.0, None), {Flag.SIDECAR_SUSPECT}),
    "types": (b'{"Manufacturer":{"x":1},"MagneticFieldStrength":true,"EchoTime":"long"}', ("unknown", None, None), {Flag.SIDECAR_SUSPECT}),
    "huge": (b'{"Manufacturer":"Siemens","SeriesNumber":99999999999999999999999,"EchoTime":' + b"9" * 400 + b"}", ("Siemens", None, None), {Flag.SIDECAR_SUSPECT}),
    "surrogate": (b'{"Manufacturer":"Siemens","SeriesDescription":"T2 \\ud800\\u0000","EchoTime":0.09}', ("Siemens", None, 90.0), set()),
    "control": (b'{"Manufacturer":"Siemens\n","EchoTime":0.09}', ("Siemens", None, 90.0), set()),
    "broken": (b'{"Manufacturer":"Siemens"', ("unknown", None, None), {Flag.SIDECAR_SUSPECT}),
    "list": (b"[1]", ("unknown", None, None), {Flag.SIDECAR_SUSPECT}),
    "deep": (b"[" * 100_000, ("unknown", None, None), {Flag.SIDECAR_SUSPECT}),
    "empty": (b"", ("unknown", None, None), {Flag.SIDECAR_SUSPECT}),
}  # fmt: skip


def test_a_sidecar_gives_its_facts_or_says_what_is_lost(kit: Any, tmp_path: Path) -> None:
    for name, (raw, facts, flags) in SIDECARS.items():
        path = kit.write_nifti(tmp_path / f"{name}.nii", SCAN)
        path.with_suffix(".json").write_bytes(raw)
        (read,) = kit.read_all([path], tmp_path)
        a = read.acquisition
        assert (a.vendor, a.field_strength_t, a.te_ms) == facts, name
        assert set(read.flags) - {Flag.NO_STUDY_LINK} == flags, (name, read.notes)
        assert ("sidecar_lost" in read.notes) == (Flag.SIDECAR_SUSPECT in flags), name
        json.dumps([read.notes, read.series.description], allow_nan=False).encode()
