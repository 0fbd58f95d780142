"""What `check_database` and `check_builds` look at, in small pieces, each of which can be the last for today.

A step goes over one thing (a table, a build, a snapshot) and says after each piece where it stands. Given that again,
it goes on from there. Between two pieces it holds no connection and no transaction.
"""

from __future__ import annotations

import _thread
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from sqlalchemy import Connection, LargeBinary, Table, select
from sqlalchemy.exc import DBAPIError

from spinecho.db.errors import BuildCorrupt, StoreError
from spinecho.db.facts.fact_changes import Looked, TooMuch, changed_studies
from spinecho.db.facts.snapshot_check import require_agreement
from spinecho.db.facts.snapshots import open_snapshot, snapshots_newest_first, state_of
from spinecho.db.schema.checksums import COLUMN, columns_of, page_after
from spinecho.db.schema.damage import ELSEWHERE, MOST_NAMED, Finding, wrong_keys, wrongly_summed
from spinecho.db.schema.database import Database, one_moment
from spinecho.db.schema.models import SEALED, Base, RegionVector, SpaceRow, Vector
from spinecho.db.upkeep.check import (
    BUILDS,
    is_going,
    no_unit_vectors,
    odd_parts,
    sequences,
    unreadable,
    words,
    wrong_numbers,
)
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.build import open_unread
from spinecho.db.vectors.manifest import builds_newest_first, space_folder, stated_build
from spinecho.db.vectors.sound import PORTION, require_borne_out, require_sound

At: TypeAlias = Sequence[int | str] | None
"""Where a step stands: plain values, None for its beginning."""
_CHUNK = 1 << 20
"""Bytes of a file in a piece."""
_LARGE, _SMALL = 200, 2_000
"""Rows in a piece, of tables that hold pictures and vectors, and of others."""
_STUDIES = 20_000
_LIST = "sqlite_schema"
_AGAIN = 0.05
"""Seconds after which a query that does not end is interrupted once more: it may not have begun."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What was looked at: bytes that were read, 0 where nobody can tell; where the step stands now; what is wrong."""

    at: At
    bytes: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be checked. by_rows: held against rows, which have to be sound for it."""

    name: str
    area: str
    pieces: Callable[[At], Iterator[Piece]]
    needs: str = ""
    """Another step, which has to have found nothing wrong."""
    by_rows: bool = False
    writes: bool = False
    """Whether nobody else can write while it lasts."""


def steps(database: Database, builds: Path) -> tuple[Step, ...]:
    """What there is to be checked in a database and its builds now, in order."""
    found = [Step(f"structure of {name}", "database", partial(_structure, database, name)) for name in _named(database)]
    for class_ in sorted(SEALED, key=lambda one: one.__tablename__):
        found.append(Step(f"rows of {class_.__tablename__}", "database", partial(_rows, database, class_)))
    found.append(Step("counters", "database", partial(_whole, database, sequences)))
    if database.engine.dialect.name == "sqlite":
        found.append(Step("full text", "database", partial(_whole, database, words), writes=True))
    with database.begin() as session:
        spaces = [
            SpaceRecord(row.id, row.model, row.revision, row.preprocessing, row.dim, "")
            for row in session.execute(select(SpaceRow.__table__))
        ]
    for space in spaces:
        for name in builds_newest_first(builds, space):
            called = f"build space-{space.id}/{name}"
            files, vectors = f"files of {called}", partial(_vectors, database, builds, space, name)
            found.append(Step(files, "builds", partial(_digests, builds, space, name)))
            found.append(Step(f"vectors of {called}", "builds", vectors, needs=files, by_rows=True))
    for name in snapshots_newest_first(builds):
        pieces = partial(_snapshot, database, builds, name)
        found.append(Step(f"snapshot of facts {name}", "builds", pieces, by_rows=True))
    return tuple(found)


def file_pieces(path: Path, at: At) -> Iterator[tuple[Piece, str]]:
    """A file's bytes read in pieces; the last comes with its sha256, the others with ''. Raises `OSError`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            yield Piece(at, len(chunk)), ""
    yield Piece(at), digest.hexdigest()


def _named(database: Database) -> list[str]:
    """Tables of a file whose structure is looked at one by one, their list first; a server looks after its own."""
    if database.engine.dialect.name != "sqlite":
        return []
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    with database.begin() as session:
        listed = [str(row[0]) for row in session.connection().exec_driver_sql(query)]
    return [_LIST, *(name for name in listed if not name.startswith("sqlite_"))]


