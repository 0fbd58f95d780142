"""A space as it is now: the newest sound build, the rows since, without what was deleted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sqlalchemy import func, select

from db.build import builds_newest_first, open_build, read_vectors
from db.database import Database
from db.errors import BuildCorrupt
from db.models import Tombstone, Vector
from db.values import SpaceRecord
from db.vectors.exact import ExactIndex
from db.vectors.protocol import Ids, Neighbours, Rows, VectorIndex, ranked


class ServedSpace:
    """Answers for one space. `refresh` brings it up to the database; `nearest` never returns a deleted id."""

    def __init__(self, database: Database, builds: Path, space: SpaceRecord) -> None:
        self.space = space
        self.warnings: list[str] = []
        self.build: str | None = None
        """Name of the build that answers, None where there is none or none is sound."""
        self.generation = 0
        """Raised by every `refresh` that found something new."""
        self.dropped = 0
        """Vectors that the build holds and the archive no longer does."""
        self._database, self._builds = database, builds
        self._base: VectorIndex = ExactIndex(space.dim)
        self._delta = ExactIndex(space.dim)
        self._highest = self._tombstone = 0
        self._open()
        self.refresh()

    def __len__(self) -> int:
        return len(self._base) + len(self._delta)

    @property
    def newer_than_build(self) -> int:
        """Vectors that the build does not hold and the delta does."""
        return len(self._delta)

    def refresh(self) -> None:
        """Take in what was stored or deleted since the last look; two small queries when nothing was."""
        with self._database.begin() as session:
            mine = Tombstone.space_id == self.space.id
            gone = session.execute(
                select(Tombstone.id, Tombstone.vector_id).where(mine, Tombstone.id > self._tombstone)
            ).all()
            highest = session.scalar(select(func.max(Vector.id)).where(Vector.space_id == self.space.id)) or 0
        self.generation += bool(gone) or highest > self._highest
        if highest > self._highest:
            for ids, rows in read_vectors(self._database, self.space, after=self._highest, up_to=highest):
                self._delta.add(ids, rows)
            self._highest = highest
        if gone:
            dead = np.fromiter((row.vector_id for row in gone), dtype=np.int64, count=len(gone))
            self.dropped += self._base.remove(dead)
            self._delta.remove(dead)
            self._tombstone = max(row.id for row in gone)

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """The k most similar of build and delta together; as `VectorIndex.nearest`."""
        parts = [part.nearest(vectors, k, among=among) for part in (self._base, self._delta) if len(part)]
        if not parts:
            return self._delta.nearest(vectors, k, among=among)
        return ranked(
            np.concatenate([part.ids for part in parts], axis=1),
            np.concatenate([part.similarities for part in parts], axis=1),
            k,
        )

    def _open(self) -> None:
        for name in builds_newest_first(self._builds, self.space):
            try:
                manifest, self._base = open_build(self._builds, self.space, name)
            except BuildCorrupt as error:
                self.warnings.append(f"{error}, so it is not served")
                continue
            self.build = manifest.build
            self._highest, self._tombstone = manifest.highest_id, manifest.last_tombstone
            return
