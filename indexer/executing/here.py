"""Series read by reading processes of this machine, and encoded in this process while these read on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.indexer.executing.jobs import Done, Job, Reading
from spinecho.indexer.executing.work import encoded, settled, volumes_in

_Read: TypeAlias = tuple[Job, list[tuple[Reading, Outcome]]]


class Here:
    """An `Executor` of one process. At most as many series are under way as `Sandbox.map` says."""

    notices: tuple[str, ...] = ()

    def __init__(self, sandbox: Sandbox, dual: DualEncoder) -> None:
        self._sandbox, self._dual = sandbox, dual

    def run(self, jobs: Iterable[Job], /) -> Iterator[Done]:
        """As `Executor.run`. Volumes go through the networks as many at once as these like."""
        asked: deque[tuple[Job, Reading, bool]] = deque()

        def tasks() -> Iterator[Task]:
            for job in jobs:
                for reading in job.readings:
                    asked.append((job, reading, reading is job.readings[-1]))
                    yield reading.task

        batch: list[_Read] = []
        read: list[tuple[Reading, Outcome]] = []
        volumes = 0
        for outcome in self._sandbox.map(tasks()):
            job, reading, last = asked.popleft()
            read.append((reading, settled(self._sandbox, reading, outcome)))
            if not last:
                continue
            volumes += volumes_in([one for _, one in read])
            batch.append((job, read))
            read = []
            if volumes >= self._dual.image.batch:
                yield from self._encoded(batch)
                batch, volumes = [], 0
        yield from self._encoded(batch)

    def _encoded(self, batch: list[_Read]) -> Iterator[Done]:
        if not batch:
            return
        began = time.perf_counter()
        done = encoded(self._dual, batch[0][0].how, [read for _, read in batch])
        spent = time.perf_counter() - began
        for (job, read), series in zip(batch, done, strict=True):
            reading = sum(outcome.seconds for _, outcome in read)
            yield Done(job, series, {"read": reading, "encode": spent})
            spent = 0.0
