"""The record of who did what: a database of its own, whose rows are added and never changed.

Each row carries a digest of what it says and of the digest before it, and the head, in a table of its own, says how
many rows there are and what the last digest is. So `check` notices a row that was changed, put in or taken out, the
last ones too. Whoever can write the database and makes every later digest anew, the head with them, is noticed only
where a head was written down elsewhere (`since`).

A row is on its disk (synchronous=FULL) before `append` returns. Many processes append at once: each holds the
database's lock from reading the head to writing the row.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import quote

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
    update,
)
from sqlalchemy.exc import DBAPIError

from db.engines import Location, make_engine, shown, told
from db.errors import StoreError

Fact: TypeAlias = str | int | float | bool | None

FILE = "record.sqlite"
"""What the file is called where only its folder is named."""
_VERSION = 1
_MOST_SUBJECT, _MOST_FACT = 128, 400
_LOCK = 0x5350494F
"""What PostgreSQL's advisory lock is called, held while the tables are made."""
_TABLES = MetaData()
_ROWS = Table(
    "record_rows",
    _TABLES,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 and so on, without a gap
    Column("at", String, nullable=False),  # UTC, ISO 8601
    Column("user", String, nullable=False, index=True),
    Column("role", String, nullable=False),
    Column("action", String, nullable=False, index=True),
    Column("subject", String, nullable=False),
    Column("facts", String, nullable=False),  # JSON
    Column("origin", String, unique=True),  # what names a row that was carried over from an older database
    Column("before", String, nullable=False),
    Column("digest", String, nullable=False, unique=True),
)
_HEAD = Table(
    "record_head",
    _TABLES,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", String, nullable=False),
)
_SIGNED = ("number", "at", "user", "role", "action", "subject", "facts", "origin", "before")


class RecordError(StoreError):
    """The record cannot be read, or is none."""

    exit_status = 3


class RecordUnwritable(RecordError):
    """Nothing can be recorded, so nothing may be shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `at` is UTC; digest: of the row and of all before it, '' for one that is not written yet."""

    at: datetime
    user: str
    role: str
    action: str
    subject: str
    facts: Mapping[str, Any]
    number: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """A row of an older database. origin: what tells it from every other, so that it is carried over once."""

    at: datetime
    user: str
    role: str
    action: str
    subject: str
    facts: Mapping[str, Fact]
    origin: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found. rows: how many there are; head: the last digest; broken: what is wrong, in order of rows."""

    rows: int
    head: str
    broken: tuple[str, ...]


class Recorder(Protocol):
    """What takes rows: a `Record`, or `Unrecorded` on a machine used alone whose user asked for none."""

    def append(self, *, user: str, role: str, action: str, subject: str = "", facts: Mapping[str, Fact]) -> str:
        """Add one act, durably; gives the row's digest. Raises `RecordUnwritable`."""
        ...

    def entries(self, *, user: str | None = None, action: str | None = None, most: int = 200) -> tuple[Entry, ...]:
        """The latest acts, newest first, of one user and of one kind where these are given."""
        ...


class Unrecorded:
    """Keeps nothing."""

    def append(self, *, user: str, role: str, action: str, subject: str = "", facts: Mapping[str, Fact]) -> str:
        """Nothing happens, and there is no digest."""
        return ""

    def entries(self, *, user: str | None = None, action: str | None = None, most: int = 200) -> tuple[Entry, ...]:
        """Nothing is known."""
        return ()


