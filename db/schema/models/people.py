"""Tables of what people make of studies: lists, thumbs, saved searches; and of what speaks for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from spinecho.db.schema.clean import CleanText
from spinecho.db.schema.models.base import Base, Sealed


class Cohort(Sealed, Base):
    """A named list of studies, by its versions."""

    __tablename__ = "cohorts"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(CleanText, unique=True)
    description: Mapped[str]
    owner: Mapped[str]
    created_at: Mapped[datetime]


class CohortVersion(Sealed, Base):
    """One frozen run of a cohort's definition. Never changed afterwards."""

    __tablename__ = "cohort_versions"
    __table_args__ = (UniqueConstraint("cohort_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohorts.id"), index=True)
    number: Mapped[int]
    """1 is the first."""
    created_at: Mapped[datetime]
    definition: Mapped[dict[str, Any]]
    attrition: Mapped[list[Any]]
    """By rule: what it is called, and the studies and patients that were left after it."""
    made_with: Mapped[dict[str, Any]]
    """Encoder, spaces, builds and version of the software."""


class CohortMember(Sealed, Base):
    """A study of a version, by its UID, so that it stays on the list when the archive loses it."""

    __tablename__ = "cohort_members"
    version_id: Mapped[int] = mapped_column(ForeignKey("cohort_versions.id"), primary_key=True)
    study_uid: Mapped[str] = mapped_column(CleanText, primary_key=True)
    patient: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    """The patient by number, None for a study that had no patient ID. The ID is looked up when it is shown."""
    part: Mapped[str]
    """train, validation or test; '' where the cohort is not split."""
    facts: Mapped[dict[str, Any]]
    """Why it is in: similarity, index date, matched group."""


class Feedback(Sealed, Base):
    """A user's thumb on a result of a query."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("user", "query_key", "study_uid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(CleanText, index=True)
    query_key: Mapped[str] = mapped_column(CleanText, index=True)
    """A digest of the query's words and filter."""
    query: Mapped[dict[str, Any]]
    study_uid: Mapped[str]
    verdict: Mapped[int]
    """1 fits, -1 does not."""
    at: Mapped[datetime]


class SavedSearch(Sealed, Base):
    """A search under a token that can stand in an address: kept for its owner, for all where it is shared."""

    __tablename__ = "saved_searches"
    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(CleanText, unique=True)
    owner: Mapped[str] = mapped_column(CleanText, index=True)
    name: Mapped[str]
    """'' for one that was only made, never named."""
    shared: Mapped[bool]
    asked: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    """When it was last asked."""


class AccessToken(Sealed, Base):
    """By what a program speaks for a person; see `db.people.tokens`."""

    __tablename__ = "access_tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    """sha256 of the token, which is nowhere."""
    label: Mapped[str]
    """What its owner calls it."""
    owner: Mapped[str] = mapped_column(CleanText, index=True)
    role: Mapped[str]
    """The most that it may do, whatever its owner may."""
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
