"""Indexing an archive, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args, overload

from spinecho.db.errors import BackendMissing, Busy, StoreError, VectorServerError
from spinecho.db.files import not_indexed, runs
from spinecho.db.files.same_folder import known_as, lies_in
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import Role
from spinecho.encoders.dual import DualEncoder
from spinecho.filling.lacking_vectors import answered_by
from spinecho.filling.status_facts import failure_facts, remedy_of
from spinecho.indexer.backfill import Added, add_parts
from spinecho.indexer.deidentifying.profile import Dates, Descriptors
from spinecho.indexer.deidentifying.profile import Options as Deidentified
from spinecho.indexer.joining import join_run
from spinecho.indexer.pipeline import Options, index_archive
from spinecho.indexer.progress import Stage
from spinecho.pseudonyms.identities import open_door
from spinecho.search.concepts.applying import look_after as look_after_concepts
from spinecho.search.evidence.trust import look_after as look_after_evidence
from spinecho.search.self_test import look_after
from spinecho.setup.at_source import let_go
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import encoder_now, executing_by, indexing_lock, open_dual, open_named, open_vector_server

OnProgress = Callable[[str, int, int], None]
"""Given a stage (discover, scan, read, encode, store, reports, build, self-test, concepts), how much of it is done,
and of how much; that is 0 where it is not known."""
SELF_TEST = "self-test"


@dataclass(frozen=True, slots=True)
class Failure:
    """A file, or one report of it, that is not in the index, and what could be done about it."""

    path: str
    reason: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Failures(Sequence[Failure]):
    """Files that are not in the index, and what there is to know of reports. facts: all of it as plain values."""

    failures: tuple[Failure, ...]
    facts: dict[str, Any] = field(repr=False)

    @overload
    def __getitem__(self, place: int) -> Failure: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Failure, ...]: ...
    def __getitem__(self, place: int | slice) -> Failure | tuple[Failure, ...]:
        return self.failures[place]

    def __len__(self) -> int:
        return len(self.failures)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. counts: by what was counted (files, studies, series, volumes, reports, ...); seconds: by stage.

    reasons: files that are not in, by reason. mendable: those that somebody could do something about; failures: each.
    """

    run: int
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    mendable: int
    seconds: Mapping[str, float]
    warnings: tuple[str, ...]
    failures: tuple[Failure, ...]
    report_columns: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By meaning, the columns that reports were read from, with how many files have them."""

    def to_json(self) -> dict[str, Any]:
        """One plain object, without the names of files."""
        return {
            "run": self.run,
            "counts": dict(self.counts),
            "reasons": dict(self.reasons),
            "mendable": self.mendable,
            "seconds": dict(self.seconds),
            "warnings": list(self.warnings),
            "report_columns": {meaning: dict(names) for meaning, names in self.report_columns.items()},
        }


def workers_here() -> int:
    """Reading processes, where nothing else is said."""
    return min(4, os.cpu_count() or 1)


def index(
    settings: Settings,
    database: Callable[[], Database],
    folders: Sequence[Path],
    on_progress: OnProgress | None,
    *,
    deidentified: Deidentified | None = None,
    as_begun: bool = False,
    ray: str | None = None,
    ray_encoders: int | None = None,
    **options: Any,
) -> Outcome:
    """Index folders, or go on with those of the last run. Raises what `Archive.index` says.

    deidentified: how identifiers are mapped, None for an archive that keeps them; as_begun: as its last run did.
    ray, ray_encoders: the cluster that reads and encodes in place of this process. database: opened, and made where
    there is none, once no other process can be making it.
    """
    progress = None if on_progress is None else ProgressNumbers(on_progress)
    with indexing_lock(settings):
        held = database()
        roots = roots_of(folders, held)
        if as_begun and (begun := runs.deidentified_as(held)) is not None:
            deidentified = Deidentified(cast(Dates, begun["dates"]), cast(Descriptors, begun["descriptors"]))
        named = encoder_now(settings, held)
        # the run and what follows share the networks; a cluster goes on with those that it has opened
        opened = cache(lambda: open_named(settings, named) if ray else open_dual(settings, held))
        by = executing_by(settings, named, ray, roots, encoders=ray_encoders, memory_mb=options.get("memory_mb"))
        with open_door(settings, deidentified, held) as door, by as executing:
            summary = index_archive(
                held, settings.builds, roots, opened, options=Options(**options), progress=progress, door=door,
                skip=settings.home, executing=executing,
            )  # fmt: skip
        answering, embedded = answered_by(settings, held, opened, progress, **options)
        warning = self_tested(held, answering, on_progress)
        taught = look_after_concepts(held, tell=on_progress or (lambda *_: None))
        copied = _copied(settings, held)
        kept = _let_go(settings, held)
    warnings = (*summary.warnings, *embedded, *((warning,) if warning else ()), *taught, *copied, *kept)
    return Outcome(
        summary.run, summary.counts, summary.reasons, summary.mendable, summary.seconds, warnings,
        _files(not_indexed.failures(held, ignorable=False)), summary.report_columns,
    )  # fmt: skip


def _copied(settings: Settings, database: Database) -> tuple[str, ...]:
    """Have the server of vectors, where one is set, hold what was stored; what is to be known where it does not."""
    from spinecho.db.vectors.servers.syncing import sync  # noqa: PLC0415  (for those who have a server)

    try:
        if (server := open_vector_server(settings, database)) is None:
            return ()
        with closing(server):
            for role in get_args(Role):
                space = storing.serving(database, role)
                if space is not None:
                    sync(database, server, space)
    except (VectorServerError, BackendMissing) as error:
        return (f"the server of vectors does not hold what is new: {error}. 'spinecho builds sync' tries it again",)
    return ()


def _let_go(settings: Settings, database: Database) -> tuple[str, ...]:
    """Have sources that keep their pixels hold no more than they may; what is to be known where that failed."""
    try:
        let_go(settings, database)
    except OSError as error:
        return (
            f"pixels that their source keeps could not be let go of: {error.strerror}; the next run tries it again",
        )
    return ()


@dataclass(frozen=True, slots=True)
class Joined:
    """What this process did of a run that another one led: series, volumes, report files.

    outcome: of the whole run, where its leader had died and this process led it to its end; else None.
    """

    series: int
    volumes: int
    reports: int
    outcome: Outcome | None

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        outcome = None if self.outcome is None else self.outcome.to_json()
        return {"series": self.series, "volumes": self.volumes, "reports": self.reports, "outcome": outcome}


def join(
    settings: Settings, database: Callable[[], Database], on_progress: OnProgress | None, **options: Any
) -> Joined:
    """Take part in the run of another process, and lead it to its end where that died. As `Archive.join`."""
    opened, held = cache(lambda: open_dual(settings)), database()
    progress = None if on_progress is None else ProgressNumbers(on_progress)
    series = volumes = reports = 0
    while True:
        share = join_run(held, opened, progress=progress, **options)
        series, volumes, reports = series + share.series, volumes + share.volumes, reports + share.reports
        left = runs.run_to_join(held) if share.stopped else None
        if left is None:
            return Joined(series, volumes, reports, None)
        try:
            outcome = index(settings, database, (), on_progress, max_volumes=left[1], **options)
        except Busy:  # another one that had joined leads it now
            continue
        return Joined(series, volumes, reports, outcome)


def predict(settings: Settings, database: Database, on_progress: OnProgress | None, **options: Any) -> Added:
    """Add predictions and regions to volumes that lack them. Raises what `Archive.predict` says."""
    progress = None if on_progress is None else ProgressNumbers(on_progress)
    with indexing_lock(settings):
        return add_parts(database, open_dual(settings, database), progress=progress, **options)


def self_tested(
    database: Database, opened: Callable[[], DualEncoder], on_progress: OnProgress | None, *, again: bool = False
) -> str:
    """The self-tests where they are due, or `again`: of the channels, and of whether evidence may be shown.

    Gives what went wrong, '' where nothing did: it fails no run.
    """
    tell = on_progress or (lambda *_: None)
    tell(SELF_TEST, 0, 1)
    warnings = (
        look_after(database, opened, again=again).warning,
        look_after_evidence(database, opened, again=again),
    )
    tell(SELF_TEST, 1, 1)
    return "; ".join(filter(None, warnings))


def failures(database: Database, *, reason: str | None = None, everything: bool = False) -> Failures:
    """What is not in the index, and why. everything: also files that are merely nothing to embed."""
    facts = failure_facts(database, reason=reason, everything=everything)
    return Failures(_files(facts["failures"]), facts)


def _files(found: Iterable[Any]) -> tuple[Failure, ...]:
    plain = (one if isinstance(one, Mapping) else asdict(one) for one in found)
    return tuple(Failure(one["path"], one["reason"], one["message"], remedy_of(one["reason"])) for one in plain)


def roots_of(folders: Sequence[Path] | None, database: Database) -> list[Path]:
    """The folders to walk, absolute: those given, else those of the last run, which have to be there still. A folder
    that is named twice, or was indexed by another path (a link, a mount), is one, by the path it is known by; one that
    lies in another is read with it.

    Raises `StoreError` for a path that is not a folder, or when there is nothing to go on with.
    """
    if folders:
        for folder in folders:
            if not folder.exists():
                raise StoreError(f"there is no folder {folder}")
            if not folder.is_dir():
                raise StoreError(f"{folder} is a file; give the folder that it lies in")
        before = [Path(root) for root in runs.last_roots(database)]
        chosen = list(before)
        for folder in folders:
            chosen.append(known_as(folder, chosen))
        found = list(dict.fromkeys(chosen[len(before) :]))
        return [one for one in found if one in before or not _lies_in_another(one, found)]
    last = runs.last_roots(database)
    if not last:
        raise StoreError("nothing was indexed yet: name a folder, as in 'spinecho index FOLDER'")
    return [Path(root) for root in last]


def _lies_in_another(folder: Path, others: Sequence[Path]) -> bool:
    return any(lies_in(folder, one) and not lies_in(one, folder) for one in others)


class ProgressNumbers:
    """A run's progress, given on as numbers: what is known to be ahead of a stage adds up, as it is found."""

    def __init__(self, give: OnProgress) -> None:
        self._give = give
        self._known: dict[str, int] = {}
        self._done: dict[str, int] = {}

    def total(self, stage: Stage, amount: int) -> None:
        """So much more is known to be ahead."""
        self._known[stage] = self._known.get(stage, 0) + amount
        self.advance(stage, 0)

    def advance(self, stage: Stage, amount: int = 1) -> None:
        """So much more is done."""
        self._done[stage] = self._done.get(stage, 0) + amount
        self._give(stage, self._done[stage], self._known.get(stage, 0))
