"""A process that does jobs: `python -P -m spinecho.ui.server.jobs.worker`, started by the runner."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from spinecho.db.errors import Damaged, StorageFailure
from spinecho.db.people.record import RecordError
from spinecho.errors import SettingsError, SpinechoError
from spinecho.search.access.personal_archive import Person, Role
from spinecho.setup.private import UMASK
from spinecho.setup.settings import read_settings
from spinecho.ui.server.jobs.queue import Queue
from spinecho.ui.server.parent import end_with_parent

if TYPE_CHECKING:
    from spinecho.ui.server.jobs.context import Opened

_INSIDE = (StorageFailure, Damaged, RecordError, SettingsError)
_GENTLE = 10
"""How far jobs stand behind searches for the processor."""


def main() -> None:
    """Do the jobs whose ids come on standard input, a line each, until it ends."""
    end_with_parent()  # else the job is begun anew by another server while this one still does it
    os.umask(UMASK)
    os.nice(_GENTLE)
    settings = read_settings()
    queue = Queue(settings.home)
    from spinecho.ui.server.jobs.context import Opened  # noqa: PLC0415

    opened = Opened(settings)
    for line in sys.stdin:
        do(line.strip(), queue, opened)


def do(number: str, queue: Queue, opened: Opened) -> None:
    """The job of this id; what comes of it, or why nothing did, stands in its row."""
    from spinecho.ui.server.jobs.context import Context, Stopped  # noqa: PLC0415
    from spinecho.ui.server.jobs.kinds import KINDS  # noqa: PLC0415

    job = queue.get(number)
    if job is None or job.state != "running":
        return
    try:
        if job.kind not in KINDS or job.role not in set(Role):  # a server of another version of this home was asked
            raise SpinechoError(
                f"a job {job.kind!r} for a {job.role!r} is of another version of Spinecho; begin it again there"
            )
        context = Context(opened, Person(job.owner, Role(job.role)), job, queue)
        done = KINDS[job.kind].work(context, job.arguments)
    except Stopped:
        queue.cancelled(number)
    except SpinechoError as error:
        detail = str(error)
        if isinstance(error, _INSIDE):  # their messages name folders
            logging.getLogger("spinecho").error("job of kind %s failed: %s", job.kind, detail)
            detail = "the archive's storage or its record failed; ask those who look after it"
        facts = {name: value for name in ("position", "expected") if (value := getattr(error, name, None)) is not None}
        queue.fail(number, type(error).__name__, detail, kinds=[one.__name__ for one in type(error).__mro__], **facts)
    except Exception:
        logging.getLogger("spinecho").exception("job of kind %s failed", job.kind)
        queue.fail(number, "Failed", "something failed; the server's log tells more")
    else:
        queue.finish(number, done, job.attempts)


if __name__ == "__main__":
    main()
