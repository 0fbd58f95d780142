"""What pages ask of the processes for long work, and how they wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spinecho.db.durable import is_taken
from spinecho.errors import SpinechoError
from spinecho.search.access.personal_archive import Person
from spinecho.setup.private import open_private
from spinecho.setup.settings import Settings
from spinecho.ui.server.jobs.kinds import add_job
from spinecho.ui.server.jobs.queue import Job, Queue

_LOOK, _TELL = 0.1, 0.5
"""Seconds between looks at a job, and between two times that the page hears of it."""
_WAITED, _LEFT = 8.0, 1.5
"""Seconds for which a page says that it waits, and for which a job still stands once its page was left: a page that is
drawn again waits for the same one. Who else waits for it says so before these are over."""
_UNSERVED = 10.0
"""Seconds after which it is looked whether anybody runs jobs at all."""
_WORDS = {
    "WorkerDied": "The process that worked on it ended unexpectedly, twice. Try again, or ask for less.",
    "TimedOut": "It took longer than it may. Try again, or ask for less.",
    "TooMuchMemory": "It took more memory than it may. Ask for less.",
}


class JobFailed(SpinechoError):
    """What was to be done in a process of its own came to nothing; the message is for the person at the screen."""


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a job. content: of the file that it made, None without."""

    result: Mapping[str, Any]
    content: bytes | None


class Pool:
    """The queue of a home, for pages whose server sees to it that jobs run."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def add(self, kind: str, person: Person, arguments: Mapping[str, Any]) -> str:
        """A job that is done whoever waits; its id. Raises `QueueFull`."""
        return self._add(kind, person, arguments, None).id

    def job(self, number: str) -> Job | None:
        """How a job stands; None for one that is forgotten."""
        return self._queue.get(number)

    def ask(self, kind: str, person: Person, arguments: Mapping[str, Any]) -> str:
        """A job that goes on while somebody asks for it by `look`; its id. What this person waits for already is given
        again. Raises `QueueFull`.
        """
        return self._add(kind, person, arguments, _WAITED).id

    def look(self, number: str) -> Made | Job | None:
        """What came of a job, or how it stands; None for one that was stopped. Raises `JobFailed`."""
        job = self._queue.get(number)
        if job is None or job.state == "cancelled":
            return None
        if job.over:
            return self._made(job)
        if job.waited is not None and job.waited < _WAITED - _LEFT / 2:
            self._queue.wait_on(number, _WAITED)
            if job.state == "queued" and abs(time.time() - job.created) >= _UNSERVED:
                self._require_runner()
        return job

    def leave(self, number: str) -> None:
        """Nobody waits for a job any more: it is stopped."""
        self._queue.wait_on(number, -_LEFT)

    def wait(
        self, kind: str, person: Person, arguments: Mapping[str, Any], on_wait: Callable[[Job], None], *,
        stays: bool = False,
    ) -> Made:  # fmt: skip
        """What comes of a job, once it is there.

        on_wait: hears of it every half second. What it raises ends the waiting, and the job too unless somebody else of
        the same name waits for the same, or it `stays`: what is begun then is done. Raises `JobFailed`, `QueueFull`.
        """
        job: Job | None = self._add(kind, person, arguments, None if stays else _WAITED)
        assert job is not None  # noqa: S101
        number, begun, progress_at, alive_at, served = job.id, time.monotonic(), 0.0, time.monotonic(), False
        try:
            while job is not None and not job.over:
                now = time.monotonic()
                if now - progress_at >= _TELL:
                    on_wait(job)
                    progress_at = now
                if now - alive_at >= _LEFT / 2:
                    self._queue.wait_on(number, _WAITED)
                    alive_at = now
                if not served and job.state == "queued" and now - begun >= _UNSERVED:
                    served = self._require_runner()
                time.sleep(_LOOK)
                job = self._queue.get(number)
        except BaseException:
            self._queue.wait_on(number, _LEFT)
            raise
        return self._made(job)

    def _add(self, kind: str, person: Person, arguments: Mapping[str, Any], waited: float | None) -> Job:
        return add_job(self._queue, kind, person, arguments, waited=waited)

    def _made(self, job: Job | None) -> Made:
        if job is None or job.state == "cancelled":
            raise JobFailed("It was stopped before it was done. Try again.")
        if job.state == "failed":
            raise JobFailed(why_failed(job))
        result = dict(job.result or {})
        name = result.pop("file", None)
        try:
            content = None if name is None else self._queue.read(str(name))
        except FileNotFoundError:
            raise JobFailed("What was made is no longer kept. Try again.") from None
        return Made(result, content)

    def _require_runner(self) -> bool:
        """True where some server of the home runs jobs: it holds their lock. Raises `JobFailed`."""
        with open_private(self._queue.folder / "lock") as held:
            if is_taken(held.fileno()):
                return True
        raise JobFailed("No server of this archive runs such work at the moment. Try again in a minute.")


def why_failed(job: Job) -> str:
    """What a person hears of a job that failed."""
    problem = job.problem or {}
    return _WORDS.get(str(problem.get("name")), str(problem.get("detail") or "It failed."))


_POOLS: dict[str, Pool] = {}
"""By home; for this process, whose server set it."""


def set_pool(settings: Settings, pool: Pool | None) -> None:
    """Have the pages of this process give long work over a home to a pool; None has them do it themselves."""
    if pool is None:
        _POOLS.pop(str(settings.home), None)
    else:
        _POOLS[str(settings.home)] = pool


def pool_of(settings: Settings) -> Pool | None:
    """Where pages over a home give long work; None where they do it themselves."""
    return _POOLS.get(str(settings.home))
