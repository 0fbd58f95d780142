"""Opening a database: the connection's settings and the schema's age."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from db.engines import Location, check_server, make_engine, shown, told, transactional_ddl
from db.errors import Busy, SchemaOutdated, SchemaUnknown, StoreError

HEAD = "0004"
"""The newest migration; a test holds it against the migrations folder."""


_LOCK = 0x5350494E
"""What PostgreSQL's advisory locks of ours are called."""


class Database:
    """A connection pool over one database whose schema is the current one."""

    def __init__(self, engine: Engine, location: Location) -> None:
        self.engine, self.location = engine, location

    @classmethod
    def open(cls, location: Location, *, create: bool = True) -> Database:
        """Open the SQLite file or the PostgreSQL database at `location`, making file and tables when absent.

        Raises `SchemaOutdated` for an older schema (`spinecho db upgrade` mends it), `SchemaUnknown` for a newer or a
        foreign one, `StoreError` when it cannot be reached or read, or holds nothing and `create` is false.
        """
        where = shown(location)
        nothing = StoreError(f"no database at {where}; run 'spinecho index FOLDER' first, or name its home with --home")
        if isinstance(location, Path):
            if not location.exists() and not create:
                raise nothing
            try:
                location.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"cannot open the database {where}: {error}") from error
        database = cls(make_engine(location), location)
        try:
            database._check(nothing, create=create)
        except BaseException:
            database.close()
            raise
        return database

    def _check(self, nothing: StoreError, *, create: bool) -> None:
        where = shown(self.location)
        try:
            with self.engine.connect() as connection:
                check_server(connection)
                revision = _revision(connection)
                foreign = revision is None and bool(inspect(connection).get_table_names())
        except (DBAPIError, OSError) as error:
            raise StoreError(f"cannot open the database {where}: {told(error)}") from error
        if foreign:
            raise SchemaUnknown(f"{where} is a database, but not one of Spinecho's; name another home with --home")
        if revision is None:
            if not create and not isinstance(self.location, Path):
                raise nothing
            migrate(self.location)
            if isinstance(self.location, Path):  # its log and shared memory take the file's mode when they are made
                for path in self.location.parent.glob(f"{self.location.name}*"):
                    path.chmod(0o600)
        elif revision < HEAD:
            raise SchemaOutdated(f"{where} has schema {revision}, this Spinecho needs {HEAD}: 'spinecho db upgrade'")
        elif revision > HEAD:
            raise SchemaUnknown(f"{where} has schema {revision}, newer than this Spinecho's {HEAD}: upgrade Spinecho")

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A transaction: committed at the end of the block, rolled back by an exception.

        Raises `StoreError` where the server is gone, or the file is locked or full.
        """
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except (OperationalError, InterfaceError) as error:
            raise StoreError(f"the database {shown(self.location)} does not answer: {told(error)}") from error

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def database_bytes(database: Database) -> int:
    """What it takes on its disk, its log included."""
    location = database.location
    if isinstance(location, Path):
        return sum(path.stat().st_size for path in location.parent.glob(f"{location.name}*") if path.is_file())
    with database.begin() as session:
        return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)


@contextmanager
def alone(location: Location) -> Iterator[None]:
    """Held by the one who writes the index, on whatever machine; nothing to hold where the database is a file.

    Raises `Busy` where somebody else holds it, `StoreError` where the server does not answer. A process that dies
    lets go.
    """
    if isinstance(location, Path):
        yield
        return
    engine = make_engine(location).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}):
                raise Busy(f"somebody is indexing into {shown(location)} already; wait for it")
            yield
    except (OperationalError, InterfaceError) as error:
        raise StoreError(f"the database {shown(location)} does not answer: {told(error)}") from error
    finally:
        engine.dispose()


def migrate(location: Location) -> None:
    """Bring the database to the newest schema: wholly or, when killed, not at all. Raises `StoreError`."""
    from alembic import command  # noqa: PLC0415  (slow to import, seldom needed)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = make_engine(location)
    if isinstance(location, Path):
        transactional_ddl(engine)
    try:
        with engine.begin() as connection:
            if not isinstance(location, Path):  # two that open an empty database at once
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK + 1})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:  # a server on which we may not make tables, a full or read-only disk
        raise StoreError(f"cannot make the tables of {shown(location)}: {told(error)}") from error
    finally:
        engine.dispose()


def upgrade(location: Location) -> tuple[str | None, Path | None]:
    """Bring an older database to the newest schema, keeping a copy beside a file.

    Returns the revision it had (None when new) and the copy's path: None when nothing had to change, and for
    PostgreSQL, where the whole change is one transaction and a backup is the server's.
    """
    if isinstance(location, Path) and not location.exists():
        migrate(location)
        return None, None
    engine = make_engine(location)
    try:
        with engine.connect() as connection:
            check_server(connection)
            revision = _revision(connection)
    except DBAPIError as error:
        raise StoreError(f"cannot open the database {shown(location)}: {told(error)}") from error
    finally:
        engine.dispose()
    if revision == HEAD:
        return revision, None
    if revision is not None and revision > HEAD:
        raise SchemaUnknown(
            f"{shown(location)} has schema {revision}, newer than this Spinecho's {HEAD}: upgrade Spinecho"
        )
    copy = _copy(location, revision) if isinstance(location, Path) else None
    migrate(location)
    return revision, copy


def _copy(path: Path, revision: str | None) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = path.with_name(f"{path.name}.{revision or 'empty'}.{stamp}.bak")
    with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
        source.backup(target)  # a plain file copy would miss what is still in the write-ahead log
    shutil.copymode(path, copy)
    return copy


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
