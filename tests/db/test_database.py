"""Opening, upgrading and refusing databases."""

from __future__ import annotations

import inspect
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.ddl.impl import DefaultImpl
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Table, create_engine

from spinecho.db.errors import SchemaOutdated, SchemaUnknown, StoreError
from spinecho.db.schema import database as schema_database
from spinecho.db.schema.database import HEAD, Database
from spinecho.db.schema.models import Base
from spinecho.db.upkeep.upgrading import upgrade

MIGRATIONS = Path(__file__).parents[2] / "db" / "schema" / "migrations"


def set_revision(path: Path, revision: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()


def test_the_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def is_a_table(name: str | None, kind: str, _: object) -> bool:
    """The full-text index is no table of ours, and its parts are SQLite's own."""
    return kind != "table" or not str(name).startswith(("passages_fts", "clauses_fts"))


def test_migrations_make_the_tables_that_the_models_describe(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "new.sqlite")
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_name": is_a_table})
        assert compare_metadata(context, Base.metadata) == []
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    database.close()


def test_an_absent_database_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="spinecho index"):
        Database.open(tmp_path / "none.sqlite", create=False)


def test_an_older_schema_is_refused_then_upgraded_with_a_copy_kept(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as connection:  # the state before the first migration
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('0000')")
    connection.close()
    with pytest.raises(SchemaOutdated, match="spinecho db upgrade"):
        Database.open(path)
    set_revision(path, "0000")
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM alembic_version")
    connection.close()
    _, copy = upgrade(path)
    assert copy is not None
    assert copy.is_file()
    Database.open(path).close()
    assert upgrade(path) == (HEAD, None)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "newer.sqlite"
    Database.open(path).close()
    set_revision(path, "9999")
    with pytest.raises(SchemaUnknown, match="upgrade Spinecho"):
        Database.open(path)
    with pytest.raises(SchemaUnknown, match="upgrade Spinecho"):
        upgrade(path)


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE music (title TEXT)")
    connection.close()
    with pytest.raises(SchemaUnknown, match="not one of Spinecho's"):
        Database.open(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.sqlite"
    path.write_text("nothing like a database, but long enough to be read as one\n" * 40, encoding="utf-8")
    with pytest.raises(StoreError, match="cannot open"):
        Database.open(path)


def test_a_database_of_the_first_schema_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "first.sqlite"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO studies VALUES (1, '1.2', 'A1', 'P1', NULL, 'MRI', 'F', 40)"  # before parts and predictions
        )
    engine.dispose()
    with pytest.raises(SchemaOutdated, match="spinecho db upgrade"):
        Database.open(path)
    assert upgrade(path)[0] == "0001"
    database = Database.open(path)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT uid FROM studies").all() == [("1.2",)]
        for table in ("region_vectors", "predictions"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0
    database.close()


def test_a_migration_that_is_stopped_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new.sqlite"
    made: list[str] = []

    def stop(self: DefaultImpl, table: Table, **_: object) -> None:
        if len(made) == 5:
            raise KeyboardInterrupt
        made.append(table.name)
        original(self, table)

    original = DefaultImpl.create_table
    with monkeypatch.context() as patch:
        patch.setattr(DefaultImpl, "create_table", stop)
        patch.setattr(schema_database, "migrate", inspect.unwrap(schema_database.migrate))  # no copy of one made before
        with pytest.raises(KeyboardInterrupt):
            Database.open(path)
    assert len(made) == 5
    assert list(tmp_path.iterdir()) == []
    Database.open(path).close()
