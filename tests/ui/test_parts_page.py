"""Predictions and spots on the search page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti
from PIL import Image
from streamlit.testing.v1 import AppTest

from encoders import registry
from encoders.image.tasks import GreyVolume
from ui.page_spot import frame

PAGE = Path(__file__).resolve().parents[2] / "ui" / "page.py"
LEFT = (slice(0, 8), slice(8, 16), slice(4, 8))
RIGHT = (slice(16, 24), slice(8, 16), slice(4, 8))


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    for name, boxes in {"sub-1": {"bright": LEFT}, "sub-2": {"bright": RIGHT}, "sub-3": {}}.items():
        write_nifti(tmp_path / "scans" / name / f"{name}_T1w.nii.gz", brain(int(name[-1]), **boxes))
    Home(tmp_path / "home", parts_dual).index(tmp_path / "scans")
    monkeypatch.setitem(registry.ENCODERS, "parts", lambda _: parts_dual())
    for name, value in {"HOME": str(tmp_path / "home"), "DEVICE": "cpu", "ENCODER": "parts"}.items():
        monkeypatch.setenv(f"SPINECHO_{name}", value)
    return calm(AppTest.from_file(str(PAGE), default_timeout=120).run())


def calm(page: AppTest) -> AppTest:
    assert not page.exception, [error.message for error in page.exception]
    return page


def texts(page: AppTest) -> list[str]:
    return [element.value for element in page.text]


def test_predictions_are_marked_and_the_best_region_is_told(page: AppTest) -> None:
    calm(page.text_input(key="words").set_value("bright").run())
    told = [text for text in texts(page) if text.startswith("predicted: ")]
    assert len(told) == 3
    assert all("brightness dim (0." in text and "finding" not in text for text in told)
    assert any(caption.value.startswith("best region: slices axial 5-8") for caption in page.caption)


def test_a_spot_on_an_opened_slice_finds_others_like_it(page: AppTest) -> None:
    calm(page.text_input(key="words").set_value("bright").run())
    calm(page.toggle[0].set_value(True).run())
    mark = next(box for box in page.checkbox if str(box.key).startswith("mark-"))
    calm(mark.check().run())
    assert not any("spot like" in text.value for text in page.markdown)
    calm(next(button for button in page.button if button.label == "Find this spot").click().run())
    assert any("Studies with a spot like one of" in text.value for text in page.markdown)
    assert any(text.startswith("2 studies") for text in texts(page)), "without the study itself"
    assert any("spot " in caption.value for caption in page.caption)
    calm(page.button(key="clear-query").click().run())
    assert not any("spot like" in text.value for text in page.markdown)


def test_the_box_is_drawn_where_it_lies() -> None:
    volume = GreyVolume("", np.zeros((10, 20, 4), np.uint8), (2.0, 1.0, 5.0), 2)
    shown = Image.new("L", (100, 100))
    box = (0.0, 0.5, 0.5, 0.25, 1.0, 1.0)  # left, anterior, superior
    frame(shown, volume, axis=2, index=1, box=box)
    assert not np.asarray(shown).any(), "the slice lies below the box"
    frame(shown, volume, axis=2, index=2, box=box)
    rows, columns = np.nonzero(np.asarray(shown))
    assert (columns.min(), columns.max()) == (75, 99)  # the patient's left is on the viewer's right
    assert (rows.min(), rows.max()) == (0, 50)
