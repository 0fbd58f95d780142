"""Predictions, regions and spots on the pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives import Home
from pages import PAGE, ask, calm, listed
from parts_encoder import brain, parts_dual, write_nifti
from streamlit.testing.v1 import AppTest
from trusting import trust

from spinecho.encoders import registry
from spinecho.search.query import SpotQuery

LEFT = (slice(0, 8), slice(8, 16), slice(4, 8))
RIGHT = (slice(16, 24), slice(8, 16), slice(4, 8))


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    for name, boxes in {"sub-1": {"bright": LEFT}, "sub-2": {"bright": RIGHT}, "sub-3": {}}.items():
        write_nifti(tmp_path / "scans" / name / f"{name}_T1w.nii.gz", brain(int(name[-1]), **boxes))
    Home(tmp_path / "home", parts_dual).index(tmp_path / "scans")
    trust(tmp_path / "home" / "spinecho.sqlite", parts_dual())
    monkeypatch.setitem(registry.ENCODERS, "parts", lambda _: parts_dual())
    for name, value in {"HOME": str(tmp_path / "home"), "DEVICE": "cpu", "ENCODER": "parts"}.items():
        monkeypatch.setenv(f"SPINECHO_{name}", value)
    return calm(AppTest.from_file(str(PAGE), default_timeout=120).run())


def test_predictions_are_marked_and_the_best_slices_are_told(page: AppTest) -> None:
    ask(page, "bright")
    told = [hit["series"][0]["told"] for hit in listed(page)["hits"]]
    assert len(told) == 3
    assert all("brightness dim (0." in one and "finding" not in one for one in told)
    assert any(hit["where"].startswith("fits best in axial slices 5 to 8") for hit in listed(page)["hits"])


def test_a_marked_spot_finds_others_like_it(page: AppTest) -> None:
    ask(page, "bright")
    first = listed(page)["hits"][0]["uid"]
    assert listed(page)["place"]
    page.session_state["spot"] = (SpotQuery((0.0, 0.3, 0.4, 0.4, 0.7, 0.7), study_uid=first), "the first")
    calm(page.run())
    assert any("With a spot like one of" in mark.value for mark in page.markdown)
    assert len(listed(page)["hits"]) == 2, "without the study itself"
    assert listed(page)["place"] == "", "no address leads here, that of the words before least of all"
    assert {bar["name"] for bar in listed(page)["hits"][0]["bars"]} == {"scan"}
    calm(page.button(key="clear-query").click().run())
    assert not any("spot like" in mark.value for mark in page.markdown)
