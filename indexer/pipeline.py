"""discover -> group -> read -> encode -> store: from an archive to rows, vectors and an index build.

Reading runs ahead in child processes while this process encodes and stores. Every series is one transaction, so a
run that was killed goes on where it stopped when it is started again.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from spinecho.db.errors import PruneRefused, RootMissing
from spinecho.db.files import file_index, not_indexed, runs
from spinecho.db.files.reopening import reopen_reports
from spinecho.db.files.roots import ArchiveName, name_archives
from spinecho.db.files.same_bytes import REMEDY, same_bytes
from spinecho.db.schema.claims import claims_of
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.store.erasing import erase_traces
from spinecho.db.store.study_facts import disagreements
from spinecho.db.upkeep.kept_up import refresh_builds, refresh_snapshot
from spinecho.db.values import Role, SpaceRecord
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.archives.paths import exists
from spinecho.encoders.reading.dicom.codecs import codecs_at_hand
from spinecho.encoders.reading.other_files import READER
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.encoders.space import Space, require_stored
from spinecho.indexer.acquired_again import acquire_again
from spinecho.indexer.deidentifying.begun import require_kind, warnings_of
from spinecho.indexer.deidentifying.door import Door
from spinecho.indexer.discovery import Walked, discover, settle_collisions, settle_missing
from spinecho.indexer.executing.here import Here
from spinecho.indexer.executing.jobs import Executor
from spinecho.indexer.facts_again import derive_facts
from spinecho.indexer.moves import settle_moves, verify_files
from spinecho.indexer.pending import PendingFiles
from spinecho.indexer.progress import Kept, Progress, Silent, Tally
from spinecho.indexer.reports.columns import columns_taken, given_columns
from spinecho.indexer.reports.derive import settle_reports
from spinecho.indexer.reports.read_otherwise import read_otherwise
from spinecho.indexer.reports.rereading import read_again
from spinecho.indexer.reports.store import DIVIDED, GUESSED, STRUCK, UNREAD, WITHDRAWN
from spinecho.indexer.sources.folder import outermost
from spinecho.indexer.torn_series import join_torn_series

_IGNORABLE = frozenset(reason for reason in Reason if reason.ignorable)


@dataclass(frozen=True, slots=True)
class Options:
    """How to index; see the command's help."""

    workers: int = 2
    max_volumes: int = 8
    limit: int | None = None
    retry: bool = False
    again: bool = False
    prune: bool = False
    yes: bool = False
    """Prune even where most of an archive is gone."""
    grace: float | None = None
    """Without `prune`, forget what is gone for so many seconds, see `settle_missing`."""
    verify: bool = False
    """Look at the bytes of files whose size and time have not changed."""
    rebuild: bool = False
    follow_links: bool = False
    """Go where links lead out of the folders."""
    memory_mb: int | None = None
    """Of a reading process; None for what the environment says."""
    report_columns: str | None = None
    """See `given_columns.read_columns`; None for those of the last run."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did. `mendable` rejections are those that somebody could do something about."""

    run: int
    counts: dict[str, int]
    reasons: dict[str, int]
    mendable: int
    seconds: dict[str, float]
    warnings: tuple[str, ...] = ()
    report_columns: dict[str, dict[str, int]] = field(default_factory=dict)
    """By meaning, the columns that reports of this run were read from, with how many files have them."""


