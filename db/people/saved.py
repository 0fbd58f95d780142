"""Searches under tokens: what stands in an address instead of words."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update

from spinecho.db.errors import StoreError
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import SavedSearch

_KEPT = 200
"""Unnamed searches of one owner; older ones are forgotten."""


class NoSuchSearch(StoreError):
    """No search with this token that this user may open."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A search as it was asked; name is '' for one that was only made."""

    token: str
    owner: str
    name: str
    shared: bool
    asked: Mapping[str, Any]
    at: datetime


def remember(database: Database, owner: str, asked: Mapping[str, Any]) -> str:
    """The token of this search of this owner: the one that it has, or a new one."""
    mine = SavedSearch.owner == owner
    with database.begin(durable=True) as session:
        columns = select(SavedSearch.id, SavedSearch.at, SavedSearch.asked).where(mine)  # of whole rows each is checked
        known = session.execute(columns.order_by(SavedSearch.at.desc(), SavedSearch.id.desc()).limit(_KEPT)).all()
        now = _after(known[0].at if known else None)
        same = next((one.id for one in known if one.asked == dict(asked)), None)
        if same is not None:
            row = session.get_one(SavedSearch, same)
            row.at = now
            return row.token
        token = secrets.token_urlsafe(9)
        session.add(SavedSearch(token=token, owner=owner, name="", shared=False, asked=dict(asked), at=now))
        session.flush()
        unnamed = select(SavedSearch.id).where(mine, SavedSearch.name == "")
        old = unnamed.order_by(SavedSearch.at.desc(), SavedSearch.id.desc()).offset(_KEPT)
        stale = list(session.scalars(old))
        for some in chunks(stale):
            session.execute(delete(SavedSearch).where(SavedSearch.id.in_(some)))
        return token


def recall(database: Database, token: str, user: str) -> Saved:
    """The search of a token. Raises `NoSuchSearch` unless it is this user's own or shared."""
    with database.begin() as session:
        row = session.scalars(select(SavedSearch).where(SavedSearch.token == token)).first()
        if row is None or not (row.shared or row.owner == user):
            raise NoSuchSearch("no search of yours or of the team's has this address; it may have been forgotten")
        return _saved(row)


def keep(database: Database, token: str, owner: str, *, name: str, shared: bool) -> None:
    """Name a search, so that it is kept, or share it. Raises `NoSuchSearch` for another's."""
    mine = (SavedSearch.token == token) & (SavedSearch.owner == owner)
    with database.begin(durable=True) as session:
        if session.scalar(select(SavedSearch.id).where(mine)) is None:
            raise NoSuchSearch("only the one who made a search can name or share it")
        session.execute(update(SavedSearch).where(mine).values(name=name.strip()[:120], shared=shared))


def named(database: Database, user: str) -> tuple[Saved, ...]:
    """The named searches that this user may open, by name."""
    query = select(SavedSearch).where(SavedSearch.name != "", or_(SavedSearch.owner == user, SavedSearch.shared))
    with database.begin() as session:
        return tuple(_saved(row) for row in session.scalars(query.order_by(SavedSearch.name, SavedSearch.id)))


def recent(database: Database, user: str, most: int = 12) -> tuple[Saved, ...]:
    """This user's latest searches, newest first."""
    query = select(SavedSearch).where(SavedSearch.owner == user).order_by(SavedSearch.at.desc(), SavedSearch.id.desc())
    with database.begin() as session:
        return tuple(_saved(row) for row in session.scalars(query.limit(most)))


def _after(newest: datetime | None) -> datetime:
    """The time; after that of the newest search also where the clock was set back, since the oldest are forgotten."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now if newest is None else max(now, newest + timedelta(microseconds=1))


def _saved(row: SavedSearch) -> Saved:
    return Saved(row.token, row.owner, row.name, row.shared, row.asked, row.at)
