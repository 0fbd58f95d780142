"""Scores and grades in words."""

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
