"""A space as it is now: the newest sound build, the rows since, without what was deleted."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import bindparam, func, select

from spinecho.db.errors import BuildCorrupt, StoreError
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Tombstone, Vector
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.build import builds_newest_first, current_build, open_build, read_vectors
from spinecho.db.vectors.exact import ExactIndex
from spinecho.db.vectors.protocol import Ids, Neighbours, Rows, VectorIndex, ascending, ranked
from spinecho.db.vectors.sound import require_sound

_AT_ONCE = 250
"""New rows read at a time: a millisecond in which nothing else of this process runs."""


@dataclass(slots=True)
class _Served:
    """A build with what came after it. Searches keep the one that they began with."""

    build: str | None
    base: VectorIndex
    delta: ExactIndex
    highest: int
    tombstone: int
    dropped: int = 0


class ServedSpace:
    """Answers for one space. `refresh` brings it up to the database; `nearest` never returns a deleted id.

    Any number of threads may search and refresh. A new build is opened and checked in the background, while the one
    before it answers, and then takes its place; a build that is not sound never does.
    """

    def __init__(self, database: Database, builds: Path, space: SpaceRecord, *, gpu: str | None = None) -> None:
        self.space = space
        self.warnings: list[str] = []
        self.generation = 0
        """Raised by every `refresh` that found something new."""
        self._database, self._builds, self._gpu = database, builds, gpu
        self._lock = threading.Lock()
        self._opening: threading.Thread | None = None
        self._refused: set[str] = set()
        self._newest = select(
            select(func.max(Tombstone.id))
            .where(Tombstone.space_id == space.id, Tombstone.id > bindparam("seen"))
            .scalar_subquery(),
            select(func.max(Vector.id)).where(Vector.space_id == space.id).scalar_subquery(),
        )
        self._served = self._opened()
        self.refresh()

    def __len__(self) -> int:
        served = self._served
        return len(served.base) + len(served.delta)

    @property
    def build(self) -> str | None:
        """Name of the build that answers, None where there is none or none is sound."""
        return self._served.build

    @property
    def dropped(self) -> int:
        """Vectors that the build holds and the archive no longer does."""
        return self._served.dropped

    @property
    def newer_than_build(self) -> int:
        """Vectors that the build does not hold and the delta does."""
        return len(self._served.delta)

    def refresh(self) -> None:
        """Take in what was stored or deleted since the last look; a small query when nothing was.

        Where another build is to serve, opening it begins, and a later refresh finds it in place.
        """
        with self._lock:
            self.generation += self._catch_up(self._served)
            waiting = current_build(self._builds, self.space)
            idle = self._opening is None or not self._opening.is_alive()
            if idle and waiting and waiting != self._served.build and waiting not in self._refused:
                self._opening = threading.Thread(target=self._swap, args=(waiting,), name="build", daemon=True)
                self._opening.start()

    def settle(self) -> None:
        """Wait until a build that is being opened has taken its place, or was refused."""
        opening = self._opening
        if opening is not None:
            opening.join()

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """The k most similar of build and delta together; as `VectorIndex.nearest`."""
        served = self._served
        among = None if among is None else ascending(among)
        parts = [part.nearest(vectors, k, among=among) for part in (served.base, served.delta) if len(part)]
        if not parts:
            return served.delta.nearest(vectors, k, among=among)
        return ranked(
            np.concatenate([part.ids for part in parts], axis=1),
            np.concatenate([part.similarities for part in parts], axis=1),
            k,
        )

    def _opened(self) -> _Served:
        for name in builds_newest_first(self._builds, self.space):
            served = self._open(name)
            if served is not None:
                return served
        return _Served(None, ExactIndex(self.space.dim), ExactIndex(self.space.dim), 0, 0)

    def _open(self, name: str) -> _Served | None:
        try:
            manifest, base = open_build(self._builds, self.space, name, gpu=self._gpu)
            require_sound(
                self._database, self.space, name, base, count=manifest.count, highest=manifest.highest_id,
                tombstone=manifest.last_tombstone,
            )  # fmt: skip
        except BuildCorrupt as error:
            self._refused.add(name)
            self.warnings.append(f"{error}, so it is not served")
            return None
        return _Served(manifest.build, base, ExactIndex(self.space.dim), manifest.highest_id, manifest.last_tombstone)

    def _swap(self, name: str) -> None:
        try:
            served = self._open(name)
            if served is None:
                return
            self._catch_up(served)  # most of it while nothing waits
            with self._lock:
                self._catch_up(served)
                self._served = served
                self.generation += 1
                self.warnings = []
        except StoreError as error:  # nobody waits for this thread; the next search meets the same and tells it
            self.warnings.append(f"index build {name} could not be taken up: {error}")

    def _catch_up(self, served: _Served) -> bool:
        """Take in what the database holds past it; whether that was anything."""
        with self._database.begin() as session:
            last, highest = session.execute(self._newest, {"seen": served.tombstone}).one()
            gone: Sequence[Any] = ()
            if last is not None:
                mine = (Tombstone.space_id == self.space.id, Tombstone.id > served.tombstone)
                gone = session.execute(select(Tombstone.id, Tombstone.vector_id).where(*mine)).all()
        highest = highest or 0
        fresh = highest > served.highest
        if fresh:
            news = read_vectors(self._database, self.space, after=served.highest, up_to=highest, block=_AT_ONCE)
            for ids, rows in news:
                served.delta.add(ids, rows)
                served.highest = int(ids[-1])
                time.sleep(0)  # searches in other threads wait for the interpreter
            served.highest = highest
        if gone:
            dead = np.fromiter((row.vector_id for row in gone), dtype=np.int64, count=len(gone))
            served.dropped += served.base.remove(dead)
            served.delta.remove(dead)
            served.tombstone = max(row.id for row in gone)
        return fresh or bool(gone)
