"""Full text over passages, English stems, best first by BM25: SQLite's FTS5, PostgreSQL's tsvector.

A group is what one thing may be called: any of its names will do, and however many of them a passage holds, it counts
once. A name of several words is a phrase; one that ends in `*` stands for every word that begins so, and one made by
`together` for passages that hold a name of each of several things.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import String, bindparam, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.protocol import Ids

Group: TypeAlias = tuple[str, ...]
Joined: TypeAlias = Literal["all", "any"]

_WORD = re.compile(r"\w+")
_SEPARATORS = r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u00D7\u00F7\u2000-\u206F\u3000-\u303F\uFF00-\uFF0F"
"""What stands between words, as the inside of a bracket of a regular expression: Python's and PostgreSQL's."""
_MARKS = r"\u0300-\u036F"
"""Accents, once they are taken off their letters."""
_K1, _B = 1.2, 0.75
_COUNTED = 50
"""Queries whose matches are counted by one statement."""
_SAMPLE = 1000
"""Passages by which PostgreSQL tells how long one is on average."""


_AND, _OR = "\x1f", "\x1e"
"""Between things and between their names, in a name made by `together`: nothing that anybody types."""


def together(things: Iterable[Sequence[str]]) -> str:
    """A name for passages that hold a name of each of these: a tear and a meniscus."""
    return _AND.join(_OR.join(names) for names in things)


def is_together(name: str) -> bool:
    """Whether `together` made this name: no words that could be shown."""
    return _AND in name


@dataclass(frozen=True, slots=True)
class Match:
    """A full-text query, false where it holds no word. Nothing typed can be read as an operator."""

    groups: tuple[Group, ...]
    joined: Joined = "all"

    def __bool__(self) -> bool:
        return bool(self.groups)

    @property
    def fts5(self) -> str:
        """As SQLite's FTS5 reads it."""
        parts = [[_quoted(name) for name in group] for group in self.groups]
        join = " AND " if self.joined == "all" else " OR "
        return join.join(names[0] if len(names) == 1 else f"({' OR '.join(names)})" for names in parts)

    @property
    def tsquery(self) -> str:
        """As PostgreSQL's `to_tsquery` reads it; '' finds nothing."""
        return (" & " if self.joined == "all" else " | ").join(self.tsqueries)

    @property
    def tsqueries(self) -> list[str]:
        """The same, group by group."""
        parts = [[lexemes for name in group if (lexemes := _lexemes(name))] for group in self.groups]
        return [f"({' | '.join(names)})" for names in parts if names]


class _Matching(FunctionElement[Any]):
    """The ids of the rows that match: a subquery for the right of IN, in the server's own words."""

    inherit_cache = True
    type = String()
    table = "passages"


class _MatchingClauses(_Matching):
    inherit_cache = True
    table = "clauses"


def expression(groups: Iterable[Group], joined: Joined = "all") -> Match:
    """The query for these groups; names without a word are left out."""
    held = [tuple(name for name in group if _WORD.search(name)) for group in groups]
    return Match(tuple(_fewest(group) for group in held if group), joined)


def _fewest(group: Group) -> Group:
    """The group without names that hold another of its names, which finds all that they would: "meniscal tears"."""
    listed = list(dict.fromkeys(group))
    padded = {name: f" {' '.join(_WORD.findall(name.casefold()))} " for name in listed if not is_together(name)}
    held = {name: words for name, words in padded.items() if "*" not in name}
    kept = []
    for name in listed:
        words = padded.get(name, "")
        one = words.replace("s ", " ")
        shorter = (other for other in held.values() if 2 < len(other) < len(words))
        if not words or not any(other in words or other in one for other in shorter):
            kept.append(name)
    return tuple(kept)


def matching(match: Match, table: Literal["passages", "clauses"] = "passages") -> FunctionElement[Any]:
    """For `Passage.id.op("IN")(...)`: the passages that match; or the clauses, for `Clause.id`."""
    kind = _MatchingClauses if table == "clauses" else _Matching
    return kind(bindparam(None, match.fts5, String), bindparam(None, match.tsquery, String))


