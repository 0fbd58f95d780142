"""The record of who did what: rows are added, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import select

from db.database import Database
from db.models import Audit

Fact: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `at` is UTC."""

    at: datetime
    user: str
    role: str
    action: str
    subject: str
    facts: Mapping[str, Any]


def note(database: Database, *, user: str, role: str, action: str, subject: str, facts: Mapping[str, Fact]) -> None:
    """Add one act. The caller leaves out what was typed and who the patient is."""
    at = datetime.now(UTC).replace(tzinfo=None)
    with database.begin(durable=True) as session:
        session.add(Audit(at=at, user=user, role=role, action=action, subject=subject, facts=dict(facts)))


def entries(
    database: Database, *, user: str | None = None, action: str | None = None, most: int = 200
) -> tuple[Entry, ...]:
    """The latest acts, newest first, of one user and of one kind where these are given."""
    query = select(Audit.at, Audit.user, Audit.role, Audit.action, Audit.subject, Audit.facts)
    if user is not None:
        query = query.where(Audit.user == user)
    if action is not None:
        query = query.where(Audit.action == action)
    with database.begin() as session:
        return tuple(Entry(*row) for row in session.execute(query.order_by(Audit.id.desc()).limit(most)))
