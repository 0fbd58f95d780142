"""Opening a database: the connection's settings and the schema's age."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet, finalize

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from spinecho.db.durable import sync_file
from spinecho.db.errors import Busy, SchemaOutdated, SchemaUnknown, ServerLost, StorageFailure, StoreError
from spinecho.db.schema.access import Access, access_to, stamp_of
from spinecho.db.schema.checksums import SealingSession
from spinecho.db.schema.damage import first_damage
from spinecho.db.schema.engines import Location, check_server, driver_message, make_engine, shown, transactional_ddl
from spinecho.db.schema.founding import is_there, make_file, require_file_of_ours, require_ours, revision_of
from spinecho.db.schema.settled import number_of, was_kept
from spinecho.db.schema.trouble import damaged, error_of
from spinecho.db.values import Carried

HEAD = "0018"
"""The newest migration; a test holds it against the migrations folder."""


Read = TypeVar("Read")

LEADS = 0x5350494E
"""What PostgreSQL's advisory lock is called that the one who writes the index holds; the next number is of upgrades."""
AT_WORK = LEADS + 2
"""The lock of the connection that the same one works with: where only the first breaks, nobody takes its place."""


def _dispose_with(database: Database, engine: Engine) -> finalize[[], Database]:
    """Close the connections of a pool once nobody holds its database any more: a server's are not to wait for chance.

    Not at the end of the process: one that was forked would say goodbye on its parent's connections.
    """
    found = finalize(database, engine.dispose)
    found.atexit = False
    return found


_REMEMBERED = 20_000
"""Rows of one kind at most that a moment remembers."""


class Database:
    """A connection pool over one database whose schema is the current one."""

    opened: ClassVar[WeakSet[Database]] = WeakSet()
    """Those that are in use: an error that nobody can explain may lie in what they hold."""

    def __init__(self, engine: Engine, location: Location, *, access: Access = Access.WRITE) -> None:
        self.engine, self.location, self.access = engine, location, access
        self._stamp = stamp_of(location) if access is Access.FROZEN and isinstance(location, Path) else None
        self._lock = threading.Lock()
        self._moment = threading.local()
        self._disposing = _dispose_with(self, engine)
        Database.opened.add(self)

    @classmethod
    def open(cls, location: Location, *, create: bool = True) -> Database:
        """Open the SQLite file or the PostgreSQL database at `location`, making file and tables when absent.

        Only what does not exist is made: a file without tables is refused, whoever left it. Without `create`, a file
        that this account may only read is opened for reading, and what would be written raises `StorageFailure`.

        Raises `SchemaOutdated` for an older schema (`spinecho db upgrade` mends it), `SchemaUnknown` for a newer or a
        foreign one, `Damaged` for what is no database or none any more, `StorageFailure` when it cannot be reached or
        read, and `StoreError` when there is nothing and `create` is false.
        """
        where, access = shown(location), Access.WRITE
        nothing = StoreError(f"no database at {where}; run 'spinecho index FOLDER' first, or name its home with --home")
        if isinstance(location, Path):
            if not is_there(location):
                if not create:
                    raise nothing
                make_file(location, migrate)
            access = access_to(location)
            if all(one.location != location for one in cls.opened):
                require_file_of_ours(
                    location
                )  # reads it by hand: never beside an open one, whose locks that would drop
            if create and access is not Access.WRITE:
                raise StorageFailure(f"{where} may only be read; give this account the right to write, or name a home")
        database = cls(make_engine(location, access=access), location, access=access)
        try:
            database._check(nothing, create=create)
        except BaseException:
            database.close()
            raise
        return database

    @property
    def read_only(self) -> bool:
        """Whether nothing can be kept here."""
        return self.access is not Access.WRITE

    def _check(self, nothing: StoreError, *, create: bool) -> None:
        where = shown(self.location)
        with self._reported():
            with self.engine.connect() as connection:
                check_server(connection)
                revision, tables = revision_of(connection)
            if revision is None and not tables and not isinstance(self.location, Path):
                if not create:
                    raise nothing
                migrate(self.location)
                return
        require_ours(self.location, revision, tables)
        if revision is not None and revision < HEAD:
            raise SchemaOutdated(f"{where} has schema {revision}, this Spinecho needs {HEAD}: 'spinecho db upgrade'")
        if revision is None or revision > HEAD:
            raise SchemaUnknown(f"{where} has schema {revision}, newer than this Spinecho's {HEAD}: upgrade Spinecho")

    @contextmanager
    def begin(self, *, durable: bool = False) -> Iterator[Session]:
        """A transaction: committed at the end of the block, rolled back by an exception.

        `durable`: what people made. It is on the disk when the block ends, also where the power fails then; of other
        transactions the last ones may be lost, whole. Where a server's connection breaks at its end, the server is
        asked whether it was kept: this block ends well, or raises and nothing is kept, or raises `Unsettled`.
        Raises `StorageFailure` where the server is gone, or the file is locked, full or read-only, and `Damaged` where
        what is stored is not what was written.
        """
        if (held := self._held) is not None:
            if durable:
                raise StoreError("nothing is written while what is stored is read as of one moment")
            yield held
            return
        with self._reported(), self._unchanging(), self.engine.connect() as connection:
            if durable:
                _sync_commits(connection, on=True)
            number = ""
            try:
                with SealingSession(connection, expire_on_commit=False) as session, session.begin():
                    yield session
                    session.seal()
                    number = number_of(session) if durable else ""
            except DBAPIError as error:
                if not (number and error.connection_invalidated and was_kept(self.engine, number)):
                    raise
            finally:
                if durable:
                    _sync_commits(connection, on=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """All that this thread reads from here within the block is of one moment, however many transactions it takes.

        Nothing can be written in it. Blocks may be nested: the outermost one sets the moment. Raises as `begin`.
        """
        if (held := self._held) is not None:
            yield held
            return
        with (
            self._reported(),
            self._unchanging(),
            self.engine.connect() as connection,
            one_moment(connection),
            Session(connection, expire_on_commit=False, autoflush=False) as session,
        ):
            self._moment.session = session
            try:
                yield session
            finally:
                self._moment.session = None

    def again(self, read: Callable[[], Read]) -> Read:
        """What is read, by what writes nothing; once more where the server's connection broke meanwhile.

        Within a `reading` block whoever began that one asks again: another connection sees another moment.
        """
        try:
            return read()
        except ServerLost:
            if self._held is not None:
                raise
            return read()

    def remembered(self, what: str) -> dict[Any, Any]:
        """What was read of one kind, by its keys, within the moment that this thread reads; outside of one, nothing."""
        held = self._held
        found: dict[Any, Any] = {} if held is None else held.info.setdefault(what, {})
        if len(found) > _REMEMBERED:  # a moment of many rows is no search: nothing asks for them twice
            found.clear()
        return found

    @property
    def in_a_moment(self) -> bool:
        """Whether this thread is in a `reading` block."""
        return self._held is not None

    @property
    def _held(self) -> Session | None:
        """The session whose moment this thread reads, where it is in a `reading` block."""
        session: Session | None = getattr(self._moment, "session", None)
        return session

    def sync(self) -> None:
        """Have everything that was committed on the disk, as for what speaks of it elsewhere: builds and snapshots."""
        if isinstance(self.location, Path) and not self.read_only:
            with self._reported(), self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
            with suppress(FileNotFoundError):  # a reader keeps SQLite from it; nobody locks a log, so it can be opened
                sync_file(self.location.with_name(f"{self.location.name}-wal"))

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Have errors of the driver say what they mean, and odd values what they come from."""
        try:
            yield
        except (DBAPIError, PoolTimeout) as error:
            typed = error_of(error, self.location)
            if typed is None:
                self._suspect(error)
                raise
            raise typed from error
        except (ValueError, TypeError, LookupError, ArithmeticError, InvalidRequestError) as error:
            self._suspect(error)
            raise

    def _suspect(self, error: Exception) -> None:
        """Raise `Damaged` where the file is: then an error of another kind comes from what was read of it.

        Raises what `first_damage` does: a connection that broke is met as errors of many kinds.
        """
        damage = first_damage(self.engine, self.location)
        if damage:
            raise damaged(self.location, damage) from error

    @contextmanager
    def _unchanging(self) -> Iterator[None]:
        """Where a file is read without locks: see that nobody writes it meanwhile, and open it anew where somebody did.

        Raises `StorageFailure` for a block during which it was written.
        """
        if self._stamp is None or not isinstance(self.location, Path):
            yield
            return
        with self._lock:
            if stamp_of(self.location) != self._stamp:
                self.engine.dispose()
                self.access = access_to(self.location)
                self.access = Access.SHARED if self.access is Access.WRITE else self.access
                self.engine = make_engine(self.location, access=self.access)
                self._disposing.detach()
                self._disposing = _dispose_with(self, self.engine)
                self._stamp = stamp_of(self.location) if self.access is Access.FROZEN else None
        before = self._stamp
        yield
        if before is not None and stamp_of(self.location) != before:
            raise StorageFailure(f"the database {self.location} was written while it was read; ask again")

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
        Database.opened.discard(self)


def _sync_commits(connection: Connection, *, on: bool) -> None:
    """Whether a commit waits for the disk. SQLite takes it between transactions only; a server waits by itself."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if on else 'NORMAL'}")
        connection.rollback()  # of nothing: ends the transaction that SQLAlchemy believes it has begun


