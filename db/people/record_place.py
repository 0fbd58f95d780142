"""Where the record lies: its two tables, and opening the file or the server's database that holds them."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    QueuePool,
    String,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from spinecho.db.durable import make_folder, sync_folder
from spinecho.db.errors import StoreError
from spinecho.db.schema.access import uri_of
from spinecho.db.schema.engines import Location, driver_message, make_engine, shown

FILE = "record.sqlite"
"""What the file is called where only its folder is named."""
_VERSION = 1
_LOCK = 0x5350494F
"""What PostgreSQL's advisory lock is called, held while the tables are made."""
_TABLES = MetaData()
_TEXT = String().with_variant(String(collation="C"), "postgresql")
ROWS = Table(
    "record_rows",
    _TABLES,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 and so on, without a gap
    Column("at", _TEXT, nullable=False),  # UTC, ISO 8601
    Column("user", _TEXT, nullable=False, index=True),
    Column("role", _TEXT, nullable=False),
    Column("action", _TEXT, nullable=False, index=True),
    Column("subject", _TEXT, nullable=False),
    Column("facts", _TEXT, nullable=False),  # JSON
    Column("origin", _TEXT, unique=True),  # what names a row that was carried over from an older database
    Column("before", _TEXT, nullable=False),
    Column("digest", _TEXT, nullable=False, unique=True),
)
HEAD = Table(
    "record_head",
    _TABLES,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", _TEXT, nullable=False),
)


class RecordError(StoreError):
    """The record cannot be read, or is none."""

    exit_status = 3


class RecordUnwritable(RecordError):
    """Nothing can be recorded, so nothing may be shown."""


def open_place(location: Location, *, write: bool) -> Engine:
    """Connections to the record at a place; made, where there is none and it may be written.

    What begins with the option `reads_only` takes no lock; everything else holds SQLite's from its beginning. Raises
    `RecordError`, and the driver's errors as they are.
    """
    if isinstance(location, Path):
        if write:
            make_folder(location.parent, mode=0o700)
            _have_a_file(location)
            _have_a_log(location)
        elif not location.exists():
            raise RecordError(f"there is no record at {location}; SPINECHO_RECORD names another place")
    engine = _sqlite(location, write=write) if isinstance(location, Path) else _server(location)
    try:
        if write:
            _make_tables(engine, location)
        with engine.execution_options(reads_only=True).connect() as connection:
            _require_ours(connection, location)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _make_tables(engine: Engine, location: Location) -> None:
    """Also shows that the place can be written: whoever cannot is told before anything is done."""
    with engine.begin() as connection:
        if not isinstance(location, Path):
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        there = set(inspect(connection).get_table_names())
        if there and not there & set(_TABLES.tables):
            raise RecordError(f"{shown(location)} is a database, but no record; name another place (SPINECHO_RECORD)")
        if not there:
            _TABLES.create_all(connection)
            connection.execute(insert(HEAD).values(id=1, version=_VERSION, number=0, digest=""))


def _require_ours(connection: Connection, location: Location) -> None:
    if not {*_TABLES.tables} <= set(inspect(connection).get_table_names()):
        raise RecordError(f"{shown(location)} is no record of Spinecho's; name another place (SPINECHO_RECORD)")
    version = connection.execute(select(HEAD.c.version)).scalar()
    if version != _VERSION:
        raise RecordError(f"the record {shown(location)} is of another version ({version}): upgrade Spinecho")


def _server(location: str) -> Engine:
    engine = make_engine(location)

    @event.listens_for(engine, "begin")
    def durable(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO on")

    return engine


def _sqlite(path: Path, *, write: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        mode = "rw" if write else "ro" if _has_log(path) or os.access(path.parent, os.W_OK) else "ro&immutable=1"
        opened = sqlite3.connect(
            uri_of(path, f"mode={mode}"), uri=True, timeout=30, check_same_thread=False, isolation_level=None
        )
        opened.execute("PRAGMA synchronous=FULL")
        return opened

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _have_a_file(path: Path) -> None:
    """Its owner's alone from the beginning, and in its folder also after power is lost.

    One that is there is never opened here: closing it would drop the locks that this process holds on it by SQLite, and
    the next process to leave would take the log away from under an open record.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    sync_folder(path.parent)


def _has_log(path: Path) -> bool:
    return path.with_name(f"{path.name}-wal").exists()


def _have_a_log(path: Path) -> None:
    """Give a new file a write-ahead log: one sync for a row. What is there already is left as it is, ours or not."""
    until = time.monotonic() + 30
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as opened:
        while not opened.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            try:
                opened.execute("PRAGMA journal_mode=WAL").fetchone()
            except sqlite3.OperationalError as error:  # two that make the file at once: SQLite does not wait here
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return


def unwritable(location: Location, error: DBAPIError | PoolTimeout | sqlite3.Error | OSError) -> RecordUnwritable:
    """What to raise where a row cannot be added, with the remedies."""
    return RecordUnwritable(
        f"nothing can be recorded in {shown(location)} ({why(error)}), and nothing is shown that is not on record: "
        "name another place with SPINECHO_RECORD; on a machine used alone --no-record goes without"
    )


def why(error: DBAPIError | PoolTimeout | sqlite3.Error | OSError) -> str:
    """What the driver or the system said."""
    return str(error) if isinstance(error, sqlite3.Error) else driver_message(error)
