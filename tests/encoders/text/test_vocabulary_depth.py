"""Names of the long tail: many concepts a line, abbreviations that a text explains, words that only look alike."""

from __future__ import annotations

import pytest

from spinecho.encoders.language.terms import mentions
from spinecho.encoders.language.vocabulary import concepts, wider
from spinecho.encoders.language.vocabulary.table import VocabularyError, build


def _found(text: str) -> set[str]:
    return {mention.concept for mention in concepts(text)}


def _of(text: str, word: str) -> set[str]:
    return {one.concept for one in concepts(text) if text[one.start : one.stop] == word}


def test_concepts_alike_stand_on_one_line_and_share_what_they_are_part_of() -> None:
    found = build(
        ["@kind anatomy", "@area vessel", "~ vessel = vessel", "~ facial artery | fa ; lingual artery < vessel"]
    )
    assert found.concepts["vessel:facial artery"].names == ("facial artery", "fa")
    for one in ("vessel:facial artery", "vessel:lingual artery"):
        assert found.concepts[one].parents == ("vessel",)
        assert found.concepts[one].overlaps


def test_a_concept_gets_further_names_where_it_does_not_stand() -> None:
    found = build(["stroke += brain attack | apoplectic fit", "stroke | infarct"])
    assert found.concepts["stroke"].names == ("stroke", "infarct", "brain attack", "apoplectic fit")
    with pytest.raises(VocabularyError, match="further names"):
        build(["stroke += brain attack"])


@pytest.mark.parametrize(
    ("text", "short", "meant"),
    [
        ("The anterior papillary muscle (APM) is thick. Arrow: APM.", "APM", "heart:papillary muscle"),
        ("SS, Susac syndrome; holes as in SS", "SS", "susac syndrome"),
        ("GB = gallbladder wall", "GB", "abdomen:gallbladder"),
        ("dilatation of the right atrium (RA)", "RA", "heart:right atrium"),
        ("AML: anterior mitral leaflet", "AML", "heart:anterior mitral leaflet"),
    ],
)
def test_an_abbreviation_means_what_the_text_says_it_does(text: str, short: str, meant: str) -> None:
    assert _of(text, short) == {meant}


@pytest.mark.parametrize(
    "text", ["APM is seen", "The AFC, a fibrous cord", "XYZ (right atrium)", "time (T) to the right atrium"]
)
def test_what_no_text_explains_names_nothing(text: str) -> None:
    assert not any(text[one.start : one.stop].isupper() for one in concepts(text))


@pytest.mark.parametrize(
    "text",
    [
        "the device", "devices", "a global view", "the front of the head coil", "the test was linked", "portions",
        "a vague outline", "traction", "colonies", "necked", "an interior view",
    ],
)  # fmt: skip
def test_words_whose_stem_is_anothers_name_nothing(text: str) -> None:
    assert _found(text) <= {"head"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("stenosis of the left vertebral artery", "vessel:vertebral artery"),
        ("archnoid cyst", "arachnoid cyst"),
        ("nectrotic", "necrosis"),
        ("AO and PA are dilated, RV", "vessel:aorta"),
        ("SV of the prostate with bladder", "pelvis:seminal vesicle"),
        ("PV and SMV of the liver", "vessel:portal vein"),
        ("sural nerve", "limb:sural nerve"),
        ("the lateral wall of the orbit", "neck:lateral orbital wall"),
        ("diminished T2 weighted signal", "hypointense"),
        ("maple syrup urine disease", "maple syrup urine disease"),
        ("premotor cortex", "brain:premotor cortex"),
        ("zona incerta", "brain:zona incerta"),
        ("scaphotrapeziotrapezoid joint", "wrist:scaphotrapeziotrapezoid joint"),
        ("celiacomesenteric trunk", "vessel:celiacomesenteric trunk"),
        ("hidradenoma", "hidradenoma"),
        ("a serpiginous lesion", "serpiginous"),
    ],
)  # fmt: skip
def test_names_of_the_long_tail(text: str, named: str) -> None:
    assert named in _found(text)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("meningioma", "microcystic meningioma"), ("tumour", "pituicytoma"), ("vasculitis", "periaortitis"),
        ("artery", "lingual artery"), ("scapula", "inferior angle of the scapula"), ("fistula", "urinary fistula"),
    ],
)  # fmt: skip
def test_the_new_names_are_kinds_and_parts(wide: str, narrow: str) -> None:
    assert mentions(wide, narrow)
    assert not mentions(narrow, wide)


def test_a_word_of_longer_names_alone_is_read_by_its_halves() -> None:
    assert {"pelvis:rectum", "pelvis:bladder"} <= _found("the rectovesical plane")
    assert "pelvis:rectovesical pouch" in _found("the rectovesical pouch")


def test_macro_and_micro_are_never_one() -> None:
    assert not _found("macroaneurisms") & {"microaneurysm"}
    assert "vessel:artery" in wider("vessel:facial artery")
