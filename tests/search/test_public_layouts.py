"""Readers of public data sets, on tiny made-up copies of what is published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from public_sets import captions, mr_rate, radgenome

from spinecho.search.evaluation import EvaluationError
from spinecho.search.evaluation.public.every import LAYOUTS, layout_of


def test_each_copy_is_known_by_what_lies_there(tmp_path: Path) -> None:
    made = {"radgenome-brain": radgenome, "mr-rate": mr_rate, "captions": captions}
    assert set(made) == {one.name for one in LAYOUTS}
    for name, make in made.items():
        assert layout_of(make(tmp_path / name)).name == name


def test_radgenome_has_texts_of_cases_and_of_scans(tmp_path: Path) -> None:
    folder = radgenome(tmp_path)
    found = layout_of(folder).read(folder, "test")
    assert [(case.key[-9:], case.patient[-5:], len(case.scans)) for case in found.cases] == [
        ("00001-000", "00001", 2), ("00001-001", "00001", 2), ("00002-000", "00002", 2),
    ]  # fmt: skip
    first = found.cases[0]
    assert (first.text, first.labels) == ("bright bright lesion.", {"disease": "glioma"})
    assert {(scan.sequence, scan.region, scan.text) for scan in first.scans} == {
        ("FLAIR", "brain", "bright on FLAIR"), ("T1", "brain", "bright on T1"),
    }  # fmt: skip
    assert found.left_out == {"no scan below the folder": 1}
    assert len(layout_of(folder).read(folder, "all").cases) == 4
    assert [case.key[-9:] for case in layout_of(folder).read(folder, "train").cases] == ["00003-000"]


def test_scans_may_lie_in_folders_of_the_cases_names_behind_links(tmp_path: Path) -> None:
    folder = radgenome(tmp_path / "texts")
    (folder / "ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData").rename(tmp_path / "scans")
    (folder / "scans").symlink_to(tmp_path / "scans")
    (tmp_path / "scans" / "again").symlink_to(tmp_path / "scans")  # a circle
    case = tmp_path / "scans" / "BraTS-GLI-00002-000"
    (case / "BraTS-GLI-00002-000-t2f.nii.gz").rename(case / "FLAIR.nii.gz")
    (case / "BraTS-GLI-00002-000-t1n.nii.gz").unlink()
    found = layout_of(folder).read(folder, "test")
    assert [len(one.scans) for one in found.cases] == [2, 2, 1]


def test_mr_rate_has_findings_and_patients(tmp_path: Path) -> None:
    folder = mr_rate(tmp_path)
    found = layout_of(folder).read(folder, "test")
    assert [(case.key, case.patient, case.text) for case in found.cases] == [
        ("s1", "p1", "bright bright"), ("s2", "p1", "dark dark"), ("s3", "p2", "plain plain"),
    ]  # fmt: skip
    (scan,) = found.cases[0].scans
    assert (scan.sequence, scan.plane, scan.path.name) == ("FLAIR", "axial", "s1_flair-raw-axi.nii.gz")
    assert [(reason.partition(":")[0], n) for reason, n in found.left_out.items()] == [("still zipped", 1)]


def test_what_lies_beside_real_copies_is_no_scan_and_counts_nothing_twice(tmp_path: Path) -> None:
    """Files that a Mac leaves, scans unpacked beside, a second copy of a folder, masks under other names."""
    folder = radgenome(tmp_path / "brain")
    before = layout_of(folder).read(folder, "test")
    scans = folder / "ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData"
    for case in sorted(scans.iterdir()):
        (case / f"._{case.name}-t2f.nii.gz").write_bytes(b"Mac OS X")
        (case / f"{case.name}-t2f.nii").write_bytes(b"unpacked")
        for mask in ("wmh", "mask", "Label", f"{case.name}_lesion"):
            (case / f"{mask}.nii.gz").write_bytes(b"mask")
    shutil.copytree(scans, folder / "zz old")
    shutil.copytree(scans, folder / "__MACOSX" / scans.name)
    found = layout_of(folder).read(folder, "test")
    assert found.digest == before.digest, "two sites have the same pool"
    assert {scan.path.name.startswith(".") for case in found.cases for scan in case.scans} == {False}
    assert found.left_out == before.left_out
    folder = mr_rate(tmp_path / "rate")
    before = layout_of(folder).read(folder, "test")
    (folder / "mri/batch00/s1/img/._s1_flair-raw-axi.nii.gz").write_bytes(b"Mac OS X")
    shutil.copytree(folder / "mri/batch00", folder / "mri/batch01")
    found = layout_of(folder).read(folder, "test")
    assert (found.cases, found.left_out) == (before.cases, before.left_out)


def test_a_table_of_captions_may_name_patients_studies_and_parts(tmp_path: Path) -> None:
    folder = captions(tmp_path / "bare")
    found = layout_of(folder).read(folder, "test")
    assert [case.text for case in found.cases] == ["bright bright", "dark dark", "plain plain"]
    assert len({case.patient for case in found.cases}) == 3
    assert "patient of its own" in found.warnings[0]
    names = ("a.png", "b.jpg", "c.png")
    more = {"patient": "xxy", "study": "112", "split": ("test", "test", "train"), "label": ("cyst", "cyst", "mass")}
    columns = {name: dict(zip(names, values, strict=True)) for name, values in more.items()}
    folder = captions(tmp_path / "whole", name="metadata.csv", **columns)
    (case,) = layout_of(folder).read(folder, "test").cases
    assert (case.key, case.patient, len(case.scans)) == ("1", "x", 2)
    assert (case.text, case.labels) == ("bright bright dark dark", {"label": "cyst"})
    assert len(layout_of(folder).read(folder, "all").cases) == 2


def test_a_table_of_reports_may_name_a_folder_of_each_patient(tmp_path: Path) -> None:
    """LSpineSMRI as its page describes it: patients, slices, reports. The names of files are not public: made up."""
    lines = ["image,caption,patient,region"]
    for number in range(4):
        for name in ("sag/1.dcm", "sag/2.DCM", "ax/T2.nii.gz", "ax/._T2.nii.gz", "notes.txt"):
            path = tmp_path / "mri" / f"{number:04d}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        lines.append(f"mri/{number:04d},Canal stenosis at level {number}.,{number},lumbar spine")
    (tmp_path / "mri" / "empty").mkdir()
    lines.append("mri/empty,No stenosis.,9,lumbar spine")
    (tmp_path / "captions.csv").write_text("\n".join(lines), encoding="utf-8")
    found = layout_of(tmp_path).read(tmp_path, "all")
    assert [(one.patient, len(one.scans), one.text) for one in found.cases] == [
        (str(n), 3, f"Canal stenosis at level {n}.") for n in range(4)
    ]
    assert {(scan.text, scan.region) for one in found.cases for scan in one.scans} == {("", "lumbar spine")}
    assert found.left_out == {"the image is not there": 1}
    assert found.warnings == ()


def test_the_digest_tells_whether_two_sites_asked_the_same(tmp_path: Path) -> None:
    here, there = (radgenome(tmp_path / name) for name in ("here", "there"))
    one, other = (layout_of(folder).read(folder, "test").digest for folder in (here, there))
    assert one == other
    file = there / "BraTS_GLI" / "global_finding.json"
    file.write_text(file.read_text(encoding="utf-8").replace("dark dark", "darker"), encoding="utf-8")
    assert layout_of(there).read(there, "test").digest != one


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("train_val_test_split.json", "{", "is no JSON"),
        ("train_val_test_split.json", "[]", "is no JSON object"),
        ("train_val_test_split.json", '{"test": "x"}', "is no list of names"),
        (
            "train_val_test_split.json",
            '{"test": ["BraTS-GLI-00001-000-t1n"], "train": ["BraTS-GLI-00001-000-t2f"]}',
            "are in two parts",
        ),
        ("BraTS_GLI/global_finding.json", "[" * 50_000, "is no JSON"),
        ("captions.csv", "image,text\na.png,\n", "line 2: image or caption is empty"),
        ("captions.csv", "image,caption\n../../etc/passwd,x\n", "leads out of"),
        ("captions.csv", "image,caption\n/etc/passwd,x\n", "leads out of"),
        ("captions.csv", "", "holds no row"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_name(tmp_path: Path, file: str, content: str, said: str) -> None:
    folder = captions(tmp_path) if file == "captions.csv" else radgenome(tmp_path)
    (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(EvaluationError, match=said):
        layout_of(folder).read(folder, "test")


def test_a_folder_of_another_kind_is_told_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"radgenome-brain: train_val_test_split.json .* mr-rate: .* captions: "):
        layout_of(tmp_path)
    with pytest.raises(EvaluationError, match="there are radgenome-brain, mr-rate, captions"):
        layout_of(tmp_path, "brats")
    with pytest.raises(EvaluationError, match=r"not laid out as mr-rate: splits\.csv"):
        layout_of(captions(tmp_path / "c"), "mr-rate")
    with pytest.raises(EvaluationError, match="there is no folder"):
        layout_of(tmp_path / "none")
    (tmp_path / "train_val_test_split.json").write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(EvaluationError, match="like no public data set"):
        layout_of(tmp_path)
