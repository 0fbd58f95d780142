"""A space as it is now: the newest sound build, the rows since, without what was deleted.

Where a server of vectors is set, the copy that it holds stands in the place of the build for as long as it is sound and
answers; else the build does, and a note says so.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import bindparam, func, select

from spinecho.db.errors import BuildCorrupt, StoreError, VectorServerError, VectorServerUnfit
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Tombstone, Vector
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.exact import ExactIndex
from spinecho.db.vectors.indexes.protocol import Ids, Neighbours, Rows, VectorIndex, ascending, ranked
from spinecho.db.vectors.manifest import builds_newest_first, current_build
from spinecho.db.vectors.servers.protocol import VectorServer
from spinecho.db.vectors.servers.served_copy import ServedCopy, open_copy
from spinecho.db.vectors.sound import require_sound
from spinecho.db.vectors.stored_rows import read_vectors

_AT_ONCE = 250
"""New rows read at a time: a millisecond in which nothing else of this process runs."""
_LOOK_AGAIN = 30.0
"""Seconds after which a server that did not answer is asked again, and one that does whether it holds another copy."""
_MANY_NEWER = 20_000
"""Vectors that a server's copy may lack before a note says so."""


class Mark(NamedTuple):
    """What of a space the database holds at one moment. Of two moments the later one has the greater mark."""

    tombstone: int
    """The last row that tells of a removal."""
    highest: int
    """The highest id that is there: it falls only where something was removed."""


_BEFORE = Mark(-1, -1)
"""Before anything was looked at."""


@dataclass(frozen=True, eq=False)
class SpaceView:
    """A space as it was at one moment. Nothing changes it, so any number of threads may search it."""

    space: SpaceRecord
    mark: Mark
    build: str | None
    """Name of the build that answers, None where there is none or none is sound."""
    base: VectorIndex | ServedCopy
    delta: ExactIndex
    dropped: int
    """Vectors that the build holds and the archive no longer does."""
    warnings: tuple[str, ...] = ()
    """Of builds that are not served."""
    notes: list[str] = field(default_factory=list)
    """Of a server that does not answer for this space; one that stopped answering while this was asked is added."""
    otherwise: Callable[[VectorServerError, Mark], SpaceView] | None = None
    """What answers where the server does not."""

    def __len__(self) -> int:
        return len(self.base) + len(self.delta)

    @property
    def newer_than_build(self) -> int:
        """Vectors that the build does not hold and the delta does."""
        return len(self.delta)

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """The k most similar of build and delta together; as `VectorIndex.nearest`."""
        among = None if among is None else ascending(among)
        try:
            parts = [part.nearest(vectors, k, among=among) for part in (self.base, self.delta) if len(part)]
        except VectorServerError as error:
            if self.otherwise is None:
                raise
            view = self.otherwise(error, self.mark)
            self.notes[:] = view.notes
            return view.nearest(vectors, k, among=among)
        if not parts:
            return self.delta.nearest(vectors, k, among=among)
        return ranked(
            np.concatenate([part.ids for part in parts], axis=1),
            np.concatenate([part.similarities for part in parts], axis=1),
            k,
        )


@dataclass(slots=True)
class _Served:
    """A build with what came after it. Searches keep the one that they began with."""

    build: str | None
    base: VectorIndex | ServedCopy
    delta: ExactIndex
    highest: int
    tombstone: int
    dropped: int = 0
    mark: Mark = _BEFORE
    """The latest moment that was taken in."""


