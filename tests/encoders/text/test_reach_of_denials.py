"""Doubts of what a finding is, which are no doubt that it is there; and how far denials, doubts and conditions reach."""

# ruff: noqa: E501 - examples broken over more lines read worse

from __future__ import annotations

from itertools import product

import pytest

from spinecho.encoders.language.passages import passages

SEEN = ("lesion", "enhancing nodule", "mass", "focus", "collection")
FINDINGS = ("cavernoma", "meniscal tear", "abscess", "hydrocephalus", "disc herniation", "thrombosis", "oedema")

THERE = (
    "Suspicious {} in the left kidney.", "There is a worrisome {} at the apex.", "Indeterminate {} in segment 6.", "A low-suspicion {} is noted.",
    "The {} in the liver is suspicious.", "Likely reactive {} in the axilla.", "A {} of uncertain significance.", "Possibly infected {}.",
)  # fmt: skip
"""Of nouns that name what is seen: a doubt of their nature."""
FOUND = (
    "The {} is likely due to trauma.", "Aspirate if the {} is infected.", "Repeat the scan if the {} grows.", "It is unclear whether the {} has progressed.",
    "No enlargement of the {}.", "Infarct is not excluded because of the {}.", "Nothing acute beyond mild {}.", "No fracture, just {}.", "No mass / small {}.", "No fracture: just {}.", "No mass, trivial {}.", "Not assessed because of the {}.",
    "Excluding a small {}, there is no abnormality.", "No change in the meningioma or {}.",
)  # fmt: skip
GONE = (
    "No stone, mass or other cause of {}.", "No infarct, bleed or potential {}.", "No fracture, dislocation or possible {}.", "No complications, such as {}.",
    "No filling defect in the arteries to suggest {}.", "No abnormality in the lesion to indicate {}.", "No nodule within the cyst, mass or {}.", "No infarct / {} / mass.",
    "No growth, {} or shift.", "The likelihood of {} is low.", "Likelihood of {}: low.", "{}? Not seen.", "Concern for {} is not borne out.", "0 {}, 1 cyst.",
    "The chance of {} is very small.", "The {} has healed.", "{} is the least likely.", "Negative MR arthrogram for {}.", "{} is not supported by the signal.", "{} is not expected.", "{}: 0 mm.",
    "{} is nowhere to be seen.", "{} does not feature.", "No changes of {}.", "No changes to suggest {}.", "Refutes {}.", "Hardly any {}.",
)  # fmt: skip
DOUBTED = (
    "Motion limits the assessment of {}.", "Limited evaluation for {}.", "Cannot differentiate {} from scar.", "Indistinguishable from {}.", "I wonder about {}.",
    "Small mass, question {}.", "Apparent {} in the cord.", "Seemingly {}.", "Borderline {}.", "Not incompatible with {}.", "Not diagnostic of {}.",
    "Without being able to exclude {}.", "{} has not been ruled out.", "{} seems to be present.", "{} is feared.", "Biopsy to confirm {}.",
    "{} could be missed.", "{} should be borne in mind.", "Not enough to call {}.", "Favours a cyst rather than {}.", "{} is not well assessed.",
    "Exclusion of {} requires contrast.", "Assessment for {} is limited.", "Reminiscent of {}.",
    "Not excluding {}.", "Without excluding {}.", "{} would be a possibility.", "{} would be the main alternative.", "Low sensitivity for {}.", "Not sensitive for {}.", "Unable to comment on {}.",
    "Not able to assess {}.", "Please confirm {}.", "Unless there is {}, wait.", "It is asked whether there is {}.", "Not convinced of {}.",
    "Low threshold for {}.", "A hint of {}.", "Appears to have {}.", "Allegedly {}.", "Would support {}.", "Nonspecific for {}.", "Overlaps with {}.",
)  # fmt: skip
NORMAL = (
    "is unaffected", "is well aligned", "is smooth and regular", "is homogeneous", "is of uniform signal", "is in continuity", "is taut", "is adequate",
    "is commensurate with age", "is without abnormality", "is pneumatised", "enhances normally", "is congruent", "is undisplaced", "is in good position",
    "is competent", "is non-dilated", "is thin-walled", "is unobstructed", "is centrally placed", "is of equal volume and signal",
    "passes freely", "is anatomical", "lies within its groove",
)  # fmt: skip
ANATOMY = ("spinal cord", "left kidney", "gallbladder", "anterior cruciate ligament")
UNTOUCHED = (
    ("No apparent {}.", "absent"), ("No suspicious {}.", "absent"), ("Suspicious for {}.", "uncertain"), ("Findings suspicious for {}.", "uncertain"),
    ("More apparent {} today.", "present"), ("No extension of {} beyond the capsule.", "absent"), ("No evidence of {}, no mass.", "absent"),
    ("Signal is low in the {}.", "present"), ("If the {} is present, treat.", "uncertain"),
)  # fmt: skip


