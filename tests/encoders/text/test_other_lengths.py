"""Lengths of something else are no size of a finding: distances, the acquisition, margins, changes."""

# ruff: noqa: E501 - rows broken over more lines read worse

from __future__ import annotations

import json
from itertools import product
from math import inf
from pathlib import Path

import pytest

from spinecho.encoders.language.findings import statements_in
from spinecho.encoders.language.passages import passages
from spinecho.encoders.language.sizes import size_condition, sizes

LENGTHS = ("3 mm", "1.5 cm", "12mm", "2-3 cm", "less than 5 mm")
AWAY = (
    "{} from the anal verge", "within {} of the fascia", "{} anterior to the commissure", "{} deep to the skin",
    "{} lateral to the midline", "{} cranial to the crest", "{} posterolateral to the root", "{} beyond the muscularis",
    "{} short of the target", "{} in front of the rectum", "at a depth of {}", "at {} depth", "a distance to the fascia of {}",
    "separated from the artery by {}", "{} more caudally", "CRM {}", "with a margin of {}", "plus {} margin", "{} slices",
    "slice thickness {}", "{} contiguous axial T2 images", "isotropic at {}", "grown by {}", "{} FN",
)  # fmt: skip


@pytest.mark.parametrize("said", AWAY)
def test_beside_a_size_they_change_nothing_in_reports_and_questions(said: str) -> None:
    for length, frame in product(LENGTHS, ("mass {}", "mass of 8 cm, {}", "{}, mass of 8 cm")):
        if "less" in length and ("within" in said or said.startswith("{} ") or "at {}" in said):
            continue  # nobody says "within less than"
        text = frame.format(said.format(length))
        own = [(80.0, 80.0)] if "8 cm" in frame else []
        assert [one.largest for one in sizes(text)] == own, text
        assert (size_condition(text) is not None) == bool(own), text


@pytest.mark.parametrize(
    "text",
    [
        "TT-TG distance 22 mm", "tonsils 7 mm below the foramen magnum", "achilles tendon gap of 15 mm", "tear with a 15 mm gap",
        "retracted by 20 mm", "4 mm in depth", "depth of invasion 10 mm",
        "abuts the artery over 12 mm", "anterolisthesis by 4 mm", "basion dens interval 12 mm",
    ],
)  # fmt: skip
def test_what_is_measured_as_a_distance_is_a_size(text: str) -> None:
    assert sizes(text)
    assert all(one.largest[1] != inf for one in sizes(text))


@pytest.mark.parametrize(
    "text",
    [
        "mass with spiculated margins measuring 22 mm",
        "lobulated margins, 22 mm mass",
        "well-defined margins 22 mm lesion",
    ],
)
def test_the_margins_of_a_mass_leave_it_its_size(text: str) -> None:
    assert [one.largest for one in sizes(text)] == [(22.0, 22.0)]


def test_a_clause_is_stored_with_the_size_of_its_finding_alone() -> None:
    (passage,) = passages("Rectal tumour, 4.5 cm long, 8 cm above the anal verge and within 3 mm of the fascia.")
    assert {(one.low_mm, one.high_mm) for one in statements_in(passage)} <= {(45.0, 45.0), (None, None)}


def test_the_written_sentences_are_read_as_meant() -> None:
    lines = (Path(__file__).parents[3] / "benchmarks" / "data" / "sizes_written.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in lines.splitlines()]
    wrong = [
        row["sentence"]
        for row in rows
        if [one.largest for one in sizes(row["sentence"])]
        != [(low, inf if high is None else high) for low, high in row["sizes"]]
    ]
    assert len(rows) == 100
    assert not wrong
