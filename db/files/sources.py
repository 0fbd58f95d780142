"""Sources by name, how far each was followed, and the studies that were taken from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from spinecho.db.errors import StoreError
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Source, SourceStudy


class SourceUnknown(StoreError):
    """No source has that name, or one has it already."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source as it is kept. position: of its change feed; times are UTC."""

    id: int
    name: str
    kind: str
    settings: Mapping[str, Any]
    position: Mapping[str, Any]
    added_at: datetime
    pulled_at: datetime | None


@dataclass(frozen=True, slots=True)
class TakenStudy:
    """A study as it was last taken. mark: what the server said of it then; remote_id: the server's own name for it.

    gone_at: since when the server has it no more, see `archive_time`.
    """

    study_uid: str
    mark: str
    instances: int
    remote_id: str = ""
    gone_at: datetime | None = None


def add_source(database: Database, name: str, kind: str, settings: Mapping[str, Any]) -> SourceRecord:
    """Keep a source. Raises `SourceUnknown` where the name is taken."""
    with database.begin(durable=True) as session:
        if session.scalars(select(Source.id).where(Source.name == name)).first() is not None:
            raise SourceUnknown(f"there is a source {name!r} already; remove it first, or choose another name")
        row = Source(name=name, kind=kind, settings=dict(settings), position={}, added_at=_now(), pulled_at=None)
        session.add(row)
        session.flush()
        return _record(row)


def sources(database: Database) -> tuple[SourceRecord, ...]:
    """Every source, by name."""
    with database.begin() as session:
        return tuple(_record(row) for row in session.scalars(select(Source).order_by(Source.name)))


def find_source(database: Database, name: str) -> SourceRecord:
    """The source of this name. Raises `SourceUnknown`."""
    with database.begin() as session:
        row = session.scalars(select(Source).where(Source.name == name)).first()
        if row is None:
            raise SourceUnknown(f"no source {name!r}; 'spinecho sources list' names them")
        return _record(row)


def remove_source(database: Database, name: str) -> SourceRecord:
    """Forget a source and what was noted of its studies; nothing that is indexed goes. Raises `SourceUnknown`."""
    record = find_source(database, name)
    with database.begin(durable=True) as session:
        session.execute(delete(SourceStudy).where(SourceStudy.source_id == record.id))
        session.execute(delete(Source).where(Source.id == record.id))
    return record


def note_position(
    database: Database, source: int, position: Mapping[str, Any], *, pulled_at: datetime | None = None
) -> None:
    """How far a change feed was followed; pulled_at: a pull came to its end."""
    with database.begin(durable=True) as session:
        row = session.get(Source, source)
        if row is not None:
            row.position = dict(position)
            row.pulled_at = pulled_at or row.pulled_at


def taken_studies(database: Database, source: int) -> dict[str, TakenStudy]:
    """Every study that was taken from a source, by its UID."""
    with database.begin() as session:
        rows = session.scalars(select(SourceStudy).where(SourceStudy.source_id == source))
        return {row.study_uid: _taken(row) for row in rows}


def remote_names(database: Database, source: int, studies: Sequence[str]) -> dict[str, str]:
    """What the source itself calls these studies that were taken from it, by UID."""
    with database.begin() as session:
        found = select(SourceStudy.study_uid, SourceStudy.remote_id).where(
            SourceStudy.source_id == source, SourceStudy.study_uid.in_(studies)
        )
        return {row.study_uid: row.remote_id for row in session.execute(found)}


def note_taken(database: Database, source: int, study: TakenStudy) -> None:
    """That a study was taken whole, or what became of it."""
    with database.begin(durable=True) as session:
        row = session.get(SourceStudy, (source, study.study_uid))
        if row is None:
            row = SourceStudy(source_id=source, study_uid=study.study_uid)
            session.add(row)
        row.mark, row.instances, row.remote_id = study.mark, study.instances, study.remote_id
        row.gone_at = study.gone_at


def forget_taken(database: Database, source: int, study_uid: str) -> None:
    """Forget that a study was taken."""
    with database.begin(durable=True) as session:
        session.execute(delete(SourceStudy).where(SourceStudy.source_id == source, SourceStudy.study_uid == study_uid))


def long_gone(taken: Mapping[str, TakenStudy], grace: timedelta, now: datetime) -> list[str]:
    """The studies that their server deleted longer ago than the grace period."""
    return sorted(uid for uid, one in taken.items() if one.gone_at is not None and now - one.gone_at >= grace)


def _record(row: Source) -> SourceRecord:
    return SourceRecord(row.id, row.name, row.kind, row.settings, row.position, row.added_at, row.pulled_at)


def _taken(row: SourceStudy) -> TakenStudy:
    return TakenStudy(row.study_uid, row.mark, row.instances, row.remote_id, row.gone_at)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
