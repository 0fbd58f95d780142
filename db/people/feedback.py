"""Thumbs: what a user said of the results of a query, and the vectors of the studies that were judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Feedback, Passage, Report, Series, Study, Vector, Volume
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.db.vectors.stored_rows import unpack


@dataclass(frozen=True, slots=True)
class Thumb:
    """One judgement. verdict: 1 fits, -1 does not."""

    user: str
    query_key: str
    query: Mapping[str, Any]
    study_uid: str
    verdict: int
    at: datetime


def put_thumbs(
    database: Database, *, user: str, query_key: str, query: Mapping[str, Any], verdicts: Mapping[str, int]
) -> None:
    """Keep verdicts by study UID; a later one replaces an earlier one, 0 takes it back."""
    mine = (Feedback.user == user) & (Feedback.query_key == query_key)
    with database.begin(durable=True) as session:
        for some in chunks(list(verdicts)):
            session.execute(delete(Feedback).where(mine, Feedback.study_uid.in_(some)))
        session.add_all(
            Feedback(
                user=user, query_key=query_key, query=dict(query), study_uid=uid, verdict=verdict,
                at=datetime.now(UTC).replace(tzinfo=None),
            )
            for uid, verdict in verdicts.items()
            if verdict
        )  # fmt: skip


def thumbs(database: Database, *, user: str | None = None, query_key: str | None = None) -> list[Thumb]:
    """Every thumb, oldest first, of one user and one query where these are given."""
    query = select(
        Feedback.user, Feedback.query_key, Feedback.query, Feedback.study_uid, Feedback.verdict, Feedback.at
    ).order_by(Feedback.id)
    if user is not None:
        query = query.where(Feedback.user == user)
    if query_key is not None:
        query = query.where(Feedback.query_key == query_key)
    with database.begin() as session:
        return [Thumb(*row) for row in session.execute(query)]


def forget_thumbs(database: Database, *, user: str, query_key: str) -> int:
    """Take back everything that a user said of a query; how much it was."""
    mine = (Feedback.user == user) & (Feedback.query_key == query_key)
    with database.begin(durable=True) as session:
        count = len(session.execute(select(Feedback.id).where(mine)).all())
        session.execute(delete(Feedback).where(mine))
    return count


def scan_vectors(database: Database, space: SpaceRecord, study_uids: Sequence[str]) -> list[Rows]:
    """For each study that has any (n, dim) vectors of its volumes."""
    query = (
        select(Study.uid, Vector.data)
        .join(Volume, Volume.id == Vector.volume_id)
        .join(Series, Series.id == Volume.series_id)
        .join(Study, Study.id == Series.study_id)
    )
    found = _by_study(database, query, space, study_uids)
    return [unpack(b"".join(row[0] for row in rows), space.dim) for rows in found]


@dataclass(frozen=True, slots=True)
class SentenceVectors:
    """What the reports of one study say, denials left out."""

    texts: tuple[str, ...]
    rows: Rows
    """(n, dim), one for each."""


def sentences_of(database: Database, space: SpaceRecord, study_uids: Sequence[str]) -> list[SentenceVectors]:
    """For each study that has any what its reports say."""
    query = (
        select(Study.uid, Vector.data, Passage.text)
        .join(Passage, Passage.id == Vector.passage_id)
        .join(Report, Report.id == Passage.report_id)
        .join(Study, Study.id == Report.study_id)
        .where(Passage.assertion != "absent")
    )
    found = _by_study(database, query, space, study_uids)
    return [
        SentenceVectors(tuple(row[1] for row in rows), unpack(b"".join(row[0] for row in rows), space.dim))
        for rows in found
    ]


def _by_study(database: Database, query: Any, space: SpaceRecord, study_uids: Sequence[str]) -> list[list[Any]]:
    """The rows of a query, their study's UID left out, for each study that has any."""
    found: dict[str, list[Any]] = {}
    with database.begin() as session:
        for some in chunks(list(dict.fromkeys(study_uids))):
            of_some = query.where(Vector.space_id == space.id, Study.uid.in_(some)).order_by(Vector.id)
            for uid, *row in session.execute(of_some):
                found.setdefault(uid, []).append(row)
    return [found[uid] for uid in study_uids if uid in found]