class ServedSpace:
    """Answers for one space. `refresh` brings it up to the database; `nearest` never returns a deleted id.

    Any number of threads may search and refresh. A new build is opened and checked in the background, while the one
    before it answers, and then takes its place; a build that is not sound never does.
    """

    def __init__(
        self,
        database: Database,
        builds: Path,
        space: SpaceRecord,
        *,
        gpu: str | None = None,
        elsewhere: VectorServer | None = None,
    ) -> None:
        """elsewhere: a server whose copy answers in place of the build."""
        self.space = space
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.generation = 0
        """Raised by every `refresh` that found something new."""
        self._database, self._builds, self._gpu = database, builds, gpu
        self._elsewhere, self._looked = elsewhere, time.monotonic()
        self._lock = threading.Lock()
        self._opening: threading.Thread | None = None
        self._refused: set[str] = set()
        self._newest = (
            select(func.max(Tombstone.id))
            .where(Tombstone.space_id == space.id, Tombstone.id > bindparam("seen"))
            .scalar_subquery(),
            select(func.max(Vector.id)).where(Vector.space_id == space.id).scalar_subquery(),
        )
        self._served = self._opened_elsewhere() or self._opened()
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
        """Take in what was stored or deleted since the last look; a small query when nothing was."""
        with self._lock:
            self.generation += self._catch_up(self._served)
        self.look_for_build()

    def look_for_build(self) -> None:
        """Begin to open another build where one is to serve; a later look finds it in place."""
        if self._elsewhere is not None and time.monotonic() > self._looked + _LOOK_AGAIN:
            self._begin(self._swap_elsewhere)
        if isinstance(self._served.base, ServedCopy):
            return
        waiting = current_build(self._builds, self.space)
        if not waiting or waiting == self._served.build or waiting in self._refused:
            return
        self._begin(self._swap, waiting)

    def _begin(self, swap: Callable[..., None], *name: str) -> None:
        """Have a thread put something else in place, if none does."""
        with self._lock:
            idle = self._opening is None or not self._opening.is_alive()
            if idle and name != (self._served.build,) and not self._refused.intersection(name):
                self._opening = threading.Thread(target=swap, args=name, name="build", daemon=True)
                self._opening.start()

    def settle(self) -> None:
        """Wait until a build that is being opened has taken its place, or was refused."""
        opening = self._opening
        if opening is not None:
            opening.join()

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """The k most similar of build and delta together; as `VectorIndex.nearest`."""
        return self.view().nearest(vectors, k, among=among)

    def mark(self) -> Mark:
        """What the database holds of this space at the moment that is read: two look-ups in indexes."""
        with self._database.begin() as session:
            last, highest = session.execute(select(*self._newest), {"seen": 0}).one()
        return Mark(last or 0, highest or 0)

    def marks_with(self, other: ServedSpace) -> tuple[Mark, Mark]:
        """The same of this space and another one of the same database, by one query."""
        with self._database.begin() as session:
            row = session.execute(select(*self._newest, *other._newest), {"seen": 0}).one()
        return Mark(row[0] or 0, row[1] or 0), Mark(row[2] or 0, row[3] or 0)

    def view(self) -> SpaceView:
        """The space as it was at the last refresh."""
        with self._lock:
            return self._viewed()

    def view_at(self, mark: Mark) -> SpaceView | None:
        """The space as this mark has it, which is that of the moment being read; None where later rows are served."""
        with self._lock:
            if self._served.mark < mark:
                self.generation += self._catch_up(self._served)
            return self._viewed() if self._served.mark == mark else None

    def _viewed(self, other: _Served | None = None) -> SpaceView:
        served = other or self._served
        # Indexes replace what they hold and never change it: a copy of one goes on holding what it held
        base, delta = copy.copy(served.base), copy.copy(served.delta)
        return SpaceView(
            self.space, served.mark, served.build, base, delta, served.dropped, tuple(self.warnings),
            notes=self._noted(served), otherwise=self._instead if isinstance(base, ServedCopy) else None,
        )  # fmt: skip

    def _noted(self, served: _Served) -> list[str]:
        if not isinstance(served.base, ServedCopy) or len(served.delta) <= _MANY_NEWER:
            return list(self.notes)
        newer = f"{len(served.delta):,} vectors are newer than the copy {served.build}, and are searched here"
        return [*self.notes, f"{newer}; 'spinecho builds sync' brings it up"]

    def _instead(self, error: VectorServerError, mark: Mark) -> SpaceView:
        """What the builds here, or the rows, answer in place of a server that does not; of the same moment."""
        with self._lock:
            self._looked = time.monotonic()
            self.notes = [_note(error)]
            if isinstance(self._served.base, ServedCopy):
                # a copy that another took the place of is no reason to go without the server
                again = self._opened_elsewhere() if isinstance(error, VectorServerUnfit) else None
                served = again or self._opened()
                self._catch_up(served)
                self._served = served
                self.generation += 1
            if self._served.mark <= mark:
                self._catch_up(self._served)
                return self._viewed()
            earlier = self._opened()  # others look at a later moment already
            self._catch_up(earlier)
            return self._viewed(earlier)

    def _opened_elsewhere(self) -> _Served | None:
        """The server's copy; None, with a note, where it cannot answer."""
        if self._elsewhere is None:
            return None
        try:
            copy_there = open_copy(self._database, self._elsewhere, self.space)
        except VectorServerError as error:
            self.notes = [_note(error)]
            return None
        finally:
            self._looked = time.monotonic()
        self.notes = []
        state, name = copy_there.state, f"{copy_there.state.name} on {self._elsewhere.what}"
        return _Served(name, copy_there, ExactIndex(self.space.dim), state.highest, state.tombstone)

    def _swap_elsewhere(self) -> None:
        """Take up the server's copy as it is now, or leave it where it is no longer sound."""
        try:
            now, served = self._served.base, self._opened_elsewhere()
            if served is None and not isinstance(now, ServedCopy):
                return
            if isinstance(now, ServedCopy) and served is not None and served.base.state == now.state:  # type: ignore[union-attr]
                return
            served = served or self._opened()
            self._catch_up(served)  # most of it while nothing waits
            with self._lock:
                self._catch_up(served)
                self._served = served
                self.generation += 1
        except StoreError as error:
            self.notes = [_note(error)]

    def _opened(self) -> _Served:
        for name in builds_newest_first(self._builds, self.space):
            served = self._open(name)
            if served is not None:
                return served
        return _Served(None, ExactIndex(self.space.dim), ExactIndex(self.space.dim), 0, 0)

    def _open(self, name: str) -> _Served | None:
        from spinecho.db.vectors.build import open_build  # noqa: PLC0415  (FAISS: for those who search)

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
        with self._database.reading() as session:
            mark = self.mark()
            if mark <= served.mark:
                return False
            gone: Sequence[Any] = ()
            if mark.tombstone > served.tombstone:
                mine = (Tombstone.space_id == self.space.id, Tombstone.id > served.tombstone)
                gone = session.execute(select(Tombstone.id, Tombstone.vector_id).where(*mine)).all()
            fresh = mark.highest > served.highest
            if fresh:
                span = {"after": served.highest, "up_to": mark.highest}
                for ids, rows in read_vectors(self._database, self.space, **span, block=_AT_ONCE):
                    served.delta.add(ids, rows)
                    served.highest = int(ids[-1])
                    time.sleep(0)  # searches in other threads wait for the interpreter
                served.highest = mark.highest
            if gone:
                dead = np.fromiter((row.vector_id for row in gone), dtype=np.int64, count=len(gone))
                served.dropped += served.base.remove(dead)
                served.delta.remove(dead)
                served.tombstone = max(row.id for row in gone)
            served.mark = mark
            return fresh or bool(gone)


def _note(error: StoreError) -> str:
    return f"the server of vectors was not asked: {error}. The answer is complete: it comes from the builds here"
