"""Bringing a copy on a server up to the rows: from where it stands, block by block, each read back.

A copy tells of itself how far it speaks, and is told so after each block. Killed at any point, the next sync writes
that block again and goes on. A copy that is made anew is filled beside the one that serves, measured, and takes its
place in one step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from spinecho.db.errors import VectorServerUnfit
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Run, Tombstone, Vector
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.index_plan import FLAT_UP_TO
from spinecho.db.vectors.indexes.protocol import Ids
from spinecho.db.vectors.manifest import identity_of
from spinecho.db.vectors.servers.measured import EFFORTS, GOOD, QUERIES, measured
from spinecho.db.vectors.servers.protocol import FLAT, GRAPH, Copy, CopyState, VectorServer
from spinecho.db.vectors.servers.server_index import ServerIndex, require_gone, require_written
from spinecho.db.vectors.stored_rows import read_vectors, vectors_by_id

BLOCK = 5_000
"""Vectors that are written and read back at once."""


def origin_of(database: Database) -> str:
    """When the database's first run began: tells it from another archive on the same server."""
    with database.begin() as session:
        first = session.scalar(select(Run.started_at).order_by(Run.id).limit(1))
    return "" if first is None else first.isoformat()


def key_of(database: Database, space: SpaceRecord) -> str:
    """Under what a server keeps the copies of this archive's space: letters, digits and underscores."""
    return f"{hashlib.blake2b(origin_of(database).encode(), digest_size=4).hexdigest()}_s{space.id}"


def index_over(database: Database, space: SpaceRecord, copy: Copy, *, effort: int) -> ServerIndex:
    """A copy as an index whose vectors are those of the rows."""
    stored = partial(vectors_by_id, database, space)
    return ServerIndex(copy, effort=effort, stored=stored, everything=partial(read_vectors, database, space))


def sync(
    database: Database,
    server: VectorServer,
    space: SpaceRecord,
    *,
    anew: bool = False,
    block: int = BLOCK,
    queries: int = QUERIES,
    say: Callable[[str], None] = lambda _: None,
) -> CopyState:
    """Have the server hold what is stored of a space; a new copy where there is none, or where `anew` is wished.

    queries: asked of a new copy to measure it. One process at a time may sync a space. Raises `VectorServerDown` and
    `VectorServerUnfit`.
    """
    key = key_of(database, space)
    serving, state = server.serving(key), _begun(database, server, key, space, anew=anew)
    if state is None or (state.whole and _grown_out(database, space, state)):
        state = _new(database, server, key, space)
        copy = server.create(key, state)
    else:
        copy = server.open(key, state)
        require_ours(database, space, state)
    before, state = state, _brought_up(database, server, key, space, copy, state, block=block, say=say)
    require_counted(database, space, state)
    if not state.whole or state != before:
        say("making the index on the server")
        server.finish(key, state)
    if not state.whole:
        state = _measured(database, space, copy, state, queries, say)
        state = replace(state, whole=True)
        server.serve(key, state)
    elif serving is None or serving.name != state.name:
        server.serve(key, state)
    for other in server.copies(key):
        if other.name != state.name:
            server.drop(key, other.name)
    return state


def require_ours(database: Database, space: SpaceRecord, state: CopyState) -> None:
    """Raise `VectorServerUnfit` for a copy of another archive or another space."""
    if dict(state.space) != identity_of(space) or state.origin != origin_of(database):
        raise VectorServerUnfit(
            f"the copy {state.name} is of another archive or another encoder than {space.model}; "
            "'spinecho builds sync --anew' makes one of this"
        )


def _begun(database: Database, server: VectorServer, key: str, space: SpaceRecord, *, anew: bool) -> CopyState | None:
    """The copy to go on with: one that is being filled, else the one that serves."""
    found = [one for one in server.copies(key) if not (anew and one.whole)]
    filling = [one for one in found if not one.whole and dict(one.space) == identity_of(space)]
    if filling and filling[0].origin == origin_of(database):
        return filling[0]
    return next((one for one in found if one.whole), None)


def _new(database: Database, server: VectorServer, key: str, space: SpaceRecord) -> CopyState:
    numbers = [int(one.name) for one in server.copies(key)]
    with database.begin() as session:
        count = session.scalar(select(func.count()).where(Vector.space_id == space.id)) or 0
        # what is gone by now never comes into it
        tombstone = session.scalar(select(func.max(Tombstone.id)).where(Tombstone.space_id == space.id)) or 0
    return CopyState(
        name=f"{max(numbers, default=0) + 1:06d}",
        space=identity_of(space),
        kind=FLAT if count <= FLAT_UP_TO else GRAPH,
        origin=origin_of(database),
        tombstone=tombstone,
        made_at=_now(),
    )


def _grown_out(database: Database, space: SpaceRecord, state: CopyState) -> bool:
    """Whether a copy that compares every vector holds too many for it."""
    with database.begin() as session:
        count = session.scalar(select(func.count()).where(Vector.space_id == space.id)) or 0
    return state.kind == FLAT and count > 2 * FLAT_UP_TO


