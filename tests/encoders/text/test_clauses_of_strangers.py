"""Kinds of sentence by writers who had not seen the rules, each over many findings and parts of the body."""

from __future__ import annotations

from itertools import product

import pytest

from spinecho.encoders.language.clauses.assertions import Clause
from spinecho.encoders.language.passages import passages

FINDINGS = ("infarct", "meningioma", "disc herniation", "Baker's cyst", "effusion", "lymphadenopathy")
PARTS = ("pancreas", "left ovary", "distal ureter", "appendix", "common bile duct", "anterior cruciate ligament")


def clause_of(text: str, words: str) -> Clause:
    """The clause that holds the words."""
    passage = next(one for one in passages(text) if words in one.text)
    at = passage.text.index(words)
    return next(one for one in passage.clauses if one.start <= at < one.end)


def wrong(ways: list[str], want: str) -> list[tuple[str, str]]:
    """Of every way with every finding, those that say something else, and what."""
    said = [(way.format(one), clause_of(way.format(one), one).assertion) for way, one in product(ways, FINDINGS)]
    return [one for one in said if one[1] != want]


def said_of(part: str, ways: list[str]) -> set[str]:
    """What each way says of a part of the body."""
    return {clause_of(way.format(part), part).assertion for way in ways}


def test_what_something_is_probably_due_to_is_uncertain() -> None:
    doubts = ["probably", "possibly", "most probably", "presumably", "perhaps"]
    links = ["due to", "secondary to", "related to", "caused by"]
    things = ["Appearances are", "The changes are", "This is", "Findings"]
    ways = [f"{thing} {doubt} {link} {{}}." for thing, doubt, link in product(things, doubts, links)]
    assert not wrong(ways, "uncertain")


def test_compatible_with_is_a_doubt_and_incompatible_a_denial() -> None:
    assert not wrong(["Signal change, compatible with {}.", "Appearances compatible with {}."], "uncertain")
    assert not wrong(["Appearances not compatible with {}.", "Incompatible with {}."], "absent")
    assert clause_of("Oedema compatible with a contusion.", "Oedema").assertion == "present"


def test_what_is_consistent_with_something_past_is_there() -> None:
    links = ["consistent with", "in keeping with", "compatible with"]
    times = ["prior", "previous", "past"]
    for link, time in product(links, times):
        assert clause_of(f"Gliosis in the left frontal lobe {link} {time} trauma.", "Gliosis").assertion == "present"


def test_anatomy_that_could_not_be_seen_is_not_known_and_a_finding_is_denied() -> None:
    verbs = ["seen", "visualised", "identified", "demonstrated"]
    ways = [f"The {{}} {could} be {verb}." for could, verb in product(("could not", "cannot", "can not"), verbs)]
    for part in PARTS:
        assert said_of(part, ways) == {"uncertain"}, part
    assert not wrong(ways, "absent")


@pytest.mark.parametrize("word", ["dilated", "enlarged", "thickened", "inflamed", "aneurysmal"])
def test_anatomy_with_its_size_that_is_not_enlarged_is_normal(word: str) -> None:
    ways = [f"{{}} 4 mm, not {word}.", f"{{}} measures 6 mm and is not {word}.", f"The {{}} is 5 mm, not {word}."]
    for part in PARTS:
        assert said_of(part, ways) == {"absent"}, part
    assert clause_of(f"Cyst 4 mm, not {word}.", "Cyst").assertion == "present"


def test_a_smaller_one_that_is_left_open_takes_a_denial_back() -> None:
    turns = ["although a small one", "but an early one", "although a subtle one", "but a tiny one"]
    ends = ["is not excluded", "cannot be excluded", "can't be ruled out", "could be missed"]
    assert not wrong([f"No {{}}, {turn} {end}." for turn, end in product(turns, ends)], "uncertain")
    assert not wrong(["No {}, although a small fracture is not excluded."], "absent")


def test_a_question_and_its_answer_are_one() -> None:
    for asked, given in product(("Q: {}?", "Question: {}?", "{}?"), ("A: No.", "Answer: no.", "A: none.")):
        assert not wrong([f"{asked} {given}"], "absent"), (asked, given)
    assert not wrong(["Q: {}? A: Yes."], "present")


def test_a_word_of_the_finding_is_no_normality_that_is_denied() -> None:
    ways = ["In the spine no open {} is seen.", "In the pelvis no complete {} is recognised.", "No open {} is seen."]
    assert not wrong(ways, "absent")


def test_what_was_had_at_an_age_or_shown_by_a_dated_examination_is_of_the_past() -> None:
    dates = ["of 2015", "from March 2019", "in 2012", "dated June 2018"]
    ways = [f"{one} {date} showed a {{}}." for one, date in product(("CT", "The MRI", "An ultrasound"), dates)]
    ways += ["She had {} aged 12.", "Pt had {} aged three, for review.", "Clinical details: past {}, breathless again."]
    assert not wrong(ways, "historical")
    assert not wrong(["CT of 2015 showed a {}, which is unchanged.", "{} in a woman aged 40."], "present")
    assert not wrong(["CT of 2015 showed no {}."], "absent")


def test_an_organ_that_lies_otherwise_and_is_normal_is_normal() -> None:
    ways = ["{} retroverted, normal in size.", "{} anteverted, normal size.", "{}, normal in size and signal."]
    assert said_of("Uterus", ways) == {"absent"}
    assert clause_of("Liver, normal spleen.", "Liver").assertion == "present"
