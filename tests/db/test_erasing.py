"""Traces are erased where nobody looks, and left to the next run where somebody does: nobody waits for a reader."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from spinecho.db.schema.database import Database
from spinecho.db.store.erasing import erase_traces


@pytest.mark.timeout(20)  # SQLite's own patience is longer
def test_a_long_look_neither_is_waited_for_nor_keeps_others_from_writing(tmp_path: Path) -> None:
    log = tmp_path / "spinecho.sqlite-wal"
    with closing(Database.open(tmp_path / "spinecho.sqlite")) as database:
        with database.reading() as session:
            session.execute(text("SELECT count(*) FROM studies"))
            other = Database.open(tmp_path / "spinecho.sqlite")
            with other.begin(durable=True) as writing:
                writing.execute(text("INSERT INTO upkeep (name, number) VALUES ('x', 1)"))
            for _ in range(3):
                assert not erase_traces(other)
            with other.begin() as writing:
                writing.execute(text("DELETE FROM upkeep WHERE name = 'x'"))
            with other.engine.connect() as connection:  # as it was for everything else
                assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
            other.close()
        assert erase_traces(database)
        assert log.stat().st_size == 0
