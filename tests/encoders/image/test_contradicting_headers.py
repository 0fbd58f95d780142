"""Headers that contradict themselves or leave out what decides: read as the rest proves, or told, never unsaid."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from spinecho.encoders.reading.headers import Flag, VolumeRead

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)


def only(results: list[Any]) -> VolumeRead:
    assert len(results) == 1, results
    assert isinstance(results[0], VolumeRead), results[0]
    return results[0]


def read(kit: Any, folder: Any, slices: list[Any], syntax: str) -> VolumeRead:
    paths = [kit.write(folder / f"{number}.dcm", one, syntax=syntax) for number, one in enumerate(slices)]
    return only(kit.read_all(paths, folder))


def with_pixels(data: Any, values: np.ndarray[Any, Any], *, big: bool, bits: int = 16) -> Any:
    data.Rows, data.Columns = values.shape
    data.PixelRepresentation = int(values.dtype.kind == "i")
    data.BitsAllocated, data.BitsStored, data.HighBit = values.dtype.itemsize * 8, bits, bits - 1
    data.PixelData = values.astype(values.dtype.newbyteorder(">" if big else "<")).tobytes()
    return data


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("kind", "bits", "value", "limit", "is_outside"),
    [
        ("<u2", 16, 65535, None, True),
        ("<u2", 12, 4095, None, True),
        ("<u2", 12, 1003, None, False),  # one that the picture holds, too, or nearly
        ("<i2", 16, -32768, None, True),
        ("<i2", 12, -2048, None, True),
        ("<i2", 16, -3000, -2000, True),
        ("<u2", 16, 0, None, False),
    ],
)
def test_pixels_outside_of_a_picture_are_its_darkest(
    kit: Any, tmp_path: Any, syntax: Any, photometric: str, kind: str, bits: int, value: int, limit: int | None,
    *, is_outside: bool,
) -> None:  # fmt: skip
    inside = np.arange(400, 1000).astype(kind).reshape(20, 30)
    around = np.full((24, 34), value if limit is None else (value + limit) // 2, kind)
    around[2:-2, 2:-2] = inside
    slices = []
    for number in range(3):
        data = with_pixels(kit.slice_dataset(number), around, big=syntax == ExplicitVRBigEndian, bits=bits)
        data.PhotometricInterpretation = photometric
        vr = "SS" if data.PixelRepresentation else "US"
        data.add_new(0x00280120, vr, value)
        if limit is not None:
            data.add_new(0x00280121, vr, limit)
        slices.append(data)
    found = read(kit, tmp_path, slices, syntax)
    spread = float(found.volume.voxels.max() - found.volume.voxels.min())
    assert (spread == 599) == is_outside
    assert not found.flags
    if is_outside:
        assert found.volume.voxels[0, 0, 0] == found.volume.voxels.min()


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("private", [0.0, 5.0, None])
@pytest.mark.parametrize("public", [800.0, 0.0, None])
def test_a_public_element_is_not_gainsaid_by_a_private_one(
    kit: Any, tmp_path: Any, syntax: Any, public: float | None, private: float | None
) -> None:
    data = kit.slice_dataset()
    data.SeriesDescription = "DWI"
    if syntax == ExplicitVRBigEndian:
        data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
    if public is not None:
        data.DiffusionBValue = public
    if private is not None:
        data.add_new(0x20010010, "LO", "Philips Imaging DD 001")
        data.add_new(0x20011003, "FL", private)
    assert read(kit, tmp_path, [data], syntax).acquisition.b_value == (private if public is None else public)


@pytest.mark.parametrize("stated", [None, 0, 1, 3, 5])
def test_frames_that_are_described_are_read_whatever_their_number_says(
    kit: Any, series_of: Any, stated: int | None
) -> None:
    data = kit.enhanced_dataset([0.0, 2.0, 4.0, 6.0, 8.0])
    if stated is None:
        del data.NumberOfFrames
    else:
        data.NumberOfFrames = stated
    assert only(series_of([data])).volume.voxels.shape == (5, 6, 5)


@pytest.mark.parametrize("known", [True, False])
def test_a_mosaic_whose_slices_may_run_either_way_says_so(kit: Any, series_of: Any, known: bool) -> None:
    data = kit.slice_dataset()
    tiles = np.zeros((32, 32), "<u2")
    for tile, (row, column) in enumerate(itertools.product(range(4), repeat=2)):
        tiles[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = 20 * (tile + 1) + np.arange(8)
    with_pixels(data, tiles, big=False)
    data.ImageType = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
    data.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
    data.add_new(0x0019100A, "US", 15)
    if known:
        numbers = b"".join(
            bytes(4) + len(text).to_bytes(4, "little") + bytes(8) + text.ljust(-(-len(text) // 4) * 4, b"\0")
            for text in (b"0.0\0", b"0.0\0", b"-1.0\0")
        )
        head = b"SliceNormalVector".ljust(64, b"\0") + bytes(12) + (3).to_bytes(4, "little") + bytes(4)
        data.add_new(0x00290010, "LO", "SIEMENS CSA HEADER")
        data.add_new(0x00291010, "OB", head + numbers)
    found = only(series_of([data]))
    assert (Flag.GEOMETRY_SUSPECT in found.flags, "slice_order" in found.notes) == (not known, not known)
    assert found.volume.voxels[0, 0].argmin() == (14 if known else 0)  # the first tile lies on top, or so it is taken


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 4), st.integers(3, 7), st.integers(3, 7), st.sampled_from(["OW", "OB"]))
def test_pixels_of_a_byte_in_big_endian_words(
    kit: Any, tmp_path: Any, count: int, rows: int, columns: int, vr: str
) -> None:
    """PS3.5 8.1.2: two pixels a word, whose bytes are the other way round in big endian; not where they are bytes."""
    data = kit.enhanced_dataset([2.0 * number for number in range(count)])
    values = np.arange(count * rows * columns, dtype="u1").reshape(count, rows, columns)
    data.Rows, data.Columns = rows, columns
    data.BitsAllocated, data.BitsStored, data.HighBit = 8, 8, 7
    raw = values.tobytes() + b"\0" * (values.size % 2)
    data.add_new(0x7FE00010, vr, np.frombuffer(raw, "u2").byteswap().tobytes() if vr == "OW" else raw)
    found = read(kit, tmp_path, [data], ExplicitVRBigEndian).volume.voxels
    np.testing.assert_array_equal(found[::-1, ::-1].transpose(2, 1, 0), values.astype(float) + 5)