def index_archive(
    database: Database,
    builds: Path,
    roots: Sequence[Path],
    open_dual: Callable[[], DualEncoder],
    *,
    options: Options | None = None,
    progress: Progress | None = None,
    skip: Path | None = None,
    door: Door | None = None,
    executing: Callable[[DualEncoder], Executor] | None = None,
) -> Summary:
    """Index what lies below the roots; the encoders are opened only when there is something to encode.

    `skip` is a folder below a root that is not part of the archive. door: maps identifiers on their way in; an archive
    that was begun with one takes nothing without it, and one that was begun without takes none (`MixedArchive`).
    executing: who reads and encodes series in place of this process. Finding, reports and rows stay here.
    Raises `SpaceMismatch` where the database was made with another encoder: nothing is lost, what was found stays
    pending. Raises `RootMissing` for a root that is not there, before anything is done, and `PruneRefused`, see
    `settle_missing`, once all but the forgetting is done.
    """
    options, progress, tally = options or Options(), progress or Silent(), Tally()
    columns = given_columns(database, options.report_columns)
    require_roots(roots)
    mark = None if door is None else door.mark
    require_kind(database, mark)
    archives = name_archives(database, [str(root) for root in roots], is_there=os.path.isdir)
    derive_facts(database)
    read_again(database, lambda: open_dual().text)
    acquire_again(database, lambda: open_dual().text)
    read_otherwise(database)
    was_stopped = (runs.last_run(database) or {"finished_at": ""})["finished_at"] is None
    run = runs.start_run(
        database,
        [str(root) for root in roots],
        reader=READER,
        report_columns=columns,
        max_volumes=options.max_volumes,
        deidentified=mark,
    )
    progress = Kept(lambda stages: runs.tell_run(database, run, stages), progress)
    warnings = _check_codecs(database)
    with Sandbox(workers=options.workers, memory_mb=options.memory_mb) as sandbox, claims_of(database) as claims:
        refused = _find(database, sandbox, outermost(roots), archives, options, run, skip, tally, progress, door)
        tally.counts["joined"] += join_torn_series(database)
        if door is not None:  # what a run that was killed had met is not known
            reopen_reports(database, None if was_stopped else door.met, there=exists)
        if file_index.count_pending_series(database) or file_index.pending_reports(database):
            dual = open_dual()
            image = _space(database, "image", dual.image.space, dual.name)
            text = _space(database, "text", dual.text.space, dual.name)
            most = options.max_volumes, options.limit
            work = PendingFiles(
                database,
                sandbox,
                (executing or partial(Here, sandbox))(dual),
                dual,
                image,
                text,
                run,
                *most,
                progress,
                tally,
                door,
                columns,
                claims,
            )
            with claims.opened():
                work.index_series()
            while settle_collisions(database, run, sandbox):
                tally.counts["joined"] += join_torn_series(database)
                with claims.opened():
                    work.index_series()
            with claims.opened():
                work.index_reports()
            warnings += work.executor.notices
    matched = settle_reports(database)
    tally.counts.update({f"reports_{match}": n for match, n in matched.counts.items()})
    taken = columns_taken(tally.counts)
    warnings += [*matched.warnings, *_guesses(tally), *warnings_of(door), *_same_bytes(database, tally)]
    with tally.timed("build"):
        warnings += refresh_builds(database, builds, force=options.rebuild)
    tally.counts["pending"] += file_index.count_pending_series(database)
    seconds = _seconds(tally)
    runs.finish_run(database, run, counts=tally.counts, seconds=seconds)
    refresh_snapshot(database, builds, force=options.rebuild)
    erase_traces(database)
    if refused is not None:
        raise refused
    warnings += _disagreements(database)
    reasons, mendable = _left_out(database, tally, warnings)
    return Summary(run, dict(tally.counts), reasons, mendable, seconds, tuple(warnings), taken)


def _left_out(database: Database, tally: Tally, warnings: list[str]) -> tuple[dict[str, int], int]:
    """(files by the reason why they were not indexed, how many of them somebody could mend)"""
    rejected = not_indexed.file_counts(database)
    reasons = {name.removeprefix("reason:"): n for name, n in rejected.items() if name.startswith("reason:")}
    mendable = sum(n for reason, n in reasons.items() if reason not in _IGNORABLE)
    if out_of_reach := tally.counts["out_of_reach"]:
        mendable += out_of_reach
        warnings.append(
            f"{out_of_reach:,} indexed files cannot be reached now (links out or to nothing, rights, a source "
            "that keeps its pixels and does not answer): what is "
            "stored of them stays. Mount what they lead to, or give --follow-links; take a link that is gone for good "
            "out of its folder"
        )
    return reasons, mendable


def require_roots(roots: Sequence[Path]) -> None:
    """Raise `RootMissing` where one of them is no folder: an archive that is not mounted is not an empty one."""
    for root in roots:
        if not root.is_dir():
            raise RootMissing(
                f"there is no folder {root}: is it mounted? If it is gone for good, name the folders that there are: "
                "'spinecho index FOLDER ...'"
            )


