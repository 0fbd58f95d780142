"""From folders on a disk to pending rows: walk, compare, scan, and settle who owns a SOP Instance UID."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from spinecho import steady
from spinecho.db.errors import PruneRefused
from spinecho.db.files import file_index, runs
from spinecho.db.files.gone import gone_for
from spinecho.db.files.roots import ArchiveName
from spinecho.db.schema.database import Database
from spinecho.db.values import Listing, Rejection, Scanned, Stat
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.archives.paths import exists, is_archive_name, is_member
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.reading.other_files import NOT_READ_BEFORE, READER
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.encoders.tasks.image_tasks import digest_task, scan_task, unpack_digests
from spinecho.indexer.deidentifying.door import Door
from spinecho.indexer.deidentifying.scanning import named_scan_task
from spinecho.indexer.naming import archive_of, named_by_its_archive
from spinecho.indexer.progress import Progress, Tally
from spinecho.indexer.reports.parsing.parse import SUFFIXES as REPORT_SUFFIXES
from spinecho.indexer.sources.archives import Archives
from spinecho.indexer.sources.companions import Companions
from spinecho.indexer.sources.folder import REST, Found, walk
from spinecho.indexer.sources.keeping import keep
from spinecho.indexer.sources.refusals import refusal, stamp

_FOLDER_BATCH, _FILE_BATCH, _SCAN_BATCH = 200, 5000, 48
_KEPT_FILES, _KEPT_SECONDS = 500, 2.0
"""Scanned files that are recorded in one transaction, and how long a file waits for others."""
_SECONDS_A_GROUP = 3600.0
"""For the digests of files that claim one UID; a disk may be slow."""
_MANY = 0.2
"""Share of an archive's files beyond which nobody forgets them without being asked."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk over a root found. missing: paths that were known and are not where they were; files: how many are
    there; unlisted: folders that could not be listed, of which nothing is known.
    """

    root: Path
    missing: tuple[str, ...]
    files: int
    unlisted: tuple[str, ...]


def discover(
    database: Database,
    sandbox: Sandbox,
    root: Path,
    *,
    run: int,
    archives: Sequence[ArchiveName],
    retry: bool,
    again: bool,
    skip: Path | None,
    tally: Tally,
    progress: Progress,
    roots: Sequence[Path] = (),
    follow_links: bool = False,
    door: Door | None = None,
) -> Walked:
    """Bring the ledger up to what lies below `root`. Unchanged files cost a stat and a row of a query.

    What was moved, is missing or collides is for the caller to settle, once every root has been walked. door: what maps
    identifiers before they are recorded, of an archive that is de-identified.
    """
    reports: list[Scanned] = []
    missing: list[str] = []
    unlisted: list[str] = []
    before = tally.counts["files"]

    task_of = scan_task if door is None else named_scan_task
    archives_met = Archives(database, sandbox, root=str(root), run=run, retry=retry, again=again)

    def listed() -> Iterator[list[Listing]]:
        for listings in _batches(walk(root, skip=skip, roots=roots, follow_links=follow_links), tally):
            yield listings
            yield from archives_met.listings(tally)

    def fresh_tasks() -> Iterator[Task]:
        for listings in listed():
            with tally.timed("discover"):
                changes = file_index.compare(
                    database, root=str(root), run=run, listings=listings, retry=retry, again=again
                )
            missing.extend(changes.missing)
            unlisted.extend(_unlisted(listings))
            archives_met.meet(listings, changes.fresh)
            tally.counts["files"] += changes.unchanged + len(changes.fresh)
            tally.counts["unchanged"] += changes.unchanged
            progress.advance("discover", changes.unchanged + len(changes.fresh))
            images: dict[tuple[str, str], Stat] = {}
            away = _indexed(database, changes.fresh)
            for folder, stat in changes.fresh:
                why = archives_met.refusals.pop(f"{folder}/{stat.name}", None)
                if str(Path(folder) / stat.name) in away:  # what is stored of it stays: it may only not be mounted
                    tally.counts["out_of_reach"] += 1
                elif stat.odd or why is not None:
                    reports.append(Scanned(folder, stat, "other", failure=why or refusal(stat.odd)))
                elif is_archive_name(stat.name) and not is_member(f"{folder}/{stat.name}"):
                    continue  # its own row is written once its files have theirs
                elif Path(stat.name).suffix.lower() in REPORT_SUFFIXES:
                    reports.append(Scanned(folder, stat, "report"))
                else:
                    images[folder, stat.name] = stat
            progress.total("scan", len(images))
            stats.update({str(Path(folder) / name): stat for (folder, name), stat in images.items()})
            named: dict[ArchiveName, list[str]] = defaultdict(list)
            for folder, name in images:
                path = str(Path(folder) / name)
                named[archive_of(archives, path)].append(path)
            for archive, paths in named.items():
                salts[archive.path] = archive
                for start in range(0, len(paths), _SCAN_BATCH):
                    yield task_of(paths[start : start + _SCAN_BATCH], root=archive.path)

    runs.look_again(database, reader=READER, reasons=NOT_READ_BEFORE)
    stats: dict[str, Stat] = {}
    salts: dict[str, ArchiveName] = {}

    def scanned_batches() -> Iterator[list[Scanned]]:
        for outcome in sandbox.map(fresh_tasks()):
            archive = salts[outcome.task.arguments["root"]]
            yield list(_finished(sandbox, outcome, stats, tally, archive, door))

    for scanned in _gathered(scanned_batches()):
        keep(partial(file_index.record, database, run, again=again), scanned)
        progress.advance("scan", len(scanned))
    for rows in (reports, archives_met.rows):
        keep(partial(file_index.record, database, run, again=again), rows)
    unlisted.extend(archives_met.unlisted)
    gone = {*missing, *file_index.vanished(database, root=str(root), run=run)}
    return Walked(root, tuple(sorted(gone)), tally.counts["files"] - before, tuple(unlisted))


def _gathered(batches: Iterable[list[Scanned]]) -> Iterator[list[Scanned]]:
    """Batches put together, since each is a transaction; none waits long, for a run may be killed."""
    waiting: list[Scanned] = []
    due = time.monotonic() + _KEPT_SECONDS
    for batch in batches:
        waiting += batch
        if len(waiting) >= _KEPT_FILES or time.monotonic() >= due:
            yield waiting
            waiting, due = [], time.monotonic() + _KEPT_SECONDS
    if waiting:
        yield waiting


def _finished(
    sandbox: Sandbox, outcome: Outcome, stats: dict[str, Stat], tally: Tally, archive: ArchiveName, door: Door | None
) -> Iterator[Scanned]:
    """The batch's files. Where its process died, the file it died on is rejected and the rest done again."""
    while True:
        tally.seconds["scan"] += outcome.seconds
        for value, _ in outcome.messages:
            stat = stats.pop(value["path"])
            if value.get("reason") == Reason.AT_ITS_SOURCE:  # what is stored of it stays
                tally.counts["out_of_reach"] += 1
            elif value.get("reason") != Reason.UNREADABLE or exists(value["path"]):
                yield _scanned(value, stat, archive, door)
            else:  # it went since it was listed
                tally.counts["gone"] += 1
        left = outcome.task.arguments["paths"][len(outcome.messages) :]
        if not left:
            return
        culprit, rest = left[0], left[1:]
        reason = outcome.failure or Reason.READ_CRASHED
        refused = {"path": culprit, "reason": reason, "message": outcome.detail or reason.remedy}
        yield _scanned(refused, stats.pop(culprit), archive, door)
        if not rest:
            return
        task_of = scan_task if door is None else named_scan_task
        outcome = sandbox.run(task_of(rest, root=outcome.task.arguments["root"]))


