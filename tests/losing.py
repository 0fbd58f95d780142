"""Processes elsewhere that are none: a `Transport` within this process, which loses what it is told to lose."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.indexer.executing.transport import Handle, Lost
from spinecho.indexer.executing.wire import encode_there, read_there, told


@dataclass(eq=False)
class Asked:
    """What was asked for. times: how often the encoder of the number had been opened by then."""

    kind: str
    request: bytes = b""
    read: tuple[bytes, ...] = ()
    encoder: int = -1
    times: int = 0
    left: bytes = b""


class Losing:
    """Everything is done when it is looked at, in a random order; `loses` says of each thing whether it is lost: as
    'task' it never comes, as 'encoder' its encoder goes, with all that was asked of it.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        dual: DualEncoder,
        loses: Callable[[Asked], str] = lambda _: "",
        *,
        readers: int = 2,
        encoders: int = 2,
        seed: int = 0,
    ) -> None:
        self.readers, self.encoders = readers, encoders
        self._sandbox, self._dual, self._loses = sandbox, dual, loses
        self._random = random.Random(seed)
        self._times = [0] * encoders
        self._gone: set[tuple[int, int]] = set()
        self.opened = 0

    def open(self, encoder: int) -> Handle:
        self._times[encoder] += 1
        self.opened += 1
        return Asked("open", encoder=encoder, times=self._times[encoder])

    def read(self, request: bytes) -> Handle:
        return Asked("read", request)

    def encode(self, encoder: int, read: Sequence[Handle]) -> Handle:
        parts = [one for one in read if isinstance(one, Asked)]
        assert len(parts) == len(read)
        assert all(one.left for one in parts), "it was read, and is encoded once"
        left = tuple(one.left for one in parts)
        for one in parts:
            one.left = b""
        return Asked("encode", b"".join(one.request for one in parts), left, encoder, self._times[encoder])

    def wait(self, handles: Collection[Handle], seconds: float) -> list[Handle]:
        return self._random.sample(list(handles), self._random.randint(1, len(handles)))

    def result(self, handle: Handle) -> bytes:
        assert isinstance(handle, Asked)
        if (handle.encoder, handle.times) in self._gone:
            raise Lost("Gone", encoder=True)
        lost = self._loses(handle)
        if lost == "encoder" and handle.kind != "read":
            self._gone.add((handle.encoder, handle.times))
            raise Lost("Gone", encoder=True)
        if lost:
            raise Lost("Lost")
        if handle.kind == "open":
            return told(lambda: self._dual)[1]
        if handle.kind == "encode":
            return encode_there(self._dual, handle.read)
        state, handle.left = read_there(handle.request, self._sandbox)
        return state


class Reads(Sandbox):
    """No process: a task is told from others by the file that it names."""

    def __init__(self) -> None:
        pass

    def run(self, task: Task) -> Outcome:
        return Outcome(task, [({"digests": {task.arguments["name"]: "read"}}, ())])
