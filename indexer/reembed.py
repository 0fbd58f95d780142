"""Vectors of another encoder, beside those that answer: read again, encoded, stored, a series a transaction.

What answers is not touched. A run that was killed goes on where it was: what has its vector is not read again.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TypeAlias

from spinecho.db.errors import StorageFailure, StoreError
from spinecho.db.schema.database import Database
from spinecho.db.store import held_spaces, storing
from spinecho.db.store.predictions import Lacking
from spinecho.db.values import NewRegions, SpaceRecord
from spinecho.db.vectors.stored_rows import pack, unpack
from spinecho.encoders.adapted import AdaptedEncoder
from spinecho.encoders.dual import DualEncoder, OfStudies
from spinecho.encoders.errors import SpaceMismatch
from spinecho.encoders.networks.parts_of_volumes import GRID
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.encoders.space import Space
from spinecho.indexer.backfill import stored_task
from spinecho.indexer.executing.here import Here
from spinecho.indexer.executing.jobs import Executor, How, Job, Reading, SeriesDone
from spinecho.indexer.progress import Progress, Silent

_SPARE = 200 << 20
"""Bytes that are left free on the disk."""
_OVERHEAD = 1.3
"""Of rows and their indexes over what they hold."""
Beside: TypeAlias = tuple[int, bytes, NewRegions | None]


@dataclass(frozen=True)
class Embedded:
    """What a run did. left_out: volumes by reason, tried again by the next run. ahead: volumes that have no vector."""

    series: int
    volumes: int
    left_out: dict[str, int]
    ahead: int
    notices: tuple[str, ...] = ()
    """What is to be known of how it went."""


def require_same_text(database: Database, dual: DualEncoder) -> None:
    """Raise `SpaceMismatch` where an encoder's sentences are not those of the index: scans alone are embedded anew."""
    text = storing.serving(database, "text")
    if text is None:
        raise StoreError("nothing is indexed yet; run 'spinecho index FOLDER' first")
    kept = Space(text.model, text.revision, text.preprocessing, text.dim)
    if kept != dual.text.space:
        raise SpaceMismatch(
            f"the sentences of this index are in {kept.label}, {dual.name!r} puts them in {dual.text.space.label}: "
            "another sentence encoder takes an index of its own (--home)"
        )


def bytes_needed(database: Database, dual: DualEncoder, space: SpaceRecord) -> int:
    """What the rows and the build of the volumes that are still lacking will take."""
    _, volumes = held_spaces.count_lacking_beside(database, space)
    cells = prod(GRID) if dual.describer is not None else 0
    return int(volumes * 2 * space.dim * (_OVERHEAD * (1 + cells) + 1.5))


def require_room(folder: Path, needed: int, *, what: str) -> None:
    """Raise `StorageFailure` where a disk has less free than is needed, before anything is done."""
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise StorageFailure(
            f"{what} takes about {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free where {folder} is: free "
            f"{(needed + _SPARE - free) / 1e6:,.0f} MB; nothing was changed"
        )


