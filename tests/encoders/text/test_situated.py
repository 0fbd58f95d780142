"""A finding as it is asked for, apart from its side and its place, and what clauses tell of the same."""

from __future__ import annotations

import pytest

from spinecho.encoders.language.findings import findings
from spinecho.encoders.language.laterality import sides
from spinecho.encoders.language.situated import situated
from spinecho.encoders.language.vocabulary import meant

NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("asked", "what", "side", "place", "made"),
    [
        ("left meningioma", "meningioma", "left", "", ""),
        ("meningioma", "meningioma", "", "", ""),
        ("haemorrhage in the left temporal lobe", "haemorrhage", "left", "brain:temporal", ""),
        ("temporal haemorrhage", "haemorrhage", "", "brain:temporal", ""),
        ("bilateral hip effusion", "effusion", "both", "hip:hip", ""),
        ("both hips effusion", "effusion", "both", "hip:hip", ""),
        ("lésion du genou droit", "lésion", "right", "knee:knee", ""),
        ("left medial meniscus tear", "medial meniscus tear", "left", "", "medial meniscal tear"),
        ("horizontal medial meniscus tear", "horizontal medial meniscus tear", "", "", ""),
        ("left ventricular aneurysm", "left ventricular aneurysm", "", "", ""),
        ("left atrial thrombus", "thrombus", "", "heart:left atrium", ""),
        ("persistent left superior vena cava", "persistent left superior vena cava", "", "", ""),
        ("liver function tests", "liver function tests", "", "", ""),
        ("left tear*", "tear*", "left", "", ""),
        ("right frontal", "", "right", "brain:frontal", ""),
        ("left", "", "left", "", ""),
    ],
)
def test_a_name_is_told_apart_from_where_it_must_be(asked: str, what: str, side: str, place: str, made: str) -> None:
    assert situated(asked) == (what, *(frozenset((one,)) if one else NONE for one in (side, place, made)))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("asked", "sentences"),
    [
        (
            "{} frontal meningioma",
            {
                "left": ("A frontal meningioma on the left.", "Linksseitiges frontales Meningeom.",
                         "Méningiome frontal gauche.", "Meningioma frontal izquierdo."),
                "right": ("Meningioma, right frontal lobe.", "Frontales Meningeom rechts.",
                          "Méningiome frontal droit.", "Meningioma frontal derecho."),
            },
        ),
        (
            "{} temporal haemorrhage",
            {
                "left": ("Parenchymal hemorrhage in the left temporal lobe.", "Blutung temporal links."),
                "right": ("Right temporal lobe haemorrhage.", "Hémorragie temporale droite."),
            },
        ),
        (
            "{} medial meniscus tear",
            {
                "left": ("The medial meniscus of the left knee shows a tear.", "Riss des Innenmeniskus links."),
                "right": ("Tear of the right medial meniscus.",),
            },
        ),
    ],
)  # fmt: skip
def test_what_is_asked_for_is_what_clauses_tell_in_any_words(
    asked: str, sentences: dict[str, tuple[str, ...]], side: str
) -> None:
    what, wanted, places, made = situated(asked.format(side))
    assert wanted == {side}
    for told, some in sentences.items():
        for sentence in some:
            held = meant(sentence)
            assert places <= held, sentence
            assert (made or findings(what)) <= held, sentence
            assert (wanted <= sides(sentence)) == (told == side), sentence
