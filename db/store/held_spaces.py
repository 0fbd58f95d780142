"""Spaces of scans that an archive holds beside the one that answers: filled, switched to, back, retired.

Rows of `serving` say all of it, so that a switch is one transaction over a few short rows: `image` is the space that
answers, `image:before` the one that answered before it, `image:7` names the encoder of space 7, and
`image:7:retired` that of a space which the next run deletes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session, aliased

from spinecho.db.errors import StoreError
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import (
    Background,
    RegionVector,
    SelfTest,
    Series,
    Serving,
    SpaceRow,
    Study,
    Vector,
    Volume,
)
from spinecho.db.store.part_vectors import add_regions
from spinecho.db.store.predictions import Lacking
from spinecho.db.values import NewRegions, SpaceRecord
from spinecho.db.vectors.tombstones import remove_vectors

State = Literal["serves", "before", "beside", "retired"]
_LIVE, _BEFORE, _RETIRED = "image", "image:before", ":retired"
_PAGE = 200
_A_ROW = 90
"""Bytes that a vector's row and its entries in indexes take beside the vector."""


@dataclass(frozen=True, slots=True)
class HeldSpace:
    """A space of scans. vectors: volumes that have one; lacking: volumes that have none yet.

    bytes: what its rows take, about.
    """

    space: SpaceRecord
    state: State
    vectors: int
    lacking: int
    bytes: int


class SwitchRefused(StoreError):
    """A space cannot take the other's place, or cannot go, as things are."""


def hold(database: Database, *, model: str, revision: str, preprocessing: str, dim: int, encoder: str) -> SpaceRecord:
    """The space of an encoder, held beside the one that answers; one that was retired is held again."""
    values = {"model": model, "revision": revision, "preprocessing": preprocessing, "dim": dim}
    with database.begin(durable=True) as session:
        row = session.scalars(select(SpaceRow).filter_by(**values)).first()
        if row is None:
            row = SpaceRow(**values)
            session.add(row)
            session.flush()
        session.execute(delete(Serving).where(Serving.role == f"{_LIVE}:{row.id}{_RETIRED}"))
        session.merge(Serving(role=f"{_LIVE}:{row.id}", space_id=row.id, encoder=encoder))
        return SpaceRecord(row.id, model, revision, preprocessing, dim, encoder)


def held_spaces(database: Database) -> tuple[HeldSpace, ...]:
    """Every space of scans, the one that answers first, then by id."""
    with database.begin() as session:
        states = _states(session)
        volumes = session.scalar(select(func.count()).select_from(Volume)) or 0
        found = []
        for row in session.scalars(select(SpaceRow).where(SpaceRow.id.in_(states)).order_by(SpaceRow.id)):
            state, encoder = states[row.id]
            vectors = session.scalar(select(func.count()).where(Vector.space_id == row.id, _OF_SCANS)) or 0
            cells = session.scalar(select(func.sum(RegionVector.cells)).where(RegionVector.space_id == row.id)) or 0
            takes = vectors * (2 * row.dim + _A_ROW) + 2 * row.dim * int(cells)
            space = SpaceRecord(row.id, row.model, row.revision, row.preprocessing, row.dim, encoder)
            found.append(HeldSpace(space, state, vectors, volumes - vectors, takes))
    return tuple(sorted(found, key=lambda one: (one.state != "serves", one.space.id)))


def live_encoder(database: Database) -> tuple[int, str] | None:
    """(space, encoder) of the space of scans that answers, None before anything was indexed."""
    with database.begin() as session:
        row = session.get(Serving, _LIVE)
        return None if row is None else (row.space_id, row.encoder)


def lacking_beside(database: Database, space: SpaceRecord) -> Iterator[Lacking]:
    """Series with volumes that have no vector in a space; each once."""
    last = 0
    while True:
        page = select(Volume.series_id).where(_lacks(space.id), Volume.series_id > last).distinct()
        with database.begin() as session:
            ids = session.scalars(page.order_by(Volume.series_id).limit(_PAGE)).all()
            found = [_lacking(session, series, space.id) for series in ids]
        if not found:
            return
        yield from found
        last = found[-1].series_id


