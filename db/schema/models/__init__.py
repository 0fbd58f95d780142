"""Every table, typed. Rows stay inside `db`; frozen values cross its border."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, Table, event

from spinecho.db.errors import Damaged
from spinecho.db.schema.checksums import COLUMN, Summed, columns_of, sum_of, summing
from spinecho.db.schema.models.base import Base, Sealed
from spinecho.db.schema.models.concepts import TaughtConcept
from spinecho.db.schema.models.files import LOOK_AGAIN, Archive, Failure, File, Folder, Run, Upkeep
from spinecho.db.schema.models.people import AccessToken, Cohort, CohortMember, CohortVersion, Feedback, SavedSearch
from spinecho.db.schema.models.reports import Clause, Passage, Report, WithdrawnPassage
from spinecho.db.schema.models.sources import Source, SourceStudy
from spinecho.db.schema.models.studies import Patient, Series, Study, Thumbnail, Volume, VolumeFile
from spinecho.db.schema.models.vectors import (
    Background,
    Prediction,
    RegionVector,
    SelfTest,
    Serving,
    SpaceRow,
    Tombstone,
    Vector,
)

__all__ = [
    "LOOK_AGAIN",
    "SEALED",
    "AccessToken",
    "Archive",
    "Background",
    "Base",
    "Clause",
    "Cohort",
    "CohortMember",
    "CohortVersion",
    "Failure",
    "Feedback",
    "File",
    "Folder",
    "Passage",
    "Patient",
    "Prediction",
    "RegionVector",
    "Report",
    "Run",
    "SavedSearch",
    "Sealed",
    "SelfTest",
    "Series",
    "Serving",
    "Source",
    "SourceStudy",
    "SpaceRow",
    "Study",
    "TaughtConcept",
    "Thumbnail",
    "Tombstone",
    "Upkeep",
    "Vector",
    "Volume",
    "VolumeFile",
    "WithdrawnPassage",
    "vector_checksum",
]

SEALED: tuple[type[Base], ...] = tuple(mapper.class_ for mapper in Base.registry.mappers if COLUMN in mapper.columns)
"""Every table whose rows have checksums."""
for _class in SEALED:
    _table = _class.__table__
    assert isinstance(_table, Table)  # noqa: S101
    # Of rows without a checksum alone, on a server too: there the migration says so, as a keyword of a dialect makes
    # SQLAlchemy load the whole of it for every command.
    Index(f"ix_{_table.name}_unsealed", _table.c.checksum, sqlite_where=_table.c.checksum.is_(None))


def _sum(_: object, __: object, row: Any) -> None:
    table = type(row).__table__
    row.checksum = sum_of(table, [getattr(row, name) for name in columns_of(table)])


def _verify(row: Any, _: object) -> None:
    table, held = type(row).__table__, row.__dict__
    names = columns_of(table)
    if held.get("checksum") is None or not held.keys() >= set(names):
        return
    if summing(table)([held[name] for name in names]) != row.checksum:
        raise Damaged(f"a row of {table.name} is not what was written; 'spinecho status --check' tells what to do")


def vector_checksum() -> Summed:
    """What computes the checksum of (data, passage id, space id, volume id)."""
    table = Vector.__table__
    assert isinstance(table, Table)  # noqa: S101
    return summing(table)


for _class in SEALED:
    event.listen(_class, "before_insert", _sum)
    event.listen(_class, "before_update", _sum)
    event.listen(_class, "load", _verify)