@contextmanager
def one_moment(connection: Connection) -> Iterator[None]:
    """A transaction that sees one state and writes nothing. SQLite's driver by itself begins only when it writes."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
        return
    driver: Any = connection.connection.driver_connection
    before = driver.total_changes
    connection.exec_driver_sql("BEGIN")
    try:
        yield
        if driver.total_changes != before:
            raise StoreError("something was written while what is stored was read as of one moment; nothing was kept")
    finally:
        connection.rollback()


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
            for key in (LEADS, AT_WORK):
                if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
                    raise Busy(f"somebody is indexing into {shown(location)} already; wait for it")
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": AT_WORK})
            yield
    except DBAPIError as error:
        raise error_of(error, location) or error from error
    finally:
        engine.dispose()


def migrate(location: Location, *, carry: Callable[[Sequence[Carried]], object] | None = None) -> None:
    """Bring the database to the newest schema: wholly or, when killed, not at all. Raises `StoreError`.

    carry: keeps the rows of a record that an older schema holds; without it, a database that has such rows is refused.
    """
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
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LEADS + 1})
            config.attributes.update(connection=connection, carry=carry)
            command.upgrade(config, "head")
    except DBAPIError as error:  # a server on which we may not make tables, a full or read-only disk
        raise error_of(error, location) or StoreError(
            f"cannot make the tables of {shown(location)}: {driver_message(error)}"
        ) from error
    finally:
        engine.dispose()


def damage_behind() -> str:
    """What is damaged in a database that is open in this process, '' where nothing is: why something odd was met."""
    for database in list(Database.opened):
        damage = ""
        with suppress(StoreError):  # it cannot be asked
            damage = first_damage(database.engine, database.location)
        if damage:
            return str(damaged(database.location, damage))
    return ""
