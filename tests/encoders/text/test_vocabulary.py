from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.encoders.language.terms import mentions
from spinecho.encoders.language.vocabulary import concept, concepts, looked_for, names, narrower, wider
from spinecho.encoders.language.vocabulary.spine_levels import position
from spinecho.encoders.language.vocabulary.table import VocabularyError, build, vocabulary
from spinecho.encoders.language.vocabulary.tokens import key_of

_SENTENCE = (
    "There is a large heterogeneously enhancing mass in the left frontal lobe with surrounding vasogenic oedema, "
    "midline shift of 8 mm to the right, effacement of the left lateral ventricle, tears of the medial and lateral "
    "menisci, at L4/5 and L5-S1 foraminal stenosis, no restricted diffusion or haemorrhage in the cerebellum or pons"
)


def _found(text: str) -> set[str]:
    return {mention.concept for mention in concepts(text)}


def test_every_name_is_read_as_its_concept_or_is_ambiguous() -> None:
    table = vocabulary()
    levels = {one for one in table.concepts if position(one) is not None or one.endswith(" root")}
    for one in table.concepts.values():
        if one.id in levels:
            continue
        for name in one.names:
            assert _found(name) == {one.id} or key_of(name) in table.ambiguous, (name, one.id, _found(name))


def test_kinds_and_parts_lead_nowhere_round() -> None:
    for ident in vocabulary().concepts:
        assert ident not in wider(ident), ident
        assert all(ident in narrower(one) for one in wider(ident)), ident


def test_every_concept_has_a_source_and_a_licence() -> None:
    for one in vocabulary().concepts.values():
        assert one.source, one.id
        assert one.licence, one.id
        assert one.names


def test_parents_are_of_the_same_kind() -> None:
    for one in vocabulary().concepts.values():
        assert all(getattr(concept(parent), "kind", "") == one.kind for parent in one.parents), one.id


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("haemorrhage", "hemorrhage"), ("oedema", "edema"), ("tumour", "tumor"), ("ischaemia", "ischemia"),
        ("haemangioma", "hemangioma"), ("oesophagus", "esophagus"), ("caecum", "cecum"),
        ("fibre tracking", "fiber tracking"),
        ("coeliac trunk", "celiac trunk"), ("disc protrusion", "disk protrusion"), ("foetus", "fetus"),
        ("leiomyoma", "leiomyomas"), ("grey matter", "gray matter"), ("sub-mandibular gland", "submandibular gland"),
        ("hyper-intense", "hyperintense"), ("hyper intense", "hyperintense"), ("extra-axial", "extraaxial"),
        ("temporo-mandibular joint", "temporomandibular joint"), ("Baker’s cyst", "Baker cyst"),
    ],
)  # fmt: skip
def test_spellings_are_read_alike(british: str, american: str) -> None:
    assert _found(british) == _found(american) != set()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("annular fissure", {"annular fissure"}),
        ("annular tear at L5/S1", {"annular fissure", "spine:L5/S1"}),
        ("Tarlov cyst", {"perineural cyst"}),
        ("epidural granulation tissue", {"epidural fibrosis"}),
        ("sequestrated disc", {"sequestration"}),
        ("uterine leiomyoma", {"fibroid"}),
        ("SLAP tear", {"slap tear"}),
        ("mass effect", {"mass effect"}),
        ("right ventricular (RV) enlargement", {"right ventricular dilatation", "heart:right ventricle"}),
        ("a parapharyngeal space occupying lesion", {"neck:parapharyngeal space", "mass"}),
        ("plaques of MS", {"multiple sclerosis"}),
        ("TR 500 ms, TE 20 ms", set()),
        ("altered MS", set()),
        ("severe MS with a thickened mitral valve", {"mitral stenosis", "thickening", "heart:mitral valve"}),
        ("PE protocol, pulmonary arteries", {"pulmonary embolism", "vessel:pulmonary artery"}),
        ("RA and RV are dilated", {"heart:right atrium", "heart:right ventricle", "dilatation"}),
        ("RA of the wrist with pannus", {"rheumatoid arthritis", "wrist:wrist"}),
        ("signal as seen before", set()),
    ],
)
def test_what_a_text_names(text: str, named: set[str]) -> None:
    assert _found(text) == named


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        ("tumour", "glioblastoma"), ("glioma", "glioblastoma"), ("mass", "known glioblastoma"), ("tear", "SLAP tear"),
        ("labral tear", "SLAP tear"), ("meniscal tear", "The medial meniscus is torn."),
        ("haemorrhage", "microbleeds"),
        ("meniscal tear", "bucket-handle tear"), ("brain tumour", "a tumour of the frontal lobe"),
        ("infarct", "lacunes"), ("disc herniation", "extrusion"),
        ("effusion", "pericardial effusion"), ("cancer", "brain metastases"),
        ("rotator cuff tear", "supraspinatus tear"),
    ],
)  # fmt: skip
def test_a_narrower_finding_mentions_the_wider_and_never_the_reverse(term: str, sentence: str) -> None:
    assert mentions(term, sentence)
    assert not mentions(sentence, term)


def test_names() -> None:
    assert names("glioblastoma")[0] == "glioblastoma"
    assert "gbm" in names("glioblastoma")
    assert names("no such thing") == ()
    assert {"hematoma", "bleed"} <= set(looked_for("hemorrhage"))
    assert "glioblastoma" not in looked_for("tumor")
    assert {"glioma", "tumor", "mass"} <= wider("glioblastoma")
    assert "glioblastoma" in narrower("tumor")


@pytest.mark.parametrize(
    "lines", [["a", "a"], ["a | b", "c | b"], ["a < no such"], ["a & no such"], ["x ? no such : word"], ["..."]]
)
def test_mistakes_in_the_data_are_told(lines: list[str]) -> None:
    with pytest.raises(VocabularyError):
        build(lines)


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    for mention in concepts(text):
        assert 0 <= mention.start < mention.stop <= len(text)
        assert mention.concept in vocabulary().concepts


def test_a_sentence_is_read_in_under_a_millisecond() -> None:
    concepts(_SENTENCE)
    took = []
    for n in range(50):
        text = f"{_SENTENCE} {n}"
        before = time.perf_counter()
        concepts(text)
        took.append(time.perf_counter() - before)
    assert sorted(took)[10] < 0.002  # under a millisecond on an idle core


def test_nothing_is_loaded_before_it_is_needed() -> None:
    code = (
        "from spinecho.encoders.language import expand, places, terms\n"
        "from spinecho.encoders.language.vocabulary.table import vocabulary\n"
        "assert vocabulary.cache_info().currsize == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
