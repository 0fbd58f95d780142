"""Evaluations on the disk, each in a folder of its own: made by a job, or by a process of its own without a queue."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from spinecho.access.people import Role
from spinecho.setup.private import make_private
from spinecho.steady import name_after
from spinecho.ui.server.jobs.kinds import EVALUATIONS, RESULT
from spinecho.ui.server.jobs.pool import Pool, pool_of, why_failed
from spinecho.ui.server.jobs.queue import QueueFull
from spinecho.ui.views.session.long_work import begun_at, last_words, launch, lives
from spinecho.ui.views.session.opened import PageContext

Of: TypeAlias = Literal["archive", "judgements", "pairs"]
_ABOUT = "about.json"
_LOG = "log.txt"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One evaluation. name: its folder, the later the newer; result: None while it runs or where it failed; why: its
    last words.
    """

    name: str
    about: Mapping[str, Any]
    result: Mapping[str, Any] | None
    running: bool
    why: str

    @property
    def seconds(self) -> float:
        """Since it was begun."""
        return max(0.0, (datetime.now(UTC) - self._begun).total_seconds())

    @property
    def label(self) -> str:
        """When, of what, by whom."""
        return f"{self._begun:%Y-%m-%d %H:%M:%S} · {self.about.get('of', '')} · {self.about.get('by', '')}"

    @property
    def _begun(self) -> datetime:
        """By the clock as it was; names of folders have it alone where nobody set it back."""
        at = self.about.get("at")
        named = datetime.strptime(self.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return named if at is None else datetime.fromisoformat(at)


def evaluations(context: PageContext) -> list[Evaluated]:
    """All of them, newest first. Raises `Refused`."""
    context.front.access.require(Role.VIEWER, "see evaluations")
    folders = sorted((context.settings.home / EVALUATIONS).glob("*/"), reverse=True)
    pool = pool_of(context.settings)
    context.front.access.note_once("see-evaluations", evaluations=len(folders))
    return [found for folder in folders if (found := _read(folder, pool)) is not None]


def begin(
    context: PageContext,
    of: Of,
    content: bytes | None,
    *,
    ending: str = ".csv",
    queries: int = 1000,
    copies: int = 0,
) -> str:
    """Start one; gives its name. content: the file of judgements or pairs; copies: scans that are changed.

    Raises `Refused`, `QueueFull`.
    """
    context.front.access.require(Role.RESEARCHER, "evaluate")
    folder = _new_folder(context.settings.home / EVALUATIONS)
    name = folder.name
    own: dict[str, Path] = {}
    if of != "archive" and content is not None:
        own[of] = folder / f"{of}{'.jsonl' if ending == '.jsonl' else '.csv'}"
        own[of].write_bytes(content)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    about: dict[str, Any] = {"of": of, "by": context.front.access.person.name, "queries": queries, "at": at}
    pool = pool_of(context.settings)
    if pool is not None:
        files = {what: file.name for what, file in own.items()}
        asked = {"folder": name, "queries": queries, "copies": copies, **files}
        context.front.access.note("begin-job", name, kind="kept-evaluation")
        try:
            about["job"] = pool.add("kept-evaluation", context.front.access.person, asked)
        except QueueFull:
            shutil.rmtree(folder)
            raise
    else:
        arguments = ["evaluate", "--out", str(folder), "--queries", str(queries), "--copies", str(copies)]
        arguments += [text for what, file in own.items() for text in (f"--{what}", str(file))]
        row = context.front.access.note("evaluate", name, of=of, queries=queries)
        process = launch(arguments, context.settings, folder / _LOG, row=row)
        about |= {"process": process, "begun": begun_at(process)}
    (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
    return name


def _new_folder(parent: Path) -> Path:
    """Behind all that there are, whatever the clock says, and of nobody else."""
    make_private(parent)
    while True:
        folder = parent / name_after([path.name for path in parent.glob("*/")])
        with contextlib.suppress(FileExistsError):  # another person's, begun at the same moment
            folder.mkdir(mode=0o700)
            return folder


def _read(folder: Path, pool: Pool | None) -> Evaluated | None:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    try:
        result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = None
    if result is None and "job" in about:
        return Evaluated(folder.name, about, None, *_job_state(str(about["job"]), pool))
    running = result is None and lives(int(about.get("process", 0)), about.get("begun"))
    why = "" if result is not None or running else last_words(folder / _LOG)
    return Evaluated(folder.name, about, result, running, why)


def _job_state(number: str, pool: Pool | None) -> tuple[bool, str]:
    """(whether it waits or runs, why it failed)"""
    job = None if pool is None else pool.job(number)
    if job is None:
        return False, ""
    return not job.over, why_failed(job) if job.state == "failed" else ""