def _asked(database: Database, ask: Callable[[Connection], Piece], *, writes: bool = False) -> Piece:
    """A piece of one moment; what cannot be read because it is damaged is its finding, and ends the step."""
    try:
        with database.engine.connect() as connection, nullcontext() if writes else one_moment(connection):
            return ask(connection)
    except DBAPIError as error:
        return Piece(None, 0, (unreadable(error, database.location),))
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:  # a value that no column can hold
        return Piece(None, 0, (Finding(f"the database cannot be read ({type(error).__name__})", 1, (), ELSEWHERE),))


def _structure(database: Database, table: str, at: At) -> Iterator[Piece]:
    """What SQLite finds wrong in the pages of one table and its indexes: one statement, which Ctrl-C interrupts."""

    def ask(connection: Connection) -> Piece:
        damage = [str(row[0]) for row in connection.exec_driver_sql(f'PRAGMA integrity_check("{table}")')]
        loose: list[str] = []
        if table != _LIST:
            keys = connection.exec_driver_sql(f'PRAGMA foreign_key_check("{table}")')
            loose = [f"{row[0]} {row[1]}" for row in keys]
        found = []
        if damage != ["ok"]:
            named = tuple(damage[:MOST_NAMED])
            found.append(Finding("the database file is malformed", len(damage), named, ELSEWHERE, "structure"))
        if loose:
            named = tuple(loose[:MOST_NAMED])
            found.append(Finding("rows point to rows that are not there", len(loose), named, ELSEWHERE, "structure"))
        return Piece(None, 0, tuple(found))

    yield _asked(database, lambda connection: _interruptibly(connection, ask))


def _interruptibly(connection: Connection, ask: Callable[[Connection], Piece]) -> Piece:
    """What takes SQLite long, in a thread of its own, so that Ctrl-C ends it.

    The connection is that thread's until it has ended, wherever in here Ctrl-C comes: closed under it, the process
    dies. So all that is waited for are plain locks, which are taken or not; events and futures break midway.
    """
    driver: Any = connection.connection.driver_connection
    claim, ended = threading.Lock(), threading.Lock()
    told: list[Piece | BaseException] = []

    def answer() -> None:
        if claim.acquire(blocking=False):
            try:
                told.append(ask(connection))
            except BaseException as error:
                told.append(error)
        ended.release()

    try:
        ended.acquire()
        _thread.start_new_thread(answer, ())
        ended.acquire()
    except BaseException:
        while not told and not claim.acquire(blocking=False) and not ended.acquire(timeout=_AGAIN):
            driver.interrupt()
        raise
    if isinstance(told[0], BaseException):
        raise told[0]
    return told[0]


def _rows(database: Database, class_: type[Base], at: At) -> Iterator[Piece]:
    """Checksums of a table's rows, and the numbers of those that are vectors."""
    table = class_.__table__
    assert isinstance(table, Table)  # noqa: S101
    keys, names = len(table.primary_key), columns_of(table)
    most = _LARGE if any(isinstance(column.type, LargeBinary) for column in table.columns) else _SMALL
    ended = False

    def ask(connection: Connection) -> Piece:
        nonlocal ended
        rows = page_after(connection, table, at, *names, COLUMN, most=most)
        wrong = wrong_keys(table, rows)
        found = tuple(wrongly_summed(connection, class_, wrong))
        if class_ in (Vector, RegionVector):
            found += tuple(_numbers(connection, class_, names, rows))
        ended = len(rows) < most
        last = [_plain(value) for value in rows[-1][:keys]] if rows else at
        return Piece(last, sum(_size(value) for row in rows for value in row), found)

    while not ended:
        piece = _asked(database, ask)
        yield piece
        if piece.at is None:  # it is empty, or cannot be read
            return
        at = piece.at


def _numbers(
    connection: Connection, class_: type[Base], names: Sequence[str], rows: Sequence[Any]
) -> Iterator[Finding]:
    """Vectors that were wrong when they were written have the right checksum."""
    dims = {row[0]: row[1] for row in connection.execute(select(SpaceRow.id, SpaceRow.dim))}
    if class_ is Vector:
        space, data = 1 + names.index("space_id"), 1 + names.index("data")
        wrong = no_unit_vectors([(row[0], row[space], row[data]) for row in rows], dims)
    else:
        cells, data = 2 + names.index("cells"), 2 + names.index("data")
        wrong = odd_parts([(row[0], row[1], row[cells], row[data]) for row in rows], dims)
    yield from wrong_numbers(connection, class_, wrong)


