"""Takes jobs from the queue and gives each to a process: a few at once, each for so long, whatever becomes of them.

A process does one job after the other, since loading the networks takes longer than most of them; one that has had
nothing to do for a while is ended.
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
from dataclasses import dataclass
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
_IDLE, _JOBS = 60.0, 100
"""Seconds that a process waits for its next job, and jobs after which it is replaced."""
Start = Callable[[], "subprocess.Popen[bytes]"]


class Runner:
    """A thread of a server."""

    def __init__(self, settings: Settings, queue: Queue, *, at_once: int = 1, start: Start | None = None) -> None:
        self._settings, self._queue, self._at_once = settings, queue, at_once
        self._start = start or self._process
        self._name = secrets.token_hex(8)
        self._ends = threading.Event()
        self._running: dict[str, _Doing] = {}
        self._idle: list[_Worker] = []
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
            for number, doing in self._running.items():
                doing.worker.end()
                self._queue.again(number, counted=False)
            for worker in self._idle:
                worker.end()
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
        for number, doing in list(self._running.items()):
            row = self._queue.get(number)
            if row is None or row.over:
                del self._running[number]
                self._idle.append(doing.worker)
                doing.worker.since = now
            elif doing.worker.process.poll() is not None:
                doing.worker.end()
                del self._running[number]
                self._died(number)
            elif now > doing.until or row.cancel:
                doing.worker.end()
                del self._running[number]
                if row.cancel:
                    self._queue.cancelled(number)
                else:
                    self._queue.fail(number, "TimedOut", f"it took longer than the {row.seconds:g} s that it may")
        while len(self._running) < self._at_once and (taken := self._queue.take(self._name)) is not None:
            self._running[taken.id] = _Doing(self._given(taken), time.monotonic() + taken.seconds)
        for worker in [one for one in self._idle if now - one.since > _IDLE or one.done >= _JOBS]:
            self._idle.remove(worker)
            worker.end()
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

    def _given(self, job: Job) -> _Worker:
        """The process that has the job now: one that waits, or a new one."""
        while self._idle:
            if (worker := self._idle.pop()).give(job):
                return worker
            worker.end()
        worker = _Worker(self._start())
        worker.give(job)  # where it has ended already, it is noticed like any other end
        return worker

    def process_of(self, number: str) -> subprocess.Popen[bytes] | None:
        """What does a job now."""
        doing = self._running.get(number)
        return None if doing is None else doing.worker.process

    def _process(self) -> subprocess.Popen[bytes]:
        few = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = command_environment({**os.environ, **as_environment(self._settings)}) | few
        command = [sys.executable, "-P", "-m", "spinecho.ui.server.jobs.worker"]
        return subprocess.Popen(command, env=environment, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


class _Worker:
    """A process that reads ids of jobs, a line each."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process, self.since, self.done = process, 0.0, 0

    def give(self, job: Job) -> bool:
        """Whether it could be told."""
        self.done += 1
        try:
            assert self.process.stdin is not None  # noqa: S101
            self.process.stdin.write(f"{job.id}\n".encode())
            self.process.stdin.flush()
        except OSError:
            return False
        return self.process.poll() is None

    def end(self) -> None:
        """End it, gently at first."""
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()


@dataclass
class _Doing:
    """A job that runs. until: when it has to be done, by the monotonic clock."""

    worker: _Worker
    until: float
