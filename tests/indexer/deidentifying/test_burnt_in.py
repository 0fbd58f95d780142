"""Words that were burnt into a picture are found; tissue, noise and frames of one value are not taken for words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset

from spinecho.indexer.deidentifying.burnt_in import declared, frames_to_look_at, has_letters


def tissue(size: int = 192) -> np.ndarray:
    """A disc of noise on a darker noise, clipped at the top as scanners clip."""
    noise = np.random.default_rng(3)
    y, x = np.mgrid[:size, :size] - size / 2
    inside = (x**2 + y**2) < (0.42 * size) ** 2
    frame = np.where(inside, noise.normal(900, 160, (size, size)), noise.normal(25, 12, (size, size)))
    return np.clip(frame, 0, 1200).astype(np.uint16)


def written(frame: np.ndarray, place: tuple[int, int], size: int, value: int) -> np.ndarray:
    picture = Image.new("L", frame.shape[::-1], 0)
    draw = ImageDraw.Draw(picture)
    draw.fontmode = "1"
    draw.text(place, "DOE JOHN 12.03.1956", fill=255, font=ImageFont.load_default(size=size))
    marked = frame.copy()
    marked[np.array(picture) > 0] = value
    return marked


@pytest.mark.parametrize("size", [10, 14, 20])
@pytest.mark.parametrize("place", [(3, 3), (70, 3), (3, 165)])
@pytest.mark.parametrize("value", [1200, 4095])
def test_words_near_the_border_are_found(size: int, place: tuple[int, int], value: int) -> None:
    assert has_letters(written(tissue(), place, size, value))


def test_pictures_without_words() -> None:
    frame = tissue()
    framed = frame.copy()
    framed[[0, -1], :] = framed[:, [0, -1]] = 4095
    steps = np.repeat(np.arange(192, dtype=np.uint16)[None] // 12, 192, axis=0)
    for one in (frame, framed, steps, np.zeros((192, 192), np.uint8), frame[:8, :8], np.full((64, 64), 7)):
        assert not has_letters(one)
    assert not has_letters(np.stack([frame % 256] * 3, axis=-1).astype(np.uint8))


def test_what_headers_say() -> None:
    one = Dataset()
    assert declared(one) == ()
    one.BurnedInAnnotation, one.ImageType = "YES", ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    one.add_new(0x60000102, "US", 15)
    assert declared(one) == ("BURNED_IN", "CAPTURE", "OVERLAY")
    assert frames_to_look_at(1) == [0]
    assert frames_to_look_at(9) == [0, 4, 8]


def test_real_slices_have_no_words_until_some_are_written(testdata: Path) -> None:
    looked = 0
    for folder in sorted((testdata / "dicom").iterdir()):
        path = next((one for one in sorted(folder.rglob("*.dcm")) if one.stat().st_size < 1 << 20), None)
        if path is None or folder.name == "broken" or looked > 5:
            continue
        frame = pydicom.dcmread(path, force=True).pixel_array
        if frame.ndim != 2 or min(frame.shape) < 128:
            continue
        assert not has_letters(frame), path
        assert has_letters(written(frame, (4, 4), 12, int(frame.max()))), path
        looked += 1
    assert looked > 5
