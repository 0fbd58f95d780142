"""Child processes for everything that reads untrusted bytes, with a memory and a time limit for each task."""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any

from encoders.errors import Reason
from encoders.worker import Message, write_frame

MEMORY_MB = 4096
"""Address space of a reading process. A 512 x 512 x 600 float32 volume takes 0.6 GB of it."""


@dataclass(frozen=True, slots=True)
class Task:
    """A function to call in a child, named `module:function`, with plain JSON arguments and seconds to do it in."""

    call: str
    arguments: dict[str, Any]
    seconds: float


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


class Sandbox:
    """A pool of reading processes. Use as a context manager; it may be shared between threads."""

    def __init__(self, *, workers: int = 1, memory_mb: int = MEMORY_MB) -> None:
        self._workers, self._memory_mb = max(1, workers), memory_mb
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="reader")
        self._local = threading.local()
        self._children: set[subprocess.Popen[bytes]] = set()
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
            process.wait()

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

    def _run(self, task: Task) -> Outcome:
        started = time.monotonic()
        child = self._child()
        messages: list[Message] = []
        try:
            write_frame(child.stdin, {"call": task.call, "arguments": task.arguments})
            while True:
                value, buffers = _frame(child, started + task.seconds)
                if "part" in value:
                    messages.append((value["part"], buffers))
                    continue
                spent = time.monotonic() - started
                match value["end"]:
                    case "done":
                        return Outcome(task, messages, seconds=spent)
                    case "memory":
                        self._drop(child)
                        limit = f"needed more than {self._memory_mb} MB"
                        return Outcome(task, messages, Reason.READ_MEMORY, limit, spent)
                    case _:
                        return Outcome(task, messages, Reason.READ_CRASHED, str(value.get("kind", "")), spent)
        except TimeoutError:
            self._drop(child)
            detail = f"not done after {task.seconds:.0f} s"
            return Outcome(task, messages, Reason.READ_TIMEOUT, detail, time.monotonic() - started)
        except (EOFError, OSError, ValueError):
            self._drop(child)
            code = child.process.returncode
            detail = f"the reading process ended with {code}"
            return Outcome(task, messages, Reason.READ_CRASHED, detail, time.monotonic() - started)

    def _child(self) -> _Child:
        child: _Child | None = getattr(self._local, "child", None)
        if child is not None and child.process.poll() is None:
            return child
        if self._closed:
            raise RuntimeError("the sandbox is closed")
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        process = subprocess.Popen(
            [sys.executable, "-m", "encoders.worker", str(self._memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **one_thread, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes to the reading process")
        self._children.add(process)
        child = self._local.child = _Child(process, process.stdin)
        return child

    def _drop(self, child: _Child) -> None:
        child.process.kill()
        child.process.wait()
        child.stdin.close()
        if child.process.stdout:
            child.process.stdout.close()
        self._children.discard(child.process)
        self._local.child = None


def _frame(child: _Child, deadline: float) -> tuple[dict[str, Any], list[bytes]]:
    size = struct.unpack("<I", _take(child, 4, deadline))[0]
    head = json.loads(_take(child, size, deadline))
    return head["value"], [_take(child, length, deadline) for length in head["lengths"]]


def _take(child: _Child, size: int, deadline: float) -> bytes:
    stream = child.process.stdout
    if stream is None:
        raise EOFError
    handle = stream.fileno()
    while len(child.buffer) < size:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([handle], [], [], left)[0]:
            raise TimeoutError
        part = os.read(handle, 1 << 20)
        if not part:
            raise EOFError
        child.buffer += part
    taken = bytes(child.buffer[:size])
    del child.buffer[:size]
    return taken
