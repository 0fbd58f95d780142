"""The mark beside a sentence: what it says of what was asked, and nothing where it says nothing of that."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import DemoHome, ask, listed, opened, private_home
from streamlit.testing.v1 import AppTest


@pytest.fixture
def page(demo_home: DemoHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    return opened(private_home(demo_home.home, tmp_path, monkeypatch), monkeypatch)


def shown(page: AppTest, words: str) -> list[dict[str, object]]:
    return [one for hit in listed(ask(page, words))["hits"] for one in hit["sentences"]]


def test_a_sentence_without_a_word_of_what_was_asked_carries_no_mark(page: AppTest) -> None:
    sentences = shown(page, "chest x-ray")
    assert sentences
    assert not [one for one in sentences if one["assertion"] and not any(piece["hit"] for piece in one["pieces"])]  # type: ignore[attr-defined]


def test_a_list_shows_what_its_reports_say_with_their_marks(page: AppTest) -> None:
    assert any(one["assertion"] for one in shown(page, "sex:F"))


def test_no_study_left_is_told_in_words_of_the_page(page: AppTest) -> None:
    ask(page, "lesion in a child of 3 years")
    (note,) = [note for note in listed(page)["notes"] if "no study fits" in note]
    assert "--" not in note
