"""Numbers that say how far something has been kept up, by name. Everything runs in a transaction already begun."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from spinecho.db.schema.models import Upkeep

FACTS = "facts"
"""Raised whenever facts change without a vector being stored or deleted."""
ERASED = "erased"
"""The last tombstone whose words are gone from the full-text index too."""


def number_of(session: Session, name: str) -> int:
    """0 where it was never set."""
    return session.scalar(select(Upkeep.number).where(Upkeep.name == name)) or 0


def set_number(session: Session, name: str, number: int) -> None:
    """Keep it."""
    session.merge(Upkeep(name=name, number=number))


def facts_changed(session: Session) -> None:
    """Let snapshots of the facts know that they are of before."""
    set_number(session, FACTS, number_of(session, FACTS) + 1)
