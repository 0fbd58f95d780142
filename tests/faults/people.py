"""What people are told to be kept, and that all of it is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from noting import acknowledge, acknowledged, spinecho_command
from small_studies import study_uid

from spinecho.db.people.saved import keep as keep_search
from spinecho.db.people.saved import remember
from spinecho.db.schema.database import Database
from spinecho.setup.private import private_files
from spinecho.ui.server.jobs.queue import Queue


def keep_things(work: Path) -> int:
    """Things that people are told to be kept, one after the other; what they were told they do not do again."""
    home, study = work / "home", study_uid(0)
    with private_files():
        database, queue = Database.open(home / "spinecho.sqlite", create=False), Queue(home)
    search = {"text": "pituitary tumour"}
    things: dict[str, Callable[[], Any]] = {
        "thumb": lambda: spinecho_command("feedback", "add", "pituitary tumour", "--good", study, "--home", home),
        "token": lambda: spinecho_command("token", "create", "notebook", "--home", home),
        "source": lambda: add_source(work),
        "search": lambda: keep_search(database, remember(database, "me", search), "me", name="mine", shared=True),
        "file": lambda: queue.write("job", "zip", b"rows"),
        "job": lambda: queue.add("count", owner="me", role="researcher", arguments={"file": "job.zip"}),
    }
    for name, keep in things.items():
        if name not in acknowledged(work):
            if status := [found for found in [keep()] if isinstance(found, int) and found]:
                return status[0]
            acknowledge(work, name)
    database.close()
    return 0


def add_source(work: Path) -> int:
    """Unless it is there: who was not told so asks again, and hears that it is."""
    if not spinecho_command("sources", "test", "disk", "--home", work / "home"):
        return 0
    return spinecho_command("sources", "add", "disk", "folder", f"path={work}", "--home", work / "home")


def kept_things(work: Path) -> dict[str, Any]:
    """Each once or more often: it may be there and nobody was told. Whoever asked for it is on record."""
    found: dict[str, Any] = {"record": spinecho_command("record", "check", "--home", work / "home")}
    with closing(sqlite3.connect(work / "home" / "spinecho.sqlite")) as connection:
        for query in (
            "study_uid FROM feedback", "label FROM access_tokens", "name FROM sources", "name FROM saved_searches"
        ):  # fmt: skip
            found[query] = sorted({row[0] for row in connection.execute(f"SELECT {query}")})
    queue = Queue(work / "home")
    jobs = {job.arguments["file"] for job in queue.of("me")}
    return found | {"jobs": {name: queue.read(name).decode() for name in jobs}}
