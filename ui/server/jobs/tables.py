"""The tables of the queue's file, and how those of an older version become these."""

from __future__ import annotations

import sqlite3

_TABLES = (
    """CREATE TABLE IF NOT EXISTS jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL,
  role TEXT NOT NULL, arguments TEXT NOT NULL, priority INTEGER NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  created REAL NOT NULL, begun REAL, ended REAL, runner TEXT NOT NULL DEFAULT '', stage TEXT NOT NULL DEFAULT '',
  done INTEGER NOT NULL DEFAULT 0, known INTEGER NOT NULL DEFAULT 0, cancel INTEGER NOT NULL DEFAULT 0,
  result TEXT, problem TEXT, seconds REAL NOT NULL, waited REAL, over REAL, turn INTEGER)""",
    "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, priority, number)",
    """CREATE TABLE IF NOT EXISTS kept (
  name TEXT PRIMARY KEY, digest TEXT NOT NULL, status INTEGER, media TEXT, body BLOB, at REAL NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS passed (
  one INTEGER PRIMARY KEY CHECK (one = 1), at REAL NOT NULL, boot TEXT NOT NULL, since REAL NOT NULL,
  clock REAL NOT NULL)""",
)
"""created, begun and ended: by the clock, for people. waited (until when), over (since when) and at (of what is kept):
by the file's own count of seconds, see `count`. turn: how many jobs were begun before.
"""
_LATER = {"waited": "REAL", "over": "REAL", "turn": "INTEGER"}


def make_tables(connection: sqlite3.Connection) -> None:
    """Within a change; those that are there stay as they are, with the columns that they lacked."""
    for statement in _TABLES:
        connection.execute(statement)
    there = {row[1] for row in connection.execute("PRAGMA table_info(jobs)")}
    for name in _LATER.keys() - there:
        connection.execute(f"ALTER TABLE jobs ADD COLUMN {name} {_LATER[name]}")
    if "over" not in there:
        connection.execute("UPDATE jobs SET over = ended")
