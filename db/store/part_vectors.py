"""The parts of volumes: vectors of the cells of a grid, for comparing and for finding a spot again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from spinecho.db.errors import Damaged
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import RegionVector, Series, Study, Vector, Volume
from spinecho.db.values import NewRegions, SpaceRecord
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.db.vectors.stored_rows import unpack


@dataclass(frozen=True, slots=True)
class StoredRegions:
    """One volume's cells.

    grid: cells along R, A, S. rows: (cells, dim) unit rows, R slowest; a row of zeros holds nothing.
    """

    grid: tuple[int, int, int]
    rows: Rows


def add_regions(session: Session, volume: int, space: int, new: NewRegions | None, *, fresh: bool = False) -> None:
    """Store a volume's parts, in place of what was stored of it, within a transaction already begun.

    fresh: the volume was added in this transaction, so that nothing is stored of it.
    """
    if new is None:
        return
    if not fresh:
        mine = (RegionVector.volume_id == volume) & (RegionVector.space_id == space)
        session.execute(delete(RegionVector).where(mine))
    row = RegionVector(volume_id=volume, space_id=space, grid=list(new.grid), cells=prod(new.grid), data=new.data)
    session.add(row)


def stored_regions(database: Database, space: SpaceRecord, volume_ids: Sequence[int]) -> dict[int, StoredRegions]:
    """By volume id; volumes whose parts are not stored are left out. One query for up to 900 volumes.

    Raises `Damaged` for parts that cannot be those of their grid; what they say is compared with its checksum by
    `spinecho status --check` alone, for that would take longer than reading them.
    """
    unique = list(dict.fromkeys(volume_ids))
    query = select(RegionVector.volume_id, RegionVector.grid, RegionVector.data)
    found: dict[int, StoredRegions] = {}
    with database.begin() as session:
        for part in chunks(unique):
            some = RegionVector.volume_id.in_(part)
            for volume, grid, data in session.execute(query.where(RegionVector.space_id == space.id, some)):
                found[volume] = _sound(volume, grid, data, space.dim)
    return found


def _sound(volume: int, grid: Sequence[int], data: bytes, dim: int) -> StoredRegions:
    if len(grid) == 3 and len(data) == 2 * dim * prod(grid):
        rows = unpack(data, dim)
        with np.errstate(invalid="ignore"):  # of infinities of either sign
            whole = np.isfinite(rows.sum())
        if whole:
            return StoredRegions((grid[0], grid[1], grid[2]), rows)
    raise Damaged(
        f"the parts of volume {volume} are not what was written; 'spinecho status --check' names the study, "
        "'spinecho index --no-resume' makes them anew"
    )


def any_regions(database: Database, space: SpaceRecord) -> bool:
    """Whether the parts of any volume are stored in this space."""
    query = select(RegionVector.volume_id).where(RegionVector.space_id == space.id).limit(1)
    with database.begin() as session:
        return session.scalar(query) is not None


def volume_shapes(database: Database, volume_ids: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """Voxels along R, A and S, by volume id."""
    unique = list(dict.fromkeys(volume_ids))
    found: dict[int, tuple[int, int, int]] = {}
    with database.begin() as session:
        for part in chunks(unique):
            some = Volume.id.in_(part)
            for volume, (i, j, k) in session.execute(select(Volume.id, Volume.shape).where(some)):
                found[volume] = (i, j, k)
    return found


def volumes_of_study(
    database: Database, space: SpaceRecord, study_id: int, *, series_uid: str | None = None
) -> tuple[list[int], Rows]:
    """Volume ids and their vectors: of one series of a study, or of all, computed images left out where others are."""
    query = (
        select(Volume.id, Vector.data, or_(Volume.derived, Volume.sequence == "localizer"))
        .join(Vector, Vector.volume_id == Volume.id)
        .join(Series, Series.id == Volume.series_id)
        .join(Study, Study.id == Series.study_id)
        .where(Vector.space_id == space.id, Study.id == study_id)
        .order_by(Vector.id)
    )
    if series_uid is not None:
        query = query.where(Series.uid == series_uid)
    with database.begin() as session:
        rows = session.execute(query).all()
    rows = [row for row in rows if not row[2]] or rows
    return [row[0] for row in rows], unpack(b"".join(row[1] for row in rows), space.dim)
