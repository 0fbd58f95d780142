"""Takes jobs from the queue and gives each to a process: a few at once, each for so long, whatever becomes of them.

A process does one job after the other, since loading the networks takes longer than most of them; one that has had
nothing to do for a while, has done many jobs or holds much memory is ended. Heat maps have a process of their own, and
so have counts on pages, and what takes seconds or minutes: nothing waits behind an evaluation but another one.
Of several servers over a home one runs jobs: it holds a lock, which the system lets go when it dies. Another then takes
over, and begins anew what was running.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

import psutil

from spinecho.db.durable import take
from spinecho.encoders.sandbox.environment import command_environment
from spinecho.setup.private import open_private
from spinecho.setup.settings import Settings, as_environment
from spinecho.ui.server.jobs.queue import Job, Queue

ATTEMPTS = 2
"""How often a job is begun whose process dies."""
_LOOK, _LEAD = 0.2, 2.0
"""Seconds between looks at the queue, and between tries to become the one who runs jobs."""
_TIDY = 60.0
_IDLE, _WARM, _SHIFT = 60.0, 900.0, 8 * 3600.0
"""Seconds that a process waits for its next job, seconds that the one for heat maps does, seconds that the one for
counts does, where a second is felt with each rule that is typed."""
_JOBS, _COUNTS = 100, 1000
"""Jobs after which a process is replaced, and counts."""
_LEFT = 5.0
"""Seconds in which a job may end by itself once nobody waits for it: a new process costs the next one seconds."""
HEAT, COUNTS, SHORT, LONG = (0, 1), (2, 2), (3, 4), (5, 1 << 31)
"""Priorities of heat maps, of counts on pages, of what takes seconds to minutes, of what takes hours."""
_MOST, _REST = 0.5, 0.2
"""Of the machine's memory: what a process may take for a job, and what one may keep from job to job."""
Start = Callable[[], "subprocess.Popen[bytes]"]


class Runner:
    """A thread of a server."""

    def __init__(
        self, settings: Settings, queue: Queue, *, at_once: int = 1, start: Start | None = None,
        memory: int | None = None,
    ) -> None:  # fmt: skip
        """at_once: evaluations, as many exports and maps, and as many counts of pages; heat maps have one process.

        memory: bytes that a process may take, half of the machine's where not given.
        """
        self._settings, self._queue = settings, queue
        self._start = start or self._process
        self._name = secrets.token_hex(8)
        self._ends = threading.Event()
        self._lanes = (
            _Lane(HEAT, 1, _WARM), _Lane(COUNTS, at_once, _SHIFT, _COUNTS), _Lane(SHORT, at_once, _IDLE),
            _Lane(LONG, at_once, _IDLE),
        )  # fmt: skip
        whole = psutil.virtual_memory().total
        self._memory = memory or int(whole * _MOST)
        self._rest = min(self._memory, int(whole * _REST))
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
                try:
                    self._look()
                except Exception:  # a full disk, a database that is locked: jobs go on once it is over
                    logging.getLogger("spinecho").exception("jobs cannot be looked after")
                    self._ends.wait(_LEAD)
        finally:
            for lane in self._lanes:
                for number, doing in lane.running.items():
                    doing.worker.end()
                    self._queue.again(number, counted=False)
                for worker in lane.idle:
                    worker.end()
            if self._lock is not None:
                self._lock.close()

    def _lead(self) -> bool:
        held = open_private(self._queue.folder / "lock")
        if not take(held.fileno()):
            held.close()
            return False
        self._lock = held
        for number in self._queue.running():
            self._died(number)
        return True

    def _look(self) -> None:
        """One round: what ended, what has to end, what begins."""
        self._queue.leave()
        for lane in self._lanes:
            self._look_at(lane)
        now = time.monotonic()
        if now - self._tidied > _TIDY:
            self._tidied = now
            self._queue.tidy()

    def _look_at(self, lane: _Lane) -> None:
        now = time.monotonic()
        for number, doing in list(lane.running.items()):
            row = self._queue.get(number)
            if row is None or row.over:
                del lane.running[number]
                lane.idle.append(doing.worker)
                doing.worker.since = now
                continue
            why = self._why_ended(doing, row, now)
            if why:
                doing.worker.end()
                del lane.running[number]
                self._ended(row, why)
        while len(lane.running) < lane.at_once:
            taken = self._queue.take(self._name, priorities=lane.priorities)
            if taken is None:
                break
            lane.running[taken.id] = _Doing(self._given(lane, taken), time.monotonic() + taken.seconds)
        for worker in [one for one in lane.idle if self._is_done_with(one, lane, now)]:
            lane.idle.remove(worker)
            worker.end()

    def _why_ended(self, doing: _Doing, row: Job, now: float) -> str:
        """Why the process of a job is ended now, '' where it goes on."""
        if doing.worker.process.poll() is not None:
            return "died"
        if row.left:
            doing.until = min(doing.until, now + _LEFT)
        if row.cancel or (row.left and now >= doing.until):
            return "stopped"
        if now > doing.until:
            return "time"
        return "memory" if doing.worker.bytes() > self._memory else ""

    def _ended(self, row: Job, why: str) -> None:
        match why:
            case "died":
                self._died(row.id)
            case "stopped":
                self._queue.cancelled(row.id)
            case "time":
                self._queue.fail(row.id, "TimedOut", f"it took longer than the {row.seconds:g} s that it may")
            case _:
                most = f"{self._memory / 1e9:.1f} GB"
                self._queue.fail(row.id, "TooMuchMemory", f"it took more than the {most} that it may; ask for less")

    def _is_done_with(self, worker: _Worker, lane: _Lane, now: float) -> bool:
        waited_long, many = now - worker.since > lane.idle_seconds, worker.done >= lane.most
        return waited_long or many or worker.process.poll() is not None or worker.bytes() > self._rest

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

    def _given(self, lane: _Lane, job: Job) -> _Worker:
        """The process that has the job now: one that waits, or a new one."""
        while lane.idle:
            if (worker := lane.idle.pop()).give(job):
                return worker
            worker.end()
        worker = _Worker(self._start())
        worker.give(job)  # where it has ended already, it is noticed like any other end
        return worker

    def process_of(self, number: str) -> subprocess.Popen[bytes] | None:
        """What does a job now."""
        found = (lane.running.get(number) for lane in self._lanes)
        return next((doing.worker.process for doing in found if doing is not None), None)

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

    def bytes(self) -> int:
        """What it holds of the machine's memory, 0 once it has ended."""
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.Error:
            return 0

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


@dataclass
class _Lane:
    """Jobs that run beside one another. priorities: the first and the last. idle_seconds: that a process without a job
    is kept. most: jobs of one process."""

    priorities: tuple[int, int]
    at_once: int
    idle_seconds: float
    most: int = _JOBS
    running: dict[str, _Doing] = field(default_factory=dict)
    idle: list[_Worker] = field(default_factory=list)