def find_words(
    database: Database, space: SpaceRecord, match: Match, *, limit: int, among: Ids | None = None
) -> list[tuple[int, float]]:
    """(vector id, BM25, more is better) of the passages that match, best first, equals by id.

    among: the vectors that count, before anything is cut off; every one of them is looked up, so give few.
    """
    ids = None if among is None else json.dumps(among.tolist())
    with database.begin() as session:
        postgresql = session.connection().dialect.name == "postgresql"
        return (_find_postgresql if postgresql else _find_sqlite)(session, space, match, limit, ids)


def count_words(database: Database, match: Match, *, most: int) -> int:
    """How many passages match, counted up to `most`."""
    return count_each(database, [match], most=most)[0]


def count_each(database: Database, matches: Sequence[Match], *, most: int) -> list[int]:
    """For each query how many passages match, counted up to `most`; asked together, which is what takes the time."""
    with database.begin() as session:
        postgresql = session.connection().dialect.name == "postgresql"
        return _counts(session, [one.tsquery if postgresql else one.fts5 for one in matches], most=most)


def _counts(session: Session, queries: Sequence[str], *, most: int | None = None) -> list[int]:
    """How many passages match each of these, in the server's own words."""
    found = "passages_fts WHERE passages_fts MATCH :q{n}"
    if session.connection().dialect.name == "postgresql":
        found = "passages WHERE words @@ to_tsquery('spinecho', :q{n})"
    one = f"(SELECT count(*) FROM (SELECT 1 FROM {found} LIMIT :most) f)" if most else f"(SELECT count(*) FROM {found})"  # noqa: S608
    counts: list[int] = []
    for some in chunks(queries, _COUNTED):
        values: dict[str, Any] = {f"q{n}": query for n, query in enumerate(some)} | ({"most": most} if most else {})
        counted = text("SELECT " + ", ".join(one.format(n=n) for n in range(len(some))))
        counts += [int(count or 0) for count in session.execute(counted, values).one()]
    return counts


def _folded(content: str) -> str:
    """Words in ASCII where they can be, one space between two: what PostgreSQL's column of words is made from."""
    bare = re.sub(f"[{_MARKS}]+", "", unicodedata.normalize("NFKD", content.replace("\0", " ")))
    return re.sub(f"[{_SEPARATORS}]+", " ", bare).strip()


def _find_sqlite(
    session: Session, space: SpaceRecord, match: Match, limit: int, among: str | None
) -> list[tuple[int, float]]:
    scored, values = _scored_sqlite(session, match)
    # the plus keeps SQLite from asking full text once for each id
    counted = (
        "" if among is None
        else "WHERE +id IN (SELECT passage_id FROM vectors WHERE id IN (SELECT value FROM json_each(:among))) "
    )  # fmt: skip
    query = text(
        f"SELECT v.id, f.score FROM (SELECT id, score FROM ({scored}) {counted}"  # noqa: S608
        "ORDER BY score DESC, id LIMIT :limit) f "
        "JOIN vectors v ON v.passage_id = f.id AND v.space_id = :space ORDER BY f.score DESC, v.id"
    )
    values |= {"limit": limit, "space": space.id, **({} if among is None else {"among": among})}
    return [(int(row[0]), float(row[1])) for row in session.execute(query, values)]


_ONCE = 1.2
"""What a group adds at most, in units of what it says by being rare: a short passage that says it once reaches this."""


def _scored_sqlite(session: Session, match: Match) -> tuple[str, dict[str, Any]]:
    """SQL for (id, score), and its values. FTS5 adds up every name of a group that a passage holds: this caps it.

    Where all groups must be there the sum is capped as one, which needs no look at what only some of them hold.
    """
    groups = [Match((group,)).fts5 for group in match.groups]
    total = int(session.scalar(text("SELECT max(id) FROM passages")) or 0)
    most = [_ONCE * _rarity(total, holding) for holding in _counts(session, groups)]
    capped = "SELECT rowid AS id, min(-rank, :w{n}) AS score FROM passages_fts WHERE passages_fts MATCH :g{n}"
    if match.joined == "all" or len(groups) < 2:
        return capped.format(n=0), {"w0": sum(most), "g0": match.fts5}
    values: dict[str, Any] = {f"g{n}": group for n, group in enumerate(groups)}
    values |= {f"w{n}": weight for n, weight in enumerate(most)}
    parts = " UNION ALL ".join(capped.format(n=n) for n in range(len(groups)))
    return f"SELECT id, sum(score) AS score FROM ({parts}) GROUP BY id", values  # noqa: S608