def _scanned(value: dict[str, Any], stat: Stat, archive: ArchiveName, door: Door | None) -> Scanned:
    folder = str(Path(value["path"]).parent)
    if value.get("report"):
        return Scanned(folder, stat, "report")
    if "reason" in value:
        reason = Reason(value["reason"])
        return Scanned(folder, stat, "other", failure=Rejection(reason, reason.ignorable, value["message"]))
    header = named_by_its_archive(Header.from_json(value["header"], path=value["path"]), archive)
    if door is not None:
        header = door.header(header, value.get("named", ()))
    return Scanned(folder, stat, header.kind, header.study_uid, header.series_uid, header.sop_uid, header.to_json())


def _batches(found: Iterator[Found], tally: Tally) -> Iterator[list[Listing]]:
    batch: list[Listing] = []
    beside = Companions()
    n_files = 0
    for folder in found:
        stats = beside.stats(folder.path, folder.files)
        odd = [(name, "refused") for name in folder.unreadable] + list(folder.odd)
        stats += [Stat(name, 0, stamp(what), odd=what) for name, what in odd]
        batch.append(Listing(folder.path, stats, partial=folder.partial))
        n_files += len(stats)
        tally.counts["hidden"] += folder.hidden
        if n_files >= _FILE_BATCH or len(batch) >= _FOLDER_BATCH:
            yield batch
            batch, n_files = [], 0
    if batch:
        yield batch


