"""Tables of runs and of files: what lies where, what has been read of it, and what is not in the index."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from spinecho.db.schema.clean import CleanText, RealPath, ShownPath
from spinecho.db.schema.models.base import Base, Sealed


class Run(Sealed, Base):
    """One `spinecho index`, finished or not."""

    __tablename__ = "runs"
    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    """None while it runs, and for ever if it was killed."""
    roots: Mapped[list[str]]
    counts: Mapped[dict[str, Any]]
    seconds: Mapped[dict[str, Any]]


class Folder(Base):
    """A folder of an archive that a run has walked."""

    __tablename__ = "folders"
    id: Mapped[int] = mapped_column(primary_key=True)
    root: Mapped[str] = mapped_column(ShownPath, index=True)
    path: Mapped[str] = mapped_column(RealPath, unique=True)
    seen_run: Mapped[int]
    """The last run that found it: a folder with an older one has gone from the disk."""


LOOK_AGAIN = -2
"""The time of a file that is to be read again whatever its size and time on the disk: no file has it."""


class File(Sealed, Base):
    """A file of the archive as it was when it was last looked at."""

    __tablename__ = "files"
    __table_args__ = (
        UniqueConstraint("folder_id", "name"),
        Index("ix_files_series", "study_uid", "series_uid"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(ForeignKey("folders.id"))
    name: Mapped[str] = mapped_column(RealPath)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    kind: Mapped[str]
    """dicom, nifti, report or other."""
    state: Mapped[str] = mapped_column(CleanText, index=True)
    """pending (scanned, its series not stored yet), indexed, rejected."""
    study_uid: Mapped[str | None]
    series_uid: Mapped[str | None]
    sop_uid: Mapped[str | None] = mapped_column(CleanText, index=True)
    header: Mapped[str | None]
    """The scanned header as JSON."""
    digest: Mapped[str | None]
    """sha256 of its bytes when they were read; None where that has not been taken."""
    companion: Mapped[str | None]
    """Size and time of the sidecar that its header was read with, '' where there was none; None: not known."""


class Archive(Sealed, Base):
    """A root folder as it was first named: it says what the names of files without UIDs are counted from."""

    __tablename__ = "archives"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(RealPath, unique=True)
    salt: Mapped[str]
    """Goes into the UIDs made from names, so that equal names of two archives are two studies; '' for the first."""


class Upkeep(Base):
    """Numbers that say how far something has been kept up.

    Without a checksum: they tell nothing of what is stored, and by a wrong one a snapshot is made, or words erased,
    once more.
    """

    __tablename__ = "upkeep"
    name: Mapped[str] = mapped_column(CleanText, primary_key=True)
    number: Mapped[int]


class Failure(Sealed, Base):
    """Why a file, or one report in a file of many, is not in the index."""

    __tablename__ = "failures"
    __table_args__ = (UniqueConstraint("file_id", "ordinal"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    ordinal: Mapped[int]
    """0 for the file as a whole, else the row or line of a report file."""
    reason: Mapped[str] = mapped_column(CleanText, index=True)
    ignorable: Mapped[bool]
    message: Mapped[str]
    run_id: Mapped[int]
