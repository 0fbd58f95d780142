"""A name of the vocabulary may be an everyday word of another language; there it names nothing."""

# ruff: noqa: E501 - lists of words

from __future__ import annotations

import pytest
from labelled_reports import LANGUAGES, written

from benchmarks.languages import false_names
from spinecho.encoders.language.findings import wish
from spinecho.encoders.language.function_words import FUNCTION_WORDS
from spinecho.encoders.language.vocabulary import concepts
from spinecho.encoders.language.vocabulary.everyday import _ELSEWHERE

AROUND = {
    "de": "nicht {} bei einer", "fr": "pas {} dans une", "es": "sin {} en una", "pt": "sem {} em uma",
    "it": "non {} con una", "nl": "geen {} bij een", "pl": "nie {} do oraz", "tr": "ve {} bir için", "sv": "och {} ett är",
}  # fmt: skip
FURTHER = {
    "de": "aus nach es er sie wir ich man nur bis ab vor über unter durch seit hat haben kann da dass wie wo wenn aber doch schon"
    " sehr gut mehr alt ja hier dann alle andere diese dieser ihr sein seiner je etwa kaum gering sah lag fand den dem als frage fall",
    "fr": "il elle a ont été être se sa son ses y qui que dont mais si car or donc comme chez vers ainsi très bien peu tout"
    " même autre as ai mes ton nos lui fait là par la est côté côtés augmenté augmentée absence",
    "es": "lo unos e fue si sí ya muy tan este esa esto le les me te mi tu nos ante bajo desde hasta sobre tras pero otra poco"
    " bien mal va ver da tres aún la ha he",
    "pt": "uns ao seu sua nem já muito este lhe me te sob entre até mas ser está outro mesmo bem vai dá com",
    "it": "gli dello ai dai sul tra fra e ma ha poco bene male anche solo suo sua tutto altra la",
    "nl": "uit om te dan die nog wel al maar want door over zo meer zeer goed heeft had kan zich hij men met als",
}  # fmt: skip
"""More of what holds sentences together, beyond what the reader goes by."""
SAME = {"normal", "lesion", "lesión", "lésion", "lesione", "lesão", "left", "right", "links", "rechts", "hypersignal", "izquierda",
        "izquierdo", "derecha", "derecho", "gauche", "droite", "droit", "normale", "beidseits", "esquerda", "direita", "sinistra",
        "destra", "normaal", "unauffällig", "regelrecht"}  # fmt: skip
"""Words that mean in each language what they name."""


@pytest.mark.parametrize("language", AROUND)
def test_words_that_hold_sentences_together_name_nothing(language: str) -> None:
    words = (FUNCTION_WORDS[language] | set(FURTHER.get(language, "").split())) - SAME
    named = {}
    for word in sorted(words):
        for form in (word, word.capitalize()):
            text = AROUND[language].format(form)
            if found := [one.concept for one in concepts(text) if text[one.start : one.stop] == form]:
                named[form] = found
    assert named == {}


@pytest.mark.parametrize("word", sorted(set(_ELSEWHERE) - {"pad", "com", "av"}))
def test_in_the_letters_of_an_abbreviation_or_alone_they_are_names(word: str) -> None:
    assert concepts(word)
    if word != "gut":
        assert concepts(f"Verdacht auf {word.upper()} ohne Progress")


@pytest.mark.parametrize(
    ("text", "findings", "places"),
    [
        ("Befund am ehesten als Zeichen einer Gliose", {"gliosis"}, set()),
        ("in den Basalganglien", set(), {"brain:basal ganglia"}),
        ("gut abgrenzbarer Herd rechts frontal", {"lesion"}, {"brain:frontal"}),
        ("oclusión de la arteria basilar", {"occlusion"}, {"vessel:basilar artery"}),
        ("INFARTO DE LA RODILLA", {"infarct"}, {"knee:knee"}),
        ("rupture de la coiffe", {"rotator cuff tear"}, {"shoulder:rotator cuff"}),
        ("Kann mit einer Metastase vereinbar sein", {"metastasis"}, set()),
        ("criteria of response were met", set(), set()),
        ("suspected als with weakness", {"amyotrophic lateral sclerosis", "muscle weakness"}, set()),
        ("spontaneous sah", {"subarachnoid hemorrhage"}, {"brain:subarachnoid space"}),
        ("thrombus in the la appendage", {"thrombosis"}, {"heart:left atrium"}),
        ("gut malrotation", {"malrotation"}, {"abdomen:bowel"}),
        ("tumeur du sein", {"tumor"}, {"breast"}),
        ("la rate est homogène", set(), {"abdomen:spleen"}),
        ("heart rate", set(), {"heart"}),
    ],
)
def test_the_words_around_tell_which_it_is(text: str, findings: set[str], places: set[str]) -> None:
    found = wish(text)
    assert (set(found.findings), set(found.places)) == (findings, places)


