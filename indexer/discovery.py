"""From folders on a disk to pending rows: walk, compare, scan, and settle who owns a SOP Instance UID."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from db import ledger
from db.database import Database
from db.values import FileRecord, Listing, Rejection, Scanned, Stat
from encoders.errors import Reason
from encoders.image.other_files import NOT_READ_BEFORE, READER
from encoders.image.series import Header
from encoders.image.tasks import scan_task
from encoders.sandbox import Outcome, Sandbox, Task
from indexer.progress import Progress, Tally
from indexer.reports.parse import SUFFIXES as REPORT_SUFFIXES
from indexer.sources.folder import Found, walk
from indexer.sources.keeping import keep
from indexer.sources.refusals import refusal, stamp

_FOLDER_BATCH, _FILE_BATCH, _SCAN_BATCH = 200, 5000, 48


def discover(
    database: Database,
    sandbox: Sandbox,
    root: Path,
    *,
    run: int,
    retry: bool,
    again: bool,
    prune: bool,
    skip: Path | None,
    tally: Tally,
    progress: Progress,
    roots: Sequence[Path] = (),
    follow_links: bool = False,
) -> None:
    """Bring the ledger up to what lies below `root`. Unchanged files cost a stat and a row of a query."""
    reports: list[Scanned] = []
    missing: list[str] = []

    def fresh_tasks() -> Iterator[Task]:
        for listings in _batches(walk(root, skip=skip, roots=roots, follow_links=follow_links), tally):
            with tally.timed("discover"):
                changes = ledger.compare(database, root=str(root), run=run, listings=listings, retry=retry, again=again)
            missing.extend(changes.missing)
            tally.counts["files"] += changes.unchanged + len(changes.fresh)
            tally.counts["unchanged"] += changes.unchanged
            progress.advance("discover", changes.unchanged + len(changes.fresh))
            images: dict[tuple[str, str], Stat] = {}
            for folder, stat in changes.fresh:
                if stat.odd:
                    reports.append(Scanned(folder, stat, "other", failure=refusal(stat.odd)))
                elif Path(stat.name).suffix.lower() in REPORT_SUFFIXES:
                    reports.append(Scanned(folder, stat, "report"))
                else:
                    images[folder, stat.name] = stat
            progress.total("scan", len(images))
            stats.update({str(Path(folder) / name): stat for (folder, name), stat in images.items()})
            paths = [str(Path(folder) / name) for folder, name in images]
            for start in range(0, len(paths), _SCAN_BATCH):
                yield scan_task(paths[start : start + _SCAN_BATCH], root=str(root))

    ledger.look_again(database, reader=READER, reasons=NOT_READ_BEFORE)
    stats: dict[str, Stat] = {}
    for outcome in sandbox.map(fresh_tasks()):
        scanned = list(_finished(sandbox, outcome, stats, tally))
        keep(partial(ledger.record, database, run), scanned)
        progress.advance("scan", len(scanned))
    keep(partial(ledger.record, database, run), reports)
    _settle_missing(database, root, run, missing, prune=prune, tally=tally)
    settle_collisions(database, run)


def _finished(sandbox: Sandbox, outcome: Outcome, stats: dict[str, Stat], tally: Tally) -> Iterator[Scanned]:
    """The batch's files. Where its process died, the file it died on is rejected and the rest done again."""
    while True:
        tally.seconds["scan"] += outcome.seconds
        for value, _ in outcome.messages:
            stat = stats.pop(value["path"])
            if value.get("reason") != Reason.UNREADABLE or os.path.lexists(value["path"]):
                yield _scanned(value, stat)
            else:  # it went since it was listed
                tally.counts["gone"] += 1
        left = outcome.task.arguments["paths"][len(outcome.messages) :]
        if not left:
            return
        culprit, rest = left[0], left[1:]
        reason = outcome.failure or Reason.READ_CRASHED
        yield _scanned(
            {"path": culprit, "reason": reason, "message": outcome.detail or reason.remedy}, stats.pop(culprit)
        )
        if not rest:
            return
        outcome = sandbox.run(scan_task(rest, root=outcome.task.arguments["root"]))


def _scanned(value: dict[str, str], stat: Stat) -> Scanned:
    folder = str(Path(value["path"]).parent)
    if "reason" in value:
        reason = Reason(value["reason"])
        return Scanned(folder, stat, "other", failure=Rejection(reason, reason.ignorable, value["message"]))
    header = Header.from_json(value["header"], path=value["path"])
    return Scanned(folder, stat, header.kind, header.study_uid, header.series_uid, header.sop_uid, value["header"])


def _batches(found: Iterator[Found], tally: Tally) -> Iterator[list[Listing]]:
    batch: list[Listing] = []
    n_files = 0
    for folder in found:
        stats = [Stat(*file) for file in folder.files]
        odd = [(name, "refused") for name in folder.unreadable] + list(folder.odd)
        stats += [Stat(name, 0, stamp(what), what) for name, what in odd]
        batch.append(Listing(folder.path, stats, partial=folder.partial))
        n_files += len(stats)
        tally.counts["hidden"] += folder.hidden
        if n_files >= _FILE_BATCH or len(batch) >= _FOLDER_BATCH:
            yield batch
            batch, n_files = [], 0
    if batch:
        yield batch


def _settle_missing(
    database: Database, root: Path, run: int, missing: Sequence[str], *, prune: bool, tally: Tally
) -> None:
    """Forget what is gone when asked to; an archive that is not mounted must not empty the index."""
    gone = [*missing, *ledger.vanished(database, root=str(root), run=run)]
    readable_again = [path for path in gone if Path(path).is_dir()]
    ledger.remove_files(database, readable_again)
    gone = sorted(set(gone) - set(readable_again))
    tally.counts["missing"] += len(gone)
    if prune and gone:
        tally.counts["pruned"] += ledger.remove_files(database, gone)


def settle_collisions(database: Database, run: int) -> int:
    """Of several files with one SOP Instance UID the first keeps it: copies are duplicates, others conflicts.

    Where the one that had it turned out unreadable, the next gets its turn; returns how many were given one.
    """
    reopened = ledger.reopen_orphans(database, reasons=(Reason.DUPLICATE, Reason.CONFLICT))
    for owner, *others in ledger.colliding_files(database):
        mine = _digest(owner)
        verdicts = {}
        for other in others:
            same = mine is not None and mine == _digest(other)
            reason = Reason.DUPLICATE if same else Reason.CONFLICT
            kind = "the same bytes as" if same else "the same SOP Instance UID but other bytes than"
            verdicts[other.id] = Rejection(reason, reason.ignorable, f"{kind} {owner.path}")
        ledger.reject(database, run, verdicts)
    return reopened


def _digest(record: FileRecord) -> str | None:
    try:
        with Path(record.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
