"""The table of concepts that people taught."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from spinecho.db.schema.clean import CleanText
from spinecho.db.schema.models.base import Base, Sealed


class TaughtConcept(Sealed, Base):
    """One version of a concept: a head over the vectors of one space. What it says of volumes is in `predictions`."""

    __tablename__ = "taught_concepts"
    __table_args__ = (UniqueConstraint("name", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(CleanText)
    """As it is asked for: the task of its predictions."""
    version: Mapped[int]
    state: Mapped[str]
    """serves, replaced by a later version, draft (never predicts), or undone."""
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), index=True)
    owner: Mapped[str]
    taught_at: Mapped[datetime]
    """UTC."""
    card: Mapped[dict[str, Any]]
    """How well it knows it, from how many; no study and no patient is named in it."""
    weights: Mapped[bytes]
    """Safetensors, as `search.concepts.head` writes them."""
