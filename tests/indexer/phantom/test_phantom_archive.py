"""What is written: valid DICOM whose geometry is the drawn one, reports in three forms, the same bytes each time."""

import csv
import json
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage

from spinecho.indexer.phantom import Case, SeriesPlan, plan_cases, render_series, write_archive
from spinecho.indexer.phantom.atlas import PhantomDataMissing, template
from spinecho.indexer.phantom.demo_archive import ArchiveSummary, _reports
from spinecho.indexer.phantom.dicom import Drawn, series_files

STUDIES = 2
REQUIRED = """
    PatientName PatientID PatientSex PatientAge PatientBirthDate StudyInstanceUID StudyDate
    StudyTime StudyID AccessionNumber ReferringPhysicianName Modality SeriesInstanceUID SeriesNumber
    SeriesDescription FrameOfReferenceUID PositionReferenceIndicator Manufacturer ImageType
    InstanceNumber SOPClassUID SOPInstanceUID SamplesPerPixel PhotometricInterpretation Rows Columns
    BitsAllocated BitsStored HighBit PixelRepresentation MagneticFieldStrength
""".split()  # noqa: SIM905 - reads better than a column of names
CLASSIC = """
    ScanningSequence SequenceVariant ScanOptions MRAcquisitionType RepetitionTime EchoTime
    EchoTrainLength FlipAngle ImagePositionPatient ImageOrientationPatient PixelSpacing
    SliceThickness SpacingBetweenSlices WindowCenter WindowWidth
""".split()  # noqa: SIM905 - reads better than a column of names


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ArchiveSummary]:
    folder = tmp_path_factory.mktemp("archive")
    return folder, write_archive(folder, studies=STUDIES, seed=0)


@pytest.fixture(scope="module")
def files(archive: tuple[Path, ArchiveSummary]) -> list[FileDataset]:
    return [pydicom.dcmread(path) for path in sorted(archive[0].rglob("*.dcm"))]


def digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_writing_again_changes_nothing_and_mends_what_was_cut_off(archive: tuple[Path, ArchiveSummary]):
    folder, summary = archive
    before = digests(folder)
    assert len(before) == summary.written
    assert summary.files == sum(name.endswith(".dcm") for name in before)
    lost = sorted(folder.rglob("IM0002.dcm"))[0]
    lost.unlink()
    heard: list[tuple[int, int]] = []
    again = write_archive(folder, studies=STUDIES, seed=0, progress=lambda done, total: heard.append((done, total)))
    assert again.written == 1
    assert digests(folder) == before
    assert heard == [(n, STUDIES) for n in range(1, STUDIES + 1)]


def test_every_object_has_what_its_modules_require(files: list[FileDataset]):
    for ds in files:
        assert [name for name in REQUIRED if name not in ds] == []
        if ds.SOPClassUID == MRImageStorage:
            assert [name for name in CLASSIC if name not in ds] == []
            assert ds.BitsStored == 12
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
        assert ds.SOPInstanceUID.is_valid
        assert ds.SeriesInstanceUID.is_valid
        assert ds.StudyInstanceUID.is_valid
        assert str(ds.PatientName).startswith("DEMO^")
    assert len({ds.SOPInstanceUID for ds in files}) == len(files)
    assert {ds.SOPClassUID for ds in files} == {MRImageStorage}


def test_slices_of_a_volume_agree_and_step_evenly(files: list[FileDataset]):
    groups: dict[tuple[str, ...], list[FileDataset]] = {}
    for ds in files:
        if ds.SOPClassUID == MRImageStorage:
            key = (ds.SeriesInstanceUID, str(ds.ImageOrientationPatient), str(ds.get("DiffusionBValue")))
            groups.setdefault(key, []).append(ds)
    for slices in groups.values():
        first = slices[0]
        row, column = np.array(first.ImageOrientationPatient[:3]), np.array(first.ImageOrientationPatient[3:])
        assert row @ column == pytest.approx(0, abs=1e-6)
        assert np.linalg.norm(row) == pytest.approx(1, abs=1e-6)
        at = np.array([ds.ImagePositionPatient for ds in slices], float)
        steps = np.diff(at, axis=0)
        assert np.allclose(steps, np.cross(row, column) * float(first.SpacingBetweenSlices), atol=1e-4)
        assert len({(ds.Rows, ds.Columns, ds.EchoTime, ds.RepetitionTime) for ds in slices}) == 1


def test_contrast_is_stated_where_it_was_given(files: list[FileDataset]):
    cases = {case.study_uid: case for case in plan_cases(STUDIES, seed=0)}
    for ds in files:
        plans = [p for p in cases[ds.StudyInstanceUID].series if p.series_uid == ds.SeriesInstanceUID]
        assert ("ContrastBolusAgent" in ds) == plans[0].contrast


