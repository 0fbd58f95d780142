"""Reading processes that stay: to start one takes longer than to read a series."""

from __future__ import annotations

import atexit
import threading

from spinecho.encoders.errors import EncoderError
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task


class ReadersBusy(EncoderError):
    """Every reading process was at work for longer than a person at a page should wait."""

    exit_status = 3


class Readers:
    """A few reading processes shared by all threads, started with the first task.

    A task's own limit counts from when it is begun, so a series that hangs holds one process for that long. Who comes
    after waits for `wait_seconds` for a process to be free, and is told so then.
    """

    def __init__(self, *, workers: int = 2, wait_seconds: float = 20.0) -> None:
        self._workers, self._wait_seconds = workers, wait_seconds
        self._free = threading.BoundedSemaphore(workers)
        self._making = threading.Lock()
        self._sandbox: Sandbox | None = None

    def run(self, task: Task) -> Outcome:
        """Do one task and wait for it. Raises `ReadersBusy`."""
        if not self._free.acquire(timeout=self._wait_seconds):
            raise ReadersBusy("the server is busy reading other series; try again in a minute")
        try:
            return self._pool().run(task)
        finally:
            self._free.release()

    def close(self) -> None:
        """Stop the processes; tasks under way end as crashed."""
        with self._making:
            if self._sandbox is not None:
                self._sandbox.close()

    def _pool(self) -> Sandbox:
        with self._making:
            if self._sandbox is None:
                self._sandbox = Sandbox(workers=self._workers)
                atexit.register(self.close)
            return self._sandbox
