"""The archive's own count of time, for what is to have lasted for days: it goes on steadily, whatever clocks say.

It began as the clock did when it was first asked. Each look adds what has passed since the last one, see `steady`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zlib import crc32

from sqlalchemy import select
from sqlalchemy.orm import Session

from spinecho import steady
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Upkeep
from spinecho.steady import Moment

_MINUTE = 60.0
_NAMES = ("count:minutes", "count:boot", "count:since", "count:clock")
"""Rows: the count, and the moment of the last look; whole minutes, as numbers of these rows are small."""


def count_minutes(session: Session, now: Moment) -> int:
    """The count as it is now, in minutes since 1970, more or less; written down."""
    rows = {row.name: row for row in session.scalars(select(Upkeep).where(Upkeep.name.in_(_NAMES)))}
    boot = crc32(now.boot.encode()) >> 1 if now.boot else 0
    since, clock = int(now.since // _MINUTE), int(now.clock // _MINUTE)
    minutes = clock
    if len(rows) == len(_NAMES):
        before, *moment = (rows[name].number for name in _NAMES)
        minutes = before + int(steady.passed(_moment(*moment), _moment(boot, since, clock)) // _MINUTE)
    for name, number in zip(_NAMES, (minutes, boot, since, clock), strict=True):
        session.merge(Upkeep(name=name, number=number))
    return minutes


def archive_time(database: Database) -> datetime:
    """The count as a time in UTC, for how long things have lasted: not what a clock shows."""
    with database.begin() as session:
        minutes = count_minutes(session, steady.now())
    return datetime.fromtimestamp(minutes * _MINUTE, UTC).replace(tzinfo=None)


def _moment(boot: int, since: int, clock: int) -> Moment:
    return Moment(str(boot or ""), since * _MINUTE, clock * _MINUTE)
