"""German names: in every form that a sentence gives them, and compounds that no list holds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.language.vocabulary import concepts, meant
from spinecho.encoders.language.vocabulary.german_compounds import compound
from spinecho.encoders.language.vocabulary.german_forms import inflected
from spinecho.encoders.language.vocabulary.table import DATA, vocabulary

NAMES = [
    (line.split(" = ")[0], name.strip())
    for path in sorted((DATA / "languages").glob("de*.txt"))
    for line in path.read_text(encoding="utf-8").splitlines()
    if " = " in line and not line.startswith("#")
    for name in line.split(" = ")[1].split("|")
    if not name.strip().endswith(("!", "^"))
]
FINDINGS = {
    "riss": "tear",
    "ruptur": "tear",
    "läsion": "lesion",
    "infarkt": "infarct",
    "fraktur": "fracture",
    "ödem": "edema",
    "nekrose": "necrosis",
    "tumor": "tumor",
    "zyste": "cyst",
    "blutung": "hemorrhage",
    "abszess": "abscess",
    "stenose": "stenosis",
    "thrombose": "thrombosis",
    "metastase": "metastasis",
    "atrophie": "atrophy",
}
PLACES = {
    "rippen": "chest:rib",
    "kreuzbein": "spine:sacrum",
    "kleinhirn": "brain:cerebellum",
    "hirnstamm": "brain:brainstem",
    "talus": "ankle:talus",
    "schulterblatt": "limb:scapula",
    "felsenbein": "head:temporal bone",
    "kniescheiben": "knee:patella",
    "nasenseptum": "neck:nasal septum",
    "pfortader": "vessel:portal vein",
    "zungengrund": "neck:tongue",
    "lebersegment": "abdomen:hepatic segment",
    "milz": "abdomen:spleen",
    "oberkiefer": "neck:maxilla",
    "waden": "limb:calf",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("ending", ["", "s", "en"])
def test_a_compound_is_a_finding_and_its_place(place: str, finding: str, ending: str) -> None:
    word = f"{place}{finding}{ending}".capitalize()
    read = meant(f"Nachweis: {word}.")
    assert {FINDINGS[finding], PLACES[place]} <= read, (word, read)


@pytest.mark.parametrize(
    "word",
    [
        "Umriss",
        "Grundriss",
        "Abriss",
        "Edelstein",
        "Baustein",
        "Meilenstein",
        "Bernstein",
        "Wortschaden",
        "Zwischenfall",
        "Ausgangspunkt",
        "Schornstein",
        "Verständnis",
        "Erkenntnisse",
        "Ergebnisse",
        "Vorfall",
        "Unfall",
    ],
)
def test_words_that_end_alike_are_no_compounds(word: str) -> None:
    assert compound(word, vocabulary().stems) == []


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Meniskushinterhornriss medial.", {"meniscal tear"}),
        ("Innenmeniskus-Hinterhornläsion.", {"knee:posterior horn of the medial meniscus", "lesion"}),
        ("Lunatumnekrose.", {"kienbock disease"}),
        ("Kleinhirnbrückenwinkeltumor.", {"brain:cerebellopontine angle", "tumor"}),
        ("Supraspinatussehnenteilruptur.", {"shoulder:supraspinatus", "tear"}),
        ("Ruptur des vorderen Kreuzbandes.", {"acl tear"}),
        ("Am medialen Femurkondylus.", {"knee:medial femoral condyle"}),
        ("Mit perifokalem Ödem.", {"vasogenic edema"}),
        ("Subchondrale Zysten.", {"subchondral cyst"}),
        ("Kein Nachweis von Knochenmarködemen.", {"bone marrow edema"}),
        ("Perikarditiden.", {"pericarditis"}),
    ],
)
def test_sentences_are_read(text: str, read: set[str]) -> None:
    assert read <= meant(text)


def test_every_german_name_is_read_as_what_it_is_given_to() -> None:
    """Of a name that English or an earlier line has as something else, that."""
    table = vocabulary()
    for own, name in NAMES:
        assert concepts(name), (own, name)
    assert "de_further" not in {one for languages in table.local.values() for one in languages}


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("medialer meniskus", {"mediale meniskus", "medialen meniskus", "medialem meniskus"}),
        ("tiefe venenthrombose", {"tiefen venenthrombose", "tiefer venenthrombosen", "tiefen venenthrombosen"}),
        ("riss des innenmeniskus", set()),
        ("zyste der rathke-tasche", set()),
        ("bursitis", {"bursitiden"}),
        ("a. poplitea", set()),
    ],
)
def test_adjectives_and_nouns_take_their_endings(name: str, forms: set[str]) -> None:
    made = set(inflected(name))
    assert forms <= made
    assert forms or not made, made


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöüß", min_size=1, max_size=40))
def test_the_parts_of_any_word_lie_in_it_one_after_the_other(word: str) -> None:
    parts = compound(word, vocabulary().stems)
    assert [start for _, start, _ in parts][:1] in ([], [0])
    assert all(stop == start for (_, _, stop), (_, start, _) in pairwise(parts))
    assert not parts or parts[-1][2] == len(word)
