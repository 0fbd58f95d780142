"""Who does what is pending, where several processes index into one server: a study or a report file each.

One process leads: it finds files, settles what collides, builds. Others join while it lets them, and take what nobody
has taken. A claim is an advisory lock of a connection, so that one whose process or machine dies is free again; what it
was for is still pending then, and somebody else does it. A claim is of a whole study, whose facts are made of all its
series. A file has one writer: there everything is its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from spinecho.db.schema.database import AT_WORK, LEADS, Database
from spinecho.db.schema.engines import make_engine
from spinecho.db.schema.trouble import error_of

_CLAIM, _OPEN, _STORING = 0x53504943, 0x5350494F, 0x53504953
"""What PostgreSQL's advisory locks are called: of claims, of a leader that lets others in, of who stores."""
_OF_OURS = "FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()"
_OTHERS = text(
    f"SELECT CAST(l.objid AS bigint) {_OF_OURS} WHERE l.locktype = 'advisory' AND l.granted "
    "AND l.classid = :kind AND l.objsubid = 2 AND l.pid <> pg_backend_pid() LIMIT 1"
)
_LED = text(
    f"SELECT count(*) {_OF_OURS} WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
    "AND l.classid = 0 AND l.objid = :leads"
)


class Claims:
    """Of a process that indexes alone: everything is its own."""

    def take(self, key: str) -> bool:
        """Whether this process does what is called so, until `give_back`; it may take the same thing several times."""
        return True

    def give_back(self, key: str) -> None:
        """It is done, once for each time that it was taken."""

    def wait_for(self, key: str) -> None:
        """Until whoever has it has done it, or died. For the leader alone: others go on with something else."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let others take part within the block; it ends once they have done what they took."""
        yield


class _ServerClaims(Claims):
    """Of one process of several."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: Counter[str] = Counter()

    def take(self, key: str) -> bool:
        """As `Claims.take`."""
        if not self._held[key]:
            asked = {"kind": _CLAIM, "key": _number(key)}
            if not self._connection.scalar(text("SELECT pg_try_advisory_lock(:kind, :key)"), asked):
                return False
        self._held[key] += 1
        return True

    def give_back(self, key: str) -> None:
        """As `Claims.give_back`."""
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]
            self._unlock(_CLAIM, _number(key))

    def wait_for(self, key: str) -> None:
        """As `Claims.wait_for`."""
        self._lock_and_unlock(_number(key))

    @contextmanager
    def opened(self) -> Iterator[None]:
        """As `Claims.opened`. Whoever claims after it has ended sees that, and lets go without doing anything."""
        self._connection.execute(text("SELECT pg_advisory_lock(:kind, 0)"), {"kind": _OPEN})
        try:
            yield
        finally:
            self._unlock(_OPEN, 0)
        while (held := self._connection.scalar(_OTHERS, {"kind": _CLAIM})) is not None:
            self._lock_and_unlock(held if held < 1 << 31 else held - (1 << 32))

    def _lock_and_unlock(self, number: int) -> None:
        self._connection.execute(text("SELECT pg_advisory_lock(:kind, :key)"), {"kind": _CLAIM, "key": number})
        self._unlock(_CLAIM, number)

    def _unlock(self, kind: int, number: int) -> None:
        self._connection.execute(text("SELECT pg_advisory_unlock(:kind, :key)"), {"kind": kind, "key": number})


class JoinedClaims(_ServerClaims):
    """Of a process that takes part in what another leads."""

    def take(self, key: str) -> bool:
        """As `Claims.take`; nothing once the leader lets nobody in."""
        if not super().take(key):
            return False
        if self.is_open():  # asked after it was taken: a leader that closes waits for what is taken by then
            return True
        self.give_back(key)
        return False

    def is_open(self) -> bool:
        """Whether a leader lets others take part now."""
        return self._connection.scalar(_OTHERS, {"kind": _OPEN}) is not None

    def is_led(self) -> bool:
        """Whether anybody leads."""
        return bool(self._connection.scalar(_LED, {"leads": LEADS}))


@contextmanager
def claims_of(database: Database) -> Iterator[Claims]:
    """Those of the process that leads; on a server they have a connection of their own within the block."""
    if database.engine.dialect.name == "sqlite":
        yield Claims()
        return
    with _connection(database) as connection:
        connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": AT_WORK})
        yield _ServerClaims(connection)


@contextmanager
def joined_claims(database: Database) -> Iterator[JoinedClaims]:
    """Those of a process that joins, on a server."""
    with _connection(database) as connection:
        yield JoinedClaims(connection)


@contextmanager
def _connection(database: Database) -> Iterator[Connection]:
    engine = make_engine(database.location).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("SET statement_timeout TO 0"))  # who waits for another's series waits long
            yield connection
    except DBAPIError as error:
        raise error_of(error, database.location) or error from error
    finally:
        engine.dispose()


def store_in_turn(session: Session) -> None:
    """Have the transactions that store go one after the other on a server, until this one ends.

    Ids of vectors are then seen in their order: an index that has followed the rows up to one has seen all below it.
    """
    if session.connection().dialect.name != "sqlite":
        session.execute(text("SELECT pg_advisory_xact_lock(:kind, 0)"), {"kind": _STORING})


def _number(key: str) -> int:
    """A key as the server's locks are called: two that have the same number are done one after the other."""
    number = crc32(key.encode("utf-8", "surrogatepass"))
    return number if number < 1 << 31 else number - (1 << 32)
