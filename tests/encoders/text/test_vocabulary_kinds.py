"""What is named after a wider thing is its kind, and what people call a thing in other words is that thing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from spinecho.encoders.language.places import place_fit, places
from spinecho.encoders.language.terms import mentions
from spinecho.encoders.language.vocabulary import concepts, meant, wider
from spinecho.encoders.language.vocabulary.spine_levels import position
from spinecho.encoders.language.vocabulary.table import DATA, Concept, vocabulary
from spinecho.encoders.language.vocabulary.tokens import key_of

_OTHERWISE = Path(__file__).with_name("named_otherwise.txt")
_LAY = DATA / "lay_names.txt"
_BEHIND = re.compile(r"\s(?:of|in|with|from|to|at|by|due|after|within|without|for|on|during|and|or)\s")


def _lines(path: Path, between: str) -> list[tuple[str, list[str]]]:
    read = (line.partition(between) for line in path.read_text(encoding="utf-8").splitlines() if between in line)
    return [(head.strip(), re.split(r"[;|]", rest)) for head, _, rest in read if not head.startswith("#")]


@cache
def _lay() -> frozenset[str]:
    """Names in everyday words: their lumps, swellings and holes are whatever these are there."""
    return frozenset(name.strip() for _, names in _lines(_LAY, "+=") for name in names)


def _ends(name: str) -> Iterator[tuple[str, ...]]:
    """What a name may be a kind of, the longest first: what stands before "of", and all that this ends in."""
    front = _BEHIND.split(name)[0]
    parts = [key_of(word) for word in front.split()]
    yield from (tuple(stem for part in parts[n:] for stem in part) for n in range(front == name, len(parts)))


def _named_after(one: Concept) -> Iterator[str]:
    """The concepts that a concept's names end in, whose kind it is not."""
    table = vocabulary()
    for name in one.names if one.kind != "technique" else ():
        label = one.id.partition(":")[2] or one.id
        if name in _lay() or (one.kind == "anatomy" and name not in (label, one.names[0])):
            continue  # a whole goes by the names of its parts: "liver parenchyma"
        for end in _ends(name):
            other = table.named.get(end, "")
            known = table.concepts.get(other)
            if known is None or end in table.ambiguous or end in table.foreign or known.kind != one.kind:
                continue
            if other != one.id and other not in wider(one.id) and not _elsewhere(one, known):
                yield other
            break


def _elsewhere(one: Concept, other: Concept) -> bool:
    """Whether a place bears a word that in another region names another place: the medulla of the kidney."""
    return one.kind == "anatomy" and other.id.partition(":")[0] not in ("tissue", "vessel", one.id.partition(":")[0])


def test_what_is_named_after_a_wider_concept_is_its_kind_or_stands_in_the_list_with_a_reason() -> None:
    told = {(head, one.strip()) for head, listed in _lines(_OTHERWISE, " > ") for one in listed}
    found = {
        (other, one.id)
        for one in vocabulary().concepts.values()
        if position(one.id) is None
        for other in _named_after(one)
    }
    assert sorted(found - told) == [], "give it the parent that it is named after, or a reason why it is none"
    assert sorted(told - found) == [], "what is no exception any more"


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("metastasis", "nodal metastasis"), ("impaction fracture", "Hill-Sachs lesion"), ("adenoma", "microadenoma"),
        ("dislocation", "biceps dislocated"), ("dilatation", "hydronephrosis"), ("tumour", "hepatic tumour"),
        ("liver lesion", "hepatic tumour"), ("defect", "ventricular septal defect"), ("neuropathy", "optic neuritis"),
        ("obstruction", "small bowel obstruction"), ("cyst", "chocolate cyst"), ("hernia", "umbilical hernia"),
        ("traumatic brain injury", "diffuse axonal injury"), ("dilatation", "dilated lateral ventricles"),
        ("nerve", "facial nerve"), ("gyrus", "precentral gyrus"), ("dementia", "Alzheimer disease"),
    ],
)  # fmt: skip
def test_narrower_names_mention_the_wider_and_never_the_reverse(wide: str, narrow: str) -> None:
    assert mentions(wide, narrow)
    assert not mentions(narrow, wide)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lymphadenopathy without a known tumour", "metastasis"), ("adrenal haemorrhage", "adrenal hyperplasia"),
        ("penile cancer", "penile fracture"), ("varicocele", "hydrocele"), ("varus", "valgus"),
        ("torsion of the testis", "hydrocele"), ("FDG uptake", "hypometabolism"), ("goitre", "thyroid nodule"),
        ("tumour marker", "tumour of the carotid body"), ("pulmonary sequestration", "disc sequestration"),
        ("hypertension", "intracranial hypertension"), ("gallbladder wall thickening", "cholecystitis"),
    ],
)  # fmt: skip
def test_neighbours_that_shared_a_line_are_told_apart(one: str, other: str) -> None:
    assert not mentions(other, one)


