"""An archive goes from a file to a server and back: every row, under its id, whatever stops it on the way."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from servers import Server
from sqlalchemy import Table, select

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import FilterArchive, act

from spinecho.db.errors import Damaged, SchemaUnknown, StoreError
from spinecho.db.people.feedback import put_thumbs
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Base, Patient, Study, Vector
from spinecho.db.upkeep import copying
from spinecho.db.upkeep.check import check_database
from spinecho.db.upkeep.copying import copy_rows
from spinecho.db.upkeep.probes import answers


@pytest.fixture(params=["file", "server"])
def source(request: pytest.FixtureRequest, tmp_path: Path, postgresql: Server) -> Iterator[FilterArchive]:
    """An archive to which much has happened."""
    made = FilterArchive(tmp_path / "home", postgresql.new() if request.param == "server" else None)
    draw = random.Random(11)
    for _ in range(15):
        act(made, draw)
    made.store({"uid": "1.9", "accession_number": "A9", "patient_id": "p\u00e4", "description": "Ä → β",
                "date": None, "sex": None, "age_years": 0.1}, "1.9.1", [])  # fmt: skip
    put_thumbs(made.database, user="ada", query_key="q", query={"words": "ä"}, verdicts={"1.1": 1})
    made.end_run()
    yield made
    made.close()


@pytest.fixture
def place(source: FilterArchive, tmp_path: Path, postgresql: Server) -> Path | str:
    """Of the other kind than the source, with nothing in it."""
    if isinstance(source.database.location, Path):
        return postgresql.make(f"to_{tmp_path.name.replace('-', '_').lower()}"[:40])
    return tmp_path / "other.sqlite"


def rows_of(database: Database) -> dict[str, list[Any]]:
    """Every row of every table, by its keys."""
    with database.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


def test_a_copy_is_its_source_and_goes_on_as_it_would(source: FilterArchive, place: Any) -> None:
    with source.database.begin() as session:  # the newest of each kind go: their ids are never given again
        session.delete(session.scalars(select(Vector).order_by(Vector.id.desc())).first())
    told: list[tuple[str, int, int]] = []
    made = copy_rows(source.database, place, on_rows=lambda *one: told.append(one))
    assert made.rows == made.written == sum(map(len, rows_of(source.database).values()))
    assert told[-1] == ("copy", made.rows, made.rows)
    assert made.questions > 0
    with closing(Database.open(place, create=False)) as copy:
        assert rows_of(copy) == rows_of(source.database)
        assert answers(copy) == answers(source.database)
        assert check_database(copy) == ()
        ids = []
        for database in (copy, source.database):
            with database.begin() as session:
                row = Vector(space_id=source.image.id, data=b"\0" * 4)
                session.add_all([row, other := Patient(key="new"), third := Study(
                    uid="9.9", accession_number="", patient_id="", description="", disagreeing="")])  # fmt: skip
                session.flush()
                ids.append((row.id, other.id))
                assert third.id
        assert ids[0] == ids[1]
    with pytest.raises(StoreError, match="holds something already"):
        copy_rows(source.database, place)


@pytest.mark.parametrize("stopped_after", [12])
def test_a_copy_that_is_stopped_is_used_by_nobody_and_goes_on(
    source: FilterArchive, place: Any, stopped_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_PAGE", 3)
    real, left = copying._write, [stopped_after]

    def write(*given: Any) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        real(*given)

    monkeypatch.setattr(copying, "_write", write)
    with pytest.raises(KeyboardInterrupt):
        copy_rows(source.database, place)
    with pytest.raises(SchemaUnknown, match="'spinecho db copy' goes on"):
        Database.open(place, create=False)
    draw = random.Random(stopped_after)
    for _ in range(3):  # what it is of has changed meanwhile
        act(source, draw)
    put_thumbs(source.database, user="ada", query_key="q", query={"words": "ä"}, verdicts={"1.1": -1})
    left[0] = 10**6
    made = copy_rows(source.database, place)
    assert made.written < made.rows
    with closing(Database.open(place, create=False)) as copy:
        assert rows_of(copy) == rows_of(source.database)
        assert answers(copy) == answers(source.database)


@pytest.mark.parametrize("source", ["file"], indirect=True)
def test_a_copy_that_is_not_its_source_is_never_opened(
    source: FilterArchive, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = copying._write

    def loses(connection: Any, table: Table, values: Any, there: Any) -> None:
        if table.name == "vectors":
            values = [{**one, "data": one["data"][::-1]} for one in values]
        real(connection, table, values, there)

    monkeypatch.setattr(copying, "_write", loses)
    with pytest.raises(Damaged, match="vectors are not what was written"):
        copy_rows(source.database, place)
    with pytest.raises(SchemaUnknown):
        Database.open(place, create=False)


@pytest.mark.parametrize("source", ["file"], indirect=True)
def test_what_is_there_already_is_left_as_it_is(source: FilterArchive, tmp_path: Path, postgresql: Server) -> None:
    other = FilterArchive(tmp_path / "second", postgresql.new())
    before = rows_of(other.database)
    with pytest.raises(StoreError, match="name a new home, or an empty database"):
        copy_rows(source.database, other.database.location)
    assert rows_of(other.database) == before
    other.close()
    (tmp_path / "text.sqlite").write_text("nothing of ours\n" * 100)
    with pytest.raises(StoreError):
        copy_rows(source.database, tmp_path / "text.sqlite")
    assert (tmp_path / "text.sqlite").read_text().startswith("nothing of ours")
