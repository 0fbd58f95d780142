"""French names: a finding and its place in one phrase, words that two organs share, and the files of a language."""

from __future__ import annotations

import pytest

from spinecho.encoders.language.vocabulary import concepts, meant
from spinecho.encoders.language.vocabulary.table import DATA, vocabulary


@pytest.mark.parametrize(
    ("phrase", "finding", "place"),
    [
        ("Fissure du ménisque interne", "tear", "knee:medial meniscus"),
        ("Fissure méniscale externe", "tear", "knee:lateral meniscus"),
        ("Rupture du ligament croisé antérieur", "tear", "knee:ACL"),
        ("Rupture du ligament collatéral médial", "tear", "knee:MCL"),
        ("Rupture du tendon d'Achille", "tear", "ankle:achilles"),
        ("Rupture du sus-épineux", "tear", "shoulder:supraspinatus"),
        ("Tendinopathie achilléenne", "tendinopathy", "ankle:achilles"),
        ("Épanchement du genou", "joint effusion", "knee:knee"),
        ("Fracture du bassin", "fracture", "pelvis"),
        ("Adénopathies inguinales", "lymphadenopathy", "pelvis:inguinal"),
        ("Sténose du tronc coeliaque", "stenosis", "vessel:celiac artery"),
        ("Sténose du tronc cœliaque", "stenosis", "vessel:celiac artery"),
    ],
)
def test_a_finding_and_its_place_in_one_phrase_are_both_read(phrase: str, finding: str, place: str) -> None:
    assert {finding, place} <= meant(phrase)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Amygdales palatines symétriques.", "neck:palatine tonsil"),
        ("Amygdales et langue sans anomalie.", "neck:palatine tonsil"),
        ("Ptose des amygdales cérébelleuses.", "tonsillar ectopia"),
        ("Amygdale et hippocampe gauches.", "brain:amygdala"),
        ("Selle turcique vide.", "empty sella"),
        ("L'appendice est fin.", "abdomen:appendix"),
        ("Dilatation du bassinet droit.", "abdomen:renal pelvis"),
    ],
)
def test_words_that_organs_share_are_told_apart(text: str, read: str) -> None:
    assert read in {one.concept for one in concepts(text)}


@pytest.mark.parametrize("text", ["Douleur cotée à 6 sur 10.", "Du côté gauche, rien à signaler.", "IRM cotées."])
def test_everyday_words_are_no_rib(text: str) -> None:
    assert "chest:rib" not in {one.concept for one in concepts(text)}


def test_every_file_of_a_language_is_read() -> None:
    for path in (DATA / "languages").glob("fr_*.txt"):
        listed = [line.split(" = ") for line in path.read_text(encoding="utf-8").splitlines() if " = " in line]
        for _, names in listed[1:]:
            first = names.split(" | ")[0]
            assert first.endswith("^") or concepts(first), first
    assert "fr_further" not in {one for languages in vocabulary().local.values() for one in languages}
