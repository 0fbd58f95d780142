"""What is damaged in a database by what it says itself: a file's structure, rows that are not what was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from spinecho.db.errors import Damaged
from spinecho.db.schema.checksums import COLUMN, columns_of, pages, summing
from spinecho.db.schema.engines import Location, driver_message
from spinecho.db.schema.models import SEALED, File, Passage, Report, Series, Study, Vector, Volume
from spinecho.db.schema.trouble import error_of

MOST_NAMED = 5
"""Examples named of what is wrong."""
AGAIN = "'spinecho index --no-resume' reads the files again and stores this anew"
ELSEWHERE = (
    "put a copy of the database back ('spinecho db copies' lists those of upgrades), or index anew into another home: "
    "spinecho index FOLDER --home OTHER"
)
_KEPT = "people made this: put a copy of the database back ('spinecho db copies' lists those of upgrades)"
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
        AGAIN,
    ),
    **dict.fromkeys(
        (
            "cohorts",
            "cohort_versions",
            "cohort_members",
            "feedback",
            "saved_searches",
            "access_tokens",
            "sources",
            "source_studies",
            "taught_concepts",
        ),
        _KEPT,
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not what was written."""

    what: str
    count: int
    examples: tuple[str, ...]
    """Ids, and the UIDs of studies where there are any."""
    remedy: str
    kind: str = "rows"
    """structure, rows, full text or builds: the last two are made from the others, and can be made anew."""


def first_damage(engine: Engine, location: Location) -> str:
    """What is wrong first, in a few words, '' where nothing is; for errors that nobody can explain.

    Raises `ServerLost` and `StorageFailure` where it cannot be asked: that is no damage, and may be what was met.
    """
    try:
        with engine.connect() as connection:
            for step in (wrong_structure, wrong_rows):
                for finding in step(connection):
                    return finding.what
    except (DBAPIError, PoolTimeout, OSError) as error:
        typed = error_of(error, location)
        if typed is not None and not isinstance(typed, Damaged):
            raise typed from error
        return str(driver_message(error))
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        return f"a value cannot be read: {type(error).__name__}"
    return ""


def wrong_structure(connection: Connection) -> Iterator[Finding]:
    """What SQLite itself finds wrong in its file."""
    if connection.dialect.name != "sqlite":
        return  # a server checks its pages itself, where checksums of data are on
    damage = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(100)")]
    if damage != ["ok"]:
        yield Finding("the database file is malformed", len(damage), tuple(damage[:MOST_NAMED]), ELSEWHERE, "structure")
    loose = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if loose:
        named = tuple(f"{row[0]} {row[1]}" for row in loose[:MOST_NAMED])
        yield Finding("rows point to rows that are not there", len(loose), named, ELSEWHERE, "structure")


def structure_of(path: Path) -> list[str]:
    """What SQLite finds wrong in a file of its kind that is not the archive's database; nothing where it is held."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return [] if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY} else [str(error)]
    return [one for one in found if one != "ok"]


def wrong_rows(connection: Connection) -> Iterator[Finding]:
    """Rows whose checksum is not that of what they hold, table by table."""
    for class_ in SEALED:
        table = class_.__table__
        assert isinstance(table, Table)  # noqa: S101
        wrong: list[tuple[Any, ...]] = []
        for rows in pages(connection, table, *columns_of(table), COLUMN):
            wrong += wrong_keys(table, rows)
        yield from wrongly_summed(connection, class_, wrong)


def wrong_keys(table: Table, rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Keys of rows, of the columns of `columns_of` and the checksum, whose checksum is not that of what they hold."""
    keys, checksum = len(table.primary_key), summing(table)
    return [tuple(row[:keys]) for row in rows if row[-1] != checksum(row[keys:-1])]


def wrongly_summed(connection: Connection, class_: type[Any], wrong: Sequence[tuple[Any, ...]]) -> Iterator[Finding]:
    """What is said of rows of a table with these keys, whose checksums are wrong."""
    if wrong:
        name = class_.__table__.name
        named = tuple(row_name(connection, class_, key) for key in wrong[:MOST_NAMED])
        yield Finding(f"rows of {name} are not what was written", len(wrong), named, _REMEDIES.get(name, ELSEWHERE))


def row_name(connection: Connection, class_: type[Any], key: Sequence[Any]) -> str:
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
