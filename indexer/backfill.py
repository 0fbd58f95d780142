"""Predictions and regions for volumes that were indexed before the encoder could give them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spinecho.db.errors import StoreError
from spinecho.db.files import file_index
from spinecho.db.schema.database import Database
from spinecho.db.store import predictions, storing
from spinecho.db.store.predictions import Lacking
from spinecho.db.values import NewRegions, PredictedFact, SpaceRecord
from spinecho.db.vectors.stored_rows import unpack
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.reading.headers import FileFailure, Header
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.encoders.space import require_stored
from spinecho.encoders.tasks.image_tasks import PreparedVolume, read_task, unpack_read
from spinecho.indexer.parts import Parts, heads_of, parts_of
from spinecho.indexer.progress import Progress, Silent

_EVERY = 64
"""Volumes read of a series that was stored whole."""
_SAME = 0.999
"""Cosine with the stored vector below which the pixels cannot be those that were indexed."""
_Item = tuple[int, NewRegions | None, Sequence[PredictedFact]]


@dataclass(frozen=True)
class Added:
    """What a run did. left_out: volumes by reason; they are tried again by the next run. ahead: series not reached."""

    tasks: tuple[str, ...]
    series: int
    volumes: int
    left_out: dict[str, int]
    ahead: int


def add_parts(
    database: Database,
    dual: DualEncoder,
    *,
    workers: int = 2,
    limit: int | None = None,
    memory_mb: int | None = None,
    progress: Progress | None = None,
) -> Added:
    """Read volumes that lack predictions of the encoder's heads, or regions, and store these: a series a transaction.

    Resumable: what is stored is not done again, unless by a head of another revision. Raises `EncoderUnavailable` for
    an encoder with nothing to add, `StoreError` before anything is indexed, `SpaceMismatch` for another encoder.
    """
    if dual.describer is None:
        raise EncoderUnavailable(
            f"the encoder {dual.name!r} has no heads and does not tell parts apart: there is nothing to add; "
            "use one that does (--encoder, see docs/encoders.md)"
        )
    space = storing.serving(database, "image")
    if space is None:
        raise StoreError("nothing is indexed yet; run 'spinecho index FOLDER' first")
    require_stored(space, dual.image.space, role="image")
    heads = heads_of(dual.predictor)
    ahead = predictions.count_lacking(database, space, heads=heads, regions=True)
    wanted = ahead if limit is None else min(ahead, limit)
    shown = progress or Silent()
    shown.total("read", wanted)
    left_out: Counter[str] = Counter()
    waiting: dict[int, Lacking] = {}
    done = volumes = 0

    def tasks() -> Iterator[Task]:
        for number, series in enumerate(predictions.lacking(database, space, heads=heads, regions=True)):
            if number >= wanted:
                return
            waiting[number] = series
            yield stored_task(database, dual, series)

    with Sandbox(workers=workers, memory_mb=memory_mb) as sandbox:
        for number, outcome in enumerate(sandbox.map(tasks())):
            items = _items(dual, space, waiting.pop(number), outcome, left_out)
            if items:
                predictions.store_parts(database, space, items)
            done, volumes = done + 1, volumes + len(items)
            shown.advance("read")
    return Added(tuple(task for task, _, _ in heads), done, volumes, dict(left_out), ahead - done)


def stored_task(database: Database, dual: DualEncoder, series: Lacking) -> Task:
    """Read a stored series again, the same volumes of it."""
    records = file_index.series_files(database, (series.study_uid, series.series_uid))
    headers = [Header.from_json(record.header, path=record.path) for record in records]
    return read_task(
        headers,
        spec=dual.image.preparation.spec,
        max_volumes=series.stored if series.sampled else _EVERY,  # the same sample again
        seconds=120 + 0.5 * len(headers),
    )


def _items(
    dual: DualEncoder, space: SpaceRecord, series: Lacking, outcome: Outcome, left_out: Counter[str]
) -> list[_Item]:
    """What is to be stored of a series; volumes that were not found again, or have changed, are counted."""
    if outcome.failure is not None:
        left_out[f"{outcome.failure}: {outcome.failure.remedy}"] += len(series.volumes)
        return []
    read = unpack_read(outcome.messages)
    found = [item for item in read if isinstance(item, PreparedVolume) and item.key in series.volumes]
    items: list[_Item] = []
    for item, parts in zip(found, parts_of(dual, [one.prepared for one in found]), strict=True):
        volume, vector = series.volumes[item.key]
        if _cosine(parts, vector, space.dim) < _SAME:
            left_out["changed since it was indexed: run 'spinecho index' first"] += 1
        else:
            items.append((volume, parts.regions, parts.predicted))
    lost = len(series.volumes) - len(found)
    if lost:
        reasons = sorted({str(item.reason) for item in read if isinstance(item, FileFailure)})
        left_out[f"{', '.join(reasons) or 'not found in its files'}: run 'spinecho index' first"] += lost
    return items


def _cosine(parts: Parts, vector: bytes, dim: int) -> float:
    one, other = unpack(parts.vector, dim)[0], unpack(vector, dim)[0]
    return float(np.dot(one, other) / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12))
