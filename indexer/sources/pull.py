"""Taking what is new or changed from a source into its spool. Killed anywhere, the next pull goes on."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from spinecho.db.files import sources as kept
from spinecho.db.files.passing import archive_time
from spinecho.db.files.sources import SourceRecord, TakenStudy
from spinecho.db.schema.database import Database
from spinecho.indexer.sources.source import Source, Stopped
from spinecho.indexer.sources.spool import Spool

OnStudy = Callable[[int, int], None]
"""Given how many studies were looked at and how many instances came."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did. short: studies of which the server counts more instances than it gave; they are indexed as
    far as they came, and asked for again by the next pull. deleted: those that the server says are gone.
    """

    source: str
    listed: int = 0
    unchanged: int = 0
    taken: int = 0
    instances: int = 0
    short: int = 0
    deleted: int = 0


def pull(
    database: Database,
    record: SourceRecord,
    source: Source,
    spool: Spool,
    *,
    stop: threading.Event,
    on_study: OnStudy = lambda *_: None,
) -> Pulled:
    """Take what is new or changed. A study is settled, to be indexed, once its instances are counted.

    Nothing that was taken before goes, whatever the source says now. Raises `SourceDown`, and `Stopped`.
    """
    taken = kept.taken_studies(database, record.id)
    done = Pulled(record.name)
    for study in source.listed():
        if stop.is_set():
            raise Stopped(f"the pull from {record.name} was stopped; the next goes on")
        done = dataclasses.replace(done, listed=done.listed + 1)
        known = taken.get(study.study_uid)
        if known is not None and known.mark == study.mark and study.mark and known.gone_at is None:
            done = dataclasses.replace(done, unchanged=done.unchanged + 1)
            continue
        before = len(spool.objects(study.study_uid))
        there = source.fetch(study, spool, stop)
        came = spool.settle(study.study_uid)
        held = len(spool.objects(study.study_uid))
        short = held < there  # by its list of objects: some servers repeat a count that a file brought along
        now = TakenStudy(study.study_uid, "" if short else study.mark, held, study.remote_id)
        kept.note_taken(database, record.id, now)
        taken[now.study_uid] = now
        done = dataclasses.replace(
            done, taken=done.taken + 1, instances=done.instances + max(came, held - before), short=done.short + short
        )
        on_study(done.listed, done.instances)
    done = dataclasses.replace(done, deleted=_note_gone(database, record, taken, source.present()))
    kept.note_position(database, record.id, source.position, pulled_at=datetime.now(UTC).replace(tzinfo=None))
    return done


def _note_gone(
    database: Database, record: SourceRecord, taken: dict[str, TakenStudy], present: frozenset[str] | None
) -> int:
    """Note since when studies are not at the server any more, and which are there again; how many went now."""
    went, now = 0, archive_time(database)
    for one in taken.values() if present is not None else ():
        gone = one.remote_id not in (present or ())
        if gone != (one.gone_at is not None):
            kept.note_taken(database, record.id, dataclasses.replace(one, gone_at=now if gone else None))
            went += gone
    return went


def expired(database: Database, record: SourceRecord, grace_days: float) -> list[str]:
    """The studies that were deleted at the source longer ago than the grace period."""
    taken = kept.taken_studies(database, record.id)
    return kept.long_gone(taken, timedelta(days=grace_days), archive_time(database))
