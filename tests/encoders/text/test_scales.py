"""Scores and grades in words."""

# ruff: noqa: E501 - questions beside what is said

from __future__ import annotations

import itertools

import pytest

from spinecho.encoders.language.scales import off_the_scale, steps

SCALES = (
    "BI-RADS",
    "PIRADS",
    "LI-RADS",
    "Bosniak",
    "Fazekas",
    "Modic type",
    "Pfirrmann grade",
    "Kellgren-Lawrence",
    "grade",
    "stage",
)
WRITTEN = {2: ("2", "II", "ii"), 3: ("3", "III"), 4: ("4", "IV")}


@pytest.mark.parametrize("scale", SCALES)
def test_another_place_on_the_scale_is_another(scale: str) -> None:
    for one, other in itertools.product(WRITTEN, repeat=2):
        for asked, said in itertools.product(WRITTEN[one], WRITTEN[other]):
            off = off_the_scale(steps(f"{scale} {asked} lesion"), steps(f"Left, {scale.lower()}: {said}."))
            assert off == (one != other), (asked, said)


def test_bounds_and_parts() -> None:
    for asked, said, off in (
        ("PI-RADS >= 4", "PI-RADS 5", False), ("PI-RADS ≥4", "PI-RADS 3", True), ("BI-RADS <3", "BIRADS 2", False),
        ("Bosniak 2F", "Bosniak 2", True), ("Bosniak 2", "Bosniak IIF", False), ("Bosniak IIF", "Bosniak III", True),
        ("PI-RADS 4 or PI-RADS 5", "PI-RADS 5", False), ("BI-RADS 4", "PI-RADS 2", False),
        ("BI-RADS 4", "A mass.", False),
    ):  # fmt: skip
        assert off_the_scale(steps(asked), steps(said)) == off, (asked, said)


@pytest.mark.parametrize(
    "text", ["type of lesion", "grade", "stage 4 mm", "type I diabetes of 3 years", "L4/5", "a 5 mm mass"]
)
def test_what_is_no_scale(text: str) -> None:
    assert {one.value for one in steps(text)} <= {1}


@pytest.mark.parametrize(
    ("asked", "said", "off"),
    [
        ("Modic 2", "Modic type 1 and 2 changes", False), ("grade 3", "grade 2-3 chondromalacia", False),
        ("grade IV", "grade III/IV", False), ("BI-RADS 5", "BI-RADS 4 or 5", False), ("Fazekas 2", "Fazekas grade 1-3", False),
        ("Modic 2", "Modic type I to II", False), ("Gleason 7", "Gleason 3+4=7", False), ("Gleason 9", "Gleason 3 + 4", True),
        ("grade 2 or 3 tear", "grade 3 tear", False), ("Modic 1 or 2", "Modic 2", False), ("grade 3 or higher", "grade 4", False),
        ("at least BI-RADS 4", "BI-RADS 5", False), ("BI-RADS 4+", "BI-RADS 5", False), ("grade 3 or higher", "grade 2", True),
        ("grade 4", "grade 2-3", True), ("Bosniak 2 to 3", "Bosniak 4", True), ("PI-RADS 4, 12 mm", "PI-RADS 4", False),
    ],
)  # fmt: skip
def test_ranges_lists_and_bounds(asked: str, said: str, off: bool) -> None:
    assert off_the_scale(steps(asked), steps(said)) == off
