"""Sentences of an evaluation: never a claim of what the figures do not show, never silence on what was asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.search.evaluation.headlines import FEWEST, headlines, summary

NAME = "report to study, by scans"
shares = st.floats(0, 1)


def result(value: float, low: float, high: float, chance: float, *, units: int = 300, **more: Any) -> dict[str, Any]:
    figure = {"value": value, "chance": chance, "ci95": [low, high], "pool": 900.0, "queries": 412, "best": 1.0}
    return {"name": NAME, "figures": {"Recall@10": figure | more}, "units": units, "resampled": "patients", "why": ""}


@pytest.mark.parametrize(
    ("figures", "kind", "text"),
    [
        ((0.92, 0.88, 0.95, 0.41), "better", "A report finds its study among the first ten by the scans alone in 92 of "
         "100 (88 to 95), by chance in 41 (412 asked, of 300 patients; pool of 900)."),
        ((0.03, 0.01, 0.05, 0.012), "chance", "Not shown to be better than chance: a report finds"),
        ((0.2, 0.1, 0.3, 0.4), "worse", "Worse than by chance a report finds"),
        ((0.997, 0.991, 1.0, 0.004), "better", "in 99.7 of 100 (99.1 to 100), by chance in 0.4"),
    ],
)  # fmt: skip
def test_what_it_says(figures: tuple[float, float, float, float], kind: str, text: str) -> None:
    (one,) = headlines([result(*figures)])
    assert one.kind == kind
    assert text in one.text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (result(1.0, 1.0, 1.0, 0.1, units=FEWEST - 1), "Too few to tell whether a report finds"),
        (result(1.0, 1.0, 1.0, 0.99), "pool of 900 is too small, by chance it is 99 of 100"),
        (result(0.9, 0.8, 1.0, 0.1) | {"figures": {}, "why": "no report at all"}, "Not measured: a report finds its"),
    ],
)
def test_of_too_little_nothing_is_claimed(asked: dict[str, Any], words: str) -> None:
    (one,) = headlines([asked])
    assert one.kind in ("few", "missing")
    assert words in one.text


@given(value=shares, low=shares, high=shares, chance=shares, units=st.integers(0, 10**6), best=shares)
def test_better_is_said_only_of_an_interval_above_chance(
    value: float, low: float, high: float, chance: float, units: int, best: float
) -> None:
    (one,) = headlines([result(value, low, high, chance, units=units, best=best)])
    assert (one.kind == "better") == (units >= FEWEST and best - chance >= 0.05 and low > chance)
    assert one.kind == "few" or best > 0.999 or "at best in" in one.text, "a figure that could not be higher looks poor"


def test_questions_that_have_no_sentence_are_passed_over() -> None:
    assert headlines([result(1, 1, 1, 0) | {"name": "filters: image"}]) == ()


def test_one_sentence_says_what_is_found_and_what_is_not() -> None:
    region = result(0.92, 0.88, 0.95, 0.41) | {"name": "label: body region"}
    region["figures"] = {"P@1": region["figures"]["Recall@10"]}
    findings = result(0.21, 0.15, 0.27, 0.2) | {"name": "finding to studies, by scans, same region"}
    findings["figures"] = {"Recall@R": findings["figures"]["Recall@10"]}
    told = "Finds the right body region in 92 of 100 (by chance in 41); "
    assert (
        summary([findings, region])
        == f"{told}is not shown to be better than chance at finding findings by words alone."
    )
    assert summary([region | {"units": FEWEST - 1}]) == ""
    assert summary([]) == ""


def test_a_label_of_a_data_set_has_a_sentence_and_a_copy_must_come_first() -> None:
    (one,) = headlines([result(0.9, 0.8, 0.95, 0.2) | {"name": "label: disease"}])
    assert one.text.startswith("The scan most like another is of the same disease in 90 of 100")
    copies = result(0.9, 0.8, 0.95, 0.2) | {"name": "robust: varied copy"}
    copies["figures"]["Recall@1"] = copies["figures"]["Recall@10"] | {"value": 0.4, "ci95": [0.3, 0.5]}
    assert "in 40 of 100 (30 to 50)" in headlines([copies])[0].text