def _find(
    database: Database,
    sandbox: Sandbox,
    roots: Sequence[Path],
    archives: Sequence[ArchiveName],
    options: Options,
    run: int,
    skip: Path | None,
    tally: Tally,
    progress: Progress,
    door: Door | None,
) -> PruneRefused | None:
    """Bring the ledger up to what lies below the roots; why what is gone was not forgotten, where it was not."""
    walked: list[Walked] = []
    for root in roots:
        if options.verify:
            verify_files(database, sandbox, root, tally=tally)
        found = discover(
            database,
            sandbox,
            root,
            run=run,
            archives=archives,
            retry=options.retry,
            again=options.again,
            skip=skip,
            roots=roots,
            follow_links=options.follow_links,
            tally=tally,
            progress=progress,
            door=door,
        )
        walked.append(found)
    settle_moves(database, sandbox, [path for one in walked for path in one.missing], tally=tally)
    try:
        settle_missing(database, walked, prune=options.prune, yes=options.yes, tally=tally, grace=options.grace)
    except PruneRefused as error:
        return error
    finally:
        settle_collisions(database, run, sandbox)
    return None


def _seconds(tally: Tally) -> dict[str, float]:
    return {stage: round(value, 3) for stage, value in tally.seconds.items()} | {"wall": round(tally.wall(), 3)}


def _disagreements(database: Database) -> list[str]:
    """What the series of one study do not agree in, by field."""
    found = disagreements(database)
    if not (studies := found.pop("", 0)):
        return []
    fields = ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in sorted(found.items()))
    return [f"{studies:,} studies have series that disagree in a fact of the study, and go by most of them ({fields})"]


def _same_bytes(database: Database, tally: Tally) -> list[str]:
    found = same_bytes(database)
    if found is None:
        return []
    tally.counts["same_bytes"] = found.files
    return [f"{found.sentence}: {REMEDY}"]


def _check_codecs(database: Database) -> list[str]:
    """Name the codecs that are not installed; what waited for one that now is gets its turn."""
    warnings = []
    for distribution, present in codecs_at_hand().items():
        if present:
            file_index.reopen_rejected(database, reason=Reason.NEEDS_CODEC, message=distribution)
        else:
            warnings.append(f"{distribution} is not installed: files that need it will be rejected as NEEDS_CODEC")
    return warnings


def _space(database: Database, role: Role, space: Space, encoder: str) -> SpaceRecord:
    served = storing.serving(database, role)
    if served is None:
        return storing.serve(database, role, encoder=encoder, **dataclasses.asdict(space))
    require_stored(served, space, role=role)
    return served


def _guesses(tally: Tally) -> list[str]:
    """What to say of guessed character sets and of languages that are not read, of cells that held several reports, and
    of reports that their text withdraws.
    """
    warnings = []
    if unread := tally.counts.get(UNREAD, 0):
        are = "reports are" if unread > 1 else "report is"
        warnings.append(f"{unread} {are} in a language without rules: found by words, never as present or absent")
    if cells := tally.counts.get(DIVIDED, 0):
        held = "cells of tables held several reports each" if cells > 1 else "cell of a table held several reports"
        warnings.append(f"{cells} {held}, which were told apart: an entry of 100,000,005 is the second report of row 5")
    if struck := tally.counts.get(STRUCK, 0):
        hold = "files of reports hold words" if struck > 1 else "file of reports holds words"
        warnings.append(f"{struck} {hold} that are struck out: they are read as not said")
    if withdrawn := tally.counts.get(WITHDRAWN, 0):
        call = "reports call themselves" if withdrawn > 1 else "report calls itself"
        warnings.append(
            f"{withdrawn} {call} cancelled in the text alone, so that no search finds it: 'spinecho failures' "
            "lists what is withdrawn"
        )
    sets = {name.removeprefix(GUESSED): n for name, n in tally.counts.items() if name.startswith(GUESSED) and n}
    if not sets:
        return warnings
    listed = ", ".join(f"{name} {n}" for name, n in sorted(sets.items()))
    warnings.append(
        f"the character set of {sum(sets.values())} reports was guessed ({listed}); 'spinecho failures' lists them"
    )
    return warnings
