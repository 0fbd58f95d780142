"""The tables of the queue's file, and how those of an older version become these."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from spinecho.db.errors import Damaged

_TABLES = (
    """CREATE TABLE IF NOT EXISTS jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL,
  role TEXT NOT NULL, arguments TEXT NOT NULL, priority INTEGER NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  created REAL NOT NULL, begun REAL, ended REAL, runner TEXT NOT NULL DEFAULT '', stage TEXT NOT NULL DEFAULT '',
  done INTEGER NOT NULL DEFAULT 0, known INTEGER NOT NULL DEFAULT 0, cancel INTEGER NOT NULL DEFAULT 0,
  result TEXT, problem TEXT, seconds REAL NOT NULL, waited REAL, over REAL, turn INTEGER, asked TEXT, came TEXT)""",
    "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, priority, number)",
    """CREATE TABLE IF NOT EXISTS kept (
  name TEXT PRIMARY KEY, digest TEXT NOT NULL, status INTEGER, media TEXT, body BLOB, at REAL NOT NULL,
  came TEXT)""",
    """CREATE TABLE IF NOT EXISTS passed (
  one INTEGER PRIMARY KEY CHECK (one = 1), at REAL NOT NULL, boot TEXT NOT NULL, since REAL NOT NULL,
  clock REAL NOT NULL)""",
)
"""created, begun and ended: by the clock, for people. waited (until when), over (since when) and at (of what is kept):
by the file's own count of seconds, see `count`. turn: how many jobs were begun before. asked, came: digests of
what a job was asked, and of what came of it; of an answer that is kept, too.
"""
_LATER = {
    "jobs": {"waited": "REAL", "over": "REAL", "turn": "INTEGER", "asked": "TEXT", "came": "TEXT"},
    "kept": {"came": "TEXT"},
}


def digest_of(*values: str | None) -> str:
    """By which a row shows that it is what was written."""
    return hashlib.sha256(json.dumps(values).encode("utf-8", "surrogatepass")).hexdigest()


def require_as_written(digest: str | None, values: Sequence[str | None]) -> None:
    """Raise ValueError for values that are not those of a digest; an older version wrote none."""
    if digest is not None and digest_of(*values) != digest:
        raise ValueError("a row is not what was written")


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """A file that is no queue any more, or whose rows are not what was written, is told as that. Raises `Damaged`."""
    try:
        yield
    except (sqlite3.DatabaseError, ValueError, TypeError, OverflowError) as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}:
            raise
        raise Damaged(
            f"the servers' jobs in {path} are damaged ({error}); stop the servers and remove that file: jobs that wait "
            "are forgotten, and nothing else"
        ) from error


def lacks(connection: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    """(table, column) of those that a file of an older version does not have."""
    found = set()
    for table, columns in _LATER.items():
        there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        found |= {(table, name) for name in columns.keys() - there}
    return frozenset(found)


def make_tables(connection: sqlite3.Connection) -> None:
    """Within a change; those that are there stay as they are, with the columns that they lacked."""
    for statement in _TABLES:
        connection.execute(statement)
    lacking = lacks(connection)
    for table, name in lacking:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {_LATER[table][name]}")
    if ("jobs", "over") in lacking:
        connection.execute("UPDATE jobs SET over = ended")
