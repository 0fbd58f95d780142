"""Whether everything that is stored is what was written: the file's structure, every row, every build and snapshot.

What is found is named with what helps. Reading does not wait for this: what a search reads is checked as far as it
costs little, and `spinecho status --check` reads all of it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import DBAPIError

from spinecho.db.errors import BuildCorrupt, Damaged, StoreError
from spinecho.db.facts.fact_changes import Looked, TooMuch, changed_studies
from spinecho.db.facts.snapshot_check import require_agreement
from spinecho.db.facts.snapshots import open_snapshot, snapshots_newest_first, state_of
from spinecho.db.schema.checksums import pages
from spinecho.db.schema.damage import AGAIN, ELSEWHERE, MOST_NAMED, Finding, row_name, wrong_rows, wrong_structure
from spinecho.db.schema.database import Database, one_moment
from spinecho.db.schema.engines import Location, driver_message
from spinecho.db.schema.models import (
    SEALED,
    Base,
    RegionVector,
    SpaceRow,
    Tombstone,
    Vector,
)
from spinecho.db.schema.trouble import error_of
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.build import open_build
from spinecho.db.vectors.manifest import builds_newest_first, space_folder
from spinecho.db.vectors.sound import require_sound
from spinecho.db.vectors.stored_rows import unpack

_FULL_TEXT = "'spinecho doctor --fix' makes it anew from the sentences"
BUILDS = "'spinecho index --rebuild' makes them anew; until then the rows answer"
_NUMBERS: Mapping[type[Base], str] = {
    Vector: "vectors are no unit vectors of their space",
    RegionVector: "vectors of parts are not of their grid and space",
}
_GOING = 1.0
"""Seconds in which a build that is being removed is gone."""
_UNIT = 0.02
"""By how much the length of a vector may differ from 1: fp16 rounds each number."""


def check_database(database: Database, builds: Path | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong; nothing where all is well. Reads all rows and, where they are given, all builds.

    Each step reads what is stored as of one moment: beside somebody who indexes, what is compared would be of two.
    Raises `StorageFailure` where the database cannot be asked.
    """
    found: list[Finding] = []
    for step in (wrong_structure, wrong_rows, sequences, _vectors, words):
        try:
            with database.engine.connect() as connection, nullcontext() if step is words else one_moment(connection):
                found += step(connection)
        except (DBAPIError, OSError) as error:
            found.append(unreadable(error, database.location))
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:  # a value that no column can hold
            found.append(Finding(f"the database cannot be read ({type(error).__name__})", 1, (), ELSEWHERE))
    if builds is not None and not found:  # rows that are wrong are no measure for builds
        found += check_builds(database, builds)
    return tuple(dict.fromkeys(found))


def check_builds(database: Database, builds: Path) -> tuple[Finding, ...]:
    """What is wrong with builds and snapshots, held against the rows: these have to be sound."""
    return tuple(_built(database, builds))


def make_full_text_anew(database: Database) -> bool:
    """Make a file's full text from its sentences and clauses; whether it is theirs then. A server keeps it itself."""
    if database.engine.dialect.name != "sqlite":
        return True
    with database.begin() as session:
        for table in ("passages_fts", "clauses_fts"):
            session.connection().exec_driver_sql(f"INSERT INTO {table}({table}) VALUES ('rebuild')")  # noqa: S608
    with database.engine.connect() as connection:
        return not list(words(connection))


