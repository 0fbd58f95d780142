"""Facts in words: what is asked is true of the scan it was made from, and of no other that contradicts it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.training.data.examples import Facts
from spinecho.encoders.training.data.queries import Wanted, family, lesion_query, mirrored, series_query

INFARCT = {"kind": "acute infarct", "site": "temporal lobe", "side": "left"}
GLIOMA = {"kind": "low-grade glioma", "site": "frontal lobe", "side": "right"}


def facts(**changes: object) -> Facts:
    values = {
        "key": "a",
        "study": "s",
        "patient": "p",
        "source": "t",
        "region": "brain",
        "sequence": "T2 TSE",
        "plane": "axial",
        "contrast": "no",
        "labels": {"lesions": [INFARCT], "lesion_box": [0, 0, 0, 1, 1, 1]},
    }
    return Facts(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("T2* EPI BOLD fMRI", "BOLD"),
        ("T1 MPRAGE", "T1"),
        ("FLAIR", "FLAIR"),
        ("T2* GRE", "T2*"),
        ("cine bSSFP ED", "cine"),
        ("ADC map", "ADC"),
        ("DWI calculated high-b", "DWI"),
        ("", ""),
        ("unknown (10-frame)", ""),
    ],
)
def test_families(name: str, expected: str) -> None:
    assert family(name) == expected


@given(st.integers(0, 2**32))
def test_a_query_fits_the_scan_that_it_was_made_from(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = facts()
    for made in (series_query(one, rng), lesion_query(one, rng)):
        assert made is not None
        assert made.text.strip() == made.text != ""
        assert made.fits(one) is True


@given(st.integers(0, 2**32))
def test_a_query_of_a_lesion_does_not_fit_another(seed: int) -> None:
    made = lesion_query(facts(), np.random.default_rng(seed))
    assert made is not None
    assert made.fits(facts(labels={"lesions": [GLIOMA], "lesion_box": [0, 0, 0, 1, 1, 1]})) is False
    assert made.fits(facts(labels={"lesions": [], "lesion_box": None})) is False


def test_what_is_not_known_or_not_in_the_picture_is_left_open() -> None:
    asked = Wanted("acute infarct", lesion={"kind": "acute infarct"})
    assert asked.fits(facts(labels={})) is None
    assert asked.fits(facts(labels={"lesions": [INFARCT], "lesion_box": None})) is None
    assert Wanted("sagittal", series={"plane": "sagittal"}).fits(facts(plane="")) is None
    assert Wanted("sagittal", series={"plane": "sagittal"}).fits(facts()) is False


def test_one_lesion_must_have_it_all() -> None:
    """A left infarct and a right glioma are no right infarct."""
    both = facts(labels={"lesions": [INFARCT, GLIOMA], "lesion_box": [0, 0, 0, 1, 1, 1]})
    assert Wanted("", lesion={"kind": "acute infarct", "side": "right"}).fits(both) is False
    assert Wanted("", lesion={"kind": "acute infarct", "side": "left"}).fits(both) is True
    assert Wanted("", lesion={"kind": "normal"}).fits(both) is False


def test_a_scan_without_facts_can_still_be_asked_for() -> None:
    made = series_query(Facts("a", "s", "p", "t"), np.random.default_rng(0))
    assert made.text
    assert lesion_query(Facts("a", "s", "p", "t"), np.random.default_rng(0)) is None


@given(st.integers(0, 2**32))
def test_a_mirror_image_names_the_other_side(seed: int) -> None:
    made = lesion_query(facts(), np.random.default_rng(seed))
    assert made is not None
    other = made.mirrored()
    if "side" not in made.lesion:
        assert other is None
        return
    assert other is not None
    assert "left" in made.text
    assert "left" not in other.text
    assert other.fits(facts()) is False
    again = other.mirrored()
    assert again is not None
    assert again.text == made.text


def test_words_that_hold_a_side_are_left_alone() -> None:
    assert mirrored("Left leftover, right-sided. RIGHT lobe upright") == "Right leftover, left-sided. Left lobe upright"
