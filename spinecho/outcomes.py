"""Indexing an archive, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from spinecho.db.errors import StoreError
from spinecho.db.files import runs
from spinecho.db.schema.database import Database
from spinecho.indexer.pipeline import Options, index_archive
from spinecho.indexer.progress import Stage
from spinecho.search.self_test import look_after
from spinecho.settings import Settings
from spinecho.status_facts import failure_facts
from spinecho.wiring import indexing_lock, open_dual

OnProgress = Callable[[str, int, int], None]
"""Given a stage (discover, scan, read, encode, store, reports, build), how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file, or one report of it, that is not in the index, and what could be done about it."""

    path: str
    reason: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. counts: by what was counted (files, studies, series, volumes, reports, ...); seconds: by stage.

    mendable: files that are not in, and that somebody could do something about; failures: those, each.
    """

    counts: Mapping[str, int]
    seconds: Mapping[str, float]
    mendable: int
    warnings: tuple[str, ...]
    failures: tuple[Failure, ...]


def index(
    settings: Settings, database: Database, folders: Sequence[Path], on_progress: OnProgress | None, **options: Any
) -> Outcome:
    """Index folders, or go on with those of the last run. Raises what `Archive.index` says."""
    opened = cache(lambda: open_dual(settings))  # the run and the test after it share the networks
    with indexing_lock(settings):
        roots = roots_of(folders, database)
        summary = index_archive(
            database, settings.builds, roots, opened, options=Options(**options),
            progress=None if on_progress is None else _Told(on_progress), skip=settings.home,
        )  # fmt: skip
        warning = look_after(database, opened).warning
    warnings = (*summary.warnings, warning) if warning else summary.warnings
    return Outcome(summary.counts, summary.seconds, summary.mendable, warnings, failures(database))


def failures(database: Database, *, reason: str | None = None, everything: bool = False) -> tuple[Failure, ...]:
    """What is not in the index, and why. everything: also files that are merely nothing to embed."""
    facts = failure_facts(database, reason=reason, everything=everything)
    remedies = {one["reason"]: one["remedy"] for one in facts["by_reason"]}
    return tuple(
        Failure(one["path"], one["reason"], one["message"], remedies.get(one["reason"], ""))
        for one in facts["failures"]
    )


def roots_of(folders: Sequence[Path] | None, database: Database) -> list[Path]:
    """The folders to walk, absolute: those given, else those of the last run, which have to be there still.

    Raises `StoreError` for a path that is not a folder, or when there is nothing to go on with.
    """
    if folders:
        for folder in folders:
            if not folder.exists():
                raise StoreError(f"there is no folder {folder}")
            if not folder.is_dir():
                raise StoreError(f"{folder} is a file; give the folder that it lies in")
        return list(dict.fromkeys(folder.absolute() for folder in folders))
    last = runs.last_roots(database)
    if not last:
        raise StoreError("nothing was indexed yet: name a folder, as in 'spinecho index FOLDER'")
    return [Path(root) for root in last]


class _Told:
    """A run's progress, given on as numbers."""

    def __init__(self, give: OnProgress) -> None:
        self._give = give
        self._known: dict[str, int] = {}
        self._done: dict[str, int] = {}

    def total(self, stage: Stage, amount: int) -> None:
        self._known[stage] = amount
        self.advance(stage, 0)

    def advance(self, stage: Stage, amount: int = 1) -> None:
        self._done[stage] = self._done.get(stage, 0) + amount
        self._give(stage, self._done[stage], self._known.get(stage, 0))
