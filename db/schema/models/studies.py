"""Tables of patients, studies, series and volumes."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from spinecho.db.schema.clean import CleanJson, CleanNames, CleanText
from spinecho.db.schema.models.base import Base, Sealed


class Patient(Sealed, Base):
    """A patient by number: what lists keep of whom they name. See `db.store.patients`."""

    __tablename__ = "patients"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(CleanText, unique=True)
    """`patient_key` of the ID, None once no study has it."""


class Study(Sealed, Base):
    """A study: the unit that results show. Its facts are what most of its series say, see `db.store.study_facts`."""

    __tablename__ = "studies"
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(CleanText, unique=True)
    accession_number: Mapped[str] = mapped_column(CleanText, index=True)
    patient_id: Mapped[str] = mapped_column(CleanText, index=True)
    date: Mapped[date | None]
    description: Mapped[str]
    sex: Mapped[str | None]
    age_years: Mapped[float | None]
    patient: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    """None where there is no patient ID: nobody else's study is of this patient."""
    disagreeing: Mapped[str]
    """Facts in which its series do not agree, comma-separated; '' where they do."""


class Series(Sealed, Base):
    """A series of a study."""

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("study_id", "uid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    uid: Mapped[str] = mapped_column(CleanText, index=True)
    number: Mapped[int | None]
    description: Mapped[str]
    protocol: Mapped[str]
    study_facts: Mapped[dict[str, Any] | None] = mapped_column(CleanJson(none_as_null=True))
    """What its own files say of the study; None where a database from before has not been asked yet."""


class Volume(Sealed, Base):
    """One volume of a series: the unit that is embedded."""

    __tablename__ = "volumes"
    __table_args__ = (UniqueConstraint("series_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"), index=True)
    key: Mapped[str]
    sequence: Mapped[str] = mapped_column(CleanText, index=True)
    plane: Mapped[str]
    body_region: Mapped[str] = mapped_column(CleanText, index=True)
    contrast: Mapped[str]
    side: Mapped[str]
    """left, right or both, of a paired part of the body; '' where nothing tells."""
    technique: Mapped[tuple[str, ...]] = mapped_column(CleanNames)
    """What was done beyond the weighting, by the names in `acquisition`."""
    b_value: Mapped[float | None]
    """In whole s/mm2: scanners write 929.75 for what they were asked for as 930."""
    dixon: Mapped[str]
    """Which image of a Dixon acquisition it is; '' where nothing tells, as in the next two."""
    component: Mapped[str]
    """magnitude, phase, real or imaginary."""
    computed: Mapped[str]
    """What was computed from other images, by the names in `acquisition`."""
    field_strength_t: Mapped[float | None]
    vendor: Mapped[str]
    model: Mapped[str]
    derived: Mapped[bool]
    acquisition: Mapped[dict[str, Any]]
    """Every fact, the ones above included, as the reader gave them."""
    shape: Mapped[list[int]]
    flags: Mapped[list[str]]
    notes: Mapped[dict[str, Any]]


class Thumbnail(Sealed, Base):
    """The middle slice of a volume as a small PNG, kept apart so that facts stay quick to read."""

    __tablename__ = "thumbnails"
    volume_id: Mapped[int] = mapped_column(ForeignKey("volumes.id"), primary_key=True)
    png: Mapped[bytes]


class VolumeFile(Base):
    """Which files hold a volume. One enhanced object can hold several."""

    __tablename__ = "volume_files"
    volume_id: Mapped[int] = mapped_column(ForeignKey("volumes.id"), primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"), primary_key=True, index=True)
