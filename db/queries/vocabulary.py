"""The words that full text knows: as stems with how many passages hold them, and as they are written."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from spinecho.db.reports.full_text import expression
from spinecho.db.schema.database import Database

_FREQUENT = 200_000
"""Stems at most that are taken: those that most passages hold."""
_PASSAGES = 3
"""Of each stem, in which its spelling is looked up."""
_SQLITE = "SELECT term, doc FROM temp.passages_terms WHERE length(term) >= 4 ORDER BY doc DESC LIMIT :most"
_POSTGRESQL = (
    "SELECT word, ndoc FROM ts_stat('SELECT words FROM passages') WHERE length(word) >= 4 "
    "ORDER BY ndoc DESC LIMIT :most"
)


def stems_of(database: Database) -> dict[str, int]:
    """By stem how many passages hold it. Reads the index of words whole: about 2 ms for a thousand stems on SQLite."""
    with database.begin() as session:
        if session.connection().dialect.name == "postgresql":
            rows = session.execute(text(_POSTGRESQL), {"most": _FREQUENT})
        else:
            session.execute(
                text("CREATE VIRTUAL TABLE IF NOT EXISTS temp.passages_terms USING fts5vocab(main, passages_fts, row)")
            )
            rows = session.execute(text(_SQLITE), {"most": _FREQUENT})
        return {str(row[0]): int(row[1]) for row in rows if str(row[0]).isalpha()}


def passages_count(database: Database) -> int:
    """A number that grows with the passages: the highest id."""
    with database.begin() as session:
        return int(session.execute(text("SELECT max(id) FROM passages")).scalar() or 0)


def sentences_with(database: Database, stems: Sequence[str]) -> list[str]:
    """A few sentences in which each of these stems occurs."""
    found: list[str] = []
    with database.begin() as session:
        postgresql = session.connection().dialect.name == "postgresql"
        for stem in stems:
            match = expression([(stem,)])
            if postgresql:
                where, value = "id IN (SELECT id FROM passages WHERE words @@ CAST(:match AS tsquery))", f"'{stem}'"
            else:
                where, value = "id IN (SELECT rowid FROM passages_fts WHERE passages_fts MATCH :match)", match.fts5
            query = text(f"SELECT text FROM passages WHERE {where} LIMIT {_PASSAGES}")  # noqa: S608
            found += session.scalars(query, {"match": value})
    return found
