"""The codecs: each by a frame that pydicom decodes too, and what is said where one is missing."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.dicom import codecs
from spinecho.encoders.reading.dicom.pixels import PixelSource
from spinecho.encoders.reading.files import read_series, scan_file
from spinecho.encoders.reading.headers import FileFailure

FILES = (
    "pydicom_test_files/MR_small/MR_small_RLE/MR_small_RLE.dcm",
    "pydicom_test_files/MR_small/MR_small_jp2klossless/MR_small_jp2klossless.dcm",
    "pydicom_test_files/MR_small/MR_small_jpeg_ls_lossless/MR_small_jpeg_ls_lossless.dcm",
    "pydicom_data/MR2_shoulder/MR2_J2KI/MR2_J2KI.dcm",
    "dcm_qa/trio/axmb_asc_jpegll/jpg1.dcm",
)


@pytest.mark.parametrize("name", FILES)
def test_agrees_with_pydicom(testdata: Path, name: str) -> None:
    path = testdata / "dicom" / name
    stored = PixelSource(scan_file(path, root=testdata)).frame(0, -1)
    np.testing.assert_array_equal(stored, pydicom.dcmread(path).pixel_array)


def test_missing_codec_is_named(testdata: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdcm", None)
    codecs._module.cache_clear()
    try:
        header = scan_file(testdata / "dicom" / FILES[2], root=testdata)
        (failure,) = read_series([header])
        assert isinstance(failure, FileFailure)
        assert failure.reason is Reason.NEEDS_CODEC
        assert "python-gdcm" in failure.message
    finally:
        codecs._module.cache_clear()


def rle(*segments: bytes) -> bytes:
    """A frame of RLE with these segments, as PS3.5 annex G has it."""
    starts = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    return struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(segments))) + b"".join(segments)


@pytest.mark.parametrize(
    ("segments", "allocated"),
    [
        ((b"\x81A", b"\xf1A"), 16),
        ((b"\xf1A", b"\x81A"), 16),
        ((b"\xf1A", b""), 16),
        ((b"\xf1A", b"\x0fABC"), 16),
        ((b"\xf1A",) * 3, 16),
        ((b"\xf1A", b"\xf1A", b"\xf1A", b"\x81A"), 32),
    ],
)
def test_segments_of_another_length_than_the_header_says_are_refused(
    segments: tuple[bytes, ...], allocated: int
) -> None:
    """Of 16 pixels. The codec is written in Rust, and what it does on some of these is no `Exception`."""
    pixels = {"rows": 4, "columns": 4, "allocated": allocated, "stored": allocated}
    with pytest.raises(ReadError) as e:
        codecs.decode_frame("1.2.840.10008.1.2.5", rle(*segments), pixels)
    assert e.value.reason is Reason.DECODE_FAILED
    whole = codecs.decode_frame("1.2.840.10008.1.2.5", rle(b"\xf1A", b"\xf1B"), {**pixels, "allocated": 16})
    assert (whole == 0x4142).all()


def test_unknown_syntax_and_garbage() -> None:
    pixels = {"rows": 4, "columns": 4, "allocated": 16, "stored": 12}
    with pytest.raises(ReadError) as e:
        codecs.decode_frame("1.2.840.10008.1.2.4.100", b"", pixels)
    assert e.value.reason is Reason.NEEDS_CODEC
    for syntax in ("1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.80"):
        with pytest.raises(ReadError) as e:
            codecs.decode_frame(syntax, b"\xff\x4f\xff\x51garbage", pixels)
        assert e.value.reason is Reason.DECODE_FAILED