def _find_postgresql(
    session: Session, space: SpaceRecord, match: Match, limit: int, among: str | None
) -> list[tuple[int, float]]:
    """PostgreSQL ranks without regard to how rare a word is; this is BM25, a group of names counting as one term.

    A sentence says a thing once, so that its frequency within the sentence is taken as one.
    """
    groups = match.tsqueries
    if not groups:
        return []
    terms = " + ".join(
        f"CASE WHEN words @@ to_tsquery('spinecho', :g{n}) THEN CAST(:w{n} AS float8) ELSE 0 END"
        for n in range(len(groups))
    )
    counted = (
        "" if among is None
        else "AND id IN (SELECT passage_id FROM vectors WHERE id IN "
        "(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:among AS json)))) "
    )  # fmt: skip
    query = text(
        f"SELECT v.id, f.score FROM (SELECT id, ({terms}) * {_K1 + 1} / "  # noqa: S608
        f"(1 + {_K1} * ({1 - _B} + {_B} * length(words) / CAST(:length AS float8))) AS score "
        f"FROM passages WHERE words @@ to_tsquery('spinecho', :match) {counted}ORDER BY score DESC, id LIMIT :limit) f "
        "JOIN vectors v ON v.passage_id = f.id AND v.space_id = :space ORDER BY f.score DESC, v.id"
    )
    values: dict[str, Any] = {"match": match.tsquery, "limit": limit, "space": space.id}
    values |= {} if among is None else {"among": among}
    values |= {f"g{n}": group for n, group in enumerate(groups)}
    values |= {f"w{n}": weight for n, weight in enumerate(_weights(session, groups))}
    sample = f"SELECT avg(length(words)) FROM (SELECT words FROM passages ORDER BY id LIMIT {_SAMPLE}) f"  # noqa: S608
    values["length"] = max(float(session.scalar(text(sample)) or 1), 1.0)
    return [(int(row[0]), float(row[1])) for row in session.execute(query, values)]


def _weights(session: Session, groups: Sequence[str]) -> list[float]:
    """How much a group says by how few passages hold it, as FTS5 has it."""
    total = int(session.scalar(text("SELECT max(id) FROM passages")) or 0)
    return [_rarity(total, holding) for holding in _counts(session, groups)]


def _rarity(total: int, holding: int) -> float:
    """What a term says by how few of all passages hold it, as BM25 has it."""
    return max(math.log((total - holding + 0.5) / (holding + 0.5)), 1e-6)


def _quoted(name: str) -> str:
    if is_together(name):
        sides = [[_quoted(one) for one in side.split(_OR) if _WORD.search(one)] for side in name.split(_AND)]
        return "(" + " AND ".join(f"({' OR '.join(side)})" for side in sides if side) + ")"
    return f'"{" ".join(_WORD.findall(name))}"' + (" *" if name.rstrip().endswith("*") else "")


def _lexemes(name: str) -> str:
    if is_together(name):
        sides = [[found for one in side.split(_OR) if (found := _lexemes(one))] for side in name.split(_AND)]
        held = [f"({' | '.join(side)})" for side in sides if side]
        return f"({' & '.join(held)})" if held else ""
    words = [f"'{word}'" for word in _folded(name).split()]
    return " <-> ".join(words) + (":*" if words and name.rstrip().endswith("*") else "")


@compiles(_Matching, "sqlite")
@compiles(_MatchingClauses, "sqlite")
def _matching_sqlite(element: _Matching, compiler: Any, **options: Any) -> str:
    match, _ = element.clauses
    words = f"{element.table}_fts"
    return f"(SELECT rowid FROM {words} WHERE {words} MATCH {compiler.process(match, **options)})"  # noqa: S608


@compiles(_Matching, "postgresql")
@compiles(_MatchingClauses, "postgresql")
def _matching_postgresql(element: _Matching, compiler: Any, **options: Any) -> str:
    _, match = element.clauses
    query = compiler.process(match, **options)
    return f"(SELECT id FROM {element.table} WHERE words @@ to_tsquery('spinecho', {query}))"  # noqa: S608
