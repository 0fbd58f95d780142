"""The copy that serves, as it is searched: checked when it is opened, and followed as rows come and go.

Searches never write to the server. What is newer than the copy, and what was removed since, is known here.
"""

from __future__ import annotations

import numpy as np
from sqlalchemy import func, select

from spinecho.db.errors import VectorServerUnfit
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Vector
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.protocol import Ids, Neighbours, Rows, contains
from spinecho.db.vectors.servers.protocol import CopyState, VectorServer
from spinecho.db.vectors.servers.server_index import ServerIndex
from spinecho.db.vectors.servers.syncing import index_over, key_of, require_counted, require_ours
from spinecho.db.vectors.stored_rows import vectors_by_id

_SAMPLE = 64
"""Vectors of a copy that are compared with the rows when it is opened."""


class ServedCopy:
    """What a `ServedSpace` asks in place of a build. A copy of this object goes on holding what it held."""

    def __init__(self, index: ServerIndex, state: CopyState) -> None:
        self._index, self.state = index, state
        self._gone: Ids = np.empty(0, np.int64)

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return self._index.dim

    def __len__(self) -> int:
        return max(0, self.state.count - len(self._gone))

    def remove(self, ids: Ids) -> int:
        """Leave these out from now on; how many of them the copy can hold."""
        fresh = np.unique(ids[(ids <= self.state.highest) & ~contains(self._gone, ids)])
        self._gone = np.union1d(self._gone, fresh)
        return len(fresh)

    def nearest(self, vectors: Rows, k: int, *, among: Ids | None = None) -> Neighbours:
        """As `VectorIndex.nearest`. Raises `VectorServerDown` and `VectorServerUnfit`."""
        return self._index.among_held(
            vectors, k, among=among, held=len(self), highest=self.state.highest, gone=self._gone
        )


def open_copy(database: Database, server: VectorServer, space: SpaceRecord) -> ServedCopy:
    """The copy that serves, once it is what it says and what the rows say. Raises `VectorServerError`."""
    server.check()
    key = key_of(database, space)
    state = server.serving(key)
    if state is None or not state.whole:
        raise VectorServerUnfit(f"{server.what} holds no copy of this space yet; 'spinecho builds sync' makes it")
    require_ours(database, space, state)
    require_counted(database, space, state)
    copy = server.open(key, state)
    held = copy.count()
    if held != state.count:
        raise VectorServerUnfit(
            f"the copy {state.name} on {server.what} holds {held} vectors and tells of {state.count}; "
            "'spinecho builds sync' looks what is missing, with --anew it makes a new one"
        )
    known, rows = vectors_by_id(database, space, _sample(database, space, state))
    there, given = copy.rows_of(known)
    if len(there) != len(known) or not (rows == given).all():
        raise VectorServerUnfit(
            f"the copy {state.name} on {server.what} holds other vectors than the database; "
            "'spinecho builds sync --anew' makes a new one"
        )
    return ServedCopy(index_over(database, space, copy, effort=state.effort), state)


def _sample(database: Database, space: SpaceRecord, state: CopyState) -> Ids:
    """Ids that the copy has to hold: the first past some numbers at random, so that none are read to be counted."""
    drawn = np.random.default_rng().integers(1, max(2, state.highest + 1), _SAMPLE).tolist()
    found: set[int] = set()
    with database.begin() as session:
        for least in drawn:
            query = select(func.min(Vector.id)).where(
                Vector.space_id == space.id, Vector.id >= least, Vector.id <= state.highest
            )
            first = session.scalar(query)
            found |= set() if first is None else {first}
    return np.array(sorted(found), dtype=np.int64)