_AWAY = frozenset({"refused", "link broken", "link out"})
"""Names behind which something may be that cannot be reached now: nothing that is stored of it goes for that."""


def _unlisted(listings: Sequence[Listing]) -> Iterator[str]:
    for listing in listings:
        for stat in listing.files:
            if stat.odd in _AWAY:
                yield listing.path if stat.name == REST else str(Path(listing.path) / stat.name)


def _indexed(database: Database, fresh: Sequence[tuple[str, Stat]]) -> frozenset[str]:
    """Those of the names that cannot be reached under which a file is in the index."""
    paths = [str(Path(folder) / stat.name) for folder, stat in fresh if stat.odd in _AWAY]
    return frozenset(file_index.still_known(database, paths, indexed=True) if paths else ())


def settle_missing(
    database: Database,
    walked: Sequence[Walked],
    *,
    prune: bool,
    yes: bool,
    tally: Tally,
    grace: float | None = None,
) -> None:
    """Count what is gone, and forget it when asked to: an archive that is not mounted must not empty the index.

    grace: without `prune`, forget what every run for so many seconds has found to be gone.

    Files below a folder that could not be listed are neither gone nor there. Raises `PruneRefused`, before anything is
    forgotten, for a root that holds no file and where more than a fifth of its files are gone; not with `yes`.
    """
    gone: list[str] = []
    due: list[tuple[Walked, list[str]]] = []
    for one in walked:
        found = file_index.still_known(database, [path for path in one.missing if not _below(path, one.unlisted)])
        if one.files:  # what nothing was stored of need not be kept
            file_index.forget_rejected(database, found)
            found = file_index.still_known(database, found)
        readable_again = [path for path in found if Path(path).is_dir()]
        file_index.remove_files(database, readable_again)
        mine = sorted(set(found) - set(readable_again))
        tally.counts["missing"] += len(mine)
        if prune and mine and not yes:
            _require_few(one, len(mine), file_index.count_below(database, str(one.root)))
        due.append((one, mine))
        gone += mine
    if prune and gone:
        tally.counts["pruned"] += file_index.remove_files(database, gone)
    elif grace is not None:
        _forget_long_gone(database, due, grace, tally)


def _forget_long_gone(
    database: Database, missing: Sequence[tuple[Walked, list[str]]], grace: float, tally: Tally
) -> None:
    since = gone_for(database, [path for _, paths in missing for path in paths], now=steady.now())
    long_gone = [path for path, seconds in since.items() if seconds >= grace]
    for one, paths in missing:  # also those that are gone for less time count: it may be mounted in part
        if set(paths) & set(long_gone):
            _require_few(one, len(paths), file_index.count_below(database, str(one.root)))
    if long_gone:
        tally.counts["pruned"] += file_index.remove_files(database, long_gone)


def _require_few(walked: Walked, gone: int, known: int) -> None:
    remedy = "nothing was forgotten; if they are gone for good, run it again with --prune --yes"
    if not walked.files:
        raise PruneRefused(
            f"{walked.root} holds no files, and the index knows {known:,} below it: is it mounted? {remedy}"
        )
    if gone > _MANY * known:
        raise PruneRefused(
            f"{gone:,} of the {known:,} files known below {walked.root} are gone, more than a fifth: is all of it "
            f"mounted? {remedy}"
        )


def _below(path: str, folders: Sequence[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def settle_collisions(database: Database, run: int, sandbox: Sandbox) -> int:
    """Of several files with one SOP Instance UID the first keeps it: copies are duplicates, others conflicts.

    Where the one that had it turned out unreadable, the next gets its turn; returns how many were given one.
    """
    reopened = file_index.reopen_orphans(database, reasons=(Reason.DUPLICATE, Reason.CONFLICT))
    for owner, *others in file_index.colliding_files(database):
        compared = [owner.path, *(other.path for other in others)]
        digests = unpack_digests(sandbox.run(digest_task(compared, seconds=_SECONDS_A_GROUP)).messages)
        verdicts = {}
        for other in others:
            same = owner.path in digests and digests[owner.path] == digests.get(other.path)
            reason = Reason.DUPLICATE if same else Reason.CONFLICT
            kind = "the same bytes as" if same else "the same SOP Instance UID but other bytes than"
            verdicts[other.id] = Rejection(reason, reason.ignorable, f"{kind} {owner.path}")
        file_index.reject(database, run, verdicts)
    return reopened
