"""Names in other forms: turned round with "of", an organ's adjective, a letter wrong, two organs in one word."""

from __future__ import annotations

from itertools import product

import pytest

from spinecho.encoders.language.stems import root
from spinecho.encoders.language.vocabulary import concepts, meant
from spinecho.encoders.language.vocabulary.forms import known_form
from spinecho.encoders.language.vocabulary.table import vocabulary


def ids(text: str) -> list[str]:
    return [one.concept for one in concepts(text)]


def test_every_name_with_one_head_is_read_turned_round() -> None:
    """ "liver hemangioma" and "hemangioma of the liver", for every finding whose name ends in one word."""
    table = vocabulary()
    wrong = []
    for one in table.concepts.values():
        for name in one.names:
            words = name.split()
            if one.kind != "finding" or len(words) != 2 or not name.replace(" ", "").isalpha():
                continue
            owner, head = words
            whole = ids(owner)
            if len(whole) != 1 or table.concepts[whole[0]].kind != "anatomy" or ids(name) != [one.id]:
                continue
            turned = f"{head} of the {owner}"
            if one.id not in meant(turned):
                wrong.append(turned)
    assert wrong == []


@pytest.mark.parametrize(
    ("noun", "adjective"), [("liver", "hepatic"), ("kidney", "renal"), ("brain", "cerebral"), ("spleen", "splenic")]
)
def test_an_organ_and_its_adjective_name_the_same(noun: str, adjective: str) -> None:
    for finding in ("cyst", "lesion", "metastasis", "abscess", "hemangioma", "infarct"):
        one, other = meant(f"{noun} {finding}"), meant(f"{adjective} {finding}")
        assert one == other, (finding, one ^ other)


def test_what_is_turned_round_ends_where_its_own_name_ends() -> None:
    assert "target lesion" not in ids("A lesion of the ring finger")
    assert "hand:ring" in meant("A lesion of the ring finger")


@pytest.mark.parametrize(
    ("slip", "meant_word"),
    [("hyperintese", "hyperintense"), ("exopthalmos", "exophthalmos"), ("hydrocephlaus", "hydrocephalus"),
     ("hyperintesity", "hyperintensity"), ("infiltratingly", "infiltrating"), ("frontale", "frontal"),
     ("osteomyelietis", "osteomyelitis"), ("enchancement", "enhancement"), ("pseudoaneurism", "pseudoaneurysm")],
)  # fmt: skip
def test_a_letter_wrong_in_a_long_word_is_read(slip: str, meant_word: str) -> None:
    assert ids(slip) == ids(meant_word) != []


@pytest.mark.parametrize(
    "word",
    ["infraction", "constructive", "projection", "prostrate", "interaction", "hypodense", "asymmetry", "atypical",
     "presented", "performed", "conclusion", "preoperative", "hemithorax"],
)  # fmt: skip
def test_words_of_their_own_are_not_taken_for_a_name(word: str) -> None:
    assert known_form(word, root(word)) == root(word)


def test_hyper_and_hypo_are_never_one() -> None:
    for end, slip in product(("intense", "intensity", "trophy", "plasia"), ("", "s")):
        assert not set(ids(f"hyper{end}{slip}")) & set(ids(f"hypo{end}{slip}"))


@pytest.mark.parametrize(
    ("word", "organs"),
    [("rectovesical", {"pelvis:rectum", "pelvis:bladder"}), ("ethmoidonasal", {"neck:ethmoid sinus"}),
     ("perisplenic", {"abdomen:spleen"}), ("celiacomesenteric", {"abdomen:mesentery"}),
     ("retropancreatic", {"abdomen:pancreas"}), ("microinfarcts", {"infarct"})],
)  # fmt: skip
def test_a_compound_names_its_organs(word: str, organs: set[str]) -> None:
    assert organs <= meant(word) | set(ids(word)), ids(word)


@pytest.mark.parametrize("word", ["intravenous", "subtraction", "nasogastric", "presentation", "extraction"])
def test_a_word_that_only_looks_like_a_compound_names_nothing(word: str) -> None:
    assert not {one for one in ids(word) if one.startswith(("vessel:", "tissue:"))}


def test_no_concept_stands_under_two_names_of_one_disease() -> None:
    for short, full in (("joubert", "joubert syndrome"), ("wilms", "wilms tumor"), ("ftd", "frontotemporal dementia")):
        assert ids(short) == ids(full) != []
