"""What real archives do, one synthetic file at a time."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.dicom.charsets import decode_text
from spinecho.encoders.reading.files import read_path, read_series, scan_file
from spinecho.encoders.reading.headers import FileFailure, Flag, Header, VolumeRead


def only(results: list[Any]) -> VolumeRead:
    assert len(results) == 1, results
    assert isinstance(results[0], VolumeRead), results[0]
    return results[0]


def test_a_series_becomes_one_volume_in_ras(kit: Any, series_of: Any) -> None:
    read = only(series_of([kit.slice_dataset(n) for n in (2, 0, 3, 1)]))
    assert read.key == ""
    assert read.flags == ()
    assert read.volume.voxels.shape == (5, 6, 4)
    assert read.volume.voxels.dtype == np.float32
    assert read.volume.spacing_mm == (1.5, 2.0, 3.0)
    # LPS (-10, -20, 0) holds stored value 0; it is RAS (10, 20, 0): the last in i and j, the first in k.
    np.testing.assert_allclose(read.volume.affine @ [4, 5, 0, 1], [10, 20, 0, 1])
    assert read.volume.voxels[4, 5, 0] == 0
    assert read.volume.voxels[0, 0, 3] == 329
    assert all(stride > 0 for stride in read.volume.voxels.strides)
    assert read.acquisition.plane == "axial"


def test_equal_instance_numbers_do_not_matter_and_neither_does_order(kit: Any, tmp_path: Path) -> None:
    paths = [kit.write(tmp_path / f"{n}.dcm", kit.slice_dataset(n)) for n in range(6)]
    headers = [scan_file(p, root=tmp_path) for p in paths]
    first = only(list(read_series(headers)))
    random.Random(3).shuffle(headers)
    second = only(list(read_series(headers)))
    assert first.paths == second.paths
    np.testing.assert_array_equal(first.volume.voxels, second.volume.voxels)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"])
def test_uncompressed_syntaxes_agree(kit: Any, tmp_path: Path, syntax: str) -> None:
    data = kit.slice_dataset()
    read = only(kit.read_all([kit.write(tmp_path / "a.dcm", data, syntax=syntax)], tmp_path))
    assert sorted(read.volume.voxels.ravel()) == list(range(30))


def test_rle_by_pydicom_reads_back(kit: Any, tmp_path: Path) -> None:
    path = kit.write(tmp_path / "a.dcm", kit.slice_dataset())
    data = pydicom.dcmread(path)
    data.compress(pydicom.uid.RLELossless)
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.2.1"
    data.save_as(path)
    assert sorted(only(kit.read_all([path], tmp_path)).volume.voxels.ravel()) == list(range(30))


def test_rescale_signed_and_inverted_pixels(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    data.RescaleSlope, data.RescaleIntercept = 2, -5
    assert only(kit.read_all([kit.write(tmp_path / "a.dcm", data)], tmp_path)).volume.voxels.min() == -5
    data = kit.slice_dataset()
    data.PixelRepresentation = 1
    data.PixelData = (np.arange(30, dtype="<i2") - 15 & 0xFFF).astype("<u2").tobytes()  # sign left in bit 11
    read = only(kit.read_all([kit.write(tmp_path / "b.dcm", data)], tmp_path))
    assert (read.volume.voxels.min(), read.volume.voxels.max()) == (-15, 14)
    data = kit.slice_dataset()
    data.PhotometricInterpretation = "MONOCHROME1"
    read = only(kit.read_all([kit.write(tmp_path / "c.dcm", data)], tmp_path))
    assert (read.volume.voxels.min(), read.volume.voxels.max()) == (4095 - 29, 4095)


def test_values_beyond_the_stored_bits_are_flagged(kit: Any, series_of: Any) -> None:
    data = kit.slice_dataset()
    data.PixelData = (np.arange(30, dtype="<u2") + 5000).tobytes()
    assert only(series_of([data])).flags == (Flag.PIXEL_RANGE,)


def test_echoes_and_image_types_are_separate_volumes(kit: Any, series_of: Any) -> None:
    sets = []
    for echo, te in enumerate((5.0, 80.0)):
        for n in range(3):
            data = kit.slice_dataset(n)
            data.SOPInstanceUID = f"1.2.3.2.{echo}.{n}"
            data.EchoTime = te
            sets.append(data)
    first, second = series_of(sets)
    assert (first.key, second.key) == ("te5", "te80")
    assert first.acquisition.te_ms == 5
    assert len(first.paths) == len(second.paths) == 3


def test_time_points_split_only_where_positions_repeat(kit: Any, series_of: Any) -> None:
    sets = []
    for time in range(12):
        for n in range(2):
            data = kit.slice_dataset(n)
            data.SOPInstanceUID = f"1.2.3.2.{time}.{n}"
            data.AcquisitionNumber = time + 1
            sets.append(data)
    results = series_of(sets, max_volumes=4)
    assert [r.key for r in results] == ["a1", "a5", "a8", "a12"]
    assert all(Flag.VOLUMES_SAMPLED in r.flags and r.notes["volumes_total"] == 12 for r in results)
    assert sum(len(r.paths) for r in results) == 24
    one_volume = []
    for n in range(3):
        data = kit.slice_dataset(n)
        data.AcquisitionNumber = n + 1
        one_volume.append(data)
    assert only(series_of(one_volume)).volume.voxels.shape[2] == 3


def test_localizer_with_three_orientations(kit: Any, series_of: Any) -> None:
    sets = []
    for number, orientation in enumerate(([1, 0, 0, 0, 1, 0], kit.coronal, kit.sagittal)):
        data = kit.slice_dataset(number)
        data.ImageOrientationPatient = orientation
        data.SeriesDescription = "3-plane localizer"
        sets.append(data)
    results = series_of(sets)
    assert {r.acquisition.plane for r in results} == {"axial", "coronal", "sagittal"}
    assert {r.key for r in results} == {"axial", "coronal", "sagittal"}
    assert {r.acquisition.sequence for r in results} == {"localizer"}


def test_missing_uneven_and_repeated_slices_are_flagged(kit: Any, series_of: Any) -> None:
    missing = only(series_of([kit.slice_dataset(n) for n in (0, 1, 2, 4, 5)]))
    assert missing.flags == (Flag.SLICES_MISSING,)
    assert missing.notes["gaps_mm"] == [6.0]
    uneven = only(series_of([kit.slice_dataset(n, position=[0, 0, z]) for n, z in enumerate((0, 3, 6, 10, 13))]))
    assert uneven.flags == (Flag.SLICES_UNEVEN,)
    assert uneven.notes["gaps_mm"] == [4.0]
    rounded = only(series_of([kit.slice_dataset(n, position=[0, 0, z]) for n, z in enumerate((0, 3.01, 6, 9.02))]))
    assert rounded.flags == ()
    sets = [kit.slice_dataset(n, position=[0, 0, z]) for n, z in enumerate((0, 3, 6, 9, 12, 3))]
    repeated = only(series_of(sets))
    assert repeated.flags == (Flag.SLICES_REPEATED,)
    assert len(repeated.paths) == 6


def test_truncated_slice_fails_and_its_volume_knows(kit: Any, tmp_path: Path) -> None:
    paths = [kit.write(tmp_path / f"{n}.dcm", kit.slice_dataset(n)) for n in range(5)]
    paths[2].write_bytes(paths[2].read_bytes()[:-20])
    results = kit.read_all(paths, tmp_path)
    failures = [r for r in results if isinstance(r, FileFailure)]
    assert [(f.path, f.reason) for f in failures] == [(str(paths[2]), Reason.TRUNCATED)]
    (volume,) = (r for r in results if isinstance(r, VolumeRead))
    assert volume.flags == (Flag.SLICES_MISSING,)
    assert volume.volume.voxels.shape[2] == 4


def test_truncated_multi_frame_is_never_a_volume(kit: Any, tmp_path: Path) -> None:
    path = kit.write(tmp_path / "a.dcm", kit.enhanced_dataset([0, 3, 6]))
    path.write_bytes(path.read_bytes()[:-40])
    (failure,) = kit.read_all([path], tmp_path)
    assert failure.reason is Reason.TRUNCATED


def test_enhanced_frames_go_by_position_with_their_own_rescale(kit: Any, series_of: Any) -> None:
    read = only(series_of([kit.enhanced_dataset([6.0, 0.0, 3.0], slopes=[1.0, 2.0, 3.0])]))
    assert read.volume.spacing_mm == (1.5, 2.0, 3.0)
    # The corner of each frame (stored 0, 100, 200), by rising z: frame 1, frame 2, frame 0.
    np.testing.assert_allclose(read.volume.voxels[4, 5, :], [100 * 2 + 5, 200 * 3 + 5, 5])


def test_missing_geometry_is_suspect_but_searchable(kit: Any, series_of: Any) -> None:
    sets = [kit.slice_dataset(n) for n in range(3)]
    for n, data in enumerate(sets):
        del data.ImagePositionPatient, data.ImageOrientationPatient
        data.InstanceNumber = 3 - n
    read = only(series_of(sets))
    assert Flag.GEOMETRY_SUSPECT in read.flags
    assert read.volume.voxels.shape == (5, 6, 3)
    assert read.acquisition.plane == "unknown"


def test_no_preamble_is_read_and_insists_on_uids(kit: Any, tmp_path: Path) -> None:
    path = kit.write(tmp_path / "a.dcm", kit.slice_dataset(), preamble=False)
    assert path.read_bytes()[128:132] != b"DICM"
    assert only(kit.read_all([path], tmp_path)).study.uid == "1.2.3.1"
    data = kit.slice_dataset()
    del data.StudyInstanceUID
    with pytest.raises(ReadError) as e:
        scan_file(kit.write(tmp_path / "b.dcm", data, preamble=False), root=tmp_path)
    assert e.value.reason is Reason.MISSING_TAGS
    data.PatientIdentityRemoved = "YES"
    read = only(kit.read_all([kit.write(tmp_path / "c.dcm", data, preamble=False)], tmp_path))
    assert read.flags == (Flag.NO_STUDY_LINK,)
    assert read.study.uid.startswith("2.25.")


def test_bad_tags_lose_themselves_only(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    data.SeriesDescription = "AX T2"
    data.EchoTime = 80
    path = kit.write(tmp_path / "a.dcm", data)
    raw = path.read_bytes()
    at = raw.index(b"\x18\x00\x81\x00DS")
    path.write_bytes(raw[: at + 8] + b"x?" + raw[at + 10 :])
    read = only(kit.read_all([path], tmp_path))
    assert read.acquisition.te_ms is None
    assert read.acquisition.sequence == "T2"


def test_wrong_charset_is_guessed_and_names_are_never_kept(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    data.SeriesDescription = "placeholder!"
    path = kit.write(tmp_path / "a.dcm", data)
    path.write_bytes(path.read_bytes().replace(b"placeholder!", "Schädel T2 ".encode()))
    read = only(kit.read_all([path], tmp_path))
    assert read.series.description == "Schädel T2"
    assert read.flags == (Flag.CHARSET_GUESSED,)
    assert "Secret" not in scan_file(path, root=tmp_path).to_json()


def test_constant_and_colour_images_fail_with_a_reason(kit: Any, series_of: Any) -> None:
    data = kit.slice_dataset()
    data.PixelData = bytes(60)
    (empty,) = series_of([data])
    assert empty.reason is Reason.EMPTY_VOLUME
    data = kit.slice_dataset()
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelData = 7, bytes(90)
    (colour,) = series_of([data])
    assert colour.reason is Reason.COLOUR_IMAGE


def test_repeated_sop_uids_survive(kit: Any, tmp_path: Path) -> None:
    a = kit.write(tmp_path / "a.dcm", kit.slice_dataset())
    b = kit.write(tmp_path / "b.dcm", kit.slice_dataset())
    other = kit.slice_dataset()
    other.PixelData = bytes(range(60))
    c = kit.write(tmp_path / "c.dcm", other)
    reasons = {r.path: r.reason for r in kit.read_all([a, b, c], tmp_path) if isinstance(r, FileFailure)}
    assert reasons == {str(b): Reason.DUPLICATE, str(c): Reason.CONFLICT}


def test_files_that_vanish_between_scan_and_read(kit: Any, tmp_path: Path) -> None:
    path = kit.write(tmp_path / "a.dcm", kit.slice_dataset())
    header = scan_file(path, root=tmp_path)
    path.unlink()
    (failure,) = read_series([header])
    assert isinstance(failure, FileFailure)
    assert failure.reason is Reason.UNREADABLE


def test_unresolved_mosaic(kit: Any, series_of: Any) -> None:
    data = kit.slice_dataset()
    data.ImageType = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
    (failure,) = series_of([data])
    assert failure.reason is Reason.MOSAIC_UNRESOLVED


def test_other_modalities_reports_and_text(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    data.Modality, data.SOPClassUID = "CT", "1.2.840.10008.5.1.4.1.1.2"
    cases = {kit.write(tmp_path / "ct.dcm", data): Reason.NOT_MR}
    data.Modality, data.SOPClassUID = "SR", "1.2.840.10008.5.1.4.1.1.88.33"
    cases[kit.write(tmp_path / "sr.dcm", data)] = Reason.NOT_READ
    (tmp_path / "text.dcm").write_text("hello")
    (tmp_path / "notes.txt").write_text("hello")
    cases |= {tmp_path / "text.dcm": Reason.NOT_DICOM, tmp_path / "notes.txt": Reason.NOT_READ}
    cases[tmp_path / "gone.dcm"] = Reason.UNREADABLE
    for path, reason in cases.items():
        with pytest.raises(ReadError) as e:
            scan_file(path, root=tmp_path)
        assert e.value.reason is reason


def test_a_screenshot_is_read_and_marked_derived(kit: Any, series_of: Any) -> None:
    data = kit.slice_dataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    del data.ImagePositionPatient, data.ImageOrientationPatient
    read = only(series_of([data]))
    assert read.acquisition.derived
    assert Flag.GEOMETRY_SUSPECT in read.flags


def test_deflate_bomb_is_refused_without_being_inflated(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    data.add_new(0x00091001, "OB", bytes(1 << 27))
    data.add_new(0x00090010, "LO", "ANYONE")
    path = kit.write(tmp_path / "a.dcm", data, syntax="1.2.840.10008.1.2.1.99")
    assert path.stat().st_size < 1 << 18
    with pytest.raises(ReadError):
        scan_file(path, root=tmp_path)


def test_read_path_takes_a_file_or_a_folder(kit: Any, tmp_path: Path) -> None:
    for n in range(3):
        kit.write(tmp_path / f"{n}.dcm", kit.slice_dataset(n))
    assert only(list(read_path(tmp_path))).volume.voxels.shape == (5, 6, 3)
    assert only(list(read_path(tmp_path / "1.dcm"))).volume.voxels.shape == (5, 6, 1)


def test_header_json_round_trip(kit: Any, tmp_path: Path) -> None:
    for name, data in (("a", kit.slice_dataset()), ("b", kit.enhanced_dataset([0, 3, 6]))):
        header = scan_file(kit.write(tmp_path / f"{name}.dcm", data), root=tmp_path)
        again = Header.from_json(header.to_json(), path=header.path)
        assert again == header
        assert json.loads(header.to_json())["kind"] == "dicom"
        assert len(header.to_json()) < 2000


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_only_typed_errors_escape_from_broken_files(kit: Any, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a.dcm"
    if data.draw(st.booleans()):
        kit.write(path, kit.enhanced_dataset([0, 3, 6]))
    else:
        kit.write(path, kit.slice_dataset(1))
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 6))):
        raw[data.draw(st.integers(128, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    if data.draw(st.booleans()):
        raw = raw[: data.draw(st.integers(0, len(raw)))]
    path.write_bytes(raw)
    try:
        header = scan_file(path, root=tmp_path)
    except ReadError:
        return
    Header.from_json(header.to_json(), path=header.path)
    for result in read_series([header]):
        if isinstance(result, VolumeRead):
            assert np.isfinite(result.volume.voxels).all()
            assert np.isfinite(result.volume.affine).all()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(7)), step=st.floats(0.2, 20), tilt=st.floats(-1, 1))
def test_slices_sort_along_any_normal(kit: Any, tmp_path: Path, order: list[int], step: float, tilt: float) -> None:
    row = np.array([np.cos(tilt), 0, np.sin(tilt)])
    normal = np.cross(row, [0, 1, 0])
    paths = []
    for n in order:
        data = kit.slice_dataset(n, position=[round(float(v), 4) for v in normal * step * n])
        data.ImageOrientationPatient = [*(float(f"{v:.7f}") for v in row), 0, 1, 0]
        paths.append(kit.write(tmp_path / f"{n}.dcm", data))
    volume = only(kit.read_all(paths, tmp_path)).volume
    at = np.rint(np.linalg.inv(volume.affine) @ np.array([*(normal * step * 6 * [-1, -1, 1]), 1])).astype(int)
    assert volume.voxels[tuple(at[:3])] == 600


@pytest.mark.parametrize("stored", [0, 99])
def test_stored_bits_that_cannot_be(kit: Any, series_of: Any, stored: int) -> None:
    slices = [kit.slice_dataset(n) for n in range(2)]
    for data in slices:
        data.BitsStored, data.PhotometricInterpretation = stored, "MONOCHROME1"
    assert only(series_of(slices)).volume.voxels.min() == 0xFFFF - 129


def test_b_values_of_ge_alone_part_a_series(kit: Any, series_of: Any) -> None:
    slices = []
    for echo, b in enumerate((0, 1_000_000_500, 1_000_001_000)):
        for n in range(3):
            data = kit.slice_dataset(n)
            data.SOPInstanceUID = f"1.2.3.2.{echo}.{n}"
            data.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0x39, "IS", [b, 8, 0, 0])
            slices.append(data)
    read = series_of(slices)
    assert [(r.key, r.acquisition.b_value) for r in read] == [("none", None), ("b500", 500), ("b1000", 1000)]


def test_big_endian_pixels_of_ge_private_syntax(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    data.PixelData = np.arange(30, dtype=">u2").tobytes()
    path = kit.write(tmp_path / "a.dcm", data, syntax="1.2.840.10008.1.2")
    raw = path.read_bytes()
    old, new = b"1.2.840.10008.1.2\0", b"1.2.840.113619.5.2"
    assert len(old) == len(new)
    assert raw.count(old) == 1
    path.write_bytes(raw.replace(old, new))
    voxels = only(kit.read_all([path], tmp_path)).volume.voxels
    assert (voxels.min(), voxels.max()) == (0, 29)


def test_more_frames_than_any_scanner_makes(kit: Any, tmp_path: Path) -> None:
    data = kit.slice_dataset()
    data.Rows = data.Columns = 1
    data.NumberOfFrames = 400_000_000
    with pytest.raises(ReadError) as raised:
        scan_file(kit.write(tmp_path / "a.dcm", data), root=tmp_path)
    assert raised.value.reason == Reason.TOO_LARGE


def test_utf8_declared_as_latin() -> None:
    assert decode_text("Schädel".encode(), "ISO_IR 100") == ("Schädel", True)
    assert decode_text("Schädel".encode("latin_1"), "ISO_IR 100") == ("Schädel", False)
