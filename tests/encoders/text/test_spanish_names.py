"""Spanish names: participles that say a finding of their noun, plurals, sides in short, and what is said of them."""

from __future__ import annotations

import pytest

from spinecho.encoders.language.clauses.assertions import clauses
from spinecho.encoders.language.parts.sentences import sentence_spans
from spinecho.encoders.language.vocabulary import concepts, meant
from spinecho.encoders.language.vocabulary.spanish_adjectives import (
    _ALWAYS,
    _BY_NOUN,
    _NOUNS,
    is_form,
    said_of,
)
from spinecho.encoders.language.vocabulary.spanish_plurals import plural, plural_name
from spinecho.encoders.language.vocabulary.table import DATA, vocabulary
from spinecho.encoders.language.vocabulary.tokens import key_of

NOUNS = {(gender, part): listed.split()[0] for (gender, part), listed in _NOUNS.items()}


def listed() -> list[str]:
    found = []
    for path in sorted((DATA / "languages").glob("es*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            names = line.split("#")[0].partition("=")[2].split("|")
            found += [name.strip() for name in names if name.strip() and not name.strip().endswith("^")]
    return found


def said(text: str) -> str:
    """What the last word of a text says of its noun."""
    return said_of(text, text.rindex(" ") + 1, len(text))


def test_every_participle_says_a_concept() -> None:
    every = {*_ALWAYS.values(), *(name for says in _BY_NOUN.values() for name in says.values() if name)}
    assert [name for name in every if key_of(name) not in vocabulary().named] == []


@pytest.mark.parametrize("stem", sorted(_BY_NOUN))
def test_a_participle_says_it_of_nouns_that_agree_and_of_no_other(stem: str) -> None:
    for (gender, part), noun in NOUNS.items():
        own, other = ("o", "a") if gender == "m" else ("a", "o")
        wanted = _BY_NOUN[stem].get(part, "")
        assert said(f"{noun} {stem}{own}") == wanted
        assert said(f"Los {plural(noun)} están {stem}{own}s") == wanted
        assert said(f"{noun} {stem}{other}") == ""
        if plural(noun) != noun:
            assert said(f"{noun} {stem}{own}s") == ""


@pytest.mark.parametrize("stem", sorted(_ALWAYS))
def test_an_adjective_says_it_in_each_of_its_forms(stem: str) -> None:
    for ending in ("o", "a", "os", "as"):
        assert said(f"tendón {stem}{ending}") == _ALWAYS[stem]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("Menisco interno y LCA rotos", "tear"),
        ("El menisco externo se encuentra desgarrado", "tear"),
        ("Vértebra D12 acuñada", "compression fracture"),
        ("Disco L4-L5 herniado", "disc herniation"),
        ("Tendón supraespinoso dcho. roto", "tear"),
        ("menisco con quiste roto", ""),
        ("aneurisma de la comunicante anterior roto", ""),
        ("Menisco íntegro. La paciente está rota", ""),
        ("la rota", ""),
    ],
)
def test_the_nearest_noun_that_agrees_tells_what_is_said(text: str, finding: str) -> None:
    assert said(text) == finding


@pytest.mark.parametrize("text", ["rotor", "rotation", "rotator cuff", "The rota of the day", "herniated", "dilated"])
def test_english_words_are_no_forms(text: str) -> None:
    assert not any(is_form(word) for word in text.split() if word != "rota")
    assert "tear" not in meant(text)


def test_a_finding_and_its_place_that_a_participle_joins_are_a_finding_of_the_place() -> None:
    assert "meniscal tear" in meant("Menisco externo desgarrado.")
    assert "knee:ACL" in meant("LCA roto.")


def test_names_are_read_in_the_plural() -> None:
    unread = [
        several
        for name in listed()
        if (several := plural_name(name)) and not {one.concept for one in concepts(name)} <= meant(several)
    ]
    assert unread == []


def test_names_are_read_without_accents() -> None:
    table = str.maketrans("áéíóúñü", "aeiounu")
    assert [one for one in listed() if concepts(one) and not concepts(one.translate(table))] == []


@pytest.mark.parametrize("side", ["izq", "izda", "izdo", "dcha", "dcho", "dch"])
def test_a_side_in_short_ends_no_sentence_that_goes_on(side: str) -> None:
    for text in (f"Quiste renal {side}. simple de 3 cm.", f"Ovario {side}. con quiste."):
        assert len(sentence_spans(text)) == 1
    for text in (f"Quiste de Baker {side}. Meniscos íntegros.", f"Quiste {side}. no se observa derrame."):
        assert len(sentence_spans(text)) == 2


@pytest.mark.parametrize(
    ("text", "concept", "assertion"),
    [
        ("Menisco interno no roto.", "meniscal tear", "absent"),
        ("Los discos no están herniados.", "disc herniation", "absent"),
        ("Discos no herniados ni protruidos.", "disc protrusion", "absent"),
        ("Aneurisma no roto.", "aneurysm", "present"),
        ("Fractura no desplazada.", "fracture", "present"),
        ("Glioblastoma vs metástasis única.", "glioblastoma", "uncertain"),
        ("Quiste vs. hemangioma hepático.", "cyst", "uncertain"),
        ("Extensión extraprostática, dudosa.", "extraprostatic extension", "uncertain"),
        ("Rotura parcial del supraespinoso, probable.", "partial thickness tear", "uncertain"),
        ("Niega antecedente de ACV.", "infarct", "absent"),
        ("No se descarta disección.", "dissection", "uncertain"),
        ("Se descarta disección.", "dissection", "absent"),
        ("Absceso epidural a descartar.", "epidural abscess", "uncertain"),
        ("Edema óseo en relación con contusión.", "contusion", "present"),
        ("Antecedente de infarto.", "infarct", "historical"),
        ("S/p meniscectomía parcial.", "meniscectomy", "historical"),
    ],
)
def test_what_is_said_of_a_name(text: str, concept: str, assertion: str) -> None:
    assert assertion in {one.assertion for one in clauses(text, "es") if concept in meant(one.text)}
    assert {one.assertion for one in clauses(text, "es") if concept in meant(one.text)} == {assertion}


def test_names_with_a_hyphen_are_read_in_whatever_language_they_stand() -> None:
    """A Spanish "iliotibial" had taken the French "ilio-tibiale" from its name."""
    wrong = []
    for ident, one in vocabulary().concepts.items():
        for name in (*one.names, *one.elsewhere):
            if "-" in name and ident not in meant(name) and key_of(name) in vocabulary().named:
                wrong.append(name)
    assert wrong == []
