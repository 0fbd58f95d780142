"""NIfTI files as archives have them, against nibabel where it can say what is right."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.files import read_series, scan_file
from spinecho.encoders.reading.headers import FileFailure, Flag, Header, VolumeRead

RAMP = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)


def only(results: list[Any]) -> VolumeRead:
    assert len(results) == 1, results
    assert isinstance(results[0], VolumeRead), results[0]
    return results[0]


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("version", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("dtype", ["int16", "uint8", "float32", "float64", ">i2"])
def test_agrees_with_nibabel(kit: Any, tmp_path: Path, name: str, version: Any, dtype: str) -> None:
    affine = np.array([[0, -2.0, 0.1, 5], [-1.5, 0, 0, 7], [0, 0.2, 3.0, -9], [0, 0, 0, 1]])
    header = version.header_class(endianness=">") if dtype.startswith(">") else None
    image = version(RAMP.astype(dtype), affine, header)
    image.header.set_slope_inter(2, 1)
    nibabel.save(image, tmp_path / name)
    expected = nibabel.as_closest_canonical(nibabel.load(tmp_path / name))
    volume = only(kit.read_all([tmp_path / name], tmp_path)).volume
    np.testing.assert_allclose(volume.voxels, expected.get_fdata(), rtol=1e-6)
    np.testing.assert_allclose(volume.affine, expected.affine, atol=1e-5)


def test_series_of_volumes_and_sampling(kit: Any, tmp_path: Path) -> None:
    path = kit.write_nifti(tmp_path / "a.nii.gz", np.arange(2 * 2 * 2 * 10, dtype=np.int16).reshape(2, 2, 2, 10))
    results = kit.read_all([path], tmp_path, max_volumes=3)
    assert [r.key for r in results] == ["v1", "v5", "v10"]
    assert [r.paths for r in results] == [(str(path),), (), ()]
    assert results[2].notes == {"volumes_total": 10, "files_of": "v1"}
    assert results[2].volume.voxels.max() == 79


def test_odd_files_fail_with_a_reason(kit: Any, tmp_path: Path) -> None:
    (tmp_path / "text.nii.gz").write_text("not gzip, not nifti")
    (tmp_path / "text.nii").write_text("not nifti" * 100)
    with gzip.open(tmp_path / "zip.nii.gz", "wb") as file:
        file.write(b"something else" * 50)
    whole = kit.write_nifti(tmp_path / "short.nii", RAMP).read_bytes()
    (tmp_path / "short.nii").write_bytes(whole[:-4])
    rgb = np.zeros((2, 2, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    kit.write_nifti(tmp_path / "rgb.nii", rgb)
    cases = {
        "text.nii.gz": Reason.NOT_GZIP,
        "text.nii": Reason.NOT_NIFTI,
        "zip.nii.gz": Reason.NOT_NIFTI,
        "short.nii": Reason.TRUNCATED,
        "rgb.nii": Reason.COLOUR_IMAGE,
    }
    for name, reason in cases.items():
        with pytest.raises(ReadError) as e:
            scan_file(tmp_path / name, root=tmp_path)
        assert e.value.reason is reason, name


def test_plain_nifti_named_gz_is_read(kit: Any, tmp_path: Path) -> None:
    plain = kit.write_nifti(tmp_path / "a.nii", RAMP)
    plain.rename(tmp_path / "a.nii.gz")
    assert only(kit.read_all([tmp_path / "a.nii.gz"], tmp_path)).volume.voxels.max() == 23


def test_truncated_gzip(kit: Any, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 1000, (20, 20, 20)).astype(np.int16)
    path = kit.write_nifti(tmp_path / "a.nii.gz", noise)
    path.write_bytes(path.read_bytes()[:-3000])
    (failure,) = kit.read_all([path], tmp_path)
    assert failure.reason is Reason.TRUNCATED


def test_non_finite_voxels_become_zero_and_are_flagged(kit: Any, tmp_path: Path) -> None:
    values = RAMP.astype(np.float32)
    values[0, 0, :2] = np.nan, np.inf
    read = only(kit.read_all([kit.write_nifti(tmp_path / "a.nii", values)], tmp_path))
    assert Flag.NON_FINITE in read.flags
    assert np.isfinite(read.volume.voxels).all()
    assert read.notes["non_finite_voxels"] == 2


def test_bad_sform_falls_back_to_the_qform_then_fails(kit: Any, tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(RAMP, np.diag([2.0, 3, 4, 1]))
    image.set_qform(np.diag([2.0, 3, 4, 1]), 1)
    nibabel.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[254:256], raw[280:296] = b"\1\0", bytes(16)  # sform code 1, first row of the sform
    (tmp_path / "a.nii").write_bytes(raw)
    read = only(kit.read_all([tmp_path / "a.nii"], tmp_path))
    assert Flag.AFFINE_INVALID in read.flags
    assert read.volume.spacing_mm == (2, 3, 4)
    raw[80:92] = np.full(3, np.nan, "<f4").tobytes()
    (tmp_path / "b.nii").write_bytes(raw)
    (failure,) = kit.read_all([tmp_path / "b.nii"], tmp_path)
    assert failure.reason is Reason.AFFINE_INVALID


_TURNS = [
    np.diag([*signs, 1.0])[:, [*order, 3]] @ np.diag([2.0, 2.5, 3.0, 1.0])
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(_TURNS), st.sampled_from(_TURNS), st.sets(st.integers(1, 3)), st.sampled_from([1, 2]), st.booleans()
)
def test_a_sform_and_a_qform_that_disagree_are_told(
    kit: Any, tmp_path: Path, sform: Any, qform: Any, negative: set[int], code: int, alike: bool
) -> None:
    """A voxel lies where the form that is taken says; signs of voxel sizes change nothing."""
    voxels = np.random.default_rng(3).integers(0, 900, (5, 6, 7)).astype(np.int16)
    voxels[1, 2, 3] = 5000
    image = nibabel.Nifti1Image(voxels, sform)
    image.set_sform(sform, code)
    image.set_qform(sform if alike else qform, 1)
    nibabel.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    for axis in negative:
        raw[76 + 4 * axis + 3] |= 0x80
    (tmp_path / "a.nii").write_bytes(raw)
    read = only(kit.read_all([tmp_path / "a.nii"], tmp_path))
    at = np.unravel_index(read.volume.voxels.argmax(), read.volume.voxels.shape)
    np.testing.assert_allclose((read.volume.affine @ [*at, 1])[:3], (sform @ [1, 2, 3, 1])[:3], atol=1e-3)
    assert (Flag.GEOMETRY_SUSPECT in read.flags) == ("orientation" in read.notes)
    assert ("orientation" in read.notes) == (not alike and not np.allclose(sform, qform))
    raw[254:256] = bytes(2)  # the qform alone
    (tmp_path / "a.nii").write_bytes(raw)
    read = only(kit.read_all([tmp_path / "a.nii"], tmp_path))
    at = np.unravel_index(read.volume.voxels.argmax(), read.volume.voxels.shape)
    there = (sform if alike else qform) @ [1, 2, 3, 1]
    np.testing.assert_allclose((read.volume.affine @ [*at, 1])[:3], there[:3], atol=1e-3)


@pytest.mark.parametrize(
    ("sizes", "told"), [([2, 3, 4], False), ([1, 1, 1], False), ([2.01, 3, 4], False), ([1, 1.5, 2], True)]
)
def test_voxel_sizes_that_the_sform_contradicts_are_told(
    kit: Any, tmp_path: Path, sizes: list[float], told: bool
) -> None:
    image = nibabel.Nifti1Image(RAMP, np.diag([2.0, 3, 4, 1]))
    nibabel.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[80:92], raw[252:254] = np.array(sizes, "<f4").tobytes(), bytes(2)
    (tmp_path / "a.nii").write_bytes(raw)
    read = only(kit.read_all([tmp_path / "a.nii"], tmp_path))
    assert read.volume.spacing_mm == (2, 3, 4)
    assert ("voxel_sizes" in read.notes, Flag.GEOMETRY_SUSPECT in read.flags) == (told, told)


def test_masks_are_label_maps_and_images_are_not(kit: Any, tmp_path: Path) -> None:
    mask = (RAMP > 10).astype(np.uint8)
    (failure,) = kit.read_all([kit.write_nifti(tmp_path / "brain_mask.nii.gz", mask)], tmp_path)
    assert failure.reason is Reason.LABEL_MAP
    real = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
    only(kit.read_all([kit.write_nifti(tmp_path / "masked_mask.nii.gz", real)], tmp_path))
    only(kit.read_all([kit.write_nifti(tmp_path / "sub-1_label-6_T2w.nii.gz", RAMP)], tmp_path))


def test_constant_volume(kit: Any, tmp_path: Path) -> None:
    (failure,) = kit.read_all([kit.write_nifti(tmp_path / "a.nii", np.ones((2, 2, 2), np.int16))], tmp_path)
    assert failure.reason is Reason.EMPTY_VOLUME


def test_bids_files_form_a_study_with_their_sidecar(kit: Any, tmp_path: Path) -> None:
    folder = tmp_path / "sub-01" / "ses-a" / "anat"
    folder.mkdir(parents=True)
    t1 = kit.write_nifti(folder / "sub-01_ses-a_T1w.nii.gz", RAMP)
    t2 = kit.write_nifti(folder / "sub-01_ses-a_T2w.nii.gz", RAMP)
    other = kit.write_nifti(tmp_path / "lone.nii.gz", RAMP)
    sidecar = {"Manufacturer": "Siemens", "MagneticFieldStrength": 3, "EchoTime": 0.09, "PatientName": "Secret"}
    (folder / "sub-01_ses-a_T2w.json").write_text(json.dumps(sidecar))
    a, b, c = (scan_file(p, root=tmp_path) for p in (t1, t2, other))
    assert a.study_uid == b.study_uid != c.study_uid
    assert a.series_uid != b.series_uid
    assert "Secret" not in b.to_json()
    read = only(list(read_series([b])))
    assert read.acquisition.sequence == "T2"
    assert read.acquisition.te_ms == 90
    assert (read.acquisition.vendor, read.acquisition.field_strength_t) == ("Siemens", 3.0)
    assert read.flags == ()
    assert only(list(read_series([c]))).flags == (Flag.NO_STUDY_LINK,)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_only_typed_errors_escape_from_broken_nifti(kit: Any, tmp_path: Path, data: st.DataObject) -> None:
    path = kit.write_nifti(tmp_path / ("a.nii.gz" if data.draw(st.booleans()) else "a.nii"), RAMP)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        header = scan_file(path, root=tmp_path)
    except ReadError:
        return
    header = Header.from_json(header.to_json(), path=header.path)
    for result in read_series([header], max_volumes=2):
        assert isinstance(result, FileFailure) or np.isfinite(result.volume.voxels).all()


def test_voxels_never_start_within_the_header(kit: Any, tmp_path: Path) -> None:
    path = kit.write_nifti(tmp_path / "a.nii", RAMP)
    raw = bytearray(path.read_bytes())
    raw[108:112] = bytes(4)  # vox_offset
    path.write_bytes(raw)
    np.testing.assert_array_equal(only(kit.read_all([path], tmp_path)).volume.voxels, RAMP)


def test_more_volumes_than_any_scanner_makes(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4))
    raw = bytearray(image.to_bytes())
    raw[40:56] = np.array([5, 1, 1, 1, 32000, 32000, 1, 1], "<i2").tobytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(ReadError) as raised:
        scan_file(tmp_path / "a.nii.gz", root=tmp_path)
    assert raised.value.reason == Reason.TOO_LARGE