def unreadable(error: DBAPIError | OSError, location: Location) -> Finding:
    """What cannot be read because it is damaged. Raises `StorageFailure` where that says nothing of the data: it
    is held by somebody, or away.
    """
    typed = error_of(error, location)
    gives_nothing = (getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_IOERR
    if typed is not None and not isinstance(typed, Damaged) and not gives_nothing:  # asked again, it may be read
        raise typed from error
    return Finding(str(typed or driver_message(error)), 1, (), ELSEWHERE)


def sequences(connection: Connection) -> Iterator[Finding]:
    """Ids are never given twice: builds and tombstones name vectors by them."""
    if connection.dialect.name == "sqlite":
        given = {str(row[0]): row[1] for row in connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")}
        counted: tuple[type[Base], ...] = (*SEALED, Tombstone)
        for class_ in counted:
            table = class_.__table__
            assert isinstance(table, Table)  # noqa: S101
            highest = connection.scalar(select(func.max(table.c.id))) if "id" in table.c else None
            last = given.get(str(table.name))
            own = table.dialect_options["sqlite"].get("autoincrement")
            if own and highest is not None and (not isinstance(last, int) or last < highest):
                what = f"the counter of {table.name} stands below what it gave"
                yield Finding(what, 1, (f"{last} below {highest}",), ELSEWHERE)
    alive = connection.scalar(
        select(func.count()).select_from(Tombstone).where(Tombstone.vector_id.in_(select(Vector.id)))
    )
    if alive:
        yield Finding("vectors that are there are listed as deleted", alive, (), ELSEWHERE)


def _vectors(connection: Connection) -> Iterator[Finding]:
    """Numbers that were wrong when they were written have the right checksum."""
    dims = {row[0]: row[1] for row in connection.execute(select(SpaceRow.id, SpaceRow.dim))}
    vectors, regions = Vector.__table__, RegionVector.__table__
    assert isinstance(vectors, Table)  # noqa: S101
    assert isinstance(regions, Table)  # noqa: S101
    wrong: list[tuple[Any, ...]] = []
    for rows in pages(connection, vectors, "space_id", "data"):
        wrong += no_unit_vectors(rows, dims)
    yield from wrong_numbers(connection, Vector, wrong)
    odd: list[tuple[Any, ...]] = []
    for rows in pages(connection, regions, "cells", "data"):
        odd += odd_parts(rows, dims)
    yield from wrong_numbers(connection, RegionVector, odd)


def no_unit_vectors(rows: Sequence[Any], dims: Mapping[int, int]) -> list[tuple[Any, ...]]:
    """Keys of rows (id, space, data) of vectors that are none of their space. dims: of each space."""
    whole = [(row[0], row[2], dims.get(row[1])) for row in rows]
    wrong = [key for key, data, dim in whole if dim is None or len(data) != 2 * dim]
    for dim in set(dims.values()):
        of = [(key, data) for key, data, its in whole if its == dim and len(data) == 2 * dim]
        if of:
            lengths = np.linalg.norm(unpack(b"".join(data for _, data in of), dim), axis=1)
            wrong += [of[at][0] for at in np.flatnonzero(~(np.abs(lengths - 1) <= _UNIT)).tolist()]
    return [(key,) for key in wrong]


def odd_parts(rows: Sequence[Any], dims: Mapping[int, int]) -> list[tuple[Any, ...]]:
    """Keys of rows (volume, space, cells, data) of vectors of parts that are not of their grid and space."""
    odd = []
    for row in rows:
        sound = len(row[3]) == 2 * row[2] * dims.get(row[1], 0)
        if not sound or not np.isfinite(np.frombuffer(row[3], dtype="<f2")).all():
            odd.append(tuple(row[:2]))
    return odd


def wrong_numbers(connection: Connection, class_: type[Base], wrong: Sequence[tuple[Any, ...]]) -> Iterator[Finding]:
    """What is said of vectors with these keys, whose numbers are wrong."""
    if wrong:
        named = tuple(row_name(connection, class_, key) for key in wrong[:MOST_NAMED])
        yield Finding(_NUMBERS[class_], len(wrong), named, AGAIN)


def words(connection: Connection) -> Iterator[Finding]:
    """Full text against the sentences and clauses that it is of. FTS5 is asked by an INSERT, which changes nothing."""
    if connection.dialect.name != "sqlite":
        return
    for table, of in (("passages_fts", "sentences"), ("clauses_fts", "clauses")):
        try:
            connection.exec_driver_sql(f"INSERT INTO {table}({table}, rank) VALUES ('integrity-check', 1)")  # noqa: S608
        except DBAPIError as error:
            code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_READONLY:
                return
            if code not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR}:
                raise
            yield Finding(
                f"the full text differs from the {of}", 1, (str(driver_message(error)),), _FULL_TEXT, "full text"
            )
        finally:
            connection.rollback()


def unsound_builds(database: Database, builds: Path) -> Iterator[tuple[Path, str]]:
    """Builds of vectors that are not what was written, or are not of the rows, and why."""
    with database.engine.connect() as connection:
        spaces = connection.execute(select(SpaceRow.__table__)).all()
    for row in spaces:
        space = SpaceRecord(row.id, row.model, row.revision, row.preprocessing, row.dim, "")
        names = builds_newest_first(builds, space)
        for name in names:
            try:
                manifest, index = open_build(builds, space, name)
                require_sound(
                    database, space, name, index, count=manifest.count, highest=manifest.highest_id,
                    tombstone=manifest.last_tombstone, whole=True,
                )  # fmt: skip
            except StoreError as error:
                folder = space_folder(builds, space) / name
                if _stays(folder, names, builds_newest_first(builds, space)):
                    yield folder, f"space {space.id}: {error}"


def _built(database: Database, builds: Path) -> Iterator[Finding]:
    wrong = [why for _, why in unsound_builds(database, builds)]
    wrong += _snapshots(database, builds)
    if wrong:
        what = "index builds or snapshots of facts are not sound"
        yield Finding(what, len(wrong), tuple(wrong[:MOST_NAMED]), BUILDS, "builds")


def _snapshots(database: Database, builds: Path) -> Iterator[str]:
    names = snapshots_newest_first(builds)
    for name in names:
        try:
            manifest, table = open_snapshot(builds, name)
            with database.reading() as session:
                state = state_of(session)
                if manifest.state.origin != state.origin or manifest.state.highest_id > state.highest_id:
                    raise BuildCorrupt(f"fact snapshot {name} is of another database")
                looked = Looked(manifest.state.last_tombstone, np.empty(0, np.int64))
                changed = changed_studies(session, table, manifest.state, looked)
                same = manifest.state.last_run == state.last_run >= 0
                require_agreement(session, name, table, changed, archives=same, whole=True)
        except TooMuch:  # it is too old to answer, so that what it says does not matter
            continue
        except StoreError as error:
            if _stays(builds / "facts" / name, names, snapshots_newest_first(builds)):
                yield str(error)


def _stays(folder: Path, before: Sequence[str], now: Sequence[str]) -> bool:
    """Whether it is not being removed for a newer one. before, now: what there is, the one that answers first."""
    return now[:1] == before[:1] and (folder.name == before[0] or not is_going(folder))


def is_going(folder: Path) -> bool:
    """Whether it is missing, or soon will be: a new build or snapshot takes away an older one, file by file."""
    if folder.is_dir():
        time.sleep(_GOING)
    return not folder.is_dir()
