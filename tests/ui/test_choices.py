"""What is chosen is what was meant, though others are called the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import DemoHome, calm, page_of, private_home

from spinecho.db.people.saved import keep, remember
from spinecho.db.schema.database import Database
from spinecho.ui.views.session.choices import told_apart


@given(st.dictionaries(st.integers(), st.sampled_from(["a", "a (2)", "a (2) (2)", "b", ""])))
def test_no_two_labels_are_alike_and_who_comes_first_keeps_theirs(labels: dict[int, str]) -> None:
    found = told_apart(labels)
    assert list(found) == list(labels)
    assert len(set(found.values())) == len(labels)
    assert all(found[one].startswith(label) for one, label in labels.items())
    if labels:
        first = next(iter(labels))
        assert found[first] == labels[first]


def test_each_of_the_searches_that_are_called_the_same_is_opened(
    demo_home: DemoHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit knows what was chosen by its label: the first of two opened the second, with its filter."""
    home = private_home(demo_home.home, tmp_path, monkeypatch)
    database = Database.open(home / "spinecho.sqlite")
    for sex in "MF":
        asked = {"words": "lesion", "want": "study", "k": 10, "filters": {"sex": [sex]}}
        keep(database, remember(database, "ada", asked), "ada", name="mine", shared=False)
    opened = []
    for place in (0, 1):
        page = calm(page_of("search").run())
        page.session_state["saved"] = True
        calm(page.run())
        calm(page.selectbox(key="saved-open").select_index(place).run())
        opened += page.session_state["sex"]
    assert sorted(opened) == ["F", "M"]
