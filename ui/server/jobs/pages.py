"""Jobs of the pages' process: whose long work is theirs to give away, and who runs it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from spinecho.errors import SpinechoError
from spinecho.search.access.cohorts import counts_take_long
from spinecho.search.access.persons import Person, Role
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import open_database
from spinecho.ui.server.jobs.pool import Pool, set_pool
from spinecho.ui.server.jobs.queue import Queue
from spinecho.ui.server.jobs.runner import Runner


@contextmanager
def long_work(settings: Settings, jobs: int, *, leads: bool = True) -> Iterator[None]:
    """While it lasts, pages of this process give long work to others.

    jobs: at once, 0 has the pages do it themselves. leads: run them from here, else another server of the home does.
    """
    try:
        queue = Queue(settings.home) if jobs else None
    except (OSError, sqlite3.Error):  # a home that one may only read
        queue = None
    if queue is None:
        yield
        return
    runner = Runner(settings, queue, at_once=jobs)
    if leads:
        runner.begin()
    pool = Pool(queue)
    set_pool(settings, pool)
    threading.Thread(target=make_ready, args=(settings, pool), name="ready", daemon=True).start()
    try:
        yield
    finally:
        set_pool(settings, None)
        runner.close()
        queue.close()


def make_ready(settings: Settings, pool: Pool) -> None:
    """Where counts are long enough to be a job, have the process for them begun before somebody waits for it."""
    with suppress(SpinechoError, OSError, sqlite3.Error):  # no archive yet: its first count waits for the process
        with closing(open_database(settings)) as database:
            long = counts_take_long(database)
        if long:
            pool.add("ready", Person("", Role.VIEWER), {})
