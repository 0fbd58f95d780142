"""Copies of the vectors in PostgreSQL: what every server of vectors has to keep, and what pgvector alone does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import Server
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parent))

import vector_server_contract
from vector_server_contract import Place

from spinecho.db.errors import VectorServerUnfit
from spinecho.db.schema.database import Database
from spinecho.db.vectors.servers.pgvector import SCHEMA, PgVectorServer

for _name, _test in vars(vector_server_contract).items():
    if _name.startswith("test_"):
        globals()[_name] = _test


@pytest.fixture
def place(tmp_path: Path, postgresql: Server) -> Iterator[Place]:
    """An archive of vectors in PostgreSQL, copied there."""
    url = postgresql.new()
    with Database.open(url).begin() as session:
        at_hand = session.scalar(text("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"))
    if not at_hand:
        pytest.skip("this PostgreSQL has no pgvector (Debian: postgresql-NN-pgvector)")
    found = Place(tmp_path, url, "pgvector")
    yield found
    found.database.close()


def test_an_archive_in_a_file_has_no_place_for_it(tmp_path: Path) -> None:
    with pytest.raises(VectorServerUnfit, match="SPINECHO_DATABASE"):
        PgVectorServer(Database.open(tmp_path / "spinecho.sqlite"))


def test_one_that_is_too_old_is_refused(place: Place) -> None:
    place.sync()
    with place.database.begin() as session:
        session.execute(text("UPDATE pg_extension SET extversion = '0.5.1' WHERE extname = 'vector'"))
    with pytest.raises(VectorServerUnfit, match=r"0\.5\.1 is too old"):
        place.server.check()
    served = place.serve()
    assert any("too old" in note for note in served.notes)
    assert served.nearest(place.rows[:1], 1).ids[0, 0] == 1


def test_a_table_that_is_another_is_not_asked(place: Place) -> None:
    place.sync()
    with place.database.begin() as session:
        table = session.scalar(text(f"SELECT 'v_' || key || '_' || name FROM {SCHEMA}.copies"))
        session.execute(text(f"ALTER TABLE {SCHEMA}.{table} ALTER v TYPE halfvec(3) USING '[1,2,3]'::halfvec(3)"))
    served = place.serve()
    assert any("halfvec(3)" in note for note in served.notes)
    assert served.nearest(place.rows[:1], 1).ids[0, 0] == 1


def test_a_search_goes_on_in_its_moment_after_the_copy_was_dropped(place: Place) -> None:
    place.sync()
    served = place.serve()
    view = served.view()
    with place.database.begin() as session:
        session.execute(text(f"DROP SCHEMA {SCHEMA} CASCADE"))
    with place.database.reading() as session:
        assert view.nearest(place.rows[:1], 1).ids[0, 0] == 1
        assert session.scalar(text("SELECT 1")) == 1
    assert view.notes
    assert served.build is None
