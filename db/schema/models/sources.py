"""Tables of where archives come from: sources that were added by name, and which study was taken from each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from spinecho.db.schema.clean import CleanText
from spinecho.db.schema.models.base import Base, Sealed


class Source(Sealed, Base):
    """A folder, a PACS or a receiver, by its name."""

    __tablename__ = "sources"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(CleanText, unique=True)
    kind: Mapped[str]
    settings: Mapped[dict[str, Any]]
    """No secrets: the name of an environment variable or of a file that holds one."""
    position: Mapped[dict[str, Any]]
    """How far a change feed was followed; empty for none."""
    added_at: Mapped[datetime]
    pulled_at: Mapped[datetime | None]
    """When a pull last came to its end."""


class SourceStudy(Sealed, Base):
    """A study as it was last taken from a source."""

    __tablename__ = "source_studies"
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"), primary_key=True)
    study_uid: Mapped[str] = mapped_column(CleanText, primary_key=True)
    remote_id: Mapped[str] = mapped_column(CleanText, index=True)
    """What the server calls it, where that is not its UID; else ''."""
    mark: Mapped[str]
    """What the server said of it when it was taken whole: another mark means that it has changed."""
    instances: Mapped[int]
    gone_at: Mapped[datetime | None]
    """When the server said that it is deleted there."""
