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


def test_what_is_not_built_as_it_should_be_stays() -> None:
    whole = coded(FRAMES[0], "JPEG")
    for frame in (b"", b"\xff\xd8", whole[:30], b"\xff\xd8\xff\xfe\x00", FRAMES[0].tobytes()):
        assert without_comments(frame) == frame
