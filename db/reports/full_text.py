"""Full text over passages, English stems, best first: found by SQLite's FTS5 or PostgreSQL's tsvector.

What was found is scored by one statement on both, BM25 with a group of names as one term that a passage says once, so
that the same passages come in the same order. Weights are whole numbers: sums of them do not depend on an order.

A group is what one thing may be called: any of its names will do, and however many of them a passage holds, it counts
once. A name of several words is a phrase; one that ends in `*` stands for every word that begins so, and one made by
`together` for passages that hold a name of each of several things.
"""

from __future__ import annotations

import json
import math
import re
import string
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from sqlalchemy import String, bindparam, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.protocol import Ids

Group: TypeAlias = tuple[str, ...]
Joined: TypeAlias = Literal["all", "any"]

_WORD = re.compile(r"\w+")
_SEPARATORS = r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u00D7\u00F7\u2000-\u206F\u3000-\u303F\uFF00-\uFF0F"
_SEPARATORS += r"\u20A0-\u20CF\u2190-\u245F\u2500-\u2775\u2794-\u2BFF"
"""What stands between words, as the inside of a bracket of a regular expression: Python's and PostgreSQL's."""
_MARKS = r"\u0300-\u036F"
"""Accents, once they are taken off their letters."""
_SMALL = {
    ord(one): one.casefold() for one in map(chr, range(0x80, 0x588))
    if len(one.casefold()) == 1 and one.casefold() != one and unicodedata.normalize("NFKD", one) == one
}  # fmt: skip
"""Capitals of Greek, Cyrillic and others, as PostgreSQL's column of words has them in small."""
_K1, _B = 1.2, 0.75
_USUAL = 80
"""Characters of a passage of the usual length, for every archive, so that none is measured for each question."""
_UNIT = 1_000_000
"""Weights are whole numbers of this part."""
_COUNTED = 50
"""Queries whose matches are counted by one statement."""


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
        parts = [[lexemes for name in group if (lexemes := _lexemes(name))] for group in self.groups]
        return (" & " if self.joined == "all" else " | ").join(f"({' | '.join(names)})" for names in parts if names)


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


@lru_cache(maxsize=1024)
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
        return _scored(session, space, match, limit, ids)


def count_words(database: Database, match: Match, *, most: int) -> int:
    """How many passages match, counted up to `most`."""
    return count_each(database, [match], most=most)[0]


def count_each(database: Database, matches: Sequence[Match], *, most: int) -> list[int]:
    """For each query how many passages match, counted up to `most`; asked together, which is what takes the time."""
    with database.begin() as session:
        dialect = session.connection().dialect.name
        return _counts(session, [_asked(dialect, one) for one in matches], most=most)


def _counts(session: Session, queries: Sequence[str], *, most: int | None = None) -> list[int]:
    """How many passages match each of these, in the server's own words."""
    return _counts_of_all(session, queries, most=most)[0]


def _counts_of_all(session: Session, queries: Sequence[str], *, most: int | None = None) -> tuple[list[int], int]:
    """The same, and how many passages there are."""
    found = "passages_fts WHERE passages_fts MATCH :q{n}"
    if session.connection().dialect.name == "postgresql":
        found = "passages WHERE words @@ to_tsquery('spinecho', :q{n})"
    one = f"(SELECT count(*) FROM (SELECT 1 FROM {found} LIMIT :most) f)" if most else f"(SELECT count(*) FROM {found})"  # noqa: S608
    known: dict[str, int] = session.info.setdefault(f"passages that match, {most} at most", {})
    for some in chunks([query for query in dict.fromkeys(queries) if query not in known], _COUNTED):
        values: dict[str, Any] = {f"q{n}": query for n, query in enumerate(some)} | ({"most": most} if most else {})
        columns = (*(one.format(n=n) for n in range(len(some))), "(SELECT count(*) FROM passages)")
        *counts, total = (
            int(count or 0) for count in session.execute(text("SELECT " + ", ".join(columns)), values).one()
        )
        known |= {_TOTAL: total, **dict(zip(some, counts, strict=True))}
    return [known[query] for query in queries], known.get(_TOTAL, 0)


