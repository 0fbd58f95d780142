"""Thumbs on results: those of a person, and the judgements that they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from spinecho.db.csv_files import csv_text
from spinecho.db.filters.algebra import Filter
from spinecho.db.people import feedback
from spinecho.db.schema.database import Database
from spinecho.search.access.persons import Access, Role
from spinecho.search.relevance_feedback import agreed, query_key


@dataclass(frozen=True, slots=True)
class Thumb:
    """A thumb on a study. words: of the search; verdict: 1 fits, -1 does not; at: UTC."""

    words: str
    study_uid: str
    verdict: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a study is an answer to some words: grade 1, or 0 where it is none."""

    query: str
    study_uid: str
    grade: int


def thumbs_of(database: Database, access: Access) -> tuple[Thumb, ...]:
    """A person's own, oldest first."""
    access.allow(Role.VIEWER, "see thumbs", "see-thumbs")
    kept = feedback.thumbs(database, user=access.person.name)
    return tuple(Thumb(str(one.query.get("text", "")), one.study_uid, one.verdict, one.at) for one in kept)


def forget(database: Database, access: Access, words: str, where: Filter) -> int:
    """Take back a person's thumbs on a search; how many there were."""
    key = query_key(words, where)
    access.allow(Role.VIEWER, "take thumbs back", "forget-thumbs", key)
    return feedback.forget_thumbs(database, user=access.person.name, query_key=key)


def judgements_of(database: Database, access: Access, *, everybody: bool) -> tuple[Judgement, ...]:
    """A person's thumbs, or everybody's by majority with ties left out. Raises `Refused`."""
    role = Role.RESEARCHER if everybody else Role.VIEWER
    what = "export everybody's thumbs" if everybody else "export thumbs"
    access.allow(role, what, "export-thumbs", everybody=everybody)
    kept = feedback.thumbs(database, user=None if everybody else access.person.name)
    rows = agreed((str(one.query.get("text", "")), one.study_uid, one.verdict) for one in kept)
    return tuple(Judgement(*row) for row in rows)


def judgements_csv(rows: Iterable[Judgement]) -> str:
    """Judgements as `Archive.evaluate` reads them from a file."""
    return csv_text([("query", "study_uid", "grade"), *((one.query, one.study_uid, one.grade) for one in rows)])