def count_lacking_beside(database: Database, space: SpaceRecord) -> tuple[int, int]:
    """(series, volumes) that have no vector in a space."""
    counts = select(func.count(Volume.series_id.distinct()), func.count()).select_from(Volume)
    with database.begin() as session:
        series, volumes = session.execute(counts.where(_lacks(space.id))).one()
    return int(series), int(volumes)


def rows_below(
    database: Database, space: SpaceRecord, below: SpaceRecord, *, limit: int = _PAGE
) -> list[tuple[int, bytes, bytes | None]]:
    """(volume id, vector, regions) in the space below of volumes that have no vector in a space yet, by id."""
    regions = (RegionVector.volume_id == Volume.id) & (RegionVector.space_id == below.id)
    query = (
        select(Volume.id, Vector.data, RegionVector.data)
        .join(Vector, (Vector.volume_id == Volume.id) & (Vector.space_id == below.id))
        .outerjoin(RegionVector, regions)
        .where(_lacks(space.id))
        .order_by(Volume.id)
        .limit(limit)
    )
    with database.begin() as session:
        return [(row[0], row[1], row[2]) for row in session.execute(query)]


def store_beside(database: Database, space: SpaceRecord, items: Sequence[tuple[int, bytes, NewRegions | None]]) -> int:
    """Store (volume id, fp16 vector, regions) in one transaction; how many are new.

    A volume that went while it was read, or that has its vector already, is passed over.
    """
    with database.begin() as session:
        ids = [volume for volume, _, _ in items]
        wanted = set(session.scalars(select(Volume.id).where(Volume.id.in_(ids), _lacks(space.id))))
        for volume, data, regions in items:
            if volume in wanted:
                session.add(Vector(space_id=space.id, volume_id=volume, data=data))
                add_regions(session, volume, space.id, regions)
    return len(wanted)


def switch(database: Database, space_id: int, *, incomplete: bool = False) -> SpaceRecord:
    """Make a space that is held answer from now on, in one transaction; the one before is kept, and named.

    Raises `SwitchRefused` for a space that is not held, and for one that lacks volumes unless `incomplete`.
    """
    with database.begin(durable=True) as session:
        state, encoder = _held_as(session, space_id)
        if state != "serves":
            lacking = session.scalar(select(func.count()).select_from(Volume).where(_lacks(space_id))) or 0
            if lacking and not incomplete:
                raise SwitchRefused(
                    f"{lacking:,} volumes have no vector of {encoder!r} yet: scans would not be found by them. "
                    f"'spinecho encoders add {encoder}' goes on with it; --incomplete switches all the same"
                )
            _put(session, space_id, encoder)
        return _record(session, space_id, encoder)


def roll_back(database: Database) -> SpaceRecord:
    """Let the space that answered before the last switch answer again, in one transaction. Raises `SwitchRefused`."""
    with database.begin(durable=True) as session:
        before = session.get(Serving, _BEFORE)
        if before is None:
            raise SwitchRefused(
                "there is nothing to go back to: there was no switch yet, or the encoder that answered before it is "
                "retired; 'spinecho encoders list' shows those that can be switched to"
            )
        space, encoder = before.space_id, before.encoder
        _put(session, space, encoder)
        return _record(session, space, encoder)


def retire(database: Database, space_id: int) -> None:
    """Mark a space for deletion by the next run; until then `hold` takes it back.

    Raises `SwitchRefused` for the one that answers, and for one that is not held.
    """
    with database.begin(durable=True) as session:
        state, encoder = _held_as(session, space_id)
        if state == "serves":
            raise SwitchRefused(f"{encoder!r} answers now; switch to another encoder before this one is retired")
        gone = (f"{_LIVE}:{space_id}",) + ((_BEFORE,) if state == "before" else ())
        session.execute(delete(Serving).where(Serving.role.in_(gone)))
        session.merge(Serving(role=f"{_LIVE}:{space_id}{_RETIRED}", space_id=space_id, encoder=encoder))


