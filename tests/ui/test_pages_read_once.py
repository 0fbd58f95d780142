"""What drawing the search page costs the database: a list that is drawn again is shown from the hits that are held."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pages import acts, ask, calm, listed, opened
from sqlalchemy import event
from sqlalchemy.engine import Engine

FIRST, AGAIN, NARROWED = 70, 30, 75
"""Statements at most: of a question with its list and counts, of the same drawn again, of another filter for it."""


@contextmanager
def counted() -> Iterator[list[str]]:
    """What is sent to any database of this process within the block, but what is asked once in some seconds."""
    found: list[str] = []

    def hear(_: Any, __: Any, statement: str, *___: Any) -> None:
        if " FROM serving " not in statement.replace("\n", " "):  # which encoder serves: by the clock, not by drawings
            found.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def test_a_list_that_is_drawn_again_reads_no_hit_and_no_picture(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(home, monkeypatch)
    with counted() as first:
        ask(page, "lesion")
    shown = listed(page)["hits"]
    with counted() as again:
        calm(page.run())
    assert listed(page)["hits"] == shown
    assert all(series["png"] for hit in shown for series in hit["series"])
    of_pictures = [[one for one in sent if "thumbnail" in one.casefold()] for sent in (first, again)]
    assert (len(of_pictures[0]), len(of_pictures[1])) == (1, 0)
    assert len(first) <= FIRST, first
    assert len(again) <= AGAIN, again
    told = {(act.subject, *act.facts.items()) for act in acts(home, "list")}
    assert len(told) == 1, "each drawing of it is told alike"
    with counted() as narrowed:
        calm(page.multiselect(key="sequence").set_value(["T1"]).run())
    assert len(narrowed) <= NARROWED, narrowed
    with closing(sqlite3.connect(home / "spinecho.sqlite")) as database:
        numbers = dict(database.execute("SELECT uid, id FROM studies"))
    assert numbers == {hit["uid"]: hit["study"] for hit in shown}