ASKED = (
    "?{}",
    "Query {}",
    "R/o {}",
    "Evaluate for {}",
    "{}?",
    "Any {}?",
    "Clinical question: {}?",
    "To exclude {}",
    "Concern for {}",
)
ANSWERED = (": no", " - none", ". None.", " - not seen", ": excluded", ". Not identified.", " -> no", ", none found", " but none seen", " was excluded", ": absent", " (no)", ". No evidence of this.")  # fmt: skip
LISTS = (
    "{}; {}; or {}", "{}, {} or {} has developed since 2019", "{}, {} with gas, or {}", "{} in the thalamus, {} of the tendon or {} in the liver",
    "{} / {} / {}", "{}, a {}, a {}", "acute or chronic {}, partial {}, or deep {}", "{} (DWI), {} (PD), {} (T1)", "{}, {} as well as {}",
)  # fmt: skip


def said(sentence: str, name: str) -> str:
    at = sentence.lower().index(name)
    passage = next(one for one in passages(sentence) if one.start <= at < one.end)
    return next(one for one in passage.clauses if one.start <= at - passage.start < one.end).assertion


def wrong(patterns: tuple[str, ...], names: tuple[str, ...], wanted: str) -> list[str]:
    sentences = [(pattern.format(name), name) for pattern, name in product(patterns, names)]
    sentences = [(one[0].upper() + one[1:], name) for one, name in sentences]
    return [f"{told}: {one}" for one, name in sentences if (told := said(one, name)) != wanted]


def test_a_doubt_of_what_a_thing_is_leaves_it_there() -> None:
    assert wrong(THERE, SEEN, "present") == []


def test_what_a_condition_denial_or_doubt_takes_for_granted_is_there() -> None:
    assert wrong(FOUND, FINDINGS, "present") == []


def test_a_denial_reaches_the_end_of_its_list() -> None:
    assert wrong(GONE, FINDINGS, "absent") == []


def test_anatomy_is_normal_in_many_words() -> None:
    assert wrong(tuple(f"The {{}} {one}." for one in NORMAL), ANATOMY, "absent") == []
    assert wrong(("The {} is homogeneous.", "The {} is thin-walled.", "The {} is undisplaced."), SEEN, "present") == []


def test_an_answer_denies_what_was_asked() -> None:
    assert wrong(tuple(map("".join, product(ASKED, ANSWERED))), FINDINGS[:2], "absent") == []


@pytest.mark.parametrize("opening", ["No {}.", "There is no evidence of {}.", "Without {}.", "Negative for {}."])
def test_lists_of_every_form_are_denied_whole(opening: str) -> None:
    names = ("thrombosis", "cavernoma", "abscess")
    lists = [opening.format(form.format(*names)) for form in LISTS]
    assert [(name, one) for one in lists for name in names if said(one, name) != "absent"] == []


def test_what_cannot_be_told_is_uncertain() -> None:
    assert wrong(DOUBTED, FINDINGS, "uncertain") == []


@pytest.mark.parametrize(("pattern", "wanted"), UNTOUCHED)
def test_like_words_that_mean_something_else(pattern: str, wanted: str) -> None:
    assert wrong((pattern,), FINDINGS, wanted) == []


@pytest.mark.parametrize(
    ("sentence", "answers"),
    [
        ("Liver with no focal lesion.", {"liver": "absent"}),
        ("Left kidney without stones.", {"kidney": "absent", "stones": "absent"}),
        ("Disc bulge without nerve contact.", {"disc bulge": "present"}),
        ("Lymph nodes: none enlarged.", {"nodes": "absent"}),
        ("Nodes: none suspicious.", {"nodes": "absent"}),
        ("The tendons are in continuity and a tear can be excluded.", {"tendons": "absent", "tear": "absent"}),
        ("A cyst is likely and a tear was not seen.", {"cyst": "uncertain", "tear": "absent"}),
        ("Cavernous sinuses symmetrical.", {"cavernous": "absent"}),
        ("Corpus callosum fully formed.", {"corpus callosum": "absent"}),
        ("The pattern speaks for sarcoidosis and against lymphoma.", {"sarcoidosis": "present", "lymphoma": "absent"}),
        ("6 mm focus, indeterminate, in the liver.", {"focus": "present"}),
        ("Interval resection of the tumour, no residuum.", {"tumour": "historical", "residuum": "absent"}),
        ("Prostate cancer treated 2017.", {"prostate cancer": "historical"}),
        ("Were there a fracture, fluid would be expected.", {"fracture": "uncertain"}),
        ("The nodes are not enlarged.", {"nodes": "absent"}),
        ("The aneurysm shows no growth.", {"aneurysm": "present", "growth": "absent"}),
        ("No enlargement of the ventricles.", {"ventricles": "absent"}),
        ("No recurrence at the site of the previous resection.", {"recurrence": "absent", "resection": "historical"}),
        ("There was a DVT in 2016, none now.", {"dvt": "historical"}),
        ("The septum pellucidum is absent.", {"septum pellucidum": "present"}),
        ("No mass, although the study is limited by motion.", {"mass": "absent", "motion": "present"}),
    ],
)
def test_two_things_in_one_sentence(sentence: str, answers: dict[str, str]) -> None:
    assert {name: said(sentence, name) for name in answers} == answers
