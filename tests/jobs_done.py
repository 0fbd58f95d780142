"""Jobs of a home, done by this process when it is asked to, by what a process for them does them by."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from spinecho.setup.settings import Settings
from spinecho.ui.server.jobs.context import Opened
from spinecho.ui.server.jobs.queue import Job, Queue
from spinecho.ui.server.jobs.worker import do


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
