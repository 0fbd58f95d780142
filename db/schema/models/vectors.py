"""Tables of spaces and vectors, and of what is measured and predicted by them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from spinecho.db.schema.clean import CleanText
from spinecho.db.schema.models.base import Base, Sealed


class SpaceRow(Sealed, Base):
    """A space of vectors that can be compared with one another."""

    __tablename__ = "spaces"
    __table_args__ = (UniqueConstraint("model", "revision", "preprocessing", "dim"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    revision: Mapped[str]
    preprocessing: Mapped[str]
    dim: Mapped[int]


class Serving(Sealed, Base):
    """Which space answers for a role now. Switching encoders is changing one row."""

    __tablename__ = "serving"
    role: Mapped[str] = mapped_column(CleanText, primary_key=True)
    """image or text; what is held beside the space of scans that answers is named by `db.store.held_spaces`."""
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"))
    encoder: Mapped[str]
    """The encoder's name in the registry."""


class Vector(Sealed, Base):
    """A vector, fp16, written in the transaction that wrote what it describes. Its key is its id in every build."""

    __tablename__ = "vectors"
    __table_args__ = (
        UniqueConstraint("space_id", "volume_id"),
        UniqueConstraint("space_id", "passage_id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), index=True)
    volume_id: Mapped[int | None] = mapped_column(ForeignKey("volumes.id"), index=True)
    passage_id: Mapped[int | None] = mapped_column(ForeignKey("passages.id"), index=True)
    data: Mapped[bytes]


class RegionVector(Sealed, Base):
    """What an image encoder says of the parts of a volume: a grid of cells, each a vector of the volume's space."""

    __tablename__ = "region_vectors"
    volume_id: Mapped[int] = mapped_column(ForeignKey("volumes.id"), primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), primary_key=True, index=True)
    grid: Mapped[list[int]]
    """Cells along R, A and S of the volume's extent; the first counts slowest."""
    cells: Mapped[int]
    data: Mapped[bytes]
    """fp16, (cells, dim); a cell of zeros holds nothing."""


class Prediction(Sealed, Base):
    """What a head says of a volume from its pixels. Never mixed with the recorded facts in `volumes`."""

    __tablename__ = "predictions"
    __table_args__ = (Index("ix_predictions_task", "task", "value"),)
    volume_id: Mapped[int] = mapped_column(ForeignKey("volumes.id"), primary_key=True)
    task: Mapped[str] = mapped_column(CleanText, primary_key=True)
    value: Mapped[str]
    """A class, several joined by ", ", a number as text, or 'unknown'."""
    score: Mapped[float]
    """0..1, how sure the head is."""
    number: Mapped[float | None]
    """The value of a regression."""
    details: Mapped[dict[str, Any]]
    head: Mapped[str]
    """The space whose features the head read, as its label."""
    head_revision: Mapped[str]
    """Changes with the head's weights; '' for heads that do not tell."""


class Tombstone(Base):
    """A vector that was deleted, in the order of deletion, for indexes that still hold it."""

    __tablename__ = "tombstones"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), index=True)
    vector_id: Mapped[int]


class Background(Sealed, Base):
    """How similar a space's vectors are to queries that have nothing to do with them."""

    __tablename__ = "backgrounds"
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(CleanText, primary_key=True)
    count: Mapped[int]
    """Vectors in the space when it was measured."""
    figures: Mapped[dict[str, Any]]


class SelfTest(Sealed, Base):
    """What a space's scans were measured to know of this archive's reports; see `search.self_test`."""

    __tablename__ = "self_tests"
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), primary_key=True)
    version: Mapped[str]
    """Of the test and of the rules by which clauses are told."""
    measured_at: Mapped[datetime]
    reason: Mapped[str]
    """Why there are no figures, '' where there are."""
    pairs: Mapped[int]
    """Reports with a scan that there were, one of each patient."""
    reports: Mapped[int]
    vectors: Mapped[int]
    """What the archive held then: reports that have a study, vectors of the space."""
    digest: Mapped[str]
    """Of what was measured on: studies, words and vectors; '' where nothing was."""
    figures: Mapped[dict[str, Any]]