class Record:
    """The record at one place. Threads and processes may share it."""

    def __init__(self, engine: Engine, location: Location) -> None:
        self._engine, self.location = engine, location

    @classmethod
    def open(cls, location: Location, *, write: bool = True) -> Record:
        """Open the record, made where there is none; a file is readable and writable by its owner alone.

        write: false opens one that may only be read. Raises `RecordUnwritable` where no row can be added, `RecordError`
        for a database that is no record.
        """
        try:
            return _opened(cls, location, write=write)
        except (DBAPIError, sqlite3.Error, OSError) as error:
            if write:
                raise _unwritable(location, error) from error
            raise RecordError(f"the record {shown(location)} cannot be read: {_why(error)}") from error

    @classmethod
    def beside(cls, location: Location) -> Record:
        """The record in the folder of a database's file. Raises as `open`, and for a database that is no file."""
        if not isinstance(location, Path):
            raise RecordError("the record of a database that is no file has to be named, with SPINECHO_RECORD")
        return cls.open(location.parent / FILE)

    def append(self, *, user: str, role: str, action: str, subject: str = "", facts: Mapping[str, Fact]) -> str:
        """Add one act; gives the row's digest. The caller leaves out what was typed and who the patient is.

        Raises `RecordUnwritable`.
        """
        return self._add([Carried(_now(), user, role, action, subject, facts, "")])[1]

    def carry(self, rows: Sequence[Carried]) -> int:
        """Add rows of an older database, those that are not here yet; how many these were. All of them, or none."""
        return self._add(rows)[0]

    def find(self, digest: str) -> Entry | None:
        """The row of this digest."""
        with self._reading() as connection:
            row = connection.execute(select(_ROWS).where(_ROWS.c.digest == digest)).mappings().first()
        return None if row is None else _entry(dict(row))

    def entries(self, *, user: str | None = None, action: str | None = None, most: int = 200) -> tuple[Entry, ...]:
        """The latest acts, newest first, of one user and of one kind where these are given."""
        query = select(_ROWS)
        if user is not None:
            query = query.where(_ROWS.c.user == _storable(user))
        if action is not None:
            query = query.where(_ROWS.c.action == action)
        with self._reading() as connection:
            found = connection.execute(query.order_by(_ROWS.c.number.desc()).limit(most)).mappings().all()
        return tuple(_entry(dict(row)) for row in found)

    def walk(self) -> Iterator[Entry]:
        """Every act, oldest first."""
        for row in self._rows():
            yield _entry(row)

    def head(self) -> tuple[int, str]:
        """(how many rows there are, the last one's digest), to be written down elsewhere for `check`."""
        with self._reading() as connection:
            number, digest = connection.execute(select(_HEAD.c.number, _HEAD.c.digest)).one()
        return int(number), str(digest)

    def check(self, *, since: tuple[int, str] | None = None, most: int = 20) -> Checked:
        """Go through all rows. since: a head that was written down before. most: breaks that are named."""
        broken: list[str] = []
        number, digest = self.head()  # before the rows: those that are added meanwhile come after it
        known = {number: (digest, f"the head speaks of row {number} with another digest: the last rows were replaced")}
        if since is not None:
            said = f"row {since[0]} is not the one whose digest was written down: the record was rewritten"
            broken += _differs(known.get(since[0]), since[1], said)
            known.setdefault(since[0], (since[1], said))
        at, before, rows = 0, "", 0
        for row in self._rows():
            this, rows = int(row["number"]), rows + 1
            if this > at + 1:
                broken.append(_missing(at + 1, this - 1))
            elif row["before"] != before:
                broken.append(f"row {this} does not follow row {at}: one of them was replaced, or rows were taken out")
            if row["digest"] != _digest(row):
                broken.append(f"row {this} was changed")
            broken += _differs(known.get(this), row["digest"], known.get(this, ("", ""))[1])
            at, before = this, str(row["digest"])
        if number > at:
            broken.append(f"{_missing(at + 1, number)}: the end was cut off")
        elif self.head()[0] < at:
            broken.append(f"the head speaks of row {self.head()[0]}, and there are rows up to {at}")
        if since is not None and since[0] > max(at, number):
            broken.append(f"row {since[0]}, whose digest was written down, is missing: the end was cut off")
        return Checked(rows, before, tuple(broken[:most]))

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()

    def _add(self, rows: Sequence[Carried]) -> tuple[int, str]:
        try:
            with self._engine.begin() as connection:
                head = connection.execute(select(_HEAD.c.number, _HEAD.c.digest).with_for_update()).one()
                number, before, added = int(head.number), str(head.digest), 0
                for row in rows:
                    known = select(_ROWS.c.number).where(_ROWS.c.origin == row.origin)
                    if row.origin and connection.execute(known).first():
                        continue
                    number, added = number + 1, added + 1
                    values = _values(row, number, before)
                    before = values["digest"]
                    connection.execute(insert(_ROWS).values(**values))
                connection.execute(update(_HEAD).values(number=number, digest=before))
        except (DBAPIError, OSError) as error:
            raise _unwritable(self.location, error) from error
        return added, before

    def _reading(self) -> _Reading:
        return _Reading(self._engine, self.location)

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        """Page by page, so that nobody who appends waits for one who reads."""
        last, page = 0, 2000
        while True:
            query = select(_ROWS).where(_ROWS.c.number > last).order_by(_ROWS.c.number).limit(page)
            with self._reading() as connection:
                some = [dict(row) for row in connection.execute(query).mappings()]
            yield from some
            if len(some) < page:
                return
            last = int(some[-1]["number"])


