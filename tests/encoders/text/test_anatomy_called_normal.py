"""Anatomy called normal in other words, what only sounds like it, and normality denied: each over many names."""

from __future__ import annotations

from itertools import product

import pytest

from spinecho.encoders.language.clauses.assertions import is_normality
from spinecho.encoders.language.passages import passages

ANATOMY = ("ventricles", "spinal cord", "left kidney", "medial meniscus", "portal vein", "hippocampi", "L4/5 disc")
FINDINGS = ("cyst", "meningioma", "tumour in the liver", "effusion", "disc herniation")

NORMAL = (
    "The {} of usual size.",
    "{} in line with the age.",
    "{} as expected.",
    "Signal of the {} is even.",
    "The {} keeps its width.",
    "The {} holds its signal.",
    "The {} is where it should be.",
    "The {} gives the signal one would expect.",
    "The {} runs without interruption.",
    "The {} shows good, regular contours.",
    "Regular representation of the {}.",
    "Ordinary course and calibre of the {}, no mass.",
    "The {} is beyond reproach.",
    "Nothing wrong with the {}.",
)
WRONG = (
    "The {} has not kept its width.",
    "The {} fails to reach its usual size.",
    "The usual signal of the {} is lost.",
    "The normal signal of the {} has disappeared.",
    "Loss of the expected contour of the {}.",
    "The {} is not where it should be.",
    "The {} does not have the expected signal.",
    "I would not call the {} normal.",
    "The {} is larger than it should be.",
    "The {} is smooth but enlarged.",
    "The {} is of uniform low signal.",
    "The {} keeps its size except on the left.",
    "The {} is less regular than in March.",
    "The {} shows irregular contours.",
    "Small {} of regular outline.",
)
OF_FINDINGS = (
    "The {} keeps its size.",
    "The {} is of regular shape.",
    "The {} is where one would expect it.",
    "The {} is smooth and well defined.",
    "Regular margins of a {}.",
    "The {} has kept its even signal.",
)


def said(text: str, name: str) -> str:
    """What the clause says that holds the name."""
    for passage in passages(text):
        at = passage.text.find(name)
        if at >= 0:
            return next(one.assertion for one in passage.clauses if one.start <= at < one.end)
    raise AssertionError(f"{name!r} stands in no passage of {text!r}")


@pytest.mark.parametrize(
    ("ways", "names", "want"),
    [(NORMAL, ANATOMY, "absent"), (WRONG, ANATOMY, "present"), (OF_FINDINGS, FINDINGS, "present")],
    ids=["normal", "normality denied or left", "findings"],
)
def test_normality_is_said_of_anatomy_alone(ways: tuple[str, ...], names: tuple[str, ...], want: str) -> None:
    given = {way.format(name): said(way.format(name), name) for way, name in product(ways, names)}
    assert {text: one for text, one in given.items() if one != want} == {}


@pytest.mark.parametrize(
    ("text", "name", "want"),
    [
        ("The portal vein is open.", "portal vein", "absent"),
        ("The dura is open.", "dura", "present"),
        ("The foramen ovale is open.", "foramen ovale", "present"),
        ("The gallbladder holds two stones.", "gallbladder", "present"),
        ("The expected location of the left kidney is empty.", "kidney", "present"),
        ("Symmetric high signal in the basal ganglia.", "basal ganglia", "present"),
        ("The tendon is probably in one piece.", "tendon", "uncertain"),
        ("If the tendon is sound, no operation.", "tendon", "uncertain"),
        ("The valve does not close properly.", "valve", "present"),
        ("No deviation of the nerve from its usual course.", "nerve", "absent"),
        ("The fibres of the ACL can be traced from end to end.", "ACL", "absent"),
        ("The expected flow void of the left ICA is missing.", "ICA", "present"),
        ("The brachial plexus courses without thickening.", "brachial plexus", "absent"),
        ("Flow void of the sigmoid sinus gone.", "sigmoid sinus", "present"),
        ("The cord is far from normal.", "cord", "present"),
        ("The ventricles are wider and no longer symmetric.", "ventricles", "present"),
        ("The physiological lordosis is not maintained.", "lordosis", "present"),
        ("The airway stays wide.", "airway", "absent"),
        ("Ventricles wide.", "Ventricles", "present"),
        ("Spleen, adrenals: nil to report.", "Spleen", "absent"),
        ("Left kidney small, right kidney: normal.", "Left kidney", "present"),
        ("Liver - regular in size.", "Liver", "absent"),
        ("Liver, homogeneous, enlarged.", "Liver", "present"),
        ("The regular course of the appendix is not to be judged.", "appendix", "uncertain"),
        ("Smooth muscle.", "muscle", "present"),
        ("The ventricles are normal in width but asymmetric.", "ventricles", "present"),
        ("Previously suspected meningioma.", "meningioma", "historical"),
        ("A stroke was previously suspected.", "stroke", "historical"),
        ("Prior suspicion of sarcoidosis.", "sarcoidosis", "historical"),
        ("The previously suspected tear is again seen.", "tear", "present"),
        ("The previously suspected tear is not seen.", "tear", "absent"),
        ("Previously suspected embolism, now ruled out.", "embolism", "absent"),
        ("The previously suspected infarct remains possible.", "infarct", "uncertain"),
    ],
)
def test_what_a_clause_says_of_it(text: str, name: str, want: str) -> None:
    assert said(text, name) == want


def test_a_question_may_ask_for_normality_in_these_words_too() -> None:
    assert is_normality("ventricles of usual width")
    assert not is_normality("ventricles wider than usual")
    assert not is_normality("smooth muscle tumour")
