"""One concept is one thing: two operations, ligaments or vessels that only share an ending are two."""

from __future__ import annotations

import re
from itertools import combinations, permutations

import pytest

from spinecho.encoders.language.terms import mentions
from spinecho.encoders.language.vocabulary.spine_levels import position
from spinecho.encoders.language.vocabulary.table import vocabulary

_OPERATION = re.compile(r"[\w-]+(?:ectomy|otomy|ostomy|plasty|pexy|desis|rrhaphy|scopy|centesis|tripsy)(?!\w)")
_ONE_OPERATION = {
    frozenset(one.split())
    for one in (
        "oophorectomy ovariectomy", "orchiectomy orchidectomy", "appendectomy appendicectomy",
        "pancreaticoduodenectomy pancreatoduodenectomy",
    )
}  # fmt: skip
_LEVEL = re.compile(r"(?:Th|T|D)\d+")
_HEADS = ("ligament", "nerve", "artery", "vein", "muscle", "tendon", "sinus")
_ONE_PLACE = {
    "fibular/peroneal", "peroneal/fibular", "tibial collateral/medial collateral", "calcaneal/achilles",
    "fibular collateral/lateral collateral", "intermeniscal/transverse meniscal", "innominate/brachiocephalic",
    "plantar calcaneonavicular/spring", "posterior tibial/tibialis posterior", "anterior tibial/tibialis anterior",
    "posterior tibial/posterior tibialis", "tibialis posterior/posterior tibialis", "all/anterior longitudinal",
    "superficial middle cerebral/sylvian", "middle cerebral/sylvian", "cerebral/intracranial", "sphenoidal/sphenoid",
    "piriform/pyriform", "dural/venous", "transverse dural/lateral", "transverse dural venous/lateral",
    "transverse/lateral", "transverse dural venous/transverse dural", "transverse dural/transverse",
    "transverse dural venous/transverse", "dural venous/dural", "lad/left anterior descending",
    "lad/left anterior descending coronary", "left anterior descending coronary/left anterior descending",
    "left circumflex coronary/left circumflex", "left circumflex coronary/circumflex",
    "left coronary/left main coronary",
    "long biceps/long head biceps", "long biceps/long head of the biceps", "proximal biceps/long biceps",
    "proximal biceps/long head biceps", "proximal biceps/long head of the biceps",
    "long head biceps/long head of the biceps", "common peroneal/fibular", "ophthalmic/v1",
    "third/oculomotor", "third/third cranial", "third cranial/oculomotor", "fourth cranial/trochlear",
    "fifth cranial/trigeminal", "sixth/abducens", "sixth/sixth cranial", "sixth cranial/abducens",
    "seventh cranial/facial", "acoustic/vestibulocochlear", "acoustic/eighth cranial",
    "eighth cranial/vestibulocochlear", "accessory/spinal accessory",
}  # fmt: skip
"""Names of one and the same."""


def _in_everyday_words(name: str) -> bool:
    return name.split(maxsplit=1)[0] in {
        "eye", "seeing", "hearing", "balance", "inner", "outer", "thigh", "heart", "heel", "cheek", "spit", "spittle",
    }  # fmt: skip


def test_no_concept_holds_two_operations() -> None:
    two = {
        (one.id, a, b)
        for one in vocabulary().concepts.values()
        for a, b in combinations(sorted({found for name in one.names for found in _OPERATION.findall(name)}), 2)
        if frozenset((a, b)) not in _ONE_OPERATION
    }
    assert sorted(two) == [], "each operation is a concept of its own, below what they share"


def test_no_part_of_the_body_holds_two_ligaments_nerves_or_vessels() -> None:
    two = set()
    for one in vocabulary().concepts.values():
        if one.kind != "anatomy" or position(one.id) is not None:
            continue
        for head in _HEADS:
            told = {name.removesuffix(f" {head}") for name in one.names if name.endswith(f" {head}")}
            for a, b in combinations(sorted(one for one in told if not _LEVEL.fullmatch(one)), 2):
                alike = a.endswith(f" {b}") or b.endswith(f" {a}") or {f"{a}/{b}", f"{b}/{a}"} & _ONE_PLACE
                if not alike and not _in_everyday_words(a) and not _in_everyday_words(b):
                    two.add((one.id, f"{a}/{b} {head}"))
    assert sorted(two) == [], "each is a concept of its own, or the same by another name"


OPERATIONS = (
    "hysterectomy", "nephrectomy", "cholecystectomy", "prostatectomy", "splenectomy", "mastectomy", "colectomy",
    "thyroidectomy", "appendectomy", "discectomy", "meniscectomy",
)  # fmt: skip


@pytest.mark.parametrize(("one", "other"), list(permutations(OPERATIONS, 2)))
def test_an_operation_mentions_no_other(one: str, other: str) -> None:
    assert not mentions(one, f"Status post {other}.")


@pytest.mark.parametrize("one", OPERATIONS)
def test_every_removal_is_a_resection_and_a_change_after_surgery(one: str) -> None:
    assert mentions("resection", one)
    assert mentions("postoperative change", one)
    assert not mentions(one, "resection")


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("discectomy", "microdiscectomy"), ("laminectomy", "hemilaminectomy"), ("spinal fusion", "ACDF"),
        ("discectomy", "ACDF"), ("pancreatectomy", "Whipple procedure"), ("colectomy", "hemicolectomy"),
        ("thrombectomy", "mechanical thrombectomy"), ("oophorectomy", "bilateral salpingo-oophorectomy"),
        ("craniectomy", "decompressive craniectomy"), ("implant", "pedicle screws"),
    ],
)  # fmt: skip
def test_narrower_operations_mention_the_wider_and_never_the_reverse(wide: str, narrow: str) -> None:
    assert mentions(wide, narrow)
    assert not mentions(narrow, wide)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uterosacral ligament", "round ligament"), ("uterosacral ligament", "broad ligament"),
        ("hepatoduodenal ligament", "splenorenal ligament"), ("interspinous ligament", "supraspinous ligament"),
        ("masseter", "temporalis"), ("axillary nerve", "musculocutaneous nerve"),
        ("conoid ligament", "trapezoid ligament"),
        ("azygos vein", "hemiazygos vein"), ("ovarian vein", "testicular vein"), ("cochlear nerve", "vestibular nerve"),
        ("anterior tibial artery", "posterior tibial artery"), ("radial fissure", "concentric fissure"),
        ("laminectomy", "pedicle screws"), ("craniotomy", "cranioplasty"), ("cyclops lesion", "ACL graft tear"),
        ("angioplasty", "thrombolysis"), ("vertebroplasty", "spinal fusion"),
        ("nutcracker syndrome", "May-Thurner syndrome"),
    ],
)  # fmt: skip
def test_neighbours_of_one_line_are_told_apart(one: str, other: str) -> None:
    assert not mentions(one, other)
    assert not mentions(other, one)
