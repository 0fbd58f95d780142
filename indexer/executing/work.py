"""What is done with a series, whoever does it: read in a child, encoded with the networks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from spinecho.db.schema import clean
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.dual import DualEncoder, OfStudies
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.archives.paths import on_disk
from spinecho.encoders.reading.headers import FileFailure
from spinecho.encoders.sandbox.frames import Message
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.encoders.tasks.image_tasks import PreparedVolume, unpack_digests, unpack_read
from spinecho.indexer.caption import caption
from spinecho.indexer.executing.jobs import Encoded, How, Reading, SeriesDone
from spinecho.indexer.parts import Parts, parts_of


def settled(sandbox: Sandbox, reading: Reading, outcome: Outcome) -> Outcome:
    """The outcome of a reading; where its process died and it may be read apart, without what makes it die."""
    if outcome.failure is None or not reading.apart:
        return outcome
    headers = reading.task.arguments["headers"]
    alone = {path: sandbox.run(_of(reading.task, [(path, text)])) for path, text in headers}
    culprits = {path: each for path, each in alone.items() if each.failure is not None}
    if not culprits:
        culprits = {path: outcome for path, _ in headers}
    failed = [_failed(path, each) for path, each in culprits.items()]
    rest = [(path, text) for path, text in headers if path not in culprits]
    seconds = outcome.seconds + sum(each.seconds for each in alone.values())
    if not rest:
        return Outcome(reading.task, failed, seconds=seconds)
    again = sandbox.run(_of(reading.task, rest))
    if again.failure is not None:
        messages = [*failed, *(_failed(path, again) for path, _ in rest)]
    else:
        messages = [*failed, *again.messages]
    return Outcome(reading.task, messages, seconds=seconds + again.seconds)


def encoded(
    dual: DualEncoder, how: How, read: Sequence[Sequence[tuple[Reading, Outcome]]]
) -> list[tuple[SeriesDone, ...]]:
    """What is given back of jobs that were read, in their order; their volumes go through the networks together."""
    unpacked = [[(reading, outcome, _items(reading, outcome)) for reading, outcome in job] for job in read]
    wanted = [[item for *_, items in job for item in items if isinstance(item, PreparedVolume)] for job in unpacked]
    volumes = [volume for one in wanted for volume in one]
    if how == "study":
        parts = iter([part for one in wanted for part in _of_study(dual, one)])
    else:
        parts = iter(parts_of(dual, [volume.prepared for volume in volumes]))
    words = [_words(volume) if how == "captions" else "" for volume in volumes]
    meanings = [pack(row) for row in dual.text.encode(words)] if how == "captions" else [b""] * len(words)
    told = iter(zip(words, meanings, strict=True))
    return [
        tuple(
            SeriesDone(
                tuple(
                    Encoded(item, next(parts), *next(told)) if isinstance(item, PreparedVolume) else item
                    for item in items
                ),
                unpack_digests(outcome.messages),
                outcome.failure,
                outcome.detail,
            )
            for _, outcome, items in job
        )
        for job in unpacked
    ]


def volumes_in(outcomes: Sequence[Outcome]) -> int:
    """How many volumes were read."""
    return sum("pixels" in value for outcome in outcomes for value, _ in outcome.messages)


def unreadable(outcomes: Sequence[Outcome]) -> list[str]:
    """Files that could not be read as they are not here, or as we may not."""
    failed = [value for outcome in outcomes for value, _ in outcome.messages if "reason" in value]
    return [value["path"] for value in failed if value["reason"] == Reason.UNREADABLE and not readable(value["path"])]


def readable(path: str) -> bool:
    """Whether the file, or the archive that it is in, is here, and may be read; it is not opened."""
    return os.access(on_disk(path), os.R_OK)


def _items(reading: Reading, outcome: Outcome) -> list[PreparedVolume | FileFailure]:
    """What is wanted of a series that was read."""
    if outcome.failure is not None:
        return []
    read, only = unpack_read(outcome.messages), reading.only
    return [item for item in read if isinstance(item, FileFailure) or only is None or item.key in only]


def _of(task: Task, headers: Sequence[tuple[str, str]]) -> Task:
    return replace(task, arguments={**task.arguments, "headers": list(headers)}, seconds=120 + 0.5 * len(headers))


def _failed(path: str, outcome: Outcome) -> Message:
    return {"path": path, "reason": outcome.failure or Reason.READ_CRASHED, "message": outcome.detail}, ()


def _words(volume: PreparedVolume) -> str:
    described = caption(volume.acquisition, series=volume.series.description, study=volume.study.description)
    return clean.text(described)


def _of_study(dual: DualEncoder, volumes: Sequence[PreparedVolume]) -> list[Parts]:
    """All volumes of a study have the vector of the study."""
    if not volumes:
        return []
    if not isinstance(dual.image, OfStudies):
        raise TypeError(f"{dual.name!r} is no encoder of studies")
    whole = pack(dual.image.encode_study([volume.prepared for volume in volumes])[None])
    return [Parts(whole)] * len(volumes)
