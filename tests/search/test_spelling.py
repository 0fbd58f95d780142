"""Spelling: what is corrected, what never is, and how the answer says so."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import Home

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.encoders.language.vocabulary.table import vocabulary
from spinecho.search.engine import Engine
from spinecho.search.planning import fact_spelling, term_words
from spinecho.search.planning.spelling import Spelling
from spinecho.search.query import TextQuery

SCANS = [
    Scan(1, "FINDINGS: Meningioma of the left temporal convexity with a dural tail."),
    Scan(2, "FINDINGS: Acute infarct of the right occipital lobe.", sex="M"),
    Scan(3, "FINDINGS: Ganglioglioma of the hippocampus. Cortical dysplasia with a transmantle sign."),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    home = Home(tmp_path_factory.mktemp("home"))
    home.index(write_scans(tmp_path_factory.mktemp("scans"), SCANS))
    return home.engine()


def taken(engine: Engine, typed: str) -> list[tuple[str, str]]:
    return [(one.typed, one.taken) for one in engine.plan(TextQuery(typed)).corrections]


@pytest.mark.parametrize(
    ("typed", "pairs"),
    [
        ("meningeoma left temporl", [("meningeoma", "meningioma"), ("temporl", "temporal")]),
        ("infract", [("infract", "infarct")]),  # two letters changed places
        ("Menigioma", [("Menigioma", "Meningioma")]),
        ("transmantel sign", [("transmantel", "transmantle")]),  # a word of the archive alone
        ("no hemorage", [("hemorage", "hemorrhage")]),
        ("-menengioma", [("menengioma", "meningioma")]),
        ("women over 60 with meningeoma", [("meningeoma", "meningioma")]),
    ],
)
def test_unknown_words_are_taken_for_the_nearest_known_ones(
    engine: Engine, typed: str, pairs: list[tuple[str, str]]
) -> None:
    assert taken(engine, typed) == pairs


@pytest.mark.parametrize(
    "typed",
    [
        '"meningeoma"', "meningeom*", "description:meningeoma", "RX2023000", "12345x", "T2", "gbm", "spleen",
        "atrial fibrillation", "a recipe for apple pie", "meningioma", "haemorrhage", "tumour", "oedema", "infarcts",
        "ischaemic", "temporal", "Tarlov", "glioma", "football results of the league", "שלום עולם", "Hirntumor",
    ],
)  # fmt: skip
def test_what_is_known_quoted_or_no_word_stays_as_it_is(engine: Engine, typed: str) -> None:
    assert taken(engine, typed) == []


def test_the_answer_is_for_the_corrected_words_says_so_and_offers_the_original(engine: Engine) -> None:
    results = engine.search(TextQuery("meningeoma left temporl"))
    assert results.hits[0].study is not None
    assert results.hits[0].study.uid == SCANS[0].uid
    assert results.query["wanted"] == "meningioma left temporal"
    assert results.query["text"] == "meningeoma left temporl"
    assert results.query["corrected"] == [
        {"typed": "meningeoma", "taken": "meningioma"}, {"typed": "temporl", "taken": "temporal"}
    ]  # fmt: skip
    assert results.plan is not None
    assert results.plan.corrected == "meningioma left temporal"
    assert results.hits[0].passages[0].highlights
    kept = engine.search(TextQuery("meningeoma left temporl", as_typed=True))
    assert kept.query["wanted"] == "meningeoma left temporl"
    assert kept.query["corrected"] == []


def test_exclusions_go_by_the_corrected_word(engine: Engine) -> None:
    results = engine.search(TextQuery("no meningeoma"))
    assert SCANS[0].uid not in [hit.study.uid for hit in results.hits if hit.study]
    assert len(results.hits) == 2


def test_no_name_of_the_vocabulary_is_taken_for_another_in_any_language(engine: Engine) -> None:
    """`Hirninfarkt` is one letter from `Herzinfarkt`, which is another organ's."""
    every = {name for one in vocabulary().concepts.values() for name in (*one.names, *one.elsewhere)}
    words = sorted({word for name in every for word in re.findall(r"[^\W\d_]{5,}", name)})
    assert len(words) > 3000
    spelling = Spelling(engine.database)
    wrong = {word: found for word in words if (found := spelling.corrections(word))}
    assert not wrong


@pytest.mark.parametrize(
    ("typed", "pairs", "condition"),
    [
        ("wimen with meningeoma", [("wimen", "women"), ("meningeoma", "meningioma")], 'sex="F"'),
        ("meningeoma in a femal patient", [("meningeoma", "meningioma"), ("femal", "female")], 'sex="F"'),
        ("saggital", [("saggital", "sagittal")], 'plane="sagittal"'),
    ],
)
def test_a_misspelt_word_of_a_fact_is_mended_told_and_kept_as_typed(
    engine: Engine, typed: str, pairs: list[tuple[str, str]], condition: str
) -> None:
    plan = engine.plan(TextQuery(typed))
    assert [(one.typed, one.taken) for one in plan.corrections] == pairs
    assert [one["where"] for one in plan.as_json()["offers"]] == [condition]
    assert all(typed[one.start : one.stop] == one.typed for one in plan.corrections)
    assert plan.query.wanted == ("sagittal" if typed == "saggital" else "meningioma")  # none here is sagittal
    kept = engine.plan(TextQuery(f"{typed} infarct", as_typed=True))
    assert (kept.corrections, kept.offers) == ((), ())
    assert typed in kept.query.wanted


def test_a_mended_word_of_a_fact_that_is_turned_off_is_asked_as_mended(engine: Engine) -> None:
    plan = engine.plan(TextQuery("meningioma axail", off=("axail",)))
    assert [(one.key, one.on) for one in plan.offers] == [("axail", False)]
    assert plan.query.wanted == "meningioma axial"
    assert plan.corrected == "meningioma axial"


def test_no_word_of_another_language_takes_the_slips_of_a_word_of_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names in other languages come by the thousand: Spanish "sagital" had made "saggital" a word of its own."""
    slips = {slip for word in sorted(fact_spelling.FACT_WORDS) for slip in _slips_of(word) if len(slip) >= 5}
    every = {slip: fact_spelling.fact_word_meant(slip) for slip in slips}
    fact_spelling.fact_word_meant.cache_clear()
    english = [word for word in sorted(term_words.english_words()) if len(word) >= term_words.LEAST]
    by_letter = {letter: tuple(one for one in english if one[0] == letter) for letter in {one[0] for one in english}}
    stems = frozenset(map(fact_spelling._stem, term_words.english_words()))
    monkeypatch.setattr(fact_spelling, "term_words", lambda: by_letter)
    monkeypatch.setattr(fact_spelling, "term_stems", lambda: stems)
    alone = {slip: fact_spelling.fact_word_meant(slip) for slip in slips}
    fact_spelling.fact_word_meant.cache_clear()
    assert sum(map(bool, alone.values())) > 1500
    assert {slip for slip in slips if alone[slip] != every[slip]} <= {"excluing"}, "of one word there is a name as near"


def _slips_of(word: str) -> Iterator[str]:
    """A letter doubled, left out, or in the next one's place; never the first."""
    for at in range(1, len(word)):
        yield word[:at] + word[at] + word[at:]
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
