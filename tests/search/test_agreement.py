"""Whether a sentence that sounds like the query also says it."""

from __future__ import annotations

import pytest

from db.values import PassageCard
from encoders.text.passages import passages
from encoders.text.query import parse_query
from search.agreement import judge, violates, weight


def card(sentence: str, *, section: str = "findings") -> PassageCard:
    (passage,) = passages(sentence)
    return PassageCard(1, 1, 1, None, None, section, passage.text, passage.assertion, frozenset(passage.sides))


@pytest.mark.parametrize(
    ("query", "sentence", "contradicts"),
    [
        ("acute infarct", "Acute infarct in the left frontal lobe.", ""),
        ("acute infarct", "No acute infarct.", "absent"),
        ("acute infarct", "Chronic infarct in the left frontal lobe.", "opposite"),
        ("acute on chronic infarct", "Chronic infarct in the left frontal lobe.", ""),
        ("left frontal infarct", "Infarct in the right frontal lobe.", "side"),
        ("left frontal infarct", "Infarcts in both frontal lobes.", ""),
        ("left frontal infarct", "Infarcts in the left and right frontal lobes.", ""),
        ("frontal infarct", "Infarct in the right frontal lobe.", ""),
        ("high-grade glioma", "This may represent a low grade glioma.", "opposite"),
        ("glioma", "This may represent a low grade glioma.", ""),
        ("no haemorrhage", "No haemorrhage.", ""),
        ("medial meniscus tear", "Tear of the lateral meniscus.", "opposite"),
    ],
)
def test_contradictions_are_named(query: str, sentence: str, contradicts: str) -> None:
    assert judge(parse_query(query), card(sentence), 0.8).contradicts == contradicts


def test_what_contradicts_weighs_less_than_what_is_unsure_and_that_less_than_what_is_said() -> None:
    query = parse_query("glioma")
    said, unsure, denied = (
        weight(judge(query, card(sentence), 0.8))
        for sentence in ("A glioma is seen.", "This may represent a glioma.", "No glioma.")
    )
    assert said > unsure > denied


def test_an_indication_asks_and_does_not_find() -> None:
    query = parse_query("infarct")
    asked, found = (weight(judge(query, card("Infarct.", section=s), 0.8)) for s in ("indication", "impression"))
    assert asked < found


@pytest.mark.parametrize(
    ("sentence", "section", "expected"),
    [
        ("The mass shows enhancement.", "findings", True),
        ("There is no enhancement.", "findings", False),
        ("Enhancement? Please assess.", "indication", False),
        ("A mass is seen.", "findings", False),
    ],
)
def test_only_an_affirmed_finding_violates_a_condition(sentence: str, section: str, expected: bool) -> None:
    said = [
        PassageCard(1, 1, 1, None, None, section, p.text, p.assertion, frozenset(p.sides)) for p in passages(sentence)
    ]
    assert violates(parse_query("mass, no enhancement"), said) is expected
