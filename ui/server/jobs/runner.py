"""Takes jobs from the queue and does each in a process: a few at once, each for so long, whatever becomes of them.

Of several servers over a home one runs jobs: it holds a lock, which the system lets go when it dies. Another then takes
over, and begins anew what was running.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

from spinecho.encoders.sandbox.environment import command_environment
from spinecho.private import open_private
from spinecho.settings import Settings, as_environment
from spinecho.ui.server.jobs.queue import Job, Queue

ATTEMPTS = 2
"""How often a job is begun whose process dies."""
_LOOK, _LEAD = 0.2, 2.0
"""Seconds between looks at the queue, and between tries to become the one who runs jobs."""
_TIDY = 600.0
Start = Callable[[Job], "subprocess.Popen[bytes]"]


class Runner:
    """A thread of a server."""

    def __init__(self, settings: Settings, queue: Queue, *, at_once: int = 1, start: Start | None = None) -> None:
        self._settings, self._queue, self._at_once = settings, queue, at_once
        self._start = start or self._process
        self._name = secrets.token_hex(8)
        self._ends = threading.Event()
        self._running: dict[str, tuple[Job, subprocess.Popen[bytes], float]] = {}
        self._thread: threading.Thread | None = None
        self._lock: IO[bytes] | None = None
        self._tidied = 0.0

    def begin(self) -> None:
        """Run jobs from now on."""
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the processes; what they did is begun anew by the next server."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        try:
            while not self._lead():
                if self._ends.wait(_LEAD):
                    return
            while not self._ends.wait(_LOOK):
                self._look()
        finally:
            for job, process, _ in self._running.values():
                _end(process)
                self._queue.again(job.id, counted=False)
            self._running.clear()
            if self._lock is not None:
                self._lock.close()

    def _lead(self) -> bool:
        held = open_private(self._queue.folder / "lock")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            return False
        self._lock = held
        for number in self._queue.running():
            self._died(number)
        return True

    def _look(self) -> None:
        """One round: what ended, what has to end, what begins."""
        now = time.monotonic()
        for number, (job, process, until) in list(self._running.items()):
            if process.poll() is not None:
                del self._running[number]
                self._died(number)  # nothing where its row tells how it ended
            elif now > until:
                _end(process)
                del self._running[number]
                self._queue.fail(number, "TimedOut", f"it took longer than the {job.seconds:g} s that it may")
            elif (row := self._queue.get(number)) is not None and row.cancel:
                _end(process)
                del self._running[number]
                self._queue.cancelled(number)
        while len(self._running) < self._at_once and (taken := self._queue.take(self._name)) is not None:
            self._running[taken.id] = (taken, self._start(taken), time.monotonic() + taken.seconds)
        if now - self._tidied > _TIDY:
            self._tidied = now
            self._queue.tidy()

    def _died(self, number: str) -> None:
        """A process ended without a word, as by `kill -9` or for want of memory."""
        job = self._queue.get(number)
        if job is None or job.over:
            return
        if job.cancel:
            self._queue.cancelled(number)
        elif job.attempts < ATTEMPTS:
            self._queue.again(number)
        else:
            self._queue.fail(number, "WorkerDied", f"its process died {ATTEMPTS} times; ask for less")

    def _process(self, job: Job) -> subprocess.Popen[bytes]:
        few = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = command_environment({**os.environ, **as_environment(self._settings)}) | few
        command = [sys.executable, "-P", "-m", "spinecho.ui.server.jobs.worker", job.id]
        return subprocess.Popen(command, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(3)
        return
    process.kill()
    process.wait()
