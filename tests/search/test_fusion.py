from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.db.values import PassageCard
from spinecho.search.channels.found import Found, PassageHit
from spinecho.search.fusion import FusionError, Weights, fused

WEIGHTS = Weights(sentences=2, scans=1, words=1, named=0)


def found(**scores: float) -> Found:
    made = Found({int(key.lstrip("s")): score for key, score in scores.items()}, searched=len(scores))
    for key in made.scores:
        made.evidence[key].note("x", 0.5)
    return made


def test_each_channel_counts_by_how_sure_it_is() -> None:
    sentences, scans = found(s1=1.0, s2=0.5, s3=0.5001), found(s1=0.8, s4=0.7, s2=0.1, s3=0.1)
    both = fused({"sentences": sentences, "scans": scans}, WEIGHTS)
    assert both.scores[1] == pytest.approx(1.0)  # the question itself, and the first by scans
    assert both.scores[2] == pytest.approx(both.scores[3])  # fp16 cannot tell their scores apart
    assert both.scores[4] == pytest.approx(4 / 5 / 3)  # scans count by rank, half of what sentences do
    assert len({round(4 / (3 + place) / 10, both.decimals) for place in range(1, 400)}) == 399  # ranks survive rounding


def test_what_unrelated_questions_reach_counts_nothing() -> None:
    parts = {"sentences": found(s1=0.4, s2=0.7), "scans": found(s1=0.15, s3=0.3)}
    both = fused(parts, WEIGHTS, floors={"sentences": 0.4, "scans": 0.2})
    assert both.scores == {1: 0.0, 2: pytest.approx(0.5 * 2 / 3), 3: pytest.approx(1 / 3)}


def test_scans_count_little_where_a_finding_is_asked_for_and_all_where_they_are_alone() -> None:
    parts = {"sentences": found(s1=1.0), "scans": found(s2=0.9)}
    for finding, share in ((False, 1 / 3), (True, 0.1 / 2.1)):
        assert fused(parts, WEIGHTS, finding=finding).scores[2] == pytest.approx(share)
    assert fused({"scans": found(s2=0.9)}, WEIGHTS, finding=True).scores[2] == pytest.approx(1.0)


def test_a_sentence_that_names_what_is_asked_raises_its_study() -> None:
    card = PassageCard(7, 1, 1, None, None, "findings", "A mass.", "present", frozenset())
    part = found(s1=0.5, s2=0.5)
    part.evidence[1].passages.append(PassageHit(card, 0.5, nears=1.0))
    part.evidence[2].passages.append(PassageHit(card, 0.5, "absent", nears=1.0))
    scores = fused({"sentences": part}, replace(WEIGHTS, named=2)).scores
    assert scores == {1: pytest.approx(0.75), 2: pytest.approx(0.375)}


def test_a_channel_that_found_nothing_or_counts_nothing_takes_no_part() -> None:
    alone = fused({"sentences": found(s1=0.9), "words": Found()}, WEIGHTS)
    assert alone.scores == {1: pytest.approx(0.9)}
    muted = fused({"sentences": found(s1=0.9), "words": found(s2=0.9)}, replace(WEIGHTS, words=0))
    assert muted.scores.keys() == {1}


def test_a_sentence_that_two_channels_found_is_shown_once_with_both_figures() -> None:
    card = PassageCard(7, 1, 1, None, None, "findings", "A mass.", "present", frozenset())
    one, other = found(s1=0.9), found(s1=0.4)
    one.evidence[1].passages.append(PassageHit(card, 0.8))
    other.evidence[1].passages.append(PassageHit(card, None, words=0.6))
    (passage,) = fused({"sentences": one, "words": other}, WEIGHTS).evidence[1].passages
    assert (passage.similarity, passage.words) == (0.8, 0.6)


@given(
    st.lists(st.dictionaries(st.integers(1, 30), st.floats(-1, 1), max_size=20), min_size=3, max_size=3),
    st.tuples(*[st.floats(0, 5)] * 3).filter(any),
)
def test_scores_stay_within_bounds_and_nothing_that_counts_is_lost(parts: list[dict], weights: tuple) -> None:
    names = ("sentences", "scans", "words")
    given_weights = Weights(*weights)
    made = fused({name: Found(part) for name, part in zip(names, parts, strict=True)}, given_weights)
    wanted = set().union(*(part for part, weight in zip(parts, weights, strict=True) if weight > 0))
    assert made.scores.keys() == wanted
    assert all(0 <= score <= 1 + 1e-9 for score in made.scores.values())


@pytest.mark.parametrize(
    "content",
    [
        "{", "[]", "{}", '{"weights": {}}', '{"weights": {"sentences": 1, "scans": 1, "words": 1, "sents": 1}}',
        '{"weights": {"sentences": "1", "scans": 1, "words": 1}}',
        '{"weights": {"sentences": -1, "scans": 1, "words": 1}}',
        '{"weights": {"sentences": 0, "scans": 0, "words": 0, "like": 0}}',
        '{"weights": {"sentences": NaN, "scans": 1, "words": 1}}',
    ],
)  # fmt: skip
def test_weights_that_cannot_be_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "fusion.json").write_text(content)
    with pytest.raises(FusionError):
        Weights.load(tmp_path / "fusion.json")


def test_a_home_may_overrule_the_weights_that_ship(tmp_path: Path) -> None:
    assert Weights.load(tmp_path / "none.json") == Weights.load()
    (tmp_path / "fusion.json").write_text(json.dumps({"weights": {"sentences": 1, "scans": 0, "words": 3}}))
    assert Weights.load(tmp_path / "fusion.json").words == 3
