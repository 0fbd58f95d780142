"""Whether everything that is stored is what was written: the file's structure, every row, every build and snapshot.

What is found is named with what helps. Reading does not wait for this: what a search reads is checked as far as it
costs little, and `spinecho status --check` reads all of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import DBAPIError

from spinecho.db.errors import BuildCorrupt, StoreError
from spinecho.db.facts.fact_changes import Looked, TooMuch, changed_studies
from spinecho.db.facts.snapshot_check import require_agreement
from spinecho.db.facts.snapshots import open_snapshot, snapshots_newest_first, state_of
from spinecho.db.schema.checksums import COLUMN, columns_of, pages, summing
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location, driver_message
from spinecho.db.schema.models import (
    SEALED,
    Base,
    File,
    Passage,
    RegionVector,
    Report,
    Series,
    SpaceRow,
    Study,
    Tombstone,
    Vector,
    Volume,
)
from spinecho.db.schema.trouble import damaged, error_of
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.build import builds_newest_first, open_build, unpack
from spinecho.db.vectors.sound import require_sound

_MOST = 5
"""Examples named of what is wrong."""
_AGAIN = "'spinecho index --no-resume' reads the files again and stores this anew"
_ELSEWHERE = (
    "put a copy of the database back ('spinecho db copies' lists those of upgrades), or index anew into another home: "
    "spinecho index FOLDER --home OTHER"
)
_KEPT = "people made this: put a copy of the database back ('spinecho db copies' lists those of upgrades)"
_BUILDS = "'spinecho index --rebuild' makes them anew; until then the rows answer"
_REMEDIES: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "files",
            "failures",
            "volumes",
            "thumbnails",
            "vectors",
            "region_vectors",
            "predictions",
            "reports",
            "passages",
        ),
        _AGAIN,
    ),
    **dict.fromkeys(
        ("cohorts", "cohort_versions", "cohort_members", "feedback", "saved_searches", "access_tokens"), _KEPT
    ),
}
_UNIT = 0.02
"""By how much the length of a vector may differ from 1: fp16 rounds each number."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not what was written."""

    what: str
    count: int
    examples: tuple[str, ...]
    """Ids, and the UIDs of studies where there are any."""
    remedy: str


