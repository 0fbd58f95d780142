"""Searches under tokens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spinecho.db.people.saved import NoSuchSearch, keep, named, recall, recent, remember
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location


@pytest.fixture
def database(location: Location) -> Iterator[Database]:
    opened = Database.open(location)
    yield opened
    opened.close()


def test_the_same_search_has_the_same_token_and_no_word_of_it(database: Database) -> None:
    one = remember(database, "ada", {"words": "left lesion"})
    assert remember(database, "ada", {"words": "left lesion"}) == one
    assert remember(database, "ada", {"words": "right lesion"}) != one
    assert remember(database, "grace", {"words": "left lesion"}) != one
    assert "lesion" not in one
    assert recall(database, one, "ada").asked == {"words": "left lesion"}
    assert [saved.asked["words"] for saved in recent(database, "ada")] == ["right lesion", "left lesion"]


def test_only_the_owner_names_and_shares(database: Database) -> None:
    token = remember(database, "ada", {"words": "lesion"})
    for user in ("grace", ""):
        with pytest.raises(NoSuchSearch):
            recall(database, token, user)
        with pytest.raises(NoSuchSearch):
            keep(database, token, user, name="mine now", shared=True)
    keep(database, token, "ada", name="  lesions ", shared=True)
    assert [saved.name for saved in named(database, "grace")] == ["lesions"]
    assert recall(database, token, "grace").owner == "ada"


def test_searches_without_a_name_are_forgotten_in_time_and_named_ones_are_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spinecho.db.people.saved._KEPT", 3)
    first = remember(database, "ada", {"words": "0"})
    keep(database, first, "ada", name="kept", shared=False)
    tokens = [remember(database, "ada", {"words": str(number)}) for number in range(1, 7)]
    assert len(recent(database, "ada", 100)) <= 5
    assert recall(database, first, "ada").name == "kept"
    assert recall(database, tokens[-1], "ada")
    with pytest.raises(NoSuchSearch):
        recall(database, tokens[0], "ada")
