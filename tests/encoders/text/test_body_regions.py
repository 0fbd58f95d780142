"""Places that lie far apart: known of both, the same both ways, never of a place and what it is part of."""

from __future__ import annotations

import itertools

import pytest

from spinecho.encoders.language.body_regions import body_region, far_apart
from spinecho.encoders.language.places import places
from spinecho.encoders.language.vocabulary import wider
from spinecho.encoders.language.vocabulary.table import vocabulary

PLACES = sorted(ident for ident, one in vocabulary().concepts.items() if one.kind == "anatomy")
HEADS = {body_region(one): one for one in PLACES if body_region(one)}
"""One place of each part of the body."""


def test_no_place_is_far_from_what_it_is_part_of() -> None:
    apart = [(one, above) for one in PLACES for above in wider(one) if far_apart(frozenset({one}), frozenset({above}))]
    assert apart == []


def test_far_is_said_both_ways_and_of_known_places_alone() -> None:
    assert {"head", "neck", "chest", "abdomen", "pelvis", "upper limb", "lower limb"} <= HEADS.keys()
    for one, other in itertools.product(HEADS.values(), HEADS.values()):
        assert far_apart(frozenset({one}), frozenset({other})) == far_apart(frozenset({other}), frozenset({one}))
    for unknown in (frozenset[str](), frozenset({"tissue:bone"}), frozenset({"vessel:artery"}), frozenset({"spine"})):
        assert not any(far_apart(unknown, frozenset({one})) for one in HEADS.values())


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [
        ("left frontal lobe", "adrenal gland", True),
        ("temporal lobe", "thigh", True),
        ("knee", "shoulder", True),
        ("liver", "ankle", True),
        ("portal vein", "transverse sinus", True),
        ("popliteal artery", "renal artery", True),
        ("middle cerebral artery", "coronary artery", True),
        ("carotid artery", "vertebral artery", False),
        ("hepatic vein", "liver", False),
        ("femoral artery", "hip", False),
        ("kidney", "uterus", False),
        ("frontal lobe", "orbit", False),
        ("shoulder", "lung", False),
        ("hip", "bladder", False),
        ("liver and frontal lobe", "thigh", True),
        ("liver and thigh", "frontal lobe and thigh", False),
    ],
)
def test_what_is_far(one: str, other: str, far: bool) -> None:
    assert far_apart(places(one), places(other)) is far