def check_database(database: Database, builds: Path | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong; nothing where all is well. Reads all rows and, where they are given, all builds."""
    found: list[Finding] = []
    steps = [_structure, _rows, _sequences, _vectors, _words]
    for step in steps:
        try:
            with database.engine.connect() as connection:
                found += step(connection)
        except (DBAPIError, OSError) as error:
            found.append(_failed(error, database.location))
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:  # a value that no column can hold
            found.append(Finding(f"the database cannot be read ({type(error).__name__})", 1, (), _ELSEWHERE))
    if builds is not None and not found:  # rows that are wrong are no measure for builds
        found += _built(database, builds)
    return tuple(dict.fromkeys(found))


def first_damage(database: Database) -> str:
    """What is wrong first, in a few words, '' where nothing is; for errors that nobody can explain."""
    try:
        with database.engine.connect() as connection:
            for step in (_structure, _rows):
                for finding in step(connection):
                    return finding.what
    except (DBAPIError, OSError) as error:
        return str(driver_message(error))
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        return f"a value cannot be read: {type(error).__name__}"
    return ""


def damage_behind() -> str:
    """What is damaged in a database that is open in this process, '' where nothing is: why something odd was met."""
    for database in list(Database.opened):
        if damage := first_damage(database):
            return str(damaged(database.location, damage))
    return ""


def _failed(error: DBAPIError | OSError, location: Location) -> Finding:
    typed = error_of(error, location)
    return Finding(str(typed or driver_message(error)), 1, (), _ELSEWHERE)


def _structure(connection: Connection) -> Iterator[Finding]:
    if connection.dialect.name != "sqlite":
        return  # a server checks its pages itself, where checksums of data are on
    damage = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(100)")]
    if damage != ["ok"]:
        yield Finding("the database file is malformed", len(damage), tuple(damage[:_MOST]), _ELSEWHERE)
    loose = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if loose:
        named = tuple(f"{row[0]} {row[1]}" for row in loose[:_MOST])
        yield Finding("rows point to rows that are not there", len(loose), named, _ELSEWHERE)


def _rows(connection: Connection) -> Iterator[Finding]:
    for class_ in SEALED:
        table = class_.__table__
        assert isinstance(table, Table)  # noqa: S101
        keys, names, checksum = len(table.primary_key), columns_of(table), summing(table)
        wrong: list[tuple[Any, ...]] = []
        for rows in pages(connection, table, *names, COLUMN):
            wrong += [tuple(row[:keys]) for row in rows if row[-1] != checksum(row[keys:-1])]
        if wrong:
            named = tuple(_named(connection, class_, key) for key in wrong[:_MOST])
            what = f"rows of {table.name} are not what was written"
            yield Finding(what, len(wrong), named, _REMEDIES.get(table.name, _ELSEWHERE))


def _sequences(connection: Connection) -> Iterator[Finding]:
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
                yield Finding(what, 1, (f"{last} below {highest}",), _ELSEWHERE)
    alive = connection.scalar(
        select(func.count()).select_from(Tombstone).where(Tombstone.vector_id.in_(select(Vector.id)))
    )
    if alive:
        yield Finding("vectors that are there are listed as deleted", alive, (), _ELSEWHERE)


def _vectors(connection: Connection) -> Iterator[Finding]:
    """Numbers that were wrong when they were written have the right checksum."""
    dims = {row[0]: row[1] for row in connection.execute(select(SpaceRow.id, SpaceRow.dim))}
    vectors, regions = Vector.__table__, RegionVector.__table__
    assert isinstance(vectors, Table)  # noqa: S101
    assert isinstance(regions, Table)  # noqa: S101
    wrong: list[int] = []
    for rows in pages(connection, vectors, "space_id", "data"):
        whole = [(row[0], row[2], dims.get(row[1])) for row in rows]
        wrong += [key for key, data, dim in whole if dim is None or len(data) != 2 * dim]
        for dim in set(dims.values()):
            of = [(key, data) for key, data, its in whole if its == dim and len(data) == 2 * dim]
            if of:
                lengths = np.linalg.norm(unpack(b"".join(data for _, data in of), dim), axis=1)
                wrong += [of[at][0] for at in np.flatnonzero(~(np.abs(lengths - 1) <= _UNIT)).tolist()]
    if wrong:
        named = tuple(_named(connection, Vector, (key,)) for key in wrong[:_MOST])
        yield Finding("vectors are no unit vectors of their space", len(wrong), named, _AGAIN)
    odd: list[tuple[Any, ...]] = []
    for rows in pages(connection, regions, "cells", "data"):
        for row in rows:
            expected = 2 * row[2] * dims.get(row[1], 0)
            sound = len(row[3]) == expected and np.isfinite(np.frombuffer(row[3], dtype="<f2")).all()
            odd += [] if sound else [tuple(row[:2])]
    if odd:
        named = tuple(_named(connection, RegionVector, key) for key in odd[:_MOST])
        yield Finding("vectors of parts are not of their grid and space", len(odd), named, _AGAIN)


def _words(connection: Connection) -> Iterator[Finding]:
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
            yield Finding(f"the full text differs from the {of}", 1, (str(driver_message(error)),), _ELSEWHERE)
        finally:
            connection.rollback()


def _built(database: Database, builds: Path) -> Iterator[Finding]:
    wrong: list[str] = []
    with database.engine.connect() as connection:
        spaces = connection.execute(select(SpaceRow.__table__)).all()
    for row in spaces:
        space = SpaceRecord(row.id, row.model, row.revision, row.preprocessing, row.dim, "")
        for name in builds_newest_first(builds, space):
            try:
                manifest, index = open_build(builds, space, name)
                require_sound(
                    database, space, name, index, count=manifest.count, highest=manifest.highest_id,
                    tombstone=manifest.last_tombstone, whole=True,
                )  # fmt: skip
            except StoreError as error:
                wrong.append(f"space {space.id}: {error}")
    wrong += _snapshots(database, builds)
    if wrong:
        yield Finding("index builds or snapshots of facts are not sound", len(wrong), tuple(wrong[:_MOST]), _BUILDS)


def _snapshots(database: Database, builds: Path) -> Iterator[str]:
    for name in snapshots_newest_first(builds):
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
            yield str(error)


def _named(connection: Connection, class_: type[Any], key: Sequence[Any]) -> str:
    """A row by its key, with the UID of its study where that can be told."""
    name = f"{class_.__table__.name} {' '.join(map(str, key))}"
    uid = None
    try:
        uid = connection.scalar(_study_of(class_, key))
    except (DBAPIError, ValueError, TypeError):
        uid = None
    return f"{name} (study {uid})" if uid else name


def _study_of(class_: type[Any], key: Sequence[Any]) -> Any:
    keys = list(class_.__table__.primary_key)
    here = [column == value for column, value in zip(keys, key, strict=True)]
    of_volume = select(Study.uid).join(Series, Series.study_id == Study.id).join(Volume, Volume.series_id == Series.id)
    if class_ is Study:
        return select(Study.uid).where(*here)
    if class_ is Series:
        return select(Study.uid).join(Series, Series.study_id == Study.id).where(*here)
    if class_ is File:
        return select(File.study_uid).where(*here)
    if class_ is Report:
        return select(Study.uid).join(Report, Report.study_id == Study.id).where(*here)
    if class_ is Volume:
        return of_volume.where(*here)
    if class_ in (Vector, Passage):
        passage = select(Vector.passage_id).where(*here) if class_ is Vector else select(Passage.id).where(*here)
        volume = select(Vector.volume_id).where(*here) if class_ is Vector else select(Passage.volume_id).where(*here)
        in_reports = (
            select(Study.uid).join(Report, Report.study_id == Study.id).join(Passage, Passage.report_id == Report.id)
        )
        caption = select(Passage.volume_id).where(Passage.id.in_(passage))
        scanned = of_volume.where(Volume.id.in_(volume) | Volume.id.in_(caption))
        return scanned.union(in_reports.where(Passage.id.in_(passage))).limit(1)
    if "volume_id" in class_.__table__.c:
        return of_volume.where(Volume.id == key[0])
    raise ValueError(class_)
