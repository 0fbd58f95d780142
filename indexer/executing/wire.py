"""What goes between this process and those of a cluster: JSON and buffers, as frames of reading processes are.

Nothing of our own is pickled: what leaves `packed` is bytes, and what comes back is read as frames and typed again.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from time import perf_counter
from typing import Any

from spinecho.db.values import NewRegions, PredictedFact
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.headers import FileFailure
from spinecho.encoders.sandbox.frames import Message, read_frames, write_frame
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.encoders.space import Space
from spinecho.encoders.tasks.image_tasks import unpack_read, without_pixels
from spinecho.errors import SpinechoError
from spinecho.indexer.executing.errors import ClusterUnfit
from spinecho.indexer.executing.jobs import Encoded, Job, Reading, SeriesDone
from spinecho.indexer.executing.work import encoded, settled, unreadable, volumes_in
from spinecho.indexer.parts import Parts


def packed(messages: Iterable[Message]) -> bytes:
    """Messages as bytes."""
    stream = io.BytesIO()
    for value, buffers in messages:
        write_frame(stream, value, buffers)
    return stream.getvalue()


def request_of(job: Job) -> bytes:
    """A job, to be read elsewhere."""
    readings = [
        {
            "task": asdict(one.task),
            "only": None if one.only is None else sorted(one.only),
            "apart": one.apart,
        }
        for one in job.readings
    ]
    return packed([({"how": job.how, "readings": readings}, ())])


def read_there(request: bytes, sandbox: Sandbox) -> tuple[bytes, bytes]:
    """(what the asking process has to know of it, what was read), where the files are: a request of `request_of`."""
    job = _job(read_frames(request)[0][0])
    outcomes = [settled(sandbox, one, sandbox.run(one.task)) for one in job.readings]
    state = {
        "volumes": volumes_in(outcomes),
        "absent": unreadable(outcomes),
        "seconds": sum(outcome.seconds for outcome in outcomes),
    }
    whole = [replace(one, messages=()) if one.failure else one for one in outcomes]
    kept = [{"failure": one.failure, "detail": one.detail, "messages": len(one.messages)} for one in whole]
    head = {"job": read_frames(request)[0][0], "read": kept}
    return packed([(state, ())]), packed([(head, ()), *(message for one in whole for message in one.messages)])


def encode_there(dual: DualEncoder, read: Sequence[bytes]) -> bytes:
    """What `read_there` read of some jobs, encoded together, where the networks are."""
    began = perf_counter()
    jobs = [_unpacked(one) for one in read]
    done = encoded(dual, jobs[0][0].how, [pairs for _, pairs in jobs])
    messages: list[Message] = []
    for job in done:
        messages.append(({"series": len(job)}, ()))
        for series in job:
            facts = {"failure": series.failure, "detail": series.detail, "digests": dict(series.digests)}
            messages.append((facts | {"items": len(series.items)}, ()))
            messages += [_item_message(item) for item in series.items]
    return packed([({"seconds": perf_counter() - began}, ()), *messages])


def unpack_encoded(answer: bytes) -> tuple[float, list[tuple[SeriesDone, ...]]]:
    """(seconds that it took, what came of each job) of an answer of `encode_there`."""
    messages = iter(read_frames(answer))
    seconds = float(next(messages)[0]["seconds"])
    jobs = []
    for value, _ in messages:
        series = []
        for _ in range(value["series"]):
            facts = next(messages)[0]
            items = tuple(_item(next(messages)) for _ in range(facts["items"]))
            failure = None if facts["failure"] is None else Reason(facts["failure"])
            series.append(SeriesDone(items, facts["digests"], failure, facts["detail"]))
        jobs.append(tuple(series))
    return seconds, jobs


def unpack_state(state: bytes) -> tuple[int, list[str], float]:
    """(volumes, files that were not there, seconds) of what `read_there` says."""
    value = read_frames(state)[0][0]
    return int(value["volumes"]), [str(path) for path in value["absent"]], float(value["seconds"])


def told(open_dual: Callable[[], DualEncoder]) -> tuple[DualEncoder | None, bytes]:
    """An encoder that is opened elsewhere, None where it cannot be, and what is said of that."""
    try:
        dual = open_dual()
        image, text = dual.spaces
    except SpinechoError as error:
        return None, packed([({"error": str(error)}, ())])
    return dual, packed([({"image": asdict(image), "text": asdict(text), "batch": dual.image.batch}, ())])


def unpack_told(answer: bytes) -> tuple[tuple[Space, Space], int]:
    """((space of scans, of texts), volumes at once) of what was opened elsewhere; `ClusterUnfit` where nothing was."""
    value = read_frames(answer)[0][0]
    if "error" in value:
        raise ClusterUnfit(f"an encoder could not be opened in the cluster: {value['error']}")
    return (Space(**value["image"]), Space(**value["text"])), int(value["batch"])


def _job(value: Mapping[str, Any]) -> Job:
    readings = tuple(
        Reading(Task(**one["task"]), None if one["only"] is None else frozenset(one["only"]), apart=one["apart"])
        for one in value["readings"]
    )
    return Job(readings, value["how"])


def _unpacked(read: bytes) -> tuple[Job, list[tuple[Reading, Outcome]]]:
    (head, _), *messages = read_frames(read)
    job, pairs, start = _job(head["job"]), [], 0
    for reading, kept in zip(job.readings, head["read"], strict=True):
        failure = None if kept["failure"] is None else Reason(kept["failure"])
        own = messages[start : start + kept["messages"]]
        start += kept["messages"]
        pairs.append((reading, Outcome(reading.task, own, failure, kept["detail"])))
    return job, pairs


def _item_message(item: Encoded | FileFailure) -> Message:
    if isinstance(item, FileFailure):
        return {"path": item.path, "reason": item.reason, "message": item.message}, ()
    facts, buffers = without_pixels(item.volume)
    regions = item.parts.regions
    value = {
        "volume": facts,
        "words": item.words,
        "grid": None if regions is None else regions.grid,
        "predicted": [asdict(one) for one in item.parts.predicted],
    }
    return value, (*buffers, item.parts.vector, item.meaning, b"" if regions is None else regions.data)


def _item(message: Message) -> Encoded | FileFailure:
    value, buffers = message
    if "volume" not in value:
        return FileFailure(value["path"], Reason(value["reason"]), value["message"])
    volume = unpack_read([(value["volume"], buffers[:3])])[0]
    if isinstance(volume, FileFailure):
        raise TypeError("not a volume")
    vector, meaning, data = buffers[3:]
    grid = value["grid"]
    regions = None if grid is None else NewRegions((grid[0], grid[1], grid[2]), data)
    predicted = tuple(PredictedFact(**one) for one in value["predicted"])
    return Encoded(volume, Parts(vector, regions, predicted), value["words"], meaning)