@pytest.mark.parametrize(
    "texts",
    [
        ("infarct in the left MCA territory", "Infarkt im Mediastromgebiet links", "infarctus du territoire sylvien gauche",
         "infarto en territorio de la arteria cerebral media izquierda"),
        ("temporal lobe atrophy", "Atrophie des Schläfenlappens", "atrophie du lobe temporal", "atrofia del lóbulo temporal"),
        ("thrombus in the left atrium", "Thrombus im linken Vorhof", "thrombus de l'oreillette gauche",
         "trombo en la aurícula izquierda"),
        ("edema of the scaphoid", "Ödem des Kahnbeins", "œdème du scaphoïde", "edema del escafoides"),
        ("cyst of the pancreatic tail", "Zyste des Pankreasschwanzes", "kyste de la queue du pancréas",
         "quiste de la cola del páncreas"),
        ("edema of the femoral head", "Ödem des Hüftkopfes", "œdème de la tête fémorale", "edema de la cabeza femoral"),
    ],
)  # fmt: skip
def test_four_languages_name_one_finding_at_one_place(texts: tuple[str, ...]) -> None:
    first, *others = map(wish, texts)
    for text, other in zip(texts[1:], others, strict=True):
        assert (other.findings, other.places) == (first.findings, first.places), text


@pytest.mark.parametrize(
    ("text", "findings", "places"),
    [
        ("Fraktur BWK 12", {"fracture"}, {"spine:T12"}),
        ("Protrusion HWK 5/6", {"disc protrusion"}, {"spine:C5/6"}),
        ("anal fissure", set(), {"pelvis:anus"}),
        ("fissure de la corne postérieure du ménisque", {"meniscal tear"}, {"knee:meniscus"}),
        ("fissure of the patellar cartilage", {"chondromalacia"}, {"knee:patella"}),
        ("uterine fibroid, intramural", {"fibroid"}, {"pelvis:uterus"}),
        ("Syndrome du canal carpien", {"carpal tunnel syndrome"}, {"wrist:carpal tunnel"}),
    ],
)
def test_what_reports_of_other_countries_call_it(text: str, findings: set[str], places: set[str]) -> None:
    found = wish(text)
    assert findings <= set(found.findings)
    assert set(found.findings) - findings <= {"protrusion"}
    assert places <= set(found.places)
    assert not {one for one in found.places if one.startswith("heart:")}


