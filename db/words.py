"""Full text over passages: SQLite's FTS5, English stems, best first by BM25.

A group is what one thing may be called: any of its names will do. A name of several words is a phrase; one that ends
in `*` stands for every word that begins so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, TypeAlias

from sqlalchemy import text

from db.database import Database
from db.values import SpaceRecord

Group: TypeAlias = tuple[str, ...]
Joined: TypeAlias = Literal["all", "any"]

_WORD = re.compile(r"\w+")


def expression(groups: Iterable[Group], joined: Joined = "all") -> str:
    """FTS5's own query for these groups; '' where no name holds a word. Nothing typed can be read as an operator."""
    parts = []
    for group in groups:
        names = [found for name in group if (found := _quoted(name))]
        if names:
            parts.append(names[0] if len(names) == 1 else f"({' OR '.join(names)})")
    return (" AND " if joined == "all" else " OR ").join(parts)


def _quoted(name: str) -> str:
    words = _WORD.findall(name)
    if not words:
        return ""
    return f'"{" ".join(words)}"' + (" *" if name.rstrip().endswith("*") else "")


def find_words(database: Database, space: SpaceRecord, match: str, *, limit: int) -> list[tuple[int, float]]:
    """(vector id, BM25, more is better) of the passages that match an `expression`, best first, equals by id."""
    query = text(
        "SELECT v.id, -f.rank FROM (SELECT rowid, rank FROM passages_fts WHERE passages_fts MATCH :match "
        "ORDER BY rank, rowid LIMIT :limit) f JOIN vectors v ON v.passage_id = f.rowid AND v.space_id = :space "
        "ORDER BY f.rank, v.id"
    )
    with database.begin() as session:
        rows = session.execute(query, {"match": match, "limit": limit, "space": space.id}).all()
    return [(int(row[0]), float(row[1])) for row in rows]


def count_words(database: Database, match: str, *, most: int) -> int:
    """How many passages match an `expression`, counted up to `most`."""
    query = text("SELECT count(*) FROM (SELECT 1 FROM passages_fts WHERE passages_fts MATCH :match LIMIT :most)")
    with database.begin() as session:
        return int(session.execute(query, {"match": match, "most": most}).scalar() or 0)