def purge_retired(database: Database) -> tuple[int, ...]:
    """Delete what retired spaces hold; their ids. Each vector leaves a tombstone, as all that go do."""
    with database.begin() as session:
        doomed = [space for space, (state, _) in _states(session).items() if state == "retired"]
    for space in doomed:
        _empty(database, space)
    return tuple(doomed)


def _empty(database: Database, space: int) -> None:
    """A part a transaction: nobody waits long, and a run that is killed goes on."""
    mine = select(Vector.id).where(Vector.space_id == space).order_by(Vector.id).limit(20 * _PAGE)
    while True:
        with database.begin() as session:
            if _states(session).get(space, ("beside", ""))[0] != "retired":
                return  # it was taken back meanwhile
            ids = session.scalars(mine).all()
            if not ids:
                break
            remove_vectors(session, (Vector.space_id == space) & (Vector.id <= ids[-1]))
    with database.begin(durable=True) as session:
        for table in (RegionVector, Background, SelfTest):
            session.execute(delete(table).where(table.space_id == space))
        session.execute(delete(Serving).where(Serving.role == f"{_LIVE}:{space}{_RETIRED}"))


_OF_SCANS = Vector.volume_id.is_not(None)


def _lacks(space: int) -> Any:
    own = aliased(Vector)  # whoever asks may join vectors of another space
    return ~exists().where(own.volume_id == Volume.id, own.space_id == space)


def _lacking(session: Session, series: int, space: int) -> Lacking:
    names = select(Study.uid, Series.uid).join(Series, Series.study_id == Study.id).where(Series.id == series)
    study_uid, series_uid = session.execute(names).one()
    stored = session.execute(select(Volume.id, Volume.flags).where(Volume.series_id == series)).all()
    rows = session.execute(select(Volume.key, Volume.id).where(Volume.series_id == series, _lacks(space)))
    sampled = any("VOLUMES_SAMPLED" in flags for _, flags in stored)
    return Lacking(series, study_uid, series_uid, len(stored), sampled, {key: (volume, b"") for key, volume in rows})


def _states(session: Session) -> dict[int, tuple[State, str]]:
    """By space: where it stands, and its encoder's name."""
    rows = {row.role: row for row in session.scalars(select(Serving).where(Serving.role.startswith(_LIVE)))}
    found: dict[int, tuple[State, str]] = {}
    for role, row in rows.items():
        if role not in (_LIVE, _BEFORE):
            found[row.space_id] = ("retired" if role.endswith(_RETIRED) else "beside", row.encoder)
    ordered: tuple[tuple[str, State], ...] = ((_BEFORE, "before"), (_LIVE, "serves"))
    for role, state in ordered:
        if role in rows:
            found[rows[role].space_id] = (state, rows[role].encoder)
    return found


def _held_as(session: Session, space: int) -> tuple[State, str]:
    """(where a space stands, its encoder's name). Raises `SwitchRefused` for one that is retired, or not held."""
    state, encoder = _states(session).get(space, ("retired", ""))
    if state == "retired" and encoder:
        raise SwitchRefused(
            f"{encoder!r} is retired and goes with the next 'spinecho index'; until then 'spinecho encoders retire "
            f"{space} --undo' takes that back"
        )
    if state == "retired":
        raise SwitchRefused(f"space {space} is not held; 'spinecho encoders list' shows those that are")
    return state, encoder


def _put(session: Session, space: int, encoder: str) -> None:
    """The space answers; the one that did is the one before, and both stay named."""
    live = session.get(Serving, _LIVE)
    if live is None:
        raise SwitchRefused("nothing is indexed yet; run 'spinecho index FOLDER' first")
    if live.space_id == space:
        return
    for role in (_BEFORE, f"{_LIVE}:{live.space_id}"):
        session.merge(Serving(role=role, space_id=live.space_id, encoder=live.encoder))
    session.merge(Serving(role=f"{_LIVE}:{space}", space_id=space, encoder=encoder))
    live.space_id, live.encoder = space, encoder


def _record(session: Session, space: int, encoder: str) -> SpaceRecord:
    row = session.get_one(SpaceRow, space)
    return SpaceRecord(row.id, row.model, row.revision, row.preprocessing, row.dim, encoder)
