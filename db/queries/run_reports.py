"""What a report on a run asks of SQL: runs, what was guessed of volumes, and one picture of each class."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import func, select

from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Run, Thumbnail, Volume

_AT_ONCE = 5000


def finished_run(database: Database, number: int | None = None) -> dict[str, Any] | None:
    """Number, times, counts and seconds of a run, or of the newest that came to its end; None where there is none."""
    query = select(Run).where(Run.finished_at.is_not(None)).order_by(Run.id.desc()).limit(1)
    if number is not None:
        query = query.where(Run.id == number)
    with database.begin() as session:
        run = session.scalars(query).first()
        if run is None:
            return None
        times = {"started_at": run.started_at.isoformat(), "finished_at": run.finished_at.isoformat()}  # type: ignore[union-attr]
        return {"run": run.id, **times, "counts": dict(run.counts), "seconds": dict(run.seconds)}


def flag_counts(database: Database) -> dict[str, int]:
    """Volumes by flag, most frequent first."""
    found = Counter[str]()
    with database.begin() as session:
        for flags in session.scalars(select(Volume.flags).execution_options(yield_per=_AT_ONCE)):
            found.update(flags)
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def thumbnail_of_each_sequence(database: Database) -> dict[str, bytes]:
    """A PNG by sequence, of the volume that was stored first; none of a computed image, which may be a screenshot."""
    first = select(func.min(Volume.id)).where(Volume.derived.is_(False)).group_by(Volume.sequence)
    query = select(Volume.sequence, Thumbnail.png).join(Thumbnail, Thumbnail.volume_id == Volume.id)
    with database.begin() as session:
        rows = session.execute(query.where(Volume.id.in_(first)).order_by(Volume.sequence))
        return {str(sequence): bytes(png) for sequence, png in rows}