LEFT_ATRIUM, CALF, RIB, SPLEEN = "heart:left atrium", "limb:calf", "chest:rib", "abdomen:spleen"


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (
            "metastasis",
            (
                "solitary met",
                "new met",
                "possible met",
                "suspicious for met",
                "met at L3",
                "met in the femur",
                "Met in femur",
                "brain met",
            ),
        ),
        (
            "amyotrophic lateral sclerosis",
            ("suspected als", "history of als", "rule out als", "fasciculations, als", "als patients", "familial als"),
        ),
        (
            LEFT_ATRIUM,
            (
                "la appendage",
                "la volume",
                "la diameter",
                "la function",
                "la pressure",
                "dilated la",
                "LA emptying rate",
            ),
        ),
        (RIB, ("fracture de côte", "les côtes", "une côte droite")),
        (SPLEEN, ("la rate est normale", "rate homogène sans lésion", "lésion de la rate")),
        ("pelvis:rectum", ("tumor de recto", "el recto y el sigma")),
        ("abdomen:appendix", ("el apéndice", "apéndice cecal")),
        ("elbow:elbow", ("fracture du coude", "coude")),
        (CALF, ("Muskelfaserriss in der Wade", "Wade links")),
        ("heart:aortic valve", ("AV regurgitation", "AV calcification", "heart: AV thickened, MV normal")),
    ],
)
def test_what_names_something(names: str, texts: tuple[str, ...]) -> None:
    lost = [text for text in texts if not any(one.concept.endswith(names) for one in concepts(text))]
    assert lost == []


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        ("metastasis", ("criteria were met", "lesion met RECIST criteria", "patients who met the criteria")),
        (
            "amyotrophic lateral sclerosis",
            ("als Metastase", "als Residuum", "Meningeom als DD", "Befund als Zeichen einer Gliose"),
        ),
        (
            LEFT_ATRIUM,
            ("la prostate", "la hernia discal L4-L5", "La fracture", "la tibia", "de la rodilla", "LA RODILLA"),
        ),
        (RIB, ("hernie discale du côté gauche", "côté droit", "des deux côtés", "de l'autre côté", "DU COTE GAUCHE")),
        (
            SPLEEN,
            (
                "growth rate of pancreas cyst",
                "flow rate 3 ml/s, pancreas normal",
                "Heart rate 60 bpm, LA dilated",
                "LA emptying rate",
            ),
        ),
        ("pelvis:rectum", ("músculo recto lateral", "recto abdominal", "ángulo recto")),
        ("abdomen:appendix", ("apéndice xifoides", "apéndice auricular")),
        (
            "abdomen:bowel",
            ("Nieren gut abgrenzbar", "Pankreas gut abgrenzbar", "gut perfundierte Niere", "NIEREN GUT ABGRENZBAR"),
        ),
        ("elbow:elbow", ("coude catheter",)),
        (CALF, ("Mrs Wade", "Wade Smith")),
        ("foot:foot", ("PIE of the lung",)),
        ("brain:insula", ("Insel Krankenhaus", "Langerhans insel")),
        ("brain:pons", ("Dr. Pont", "pont osseux")),
        ("abdomen:sigmoid colon", ("3 sigma", "2 sigma above the mean")),
        ("pelvis:vagina", ("Scheide der Sehne",)),
        ("limb:quadriceps muscle", ("segment droit antérieur du foie", "foyer frontal droit antérieur")),
        ("vessel:straight sinus", ("sinus droit et gauche",)),
    ],
)
def test_what_names_nothing_there(names: str, texts: tuple[str, ...]) -> None:
    false = [text for text in texts if any(one.concept == names for one in concepts(text))]
    assert false == []


@pytest.mark.parametrize(
    ("text", "findings", "places"),
    [
        ("Pas de SEP", {"multiple sclerosis"}, set()),
        ("PAS DE SEP, SANS FRACTURE", {"multiple sclerosis", "fracture"}, set()),
        ("No se observan signos de EM", {"multiple sclerosis"}, set()),
        ("Le LCA est continu", set(), {"knee:ACL"}),
        ("VKB und Patella sind nicht verletzt", set(), {"knee:ACL", "knee:patella"}),
        ("Distances measured on 12 Sep", set(), set()),
        ("electron microscopy (EM) of the specimen", set(), set()),
        ("em exame de controle sem contraste", set(), set()),
        ("le segment antérieur est vg", set(), set()),
        ("LCA territory", set(), set()),
    ],
)
def test_an_abbreviation_of_one_language_is_a_name_in_capitals_among_its_words_alone(
    text: str, findings: set[str], places: set[str]
) -> None:
    found = wish(text)
    assert findings == set(found.findings)
    assert {"knee:ACL", "heart:left ventricle"}.isdisjoint(set(found.places) - places)
    assert places <= set(found.places)


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_sentences_are_read_as_nothing_that_they_do_not_speak_of(language: str) -> None:
    pool = [one for one in written("written") if one.language == language]
    assert len(pool) == 60
    assert [
        f"{what.concept}: {one.text[what.start : what.stop]!r} of {one.text!r}"
        for one in pool
        for what in false_names(one)
    ] == []
