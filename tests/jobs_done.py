"""Jobs of a home, done by this process when it is asked to, by what a process for them does them by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from spinecho.settings import Settings
from spinecho.ui.server.jobs.context import Opened
from spinecho.ui.server.jobs.queue import Job, Queue
from spinecho.ui.server.jobs.worker import do


def until(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What holds, once it does."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)
    return found


class Works:
    """Does them."""

    def __init__(self, settings: Settings) -> None:
        self.queue, self.opened = Queue(settings.home), Opened(settings)

    def all(self) -> list[Job]:
        """Those that wait, until none does; as they are afterwards."""
        self.queue.leave()
        done = []
        while (job := self.queue.take("test")) is not None:
            do(job.id, self.queue, self.opened)
            done.append(job.id)
        return [job for one in done if (job := self.queue.get(one)) is not None]

    def close(self) -> None:
        """Let go of the databases."""
        self.queue.close()
        self.opened.database.close()


@contextmanager
def meanwhile(works: Works) -> Iterator[None]:
    """While somebody waits without going on, the jobs are done."""
    ends = threading.Event()

    def work() -> None:
        while not ends.wait(0.02):
            works.all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
