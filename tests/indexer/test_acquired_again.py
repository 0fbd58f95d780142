"""Facts that older rules derived come right from stored headers, with their columns and the sentence that says them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of
from sqlalchemy import select

from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Passage, Upkeep, Vector, Volume
from spinecho.db.store import acquired
from spinecho.encoders.acquisition.rules import RULES
from spinecho.indexer.acquired_again import acquire_again

NEW = ("why", "rules", "side", "technique", "component", "dixon", "computed")


@pytest.fixture
def home(indexed: Home, tmp_path: Path) -> Home:
    return copy_of(indexed, tmp_path / "home")


def stored(database: Database) -> dict[int, tuple[Any, ...]]:
    with database.begin() as session:
        captions = {volume: text for volume, text in session.execute(select(Passage.volume_id, Passage.text))}  # noqa: C416
        rows = session.scalars(select(Volume))
        return {
            row.id: (
                row.acquisition, row.sequence, row.body_region, row.side, row.technique, row.component, row.dixon,
                row.computed, row.b_value, captions.get(row.id),
            )
            for row in rows
        }  # fmt: skip


def make_old(database: Database) -> int:
    """As a release before rules had a number kept it; the id of a volume whose sequence its rules had wrong."""
    with database.begin() as session:
        rows = list(session.scalars(select(Volume).order_by(Volume.id)))
        for row in rows:
            row.acquisition = {name: value for name, value in row.acquisition.items() if name not in NEW}
        wrong = next(row for row in rows if row.sequence == "T2")
        wrong.acquisition = {**wrong.acquisition, "sequence": "PD"}
        wrong.sequence, wrong.side, wrong.technique = "PD", "left", ("Dixon", "EPI")
        wrong.component, wrong.dixon, wrong.computed, wrong.b_value = "phase", "fat", "ADC map", 7.0
        passage = session.scalars(select(Passage).where(Passage.volume_id == wrong.id)).one()
        passage.text = passage.text.replace("T2-weighted", "proton-density-weighted", 1)
        for upkeep in session.scalars(select(Upkeep).where(Upkeep.name.like("acquisition%"))):
            session.delete(upkeep)
        return wrong.id


def refuse() -> Any:
    raise AssertionError("no sentence changes, so no encoder is needed")


def test_facts_columns_and_sentence_come_right(home: Home) -> None:
    with closing(Database.open(home.database)) as database:
        before = stored(database)
        wrong = make_old(database)
        opened: list[int] = []

        def open_text() -> Any:
            opened.append(1)
            return home.encoders().text

        assert acquire_again(database, open_text) == len(before)
        assert stored(database) == before
        assert before[wrong][1] == "T2"
        assert len(opened) == 1
        with database.begin() as session:
            passage = session.scalars(select(Passage.id).where(Passage.volume_id == wrong)).one()
            assert session.scalars(select(Vector).where(Vector.passage_id == passage)).one()
        assert acquire_again(database, refuse) == 0


def test_what_these_rules_read_is_left_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Database.open(home.database)) as database:
        before = stored(database)
        assert {facts["rules"] for facts, *_ in before.values()} == {RULES}
        monkeypatch.setattr(
            acquired, "put_acquired", lambda *one, **more: pytest.fail("stored") if one[1] else _put(*one, **more)
        )
        assert acquire_again(database, refuse) == 0
        assert stored(database) == before


_put = acquired.put_acquired


def test_a_run_that_is_stopped_goes_on(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of three volumes, the second one torn off: nothing is lost, and nothing done twice."""
    monkeypatch.setattr(acquired, "_PAGE", 3)
    with closing(Database.open(home.database)) as database:
        before = stored(database)
        make_old(database)
        pages: list[int] = []

        def torn(*one: Any, **more: Any) -> None:
            pages.append(len(one[1]))
            if len(pages) == 2:
                raise KeyboardInterrupt
            _put(*one, **more)

        monkeypatch.setattr(acquired, "put_acquired", torn)
        with pytest.raises(KeyboardInterrupt):
            acquire_again(database, lambda: home.encoders().text)
        assert sum("why" in facts for facts, *_ in stored(database).values()) == 3
        assert acquire_again(database, lambda: home.encoders().text) == len(before) - 3
        assert stored(database) == before


def test_an_index_run_does_it_and_higher_rules_do_it_again(
    home: Home, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Database.open(home.database)) as database:
        before = stored(database)
        make_old(database)
    home.index(archive)
    with closing(Database.open(home.database)) as database:
        assert stored(database) == before
        monkeypatch.setattr("spinecho.indexer.acquired_again.RULES", RULES + 1)
        assert acquire_again(database, refuse) == len(before)


@pytest.mark.parametrize("written", ["plane = 'oblique'", "acquisition = '{'"])
def test_a_damaged_volume_stays_and_the_others_are_done(home: Home, written: str) -> None:
    """Its checksum is left as it is, so that the check goes on to name it."""
    with closing(Database.open(home.database)) as database:
        before = stored(database)
        make_old(database)
    with closing(sqlite3.connect(home.folder / "spinecho.sqlite")) as connection:
        connection.execute(f"UPDATE volumes SET {written} WHERE id = 2")
        connection.commit()
        held = connection.execute("SELECT * FROM volumes WHERE id = 2").fetchone()
    with closing(Database.open(home.database)) as database:
        assert acquire_again(database, lambda: home.encoders().text) == len(before) - 1
    with closing(sqlite3.connect(home.folder / "spinecho.sqlite")) as connection:
        assert connection.execute("SELECT * FROM volumes WHERE id = 2").fetchone() == held