@pytest.mark.parametrize(
    ("said", "noun"),
    [
        ("dislocated", "dislocation"), ("torn", "tear"), ("ruptured", "rupture"), ("herniated", "herniation"),
        ("fractured", "fracture"), ("dilated", "dilatation"), ("stenotic", "stenosis"), ("stenosed", "stenosis"),
        ("thickened", "thickening"), ("compressed", "compression"), ("swollen", "swelling"), ("atrophied", "atrophy"),
        ("oedematous", "oedema"), ("hydrocephalic", "hydrocephalus"), ("infarcted", "infarct"),
        ("calcified", "calcification"), ("displaced", "displacement"), ("obstructed", "obstruction"),
        ("thrombosed", "thrombosis"), ("occluded", "occlusion"), ("necrotic", "necrosis"), ("fibrotic", "fibrosis"),
        ("cirrhotic", "cirrhosis"), ("scoliotic", "scoliosis"), ("myelopathic", "myelopathy"),
    ],
)  # fmt: skip
def test_verbs_and_adjectives_name_what_the_noun_does(said: str, noun: str) -> None:
    assert meant(said) == meant(noun) != frozenset()


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ("slipped disc", "disc herniation"), ("water on the brain", "hydrocephalus"),
        ("trapped nerve", "nerve root compression"),
        ("bleed on the brain", "intracranial haemorrhage"), ("brain shrinkage", "brain atrophy"),
        ("swollen lymph glands", "lymphadenopathy"), ("womb growths", "fibroid"),
        ("burst appendix", "ruptured appendix"),
        ("wear and tear of the spine", "spondylosis"), ("clot on the lung", "pulmonary embolism"),
        ("water on the knee", "joint effusion"), ("dead bone", "osteonecrosis"), ("brittle bones", "osteoporosis"),
        ("scarring of the liver", "cirrhosis"), ("cancer that has spread", "metastasis"), ("PIRADS", "PI-RADS score"),
    ],
)  # fmt: skip
def test_everyday_words_mean_what_the_report_says(said: str, finding: str) -> None:
    assert mentions(said, finding)


def test_the_adjective_of_every_disease_names_it() -> None:
    """Endings as in "spondylotic": all such findings whose adjective has no sense of its own."""
    table = vocabulary()
    seen = 0
    for one in table.concepts.values():
        for name in one.names if one.kind == "finding" else ():
            for noun, ending in (("osis", "otic"), ("itis", "itic"), ("pathy", "pathic")):
                said = name.removesuffix(noun) + ending
                if name.endswith(noun) and name.isalpha() and len(said) > 7 and key_of(said) not in table.named:
                    assert [found.concept for found in concepts(said)] == [one.id], said
                    seen += 1
    assert seen > 100


def test_everyday_words_of_anatomy_are_not_taken_apart() -> None:
    for said, place in (
        ("tear duct", "nasolacrimal duct"),
        ("neck of the womb", "cervix"),
        ("hip socket", "acetabulum"),
    ):
        assert [one.concept for one in concepts(said)] == [one.concept for one in concepts(place)], said


def test_a_word_that_all_nerves_bear_rules_no_other_place_out() -> None:
    assert place_fit(places("facial nerve"), places("median nerve")) == "unknown"
    assert place_fit(places("nerve"), places("facial nerve")) == "within"
    assert place_fit(places("precentral gyrus"), places("postcentral gyrus")) == "other"
