"""Tiny made-up copies of public data sets, laid out as they are published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from parts_encoder import brain, write_nifti
from PIL import Image

BOX = (slice(4, 20), slice(4, 20), slice(2, 10))
LOOKS = {"bright": {"bright": BOX}, "dark": {"dark": BOX}, "plain": {}}
"""Scans that the tiny encoder tells apart, by the word that describes them."""


def scan(path: Path, look: str, seed: int) -> Path:
    return write_nifti(path, brain(seed, **LOOKS[look]))


def radgenome(folder: Path) -> Path:
    """Three cases of BraTS-GLI for testing, two of them one patient's, one for training, and one without scans."""
    looks = {"00001-000": "bright", "00001-001": "dark", "00002-000": "plain", "00003-000": "bright"}
    cases = {f"BraTS-GLI-{name}": look for name, look in looks.items()}
    subset = folder / "BraTS_GLI"
    subset.mkdir(parents=True)
    found = {case: f"{look} {look} lesion." for case, look in cases.items()} | {"BraTS-GLI-00009-000": "bright"}
    modal = {f"{case}-t2f": f"{look} on FLAIR" for case, look in cases.items()}
    modal |= {f"{case}-t1n": f"{look} on T1" for case, look in cases.items()}
    disease = {case: {"disease": ["Glioma"], "impression": "Glioma."} for case in found}
    for name, value in (("global_finding", found), ("modal_wise_finding", modal), ("impression", disease)):
        (subset / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    *test, train = cases
    parts = {"train": [f"{train}-t2f"], "val": [], "test": [f"{one}-{end}" for one in test for end in ("t2f", "t1n")]}
    parts["test"].append("BraTS-GLI-00009-000-t2f")
    (folder / "train_val_test_split.json").write_text(json.dumps(parts), encoding="utf-8")
    for number, (case, look) in enumerate(cases.items()):
        place = folder / "ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData" / case
        for end in ("t2f", "t1n"):
            scan(place / f"{case}-{end}.nii.gz", look, 10 * number)
        scan(place / f"{case}-seg.nii.gz", "plain", 1)
    return folder


def mr_rate(folder: Path) -> Path:
    """Three studies of two patients for testing, one for training, one that is still zipped."""
    studies = {"s1": ("p1", "test", "bright"), "s2": ("p1", "test", "dark"), "s3": ("p2", "test", "plain")}
    studies |= {"s4": ("p3", "train", "bright"), "s5": ("p4", "test", "")}
    (folder / "reports").mkdir(parents=True)
    lines = [f"batch00,{patient},{uid},{part}" for uid, (patient, part, _) in studies.items()]
    _write(folder / "splits.csv", ["batch_id,patient_uid,study_uid,split", *lines])
    told = [f'{uid},"all, of it",,T1,{look} {look},' for uid, (_, _, look) in studies.items()]
    _write(folder / "reports" / "batch00_reports.csv", [
        "study_uid,report,clinical_information,technique,findings,impression", *told
    ])  # fmt: skip
    batch = folder / "mri" / "batch00"
    for number, (uid, (_, _, look)) in enumerate(studies.items()):
        if look:
            scan(batch / uid / "img" / f"{uid}_flair-raw-axi.nii.gz", look, number)
            scan(batch / uid / "seg" / f"{uid}_flair-raw-axi_brain-mask.nii.gz", "plain", number)
    (batch / "s5.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    return folder


def captions(folder: Path, *, name: str = "captions.csv", **columns: Mapping[str, str]) -> Path:
    """Three pictures, PNG and JPEG, with captions. columns: further ones, by the picture's name."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"a.png": "bright", "b.jpg": "dark", "c.png": "plain"}
    head = ["image", "caption", *columns]
    lines = [",".join(head)]
    for number, (file, look) in enumerate(files.items()):
        plane = brain(number, **LOOKS[look])[:, :, 5]
        plane[:, :4] = brain(number)[:, :4, 0]
        plane = np.where(plane > 300, np.minimum(plane + 60, 1000), plane)
        Image.fromarray((plane / 1000 * 255).astype(np.uint8)).resize((96, 96)).save(folder / file, quality=95)
        lines.append(",".join([file, f"{look} {look}", *(values[file] for values in columns.values())]))
    _write(folder / name, lines)
    return folder


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
