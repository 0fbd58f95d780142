"""Taking part in a run that another process leads, on another machine or this one: what is pending is shared.

Whoever joins walks no folder and builds nothing: it reads what nobody has taken, from the same paths, and stores it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from spinecho.db.errors import StoreError
from spinecho.db.files import runs
from spinecho.db.schema.claims import joined_claims
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.encoders.space import require_stored
from spinecho.indexer.executing.here import Here
from spinecho.indexer.pending import PendingFiles
from spinecho.indexer.progress import Progress, Silent, Tally

_LOOKS = 0.5
"""Seconds between looks at whether there is something to take."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a process did of a run that another led. stopped: that one ended without having finished it."""

    series: int
    volumes: int
    reports: int
    stopped: bool


def join_run(
    database: Database,
    open_dual: Callable[[], DualEncoder],
    *,
    workers: int = 2,
    memory_mb: int | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Share:
    """Do a share of what the process that leads has pending, until it has come to its end, or died.

    stop: when set, this ends after what was taken. Raises `SpaceMismatch` for another encoder than the leader's, and
    `StoreError` where the database is a file, which has one writer.
    """
    if database.engine.dialect.name == "sqlite":
        raise StoreError("several processes index into PostgreSQL alone (docs/postgresql.md); a file has one writer")
    if runs.deidentified_as(database) is not None:
        raise StoreError("an archive that is de-identified is indexed by one process, which has its key")
    tally, stop, work = Tally(), stop or threading.Event(), None
    reports = 0
    with (
        joined_claims(database) as claims,
        Sandbox(workers=workers, memory_mb=memory_mb) as sandbox,
    ):
        while claims.is_led() and not stop.is_set():
            joined = runs.run_to_join(database) if claims.is_open() else None
            if joined is not None:
                run, volumes = joined
                if work is None or work.run != run:
                    dual = open_dual()
                    image, text = storing.serving(database, "image"), storing.serving(database, "text")
                    if image is None or text is None:
                        raise StoreError("the run that was joined has no encoder yet; join it again")
                    require_stored(image, dual.image.space, role="image")
                    require_stored(text, dual.text.space, role="text")
                    columns = runs.last_report_columns(database)
                    work = PendingFiles(
                        database, sandbox, Here(sandbox, dual), dual, image, text, run, volumes, None,
                        progress or Silent(), tally, report_columns=columns, claims=claims,
                    )  # fmt: skip
                done = work.take_series()
                taken = work.take_reports()
                reports += taken
                if done or taken:
                    continue
            stop.wait(_LOOKS)
    stopped = not stop.is_set() and runs.run_to_join(database) is not None
    return Share(tally.counts["series"], tally.counts["volumes"], reports, stopped)