def _brought_up(
    database: Database, server: VectorServer, key: str, space: SpaceRecord, copy: Copy, state: CopyState, *,
    block: int, say: Callable[[str], None],
) -> CopyState:  # fmt: skip
    """Every row past the watermark, then every removal: a row that goes meanwhile has a later tombstone."""
    with database.begin() as session:
        highest = session.scalar(select(func.max(Vector.id)).where(Vector.space_id == space.id)) or 0
        last = session.scalar(select(func.max(Tombstone.id)).where(Tombstone.space_id == space.id)) or 0
    for ids, rows in read_vectors(database, space, after=state.highest, up_to=highest, block=block):
        before = copy.count()
        # a block that was written before another sync was stopped is counted once
        new = len(ids) if before == state.count else len(ids) - len(copy.rows_of(ids)[0])
        copy.upsert(ids, rows)
        require_written(copy, ids, rows, count=before + new)
        state = replace(state, highest=int(ids[-1]), count=before + new, synced_at=_now())
        server.keep(key, state)
        say(f"{state.count:,} vectors are on the server")
    for tombstone, ids in _removed(database, space, after=state.tombstone, up_to=last):
        going = copy.rows_of(ids)[0]
        before = copy.count()
        copy.delete(ids)
        require_gone(copy, ids, count=before - len(going))
        state = replace(state, tombstone=tombstone, count=before - len(going), synced_at=_now())
        server.keep(key, state)
        say(f"{state.count:,} vectors are on the server")
    held = copy.count()
    if held != state.count:
        raise VectorServerUnfit(
            f"{server.what}: the copy {state.name} holds {held} vectors and tells of {state.count}; "
            "'spinecho builds sync --anew' makes a new one"
        )
    if highest > state.highest or last > state.tombstone or not state.synced_at:
        state = replace(state, highest=max(highest, state.highest), tombstone=last, synced_at=_now())
        server.keep(key, state)
    return state


def _removed(database: Database, space: SpaceRecord, *, after: int, up_to: int) -> Iterator[tuple[int, Ids]]:
    """(last tombstone, ids that are gone) in the order of the removals."""
    while True:
        with database.begin() as session:
            query = select(Tombstone.id, Tombstone.vector_id).where(
                Tombstone.space_id == space.id, Tombstone.id > after, Tombstone.id <= up_to
            )
            rows = session.execute(query.order_by(Tombstone.id).limit(1_000)).all()
            gone = [row[1] for row in rows]
            back = _there(session, space, gone)
        if not rows:
            return
        after = int(rows[-1][0])
        yield after, np.array(sorted(set(gone) - back), dtype=np.int64)


def _there(session: Session, space: SpaceRecord, ids: list[int]) -> set[int]:
    """Those that are stored after all: an id is never given twice, but a tombstone must not outweigh a row."""
    if not ids:
        return set()
    wanted = select(Vector.id).where(Vector.space_id == space.id, Vector.id >= min(ids), Vector.id <= max(ids))
    return set(session.scalars(wanted)) & set(ids)


def require_counted(database: Database, space: SpaceRecord, state: CopyState) -> None:
    """Raise `VectorServerUnfit` for a copy of another number of vectors than the rows of its age are."""
    mine = (Vector.space_id == space.id) & (Vector.id <= state.highest)
    later = select(func.count()).where(
        Tombstone.space_id == space.id, Tombstone.id > state.tombstone, Tombstone.vector_id <= state.highest
    )
    with database.begin() as session:
        there = session.scalar(select(func.count()).select_from(Vector).where(mine)) or 0
        gone = session.scalar(later) or 0
    if not there <= state.count <= there + gone:  # what went while the copy was filled is not in it
        raise VectorServerUnfit(
            f"the copy {state.name} holds {state.count} vectors where the database has {there} of that age; "
            "'spinecho builds sync --anew' makes a new one"
        )


def behind(database: Database, space: SpaceRecord, state: CopyState) -> tuple[int, int]:
    """(vectors that a copy lacks, vectors that it holds and the archive no longer does)."""
    newer = select(func.count()).where(Vector.space_id == space.id, Vector.id > state.highest)
    gone = select(func.count()).where(
        Tombstone.space_id == space.id, Tombstone.id > state.tombstone, Tombstone.vector_id <= state.highest
    )
    with database.begin() as session:
        return session.scalar(newer) or 0, session.scalar(gone) or 0


def _measured(
    database: Database, space: SpaceRecord, copy: Copy, state: CopyState, queries: int, say: Callable[[str], None]
) -> CopyState:
    """With the least effort that finds enough, and what it finds."""
    say("comparing what the server finds with what there is")
    found = state
    for effort in EFFORTS if state.kind != FLAT else EFFORTS[:1]:
        index = index_over(database, space, copy, effort=effort)
        found = replace(
            state, effort=effort, measured=measured(database, space, index, held=state.count, queries=queries)
        )
        if all(one["recall"] >= GOOD for one in found.measured.values()):
            break
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
