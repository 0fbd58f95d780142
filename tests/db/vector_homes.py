"""Databases that hold nothing but vectors of one space, for tests of builds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sqlalchemy import delete, insert

from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Tombstone, Vector
from spinecho.db.store import storing
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.stored_rows import pack


def open_home(folder: Path, *, dim: int, url: str | None = None) -> tuple[Database, SpaceRecord]:
    database = Database.open(url or folder / "spinecho.sqlite")
    values = {"model": "made", "revision": "1", "preprocessing": "none", "dim": dim}
    return database, storing.serve(database, "image", encoder="spinecho", **values)


def store(database: Database, space: SpaceRecord, rows: np.ndarray) -> None:
    """Add vectors, as one transaction."""
    with database.begin() as session:
        session.execute(insert(Vector), [{"space_id": space.id, "data": pack(row)} for row in rows])


def forget(database: Database, space: SpaceRecord, ids: list[int]) -> None:
    """Delete vectors, as one transaction."""
    with database.begin() as session:
        session.execute(insert(Tombstone), [{"space_id": space.id, "vector_id": one} for one in ids])
        session.execute(delete(Vector).where(Vector.id.in_(ids)))