def embed_beside(
    database: Database,
    dual: DualEncoder,
    space: SpaceRecord,
    *,
    workers: int = 1,
    limit: int | None = None,
    memory_mb: int | None = None,
    share: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
    progress: Progress | None = None,
    executing: Callable[[DualEncoder], Executor] | None = None,
) -> Embedded:
    """Give every volume that lacks one its vector and regions in a space that is held beside.

    An encoder of studies gives all volumes of a study, of those that lack one, the vector of the study.
    share: of the time that is worked, 0.5 rests as long as it works. Predicted facts are those of the encoder that
    answers and stay as they are. executing: who reads and encodes in place of this process.
    """
    volumes = 0
    if isinstance(dual.image, AdaptedEncoder):
        volumes = embed_from_rows(database, dual.image, space, share=share, sleep=sleep, progress=progress)
    ahead, _ = held_spaces.count_lacking_beside(database, space)
    wanted = ahead if limit is None else min(ahead, limit)
    shown = progress or Silent()
    shown.total("read", wanted)
    left_out: Counter[str] = Counter()
    asked: deque[Sequence[Lacking]] = deque()
    begun = done = 0

    def jobs() -> Iterator[Job]:
        nonlocal begun
        how: How = "study" if isinstance(dual.image, OfStudies) else "parts"
        for group in _groups(database, dual, space):
            if begun >= wanted:
                return
            begun += len(group)
            asked.append(group)
            yield Job(tuple(Reading(stored_task(database, dual, one), frozenset(one.volumes)) for one in group), how)

    began = time.monotonic()
    with Sandbox(workers=workers, memory_mb=memory_mb) as sandbox:
        executor = Here(sandbox, dual) if executing is None else executing(dual)
        for job in executor.run(jobs()):
            group = asked.popleft()
            items = [item for one, read in zip(group, job.series, strict=True) for item in _found(one, read, left_out)]
            volumes += held_spaces.store_beside(database, space, items)
            done += len(group)
            shown.advance("read", len(group))
            if share < 1.0:
                sleep((time.monotonic() - began) * (1.0 / share - 1.0))
                began = time.monotonic()
    ahead = held_spaces.count_lacking_beside(database, space)[1]
    made = Embedded(done, volumes, dict(left_out), ahead, executor.notices)
    if limit is not None or not volumes or ahead <= left_out.total():
        return made
    more = embed_beside(  # scans that were indexed meanwhile
        database, dual, space, workers=workers, memory_mb=memory_mb, share=share, sleep=sleep, progress=progress,
        executing=executing,
    )  # fmt: skip
    notices = tuple(dict.fromkeys((*made.notices, *more.notices)))
    return Embedded(done + more.series, volumes + more.volumes, more.left_out, more.ahead, notices)


def _groups(database: Database, dual: DualEncoder, space: SpaceRecord) -> Iterator[Sequence[Lacking]]:
    """What is encoded together: for an encoder of studies the series of a study that lack a vector, else a series."""
    if isinstance(dual.image, OfStudies):
        studies: dict[str, list[Lacking]] = {}
        for series in held_spaces.lacking_beside(database, space):
            studies.setdefault(series.study_uid, []).append(series)
        yield from studies.values()
        return
    yield from ([series] for series in held_spaces.lacking_beside(database, space))


def embed_from_rows(
    database: Database,
    encoder: AdaptedEncoder,
    space: SpaceRecord,
    *,
    share: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
    progress: Progress | None = None,
) -> int:
    """Embed what the encoder below has stored rows of, without reading a scan; how many volumes that were.

    A page a transaction, so that a run that was killed goes on. What has no rows below is left to `embed_beside`.
    """
    found = [one.space for one in held_spaces.held_spaces(database) if _is(one.space, encoder.base.space)]
    shown, done = progress or Silent(), 0
    if found:
        shown.total("encode", held_spaces.count_lacking_beside(database, space)[1])
    while found and (rows := held_spaces.rows_below(database, space, found[0])):
        began = time.monotonic()
        items = []
        for volume, vector, regions in rows:
            below = None if regions is None else unpack(regions, found[0].dim)
            own, cells = encoder.from_rows(unpack(vector, found[0].dim)[0], below)
            items.append((volume, pack(own), None if below is None else NewRegions(GRID, pack(cells))))
        done += held_spaces.store_beside(database, space, items)
        shown.advance("encode", len(rows))
        if share < 1.0:
            sleep((time.monotonic() - began) * (1.0 / share - 1.0))
    return done


def _is(record: SpaceRecord, space: Space) -> bool:
    return Space(record.model, record.revision, record.preprocessing, record.dim) == space


def _found(series: Lacking, read: SeriesDone, left_out: Counter[str]) -> list[Beside]:
    """(volume id, vector, regions) of a series; volumes that were not found again are counted by reason."""
    if read.failure is not None:
        left_out[f"{read.failure}: {read.failure.remedy}"] += len(series.volumes)
        return []
    if lost := len(series.volumes) - len(read.encoded):
        reasons = sorted({str(item.reason) for item in read.failures})
        left_out[f"{', '.join(reasons) or 'not found in its files'}: run 'spinecho index' first"] += lost
    return [(series.volumes[one.volume.key][0], one.parts.vector, one.parts.regions) for one in read.encoded]