class _Reading:
    """A connection that takes no lock, with the driver's errors said in our words."""

    def __init__(self, engine: Engine, location: Location) -> None:
        self._engine, self._location = engine.execution_options(reads_only=True), location

    def __enter__(self) -> Connection:
        try:
            self._connection = self._engine.connect()
        except DBAPIError as error:
            raise RecordError(f"the record {shown(self._location)} cannot be read: {told(error)}") from error
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._connection.close()
        if isinstance(error, DBAPIError):
            raise RecordError(f"the record {shown(self._location)} cannot be read: {told(error)}") from error


def _opened(cls: type[Record], location: Location, *, write: bool) -> Record:
    if isinstance(location, Path):
        if write:
            location.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(location, os.O_RDWR | os.O_CREAT, 0o600))
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
    return cls(engine, location)


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
            connection.execute(insert(_HEAD).values(id=1, version=_VERSION, number=0, digest=""))


def _require_ours(connection: Connection, location: Location) -> None:
    if not {*_TABLES.tables} <= set(inspect(connection).get_table_names()):
        raise RecordError(f"{shown(location)} is no record of Spinecho's; name another place (SPINECHO_RECORD)")
    version = connection.execute(select(_HEAD.c.version)).scalar()
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
            f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=30, check_same_thread=False, isolation_level=None
        )
        opened.execute("PRAGMA synchronous=FULL")
        return opened

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


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


def _values(row: Carried, number: int, before: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "number": number,
        "at": row.at.isoformat(timespec="microseconds"),
        "user": _storable(row.user),
        "role": _storable(row.role),
        "action": _storable(row.action),
        "subject": _storable(row.subject)[:_MOST_SUBJECT],
        "facts": json.dumps({name: _fact(value) for name, value in row.facts.items()}, sort_keys=True, allow_nan=False),
        "origin": row.origin or None,
        "before": before,
    }
    return values | {"digest": _digest(values)}


def _digest(row: Mapping[str, Any]) -> str:
    said = json.dumps([row[name] for name in _SIGNED], ensure_ascii=True)
    return hashlib.sha256(said.encode("ascii")).hexdigest()


def _fact(value: Fact) -> Fact:
    if isinstance(value, str):
        return _storable(value)[:_MOST_FACT]
    return value if not isinstance(value, float) or abs(value) < float("inf") else None


def _storable(said: str) -> str:
    """The text as every database takes it: what is no character of Unicode, and NUL, written out."""
    return said.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def _entry(row: Mapping[str, Any]) -> Entry:
    try:
        at, facts = datetime.fromisoformat(row["at"]), json.loads(row["facts"])
    except (ValueError, TypeError):  # changed by hand: `check` says where
        at, facts = datetime.min, {"unreadable": True}
    facts = facts if isinstance(facts, dict) else {"unreadable": True}
    return Entry(at, row["user"], row["role"], row["action"], row["subject"], facts, int(row["number"]), row["digest"])


def _differs(known: tuple[str, str] | None, digest: str, said: str) -> list[str]:
    return [said] if known is not None and known[0] != digest else []


def _missing(first: int, last: int) -> str:
    return f"row {first} is missing" if first == last else f"rows {first} to {last} are missing"


def _unwritable(location: Location, error: DBAPIError | sqlite3.Error | OSError) -> RecordUnwritable:
    return RecordUnwritable(
        f"nothing can be recorded in {shown(location)} ({_why(error)}), and nothing is shown that is not on record: "
        "name another place with SPINECHO_RECORD; on a machine used alone --no-record goes without"
    )


def _why(error: DBAPIError | sqlite3.Error | OSError) -> str:
    return str(error) if isinstance(error, sqlite3.Error) else told(error)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
