"""What keeps a text query short: the shortcuts answer as the long way does."""

from __future__ import annotations

import numpy as np
import pytest

from spinecho.db.reports.full_text import Match
from spinecho.search.channels import lexical
from spinecho.search.channels.lexical import Words, unheard
from spinecho.search.channels.retrieve import _held


@pytest.mark.parametrize("many", [0, 1, 7, 500])
def test_ids_are_found_among_sorted_ones_as_isin_finds_them(many: int) -> None:
    random = np.random.default_rng(many)
    among = np.unique(random.integers(1, 1000, many))
    ids = random.integers(0, 1005, 200)
    assert np.array_equal(_held(ids, among), np.isin(ids, among))
    assert _held(ids[:0], among).shape == (0,)


def test_what_the_answer_says_word_for_word_is_not_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[Match] = []

    def nothing(_: object, matches: list[Match], *, most: int) -> list[int]:
        counted.extend(matches)
        return [0 for _ in matches]

    monkeypatch.setattr(lexical, "count_each", nothing)
    words = Words((("infarct", "stroke"), ("left", "links"), ("frontal lobe",), ("lobe*",), ("öde",)))
    passages = ["Old STROKE; left-sided. Frontal lobes spared, öde."]
    never = unheard(None, words, passages=passages)  # type: ignore[arg-type]
    assert never == ("frontal lobe", "lobe*", "öde")  # "lobes" is not "lobe" word for word, so full text decides
    assert len(counted) == 3


def test_a_hyphenated_word_that_nothing_says_is_named_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexical, "count_each", lambda _, matches, *, most: [0 for _ in matches])
    words = Words((("chest",), ("x",), ("ray",)))
    assert unheard(None, words, "Chest X-ray") == ("Chest", "X-ray")  # type: ignore[arg-type]
    assert unheard(None, words, "Chest x ray") == ("Chest", "x", "ray")  # type: ignore[arg-type]
    assert unheard(None, words, "x-ray of chest, ray") == ("chest", "x-ray", "ray")  # type: ignore[arg-type]