def read_back(contents: list[bytes]) -> list[FileDataset]:
    return [pydicom.dcmread(BytesIO(content)) for content in contents]


def small(case: Case, plan: SeriesPlan) -> Drawn:
    return Drawn(plan, *render_series(case, replace(plan, slices=3))[:2])


@pytest.mark.parametrize("syntax", ["explicit", "rle", "jpeg2000"])
def test_pixels_survive_their_encoding(syntax: str):
    case = plan_cases(1, seed=0)[0]
    plan = replace(case.series[1], slices=3, syntax=syntax)  # type: ignore[arg-type]
    volume = small(case, plan)
    for k, ds in enumerate(read_back(series_files(case, [volume]))):
        assert np.array_equal(ds.pixel_array, np.rint(volume.voxels[:, :, k].clip(0, 4095)).T)


def test_the_affine_survives_the_round_trip_through_a_header():
    cases = plan_cases(12, seed=2)
    for case in cases[::3]:
        plan = replace(case.series[-1], slices=3, storage="single")
        volume = small(case, plan)
        first, second, _ = read_back(series_files(case, [volume]))
        orient, at = np.array(first.ImageOrientationPatient, float), np.array(first.ImagePositionPatient, float)
        step = np.array(second.ImagePositionPatient, float) - at
        lps = np.column_stack([orient[:3] * plan.pixel_mm, orient[3:] * plan.pixel_mm, step, at])
        assert np.allclose(np.diag([-1, -1, 1]) @ lps, volume.affine[:3], atol=1e-4)


def test_an_enhanced_object_places_each_frame_and_names_its_b_value():
    case = next(c for c in plan_cases(60, seed=0) if any(p.sequence == "DWI" for p in c.series))
    plans = [replace(p, slices=3, storage="enhanced") for p in case.series if p.sequence == "DWI"]
    (ds,) = read_back(series_files(case, [small(case, plan) for plan in plans]))
    assert ds.SOPClassUID == EnhancedMRImageStorage
    assert ds.NumberOfFrames == 6 == len(ds.PerFrameFunctionalGroupsSequence)
    frames = ds.PerFrameFunctionalGroupsSequence
    assert [f.MRDiffusionSequence[0].DiffusionBValue for f in frames] == [0, 0, 0, 1000, 1000, 1000]
    positions = [tuple(f.PlanePositionSequence[0].ImagePositionPatient) for f in frames]
    assert positions[:3] == positions[3:]
    assert len(set(positions)) == 3
    assert ds.pixel_array.shape == (6, plans[0].rows, plans[0].columns)


def test_an_adc_map_says_that_it_is_derived():
    case = next(c for c in plan_cases(60, seed=0) if any(p.sequence == "ADC" for p in c.series))
    plan = next(p for p in case.series if p.sequence == "ADC")
    ds = read_back(series_files(case, [small(case, replace(plan, slices=3, storage="single"))]))[0]
    assert list(ds.ImageType[:3]) == ["DERIVED", "PRIMARY", "ADC"]


def test_reports_come_in_three_forms_one_for_each_study(tmp_path: Path):
    cases = plan_cases(24, seed=0)
    _reports(tmp_path, cases)
    found = {p.stem: p.read_text() for p in tmp_path.glob("*.txt")}
    with (tmp_path / "reports.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    lines = [json.loads(line) for line in (tmp_path / "reports.jsonl").read_text().splitlines()]
    assert len(found) > len(table) > 0
    assert len(lines) > 0
    for row in (*table, *lines):
        found[row["accession_number"]] = row["report"]
    assert found.keys() == {case.accession_number for case in cases}
    assert all(case.report in found[case.accession_number] for case in cases)
    assert any(text.startswith("Accession") for text in found.values())
    assert any(not text.startswith("Accession") for text in found.values())


def test_the_truth_tells_lesions_and_series(archive: tuple[Path, ArchiveSummary]):
    truth = json.loads((archive[0] / "truth.json").read_text())
    cases = plan_cases(STUDIES, seed=0)
    assert [s["study_uid"] for s in truth["studies"]] == [c.study_uid for c in cases]
    for study, case in zip(truth["studies"], cases, strict=True):
        assert [x["kind"] for x in study["lesions"]] == [x.kind for x in case.lesions]
        assert len(study["series"]) == len(case.series)
        for lesion in study["lesions"]:
            if lesion["side"] in ("left", "right"):
                assert (lesion["center_patient_mm"][0] > 0) == (lesion["side"] == "right")


def test_without_the_templates_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("spinecho.indexer.phantom.atlas.find_spec", lambda name: None)
    with pytest.raises(PhantomDataMissing, match=r"pip install '\.\[demo\]'"):
        template("t1")