_TOTAL = ""
"""Stands for every passage, beside queries, none of which is empty."""


def _folded(content: str) -> str:
    """Words in ASCII, one space between two: what PostgreSQL's column of words is made from.

    A byte beyond ASCII is zq and its octal number: the server's parser sees no letter on which locales differ.
    """
    bare = re.sub(f"[{_MARKS}]+", "", unicodedata.normalize("NFKD", content.replace("\0", " ")))
    words = re.sub(f"[{_SEPARATORS}]+", " ", bare).strip().translate(_LOWER).translate(_SMALL)
    return "".join(chr(byte) if byte < 0x80 else f"zq{byte:o}" for byte in words.encode("utf-8", "replace"))


_LOWER = {ord(one): one.lower() for one in string.ascii_uppercase}
_ONE_PASSAGE = (
    "SELECT h.id, CAST(h.weight AS float8) / "
    "(CAST(:flat AS float8) + CAST(:steep AS float8) * CAST(length(p.text) AS float8)) AS score "
    "FROM ({held}) h JOIN passages p ON p.id = h.id{among} ORDER BY score DESC, h.id LIMIT :limit"
)
_AMONG = {  # the plus keeps SQLite from asking full text once for each id
    "sqlite": "SELECT value FROM json_each(:among)",
    "postgresql": "SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:among AS json))",
}
_HOLDING = {
    "sqlite": "SELECT rowid AS id, CAST(:w{n} AS bigint) AS weight FROM passages_fts WHERE passages_fts MATCH :g{n}",
    "postgresql": (
        "SELECT id, CAST(:w{n} AS bigint) AS weight FROM passages WHERE words @@ to_tsquery('spinecho', :g{n})"
    ),
}


def _scored(
    session: Session, space: SpaceRecord, match: Match, limit: int, among: str | None
) -> list[tuple[int, float]]:
    """(vector id, score) of the best passages, by the same arithmetic on every server."""
    dialect = session.connection().dialect.name
    groups = [one for group in match.groups if (one := _asked(dialect, Match((group,))))]
    if not groups:
        return []
    counts, total = _counts_of_all(session, groups)
    weights = [round(_UNIT * _rarity(total, holding)) for holding in counts]
    if match.joined == "all":  # whatever is found holds all of them
        groups, weights = [_asked(dialect, match)], [sum(weights)]
    held = " UNION ALL ".join(_HOLDING[dialect].format(n=n) for n in range(len(groups)))
    if len(groups) > 1:
        held = f"SELECT id, sum(weight) AS weight FROM ({held}) one GROUP BY id"  # noqa: S608
    counted = (
        "" if among is None
        else f" WHERE +h.id IN (SELECT passage_id FROM vectors WHERE id IN ({_AMONG[dialect]}))"  # noqa: S608
    )  # fmt: skip
    query = text(
        f"SELECT v.id, f.score FROM ({_ONE_PASSAGE.format(held=held, among=counted)}) f "  # noqa: S608
        "JOIN vectors v ON v.passage_id = f.id AND v.space_id = :space ORDER BY f.score DESC, v.id"
    )
    values: dict[str, Any] = {"limit": limit, "space": space.id, **({} if among is None else {"among": among})}
    values |= {"flat": 1 + _K1 * (1 - _B), "steep": _K1 * _B / _USUAL}
    values |= {f"g{n}": group for n, group in enumerate(groups)} | {f"w{n}": one for n, one in enumerate(weights)}
    return [(int(row[0]), float(row[1]) * (_K1 + 1) / _UNIT) for row in session.execute(query, values)]


def _asked(dialect: str, match: Match) -> str:
    """The query in the server's own words."""
    return match.tsquery if dialect == "postgresql" else match.fts5


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