def _plain(value: object) -> int | str:
    if not isinstance(value, int | str):
        raise TypeError(value)
    return value


def _size(value: object) -> int:
    return len(value) if isinstance(value, str | bytes | memoryview) else 8


def _whole(database: Database, check: Callable[[Connection], Iterator[Finding]], at: At) -> Iterator[Piece]:
    def ask(connection: Connection) -> Piece:
        return Piece(None, 0, tuple(check(connection)))

    long = database.engine.dialect.name == "sqlite"
    answer = (lambda connection: _interruptibly(connection, ask)) if long else ask
    yield _asked(database, answer, writes=check is words)


def _unsound(message: str) -> Finding:
    return Finding("index builds or snapshots of facts are not sound", 1, (message,), BUILDS, "builds")


def _digests(builds: Path, space: SpaceRecord, name: str, at: At) -> Iterator[Piece]:
    """A build's files against the digests in its manifest. at: how many of them are done."""
    folder = space_folder(builds, space) / name
    done = int(at[0]) if at else 0
    try:
        manifest, _ = stated_build(builds, space, name)
        for number, (file, stated) in enumerate(sorted(manifest.sha256.items())):
            if number < done:
                continue
            found = ""
            for piece, found in file_pieces(folder / file, [number]):  # noqa: B007  (the last is the file's)
                yield piece
            wrong = found != stated
            why = f"space {space.id}: index build {name} has changed on disk since it was written ({file})"
            yield Piece([number + 1], 0, (_unsound(why),) if wrong and not is_going(folder) else ())
    except (StoreError, OSError) as error:
        message = str(error) if isinstance(error, StoreError) else f"index build {name} cannot be read"
        if not is_going(folder):
            yield Piece(None, 0, (_unsound(f"space {space.id}: {message}"),))


def _vectors(database: Database, builds: Path, space: SpaceRecord, name: str, at: At) -> Iterator[Piece]:
    """A build's vectors against the rows. at: how many were compared."""
    start = int(at[0]) if at else 0
    folder = space_folder(builds, space) / name
    try:
        manifest, plan = stated_build(builds, space, name)
        index = open_unread(builds, space, manifest, plan)
        require_sound(
            database, space, name, index,
            count=manifest.count, highest=manifest.highest_id, tombstone=manifest.last_tombstone,
        )  # fmt: skip
        ids = np.asarray(index.ids)
        while start < len(ids):
            some = ids[start : start + PORTION]
            require_borne_out(database, space, name, index, some, manifest.last_tombstone)
            start += len(some)
            yield Piece([start], len(some) * space.dim * 4)
    except BuildCorrupt as error:
        if not is_going(folder):
            yield Piece(None, 0, (_unsound(f"space {space.id}: {error}"),))


def _snapshot(database: Database, builds: Path, name: str, at: At) -> Iterator[Piece]:
    """A snapshot of facts against its digests and the rows. at: the study up to which it was compared."""
    after = int(at[0]) if at else 0
    folder = builds / "facts" / name
    try:
        manifest, table = open_snapshot(builds, name)
        yield Piece([after], sum(path.stat().st_size for path in folder.iterdir()))
        for start in range(int(np.searchsorted(table.studies, after, "right")), len(table.studies), _STUDIES):
            with database.reading() as session:
                state = state_of(session)
                if manifest.state.origin != state.origin or manifest.state.highest_id > state.highest_id:
                    raise BuildCorrupt(f"fact snapshot {name} is of another database")
                looked = Looked(manifest.state.last_tombstone, np.empty(0, np.int64))
                changed = changed_studies(session, table, manifest.state, looked)
                same = manifest.state.last_run == state.last_run >= 0
                require_agreement(
                    session, name, table, changed, archives=same, whole=True, after=after, most=_STUDIES
                )  # fmt: skip
            after = int(table.studies[min(start + _STUDIES, len(table.studies)) - 1])
            yield Piece([after])
    except TooMuch:  # it is too old to answer, so that what it says does not matter
        return
    except (BuildCorrupt, OSError) as error:
        message = str(error) if isinstance(error, StoreError) else f"fact snapshot {name} cannot be read"
        if not is_going(folder):
            yield Piece(None, 0, (_unsound(message),))
