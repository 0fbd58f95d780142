"""Child processes for everything that reads untrusted bytes, with a memory and a time limit for each task."""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from types import TracebackType
from typing import IO, Any, TypeAlias

from spinecho.encoders.errors import EncoderError, Reason
from spinecho.encoders.sandbox.environment import reading_environment
from spinecho.encoders.sandbox.frames import Message, write_frame

MEMORY_MB = 4096
"""Address space of a reading process. A 512 x 512 x 600 float32 volume takes 0.6 GB of it."""
LEAST_MB = 512
"""With less a reading process does not even start."""


def reading_memory(environment: Mapping[str, str] = os.environ) -> int:
    """Megabytes that a reading process may take: SPINECHO_READING_MEMORY_MB, else `MEMORY_MB`. Raises EncoderError."""
    given = environment.get("SPINECHO_READING_MEMORY_MB") or str(MEMORY_MB)
    if not (given.isascii() and given.isdecimal() and int(given[:9]) >= LEAST_MB and len(given) < 9):
        raise EncoderError(
            f"SPINECHO_READING_MEMORY_MB={given[:40]!r}: give whole megabytes from {LEAST_MB}, such as 16384"
        )
    return int(given)


@dataclass(frozen=True, slots=True)
class Task:
    """A function to call in a child, named `module:function`, with plain JSON arguments and seconds to do it in.

    writes_mb: how large a file it may write; reading writes none.
    """

    call: str
    arguments: dict[str, Any]
    seconds: float
    writes_mb: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task gave. With `failure`, the messages that came before the child stopped are still here."""

    task: Task
    messages: Sequence[Message] = ()
    failure: Reason | None = None
    detail: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    stdin: IO[bytes]
    buffer: bytearray = field(default_factory=bytearray)


Prepared: TypeAlias = Callable[[Task], contextlib.AbstractContextManager[None]]
_PREPARED: list[Prepared] = []


def prepare_tasks(prepared: Prepared) -> None:
    """Have every task of this process done within this block, in the thread that waits for it.

    What it takes does not count towards the task's seconds. It raises nothing.
    """
    if prepared not in _PREPARED:
        _PREPARED.append(prepared)


class Sandbox:
    """A pool of reading processes. Use as a context manager; it may be shared between threads."""

    def __init__(self, *, workers: int = 1, memory_mb: int | None = None) -> None:
        """memory_mb: None for what the environment says (`reading_memory`), 0 for no limit."""
        self._workers = max(1, workers)
        self._memory_mb = reading_memory() if memory_mb is None else memory_mb
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="reader")
        self._local = threading.local()
        self._children: set[subprocess.Popen[bytes]] = set()
        """Processes that were started and not ended by us yet."""
        self._closed = False

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every child; tasks under way end as crashed."""
        self._closed = True
        for process in list(self._children):
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in list(self._children):
            self._end(process)

    def run(self, task: Task) -> Outcome:
        """Do one task and wait for it."""
        return self._threads.submit(self._run, task).result()

    def map(self, tasks: Iterable[Task], *, ahead: int | None = None) -> Iterator[Outcome]:
        """Do tasks side by side and give their outcomes in the order of the tasks.

        At most `ahead` tasks are under way or waiting to be taken, so memory stays flat.
        """
        window = ahead or 2 * self._workers + 2
        waiting: deque[Future[Outcome]] = deque()
        for task in tasks:
            waiting.append(self._threads.submit(self._run, task))
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def stream(self, task: Task, *, ahead: int = 64) -> Iterator[Message | Outcome]:
        """Do one task and give its messages as they come, at most `ahead` of them waiting, then its outcome without
        messages. How long the taker takes does not count towards the task's seconds.
        """
        waiting: Queue[Message | Outcome] = Queue(ahead)
        dropped = threading.Event()

        def give(message: Message) -> None:
            while not dropped.is_set():
                with contextlib.suppress(Full):
                    return waiting.put(message, timeout=0.2)
            raise EOFError

        def work() -> None:
            outcome = self._run(task, give)
            with contextlib.suppress(EOFError):
                give(outcome)  # type: ignore[arg-type]

        done = self._threads.submit(work)
        try:
            while True:
                try:
                    item = waiting.get(timeout=1.0)
                except Empty:
                    if done.done() and waiting.empty():
                        done.result()
                        return
                    continue
                yield item
                if isinstance(item, Outcome):
                    return
        finally:
            dropped.set()

    def _run(self, task: Task, give: Callable[[Message], None] | None = None) -> Outcome:
        with contextlib.ExitStack() as block:
            for prepared in _PREPARED:
                block.enter_context(prepared(task))
            return self._run_prepared(task, give)

    def _run_prepared(self, task: Task, give: Callable[[Message], None] | None) -> Outcome:
        started = time.monotonic()
        deadline = started + task.seconds
        child = self._child()
        messages: list[Message] = []
        room = self._memory_mb << 20 if self._memory_mb else sys.maxsize
        try:
            request = {"call": task.call, "arguments": task.arguments, "writes_mb": task.writes_mb}
            write_frame(child.stdin, request)
            while True:
                value, buffers = _frame(child, deadline, room)
                room -= sum(map(len, buffers))
                spent = time.monotonic() - started
                match value:
                    case {"part": dict() as part} if give is not None:
                        room += sum(map(len, buffers))
                        before = time.monotonic()
                        give((part, buffers))
                        deadline += time.monotonic() - before
                    case {"part": dict() as part}:
                        messages.append((part, buffers))
                    case {"end": "done"}:
                        return Outcome(task, messages, seconds=spent)
                    case {"end": "crash", "kind": str(kind)}:
                        return Outcome(task, messages, Reason.READ_CRASHED, kind[:100], spent)
                    case {"end": "memory"}:
                        raise MemoryError
                    case _:
                        raise ValueError("not a frame")
        except TimeoutError:
            reason, detail = Reason.READ_TIMEOUT, f"not done after {task.seconds:.0f} s"
        except MemoryError:
            reason, detail = Reason.READ_MEMORY, f"needed more than {self._memory_mb} MB"
        except (EOFError, OSError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(1)  # its last breath: then the code is its own
            reason, detail = Reason.READ_CRASHED, f"the reading process ended with {child.process.returncode}"
        except ValueError:
            reason, detail = Reason.READ_CRASHED, "the reading process did not answer in frames"
        self._drop(child)
        return Outcome(task, messages, reason, detail, time.monotonic() - started)

    def _child(self) -> _Child:
        child: _Child | None = getattr(self._local, "child", None)
        if child is not None:
            if child.process.poll() is None:
                return child
            self._drop(child)
        if self._closed:
            raise RuntimeError("the sandbox is closed")
        process = subprocess.Popen(
            # -P: where the user stands may be the archive, and no module is taken from there.
            [sys.executable, "-P", "-m", "spinecho.encoders.sandbox.worker", str(self._memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=reading_environment(),
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes to the reading process")
        self._children.add(process)
        if self._closed:  # while it was being made
            process.kill()
        child = self._local.child = _Child(process, process.stdin)
        return child

    def _drop(self, child: _Child) -> None:
        self._end(child.process)
        self._local.child = None

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was still to be flushed goes nowhere
                    pipe.close()
        self._children.discard(process)


def _frame(child: _Child, deadline: float, room: int) -> tuple[dict[str, Any], list[bytes]]:
    """The next frame; ValueError for one that `worker` would not write, MemoryError past `room` bytes."""
    size = struct.unpack("<I", _take(child, 4, deadline))[0]
    if size > room:
        raise MemoryError
    try:
        head = json.loads(_take(child, size, deadline))
    except RecursionError as error:
        raise ValueError("a frame nested too deep") from error
    match head:
        case {"value": dict(value), "lengths": list(lengths)} if all(type(n) is int and n >= 0 for n in lengths):
            if sum(lengths) > room:
                raise MemoryError
            return value, [_take(child, length, deadline) for length in lengths]
    raise ValueError("not a frame")


def _take(child: _Child, size: int, deadline: float) -> bytes:
    stream = child.process.stdout
    if stream is None:
        raise EOFError
    handle = stream.fileno()
    ready = select.poll()  # select.select takes no file number above 1023
    ready.register(handle, select.POLLIN)
    while len(child.buffer) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if not ready.poll(min(1000 * left + 1, 60_000)):
            continue
        part = os.read(handle, 1 << 20)
        if not part:
            raise EOFError
        child.buffer += part
    taken = bytes(child.buffer[:size])
    del child.buffer[:size]
    return taken
