"""What stands in compressed pixels beside the picture goes, and the picture stays."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from small_studies import small_study

from spinecho.indexer.deidentifying.comments import without_comments
from spinecho.indexer.deidentifying.copying import clean_dicom
from spinecho.indexer.deidentifying.keyed import Keyed
from spinecho.indexer.deidentifying.profile import Options

SECRET = b"Quillfeather 12.03.1956"
FRAMES = [np.random.default_rng(n).integers(0, 255, (48, 48), dtype=np.uint8) for n in range(2)]


def coded(frame: np.ndarray, kind: str) -> bytes:
    out = io.BytesIO()
    options = {"no_jp2": True} if kind == "JPEG2000" else {}
    Image.fromarray(frame).save(out, kind, comment=SECRET, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "syntax"), [("JPEG", "1.2.840.10008.1.2.4.50"), ("JPEG2000", "1.2.840.10008.1.2.4.90")]
)
def test_comments_of_compressed_frames_go(kind: str, syntax: str, tmp_path: Path) -> None:
    path = small_study(tmp_path, 1, series=1, slices=1)[0]
    one = pydicom.dcmread(path)
    one.BitsAllocated = one.BitsStored = 8
    one.HighBit, one.NumberOfFrames = 7, 2
    one.PixelData = encapsulate([coded(frame, kind) for frame in FRAMES])
    one["PixelData"].is_undefined_length = True
    one.file_meta.TransferSyntaxUID = syntax
    one.save_as(path)
    assert SECRET in path.read_bytes()
    data, _ = clean_dicom(path, Keyed(b"k" * 32), Options(), study="2.25.1", series="2.25.2")
    assert b"Quillfeather" not in data
    assert np.array_equal(pydicom.dcmread(io.BytesIO(data)).pixel_array, one.pixel_array)


def tile_commented(frame: bytes) -> bytes:
    """JPEG 2000 with a comment in its first tile-part too."""
    at, segment = frame.index(b"\xff\x90"), b"\xff\x64" + (4 + len(SECRET)).to_bytes(2, "big") + b"\0\1" + SECRET
    length = int.from_bytes(frame[at + 6 : at + 10], "big")
    size = (length + len(segment)).to_bytes(4, "big") if length else bytes(4)
    return frame[: at + 6] + size + frame[at + 10 : at + 12] + segment + frame[at + 12 :]


def boxed(frame: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG2000", no_jp2=False)
    xml = b"xml " + SECRET
    return out.getvalue() + (4 + len(xml)).to_bytes(4, "big") + xml


@pytest.mark.parametrize(
    "frame",
    [coded(FRAMES[0], "JPEG") + SECRET, coded(FRAMES[0], "JPEG2000") + SECRET, boxed(FRAMES[0]),
     tile_commented(coded(FRAMES[0], "JPEG2000"))],
    ids=["behind a JPEG", "behind a JPEG 2000", "in boxes", "in a tile-part"],
)  # fmt: skip
def test_nothing_stands_behind_a_frame_or_around_it(frame: bytes) -> None:
    bare = without_comments(frame)
    assert b"Quillfeather" in frame
    assert b"Quillfeather" not in bare
    assert len(bare) % 2 == 0
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(bare))), np.asarray(Image.open(io.BytesIO(frame))))


@pytest.mark.parametrize("kind", ["JPEG", "JPEG2000"])
def test_a_frame_that_is_cut_off_loses_its_comment_and_none_of_its_picture(kind: str) -> None:
    whole = coded(FRAMES[0], kind)
    cut = whole[: len(whole) * 3 // 4 // 2 * 2]
    bare = without_comments(cut)
    assert b"Quillfeather" not in bare
    assert cut[-64:] in bare


def test_what_stands_behind_uncompressed_pixels_goes(tmp_path: Path) -> None:
    path = small_study(tmp_path, 1, series=1, slices=1)[0]
    one = pydicom.dcmread(path)
    before = bytes(one.PixelData)
    one.PixelData = before + SECRET + b"\0"
    one.save_as(path)
    data, _ = clean_dicom(path, Keyed(b"k" * 32), Options(), study="2.25.1", series="2.25.2")
    assert b"Quillfeather" not in data
    assert pydicom.dcmread(io.BytesIO(data)).PixelData == before


def test_more_frames_than_the_header_speaks_of_are_pixels(tmp_path: Path) -> None:
    path = small_study(tmp_path, 1, series=1, slices=1)[0]
    one = pydicom.dcmread(path)
    one.PixelData = before = bytes(one.PixelData) * 3
    one.save_as(path)
    data, _ = clean_dicom(path, Keyed(b"k" * 32), Options(), study="2.25.1", series="2.25.2")
    assert pydicom.dcmread(io.BytesIO(data)).PixelData == before


def test_what_is_not_built_as_it_should_be_stays() -> None:
    whole = coded(FRAMES[0], "JPEG")
    for frame in (b"", b"\xff\xd8", whole[:30], b"\xff\xd8\xff\xfe\x00", FRAMES[0].tobytes()):
        assert without_comments(frame) == frame
