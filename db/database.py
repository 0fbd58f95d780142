"""Opening a database: the connection's settings and the schema's age."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from db.errors import SchemaOutdated, SchemaUnknown, StoreError

HEAD = "0004"
"""The newest migration; a test holds it against the migrations folder."""


class Database:
    """A connection pool over one database whose schema is the current one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Database:
        """Open the SQLite file at `path`, making it when absent.

        Raises `SchemaOutdated` for an older schema (`spinecho db upgrade` mends it), `SchemaUnknown` for a newer or a
        foreign one, `StoreError` when the file cannot be read or does not exist and `create` is false.
        """
        fresh = not path.exists()
        if fresh and not create:
            raise StoreError(f"no database at {path}; run 'spinecho index FOLDER' first, or name its home with --home")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            database = cls(_engine(path))
            with database.engine.connect() as connection:
                revision = _revision(connection)
                foreign = revision is None and bool(inspect(connection).get_table_names())
        except (DatabaseError, OSError) as error:
            raise StoreError(f"cannot open the database {path}: {getattr(error, 'orig', error)}") from error
        if foreign:
            raise SchemaUnknown(f"{path} is a database, but not one of Spinecho's; name another home with --home")
        if revision is None:
            migrate(path)
        elif revision != HEAD:
            database.close()
            if revision < HEAD:
                raise SchemaOutdated(f"{path} has schema {revision}, this Spinecho needs {HEAD}: 'spinecho db upgrade'")
            raise SchemaUnknown(f"{path} has schema {revision}, newer than this Spinecho's {HEAD}: upgrade Spinecho")
        return database

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A transaction: committed at the end of the block, rolled back by an exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def migrate(path: Path) -> None:
    """Bring the SQLite file at `path` to the newest schema: wholly or, when killed, not at all."""
    from alembic import command  # noqa: PLC0415  (slow to import, seldom needed)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = _engine(path)
    _transactional_ddl(engine)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def upgrade(path: Path) -> tuple[str | None, Path | None]:
    """Bring an older database to the newest schema, keeping a copy beside it.

    Returns the revision it had (None when new) and the copy's path (None when nothing had to change).
    """
    if not path.exists():
        migrate(path)
        return None, None
    engine = _engine(path)
    try:
        with engine.connect() as connection:
            revision = _revision(connection)
    except DatabaseError as error:
        raise StoreError(f"cannot open the database {path}: {error.orig}") from error
    finally:
        engine.dispose()
    if revision == HEAD:
        return revision, None
    if revision is not None and revision > HEAD:
        raise SchemaUnknown(f"{path} has schema {revision}, newer than this Spinecho's {HEAD}: upgrade Spinecho")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = path.with_name(f"{path.name}.{revision or 'empty'}.{stamp}.bak")
    with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
        source.backup(target)  # a plain file copy would miss what is still in the write-ahead log
    shutil.copymode(path, copy)
    migrate(path)
    return revision, copy


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def settings(connection: sqlite3.Connection, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _transactional_ddl(engine: Engine) -> None:
    """Have transactions hold CREATE and ALTER too: Python's driver would commit before each of them."""

    @event.listens_for(engine, "connect")
    def by_hand(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
