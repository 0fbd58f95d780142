"""Whether a build is what its manifest says and what the database knows.

A digest tells that bytes are those that were written, not that the right ones were: an index without vectors, or with
ids in another order, has digests too. So a build is compared with the rows before it is served: how many they are, in
which order, and some of the vectors themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from spinecho.db.errors import BuildCorrupt
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Tombstone, Vector
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.protocol import Ids, Rows

_SAMPLE = 64
"""Vectors of a build that are compared when it is opened."""
PORTION = 20_000
"""Vectors that are compared at once where all of them are."""


class Built(Protocol):
    """An index as a build holds it."""

    @property
    def dim(self) -> int:
        """Length of every vector."""
        ...

    @property
    def ids(self) -> Ids:
        """Every id, in the order in which the build holds them."""
        ...

    def rows_of(self, ids: Ids) -> Rows:
        """(n, dim): the vectors of ids that are there."""
        ...

    def unproposed(self, ids: Ids) -> int:
        """How many of these would not be found by their own vectors."""
        ...


def require_sound(
    database: Database, space: SpaceRecord, name: str, index: Built, *, count: int, highest: int, tombstone: int,
    whole: bool = False,
) -> None:  # fmt: skip
    """Raise `BuildCorrupt` for a build that the rows do not bear out; `whole`: compare every vector.

    `count`, `highest` and `tombstone` are those of the manifest.
    """
    ids = index.ids
    _require(index.dim == space.dim, name, f"holds vectors of {index.dim} numbers in place of {space.dim}")
    _require(len(ids) == count, name, f"holds {len(ids)} vectors and tells of {count}")
    if count:
        _require(bool((ids[1:] > ids[:-1]).all()), name, "holds its ids out of order")
        _require(ids[0] >= 1 and ids[-1] <= highest, name, f"holds ids from {ids[0]} to {ids[-1]}, past {highest}")
    require_counted(database, space, name, count=count, highest=highest, tombstone=tombstone)
    for some in _portions(ids, whole=whole):
        require_borne_out(database, space, name, index, some, tombstone)
    if count:
        some = _sample(ids, 16)
        lost = index.unproposed(some)
        _require(2 * lost <= len(some), name, f"does not find {lost} of {len(some)} of its own vectors")


def require_borne_out(
    database: Database, space: SpaceRecord, name: str, index: Built, ids: Ids, tombstone: int
) -> None:
    """Raise `BuildCorrupt` where some vectors of a build are not the rows of these ids."""
    _compare(database, space, name, index, ids, _known(database, space, ids), tombstone)


def require_counted(
    database: Database, space: SpaceRecord, name: str, *, count: int, highest: int, tombstone: int
) -> None:
    """Raise `BuildCorrupt` for a build of another number of vectors than the rows of its age are, by its manifest."""
    mine = (Vector.space_id == space.id) & (Vector.id <= highest)
    with database.begin() as session:
        now = session.scalar(select(func.count()).select_from(Vector).where(mine)) or 0
        since = (Tombstone.space_id == space.id) & (Tombstone.id > tombstone) & (Tombstone.vector_id <= highest)
        gone = session.scalar(select(func.count()).select_from(Tombstone).where(since)) or 0
    # One that was deleted while the build was made has a tombstone and is not in it
    _require(now <= count <= now + gone, name, f"holds {count} vectors where the database has {now} of that age")


def _portions(ids: Ids, *, whole: bool) -> Iterator[Ids]:
    if not whole:
        yield _sample(ids, _SAMPLE)
        return
    for start in range(0, len(ids), PORTION):
        yield ids[start : start + PORTION]


def _sample(ids: Ids, most: int) -> Ids:
    """The first, the last and others at random: damage that is always at the same places is found at some time."""
    if len(ids) <= most:
        return np.array(ids, dtype=np.int64)
    inner = np.random.default_rng().choice(len(ids) - 2, most - 2, replace=False) + 1
    picked: Ids = np.array(ids)[np.sort(np.concatenate([[0], inner, [len(ids) - 1]]))]
    return picked


def _known(database: Database, space: SpaceRecord, ids: Ids) -> Mapping[int, bytes]:
    found: dict[int, bytes] = {}
    with database.begin() as session:
        for some in chunks(ids.tolist()):
            query = select(Vector.id, Vector.data).where(Vector.space_id == space.id, Vector.id.in_(some))
            found.update((row[0], row[1]) for row in session.execute(query))
    return found


def _compare(
    database: Database, space: SpaceRecord, name: str, index: Built, ids: Ids, known: Mapping[int, bytes],
    tombstone: int,
) -> None:  # fmt: skip
    there: NDArray[np.bool_] = np.fromiter((one in known for one in ids.tolist()), dtype=bool, count=len(ids))
    missing: Sequence[int] = ids[~there].tolist()
    if missing:
        with database.begin() as session:
            dead: set[int] = set()
            later = select(Tombstone.vector_id).where(Tombstone.id > tombstone)
            for some in chunks(missing):
                dead.update(session.scalars(later.where(Tombstone.vector_id.in_(some))))
        unknown = sorted(set(missing) - dead)
        _require(not unknown, name, f"holds the vector {unknown[0] if unknown else 0}, which the database never had")
    ids = ids[there]
    if not len(ids):
        return
    stored = [known[one] for one in ids.tolist()]
    _require(all(len(one) == 2 * space.dim for one in stored), name, "cannot be compared: rows have another length")
    rows = np.frombuffer(b"".join(stored), dtype="<f2").reshape(-1, space.dim).astype(np.float32)
    differs = ~(rows == index.rows_of(ids)).all(axis=1)
    first = int(ids[np.argmax(differs)])
    _require(not differs.any(), name, f"holds another vector under the id {first} than the database does")


def _require(met: bool | np.bool_, name: str, otherwise: str) -> None:
    if not met:
        raise BuildCorrupt(f"index build {name} {otherwise}")
