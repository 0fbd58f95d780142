"""Series read and encoded by processes elsewhere, over a `Transport`: what is lost of them is asked for again.

Nothing that is out there counts: a job is done when it is given back, and its rows are written by whoever asked. So a
lost process costs the work that it had, and a lost asker leaves what SQL says.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from spinecho.encoders.errors import Reason
from spinecho.encoders.space import Space
from spinecho.indexer.executing.errors import ClusterError, ClusterUnfit
from spinecho.indexer.executing.jobs import Done, Job, SeriesDone
from spinecho.indexer.executing.transport import Handle, Lost, Transport
from spinecho.indexer.executing.wire import request_of, unpack_encoded, unpack_state, unpack_told
from spinecho.indexer.executing.work import readable

TRIES = 3
"""Processes that may be lost with a job before it counts as what ends them."""
_QUEUE = 2
"""Calls that wait at an encoder or are under way there, so that it need not wait for us."""
_OPENINGS = 5
"""Times in a row that an encoder may be lost while it opens."""
PATIENCE = 900.0
"""Seconds, beyond what a reading may take, after which a cluster from which nothing comes is held to be gone."""


@dataclass(eq=False, slots=True)
class _Asked:
    """A job that is under way. read: what was read of it, out there."""

    job: Job
    lost: int = 0
    read: Handle = None
    volumes: int = 0
    seconds: float = 0.0
    done: Done | None = None


@dataclass(eq=False, slots=True)
class _Encoder:
    """One of the encoders. calls: jobs by call; failed: how often in a row it could not be opened."""

    number: int
    opening: Handle = None
    opened: bool = False
    calls: dict[Handle, list[_Asked]] = field(default_factory=dict)
    failed: int = 0

    def takes(self, *, alone: bool) -> bool:
        """Whether another call may be put to it. Beside a job that was lost once there is none, lest it take others
        with it.
        """
        suspect = any(one.lost for group in self.calls.values() for one in group)
        return self.opened and not suspect and len(self.calls) < (1 if alone else _QUEUE)


class Spread:
    """An `Executor` over a `Transport`, `ahead` jobs under way or waiting to be taken at most."""

    def __init__(
        self,
        transport: Transport,
        spaces: tuple[Space, Space],
        *,
        ahead: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """spaces: (of scans, of texts) that every encoder has to have."""
        self._transport, self._spaces, self._patience = transport, spaces, patience
        self.ahead = ahead or 2 * (transport.readers + transport.encoders) + 2
        self._encoders = [_Encoder(number) for number in range(transport.encoders)]
        self._reading: dict[Handle, _Asked] = {}
        self._ready: deque[_Asked] = deque()
        self._batch = 1
        self._again: Counter[str] = Counter()
        """Jobs that were asked for again, by why."""

    @property
    def notices(self) -> tuple[str, ...]:
        """How often something was asked for again."""
        if not self._again:
            return ()
        listed = ", ".join(f"{why} {n:,}" for why, n in sorted(self._again.items()))
        return (
            f"{self._again.total():,} times a process was lost with a series, which was asked for again ({listed})",
        )

    def run(self, jobs: Iterable[Job], /) -> Iterator[Done]:
        """As `Executor.run`. Raises `ClusterError` where nobody answers any more, `ClusterUnfit` where the encoders
        of the cluster are others, or its processes do not see the files.
        """
        source = iter(jobs)
        under_way: deque[_Asked] = deque()
        more = True
        try:
            while True:
                while more and len(under_way) < self.ahead:
                    job = next(source, None)
                    if job is None:
                        more = False
                        break
                    under_way.append(_Asked(job))
                    self._read(under_way[-1])
                if not under_way:
                    return
                if (done := under_way[0].done) is not None:
                    under_way.popleft()
                    yield done
                else:
                    self._step()
        finally:  # whoever asked may stop before the end: what comes of it then is nobody's
            self._reading.clear()
            self._ready.clear()
            for encoder in self._encoders:
                encoder.calls.clear()

    def _read(self, one: _Asked) -> None:
        self._reading[self._transport.read(request_of(one.job))] = one

    def _step(self) -> None:
        """Put to encoders what is ready, wait for something, and take it."""
        for encoder in self._encoders:
            if not encoder.opened and encoder.opening is None:
                encoder.opening = self._transport.open(encoder.number)
        self._put()
        opening = {encoder.opening: encoder for encoder in self._encoders if encoder.opening is not None}
        calls = {handle: encoder for encoder in self._encoders for handle in encoder.calls}
        longest = max((r.task.seconds for one in self._reading.values() for r in one.job.readings), default=0.0)
        waiting = [*opening, *self._reading, *calls]
        over = self._transport.wait(waiting, self._patience + longest)
        if not over:
            raise ClusterError(
                f"nothing came from the cluster for {self._patience + longest:,.0f} s; look at its nodes, and at "
                "what else has their processors ('ray status'), and run the same command again: what is stored stays"
            )
        for handle in over:
            if handle in self._reading:
                self._was_read(handle)
            elif handle in opening:
                self._was_opened(opening[handle])
            elif handle in calls[handle].calls:  # else it went with its encoder
                self._was_encoded(calls[handle], handle)

    def _put(self) -> None:
        while self._ready:
            alone = self._ready[0].lost > 0
            takers = [encoder for encoder in self._encoders if encoder.takes(alone=alone)]
            if not takers:
                return
            encoder = min(takers, key=lambda one: len(one.calls))
            group = [self._ready.popleft()]
            while not alone and self._ready and not self._ready[0].lost and _volumes(group) < self._batch:
                group.append(self._ready.popleft())
            if not alone and encoder.calls and self._reading and _volumes(group) < self._batch:
                self._ready.extendleft(reversed(group))  # it has something to do: more may come, and go with these
                return
            read = [one.read for one in group]
            for one in group:
                one.read = None
            encoder.calls[self._transport.encode(encoder.number, read)] = group

    def _was_read(self, handle: Handle) -> None:
        one = self._reading.pop(handle)
        try:
            one.volumes, absent, one.seconds = unpack_state(self._transport.result(handle))
        except Lost as lost:
            self._lost(one, lost)
            return
        for path in absent:
            if readable(path):
                raise ClusterUnfit(
                    f"a node of the cluster cannot read {path}, which is there on this machine: mount the same "
                    "folders at the same paths on every node, and run it again"
                )
        one.read = handle
        self._ready.append(one)

    def _was_opened(self, encoder: _Encoder) -> None:
        handle, encoder.opening = encoder.opening, None
        try:
            spaces, batch = unpack_told(self._transport.result(handle))
        except Lost as lost:
            encoder.failed += 1
            if encoder.failed >= _OPENINGS:
                raise ClusterError(
                    f"an encoder was lost {_OPENINGS} times while it was opened ({lost}); look at the memory of the "
                    "nodes, or ask for fewer (--ray-encoders)"
                ) from lost
            return
        for kept, given, what in zip(self._spaces, spaces, ("scans", "texts"), strict=True):
            if kept != given:
                raise ClusterUnfit(
                    f"the cluster's encoder puts {what} into {given.label}, this one into {kept.label}: install "
                    "the same version, with the same weights, on every node"
                )
        encoder.opened, encoder.failed = True, 0
        self._batch = max(self._batch, batch)

    def _was_encoded(self, encoder: _Encoder, handle: Handle) -> None:
        group = encoder.calls.pop(handle)
        try:
            seconds, found = unpack_encoded(self._transport.result(handle))
        except Lost as lost:
            if lost.encoder:
                encoder.opened = False
                group = [*group, *(one for others in encoder.calls.values() for one in others)]
                encoder.calls.clear()
            for one in group:
                self._lost(one, lost)
            return
        for one, series in zip(group, found, strict=True):
            one.done = Done(one.job, series, {"read": one.seconds, "encode": seconds})
            seconds = 0.0

    def _lost(self, one: _Asked, why: Lost) -> None:
        one.lost += 1
        if one.lost < TRIES:
            self._again[str(why)] += 1
            self._read(one)
            return
        lost = SeriesDone(failure=Reason.PROCESS_LOST, detail=f"{TRIES} processes that had it ended ({why})")
        one.done = Done(one.job, tuple(lost for _ in one.job.readings))


def _volumes(group: Iterable[_Asked]) -> int:
    return sum(one.volumes for one in group)
