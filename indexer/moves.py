"""Files that were moved or renamed keep what is stored of them; and files that changed without showing it are found.

A row whose path is gone is that of a file that has come where both are of one SOP Instance UID, or, for files that
bring none, where both are of the same bytes. Where the bytes are the same nothing is read again.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from spinecho.db.files import file_index, moves
from spinecho.db.files.moves import Move, MovingFile
from spinecho.db.schema.database import Database
from spinecho.encoders.reading.archives.paths import is_gone
from spinecho.encoders.reading.header_facts import reads_alike, series_facts_of, study_facts_of
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.reading.torn import joined_as
from spinecho.encoders.sandbox.processes import Sandbox, Task
from spinecho.encoders.tasks.image_tasks import digest_task, unpack_digests
from spinecho.indexer.progress import Tally

_AT_ONCE, _BATCH = 2000, 32
_SLOWEST = 4 << 20
"""Bytes a second that a disk gives at the least; below, its digest is not waited for."""


def settle_moves(database: Database, sandbox: Sandbox, missing: Sequence[str], *, tally: Tally) -> None:
    """Find where files have gone whose paths are gone, those of folders that were not walked included.

    missing: paths that this run did not find: files that were rejected in favour of one of them get their turn.
    """
    moves.reopen_twins_of(database, missing)
    unfound = frozenset(missing)
    lost = [file for file in moves.may_have_moved(database) if is_gone(file.path, unfound)]
    lost.sort(key=lambda file: file.path)
    for start in range(0, len(lost), _AT_ONCE):
        some = lost[start : start + _AT_ONCE]
        found = _moves(database, sandbox, some, moves.arrivals(database, some))
        tally.counts["moved"] += moves.apply_moves(database, found)
        left = moves.rejected_in(database, {str(Path(one.gone.path).parent) for one in found})
        file_index.forget_rejected(database, [path for path in left if is_gone(path, unfound)])


def verify_files(database: Database, sandbox: Sandbox, root: Path, *, tally: Tally) -> None:
    """Take the digests of all files below the root that are in the index; those that differ count as changed.

    Where there was none to compare with it is kept.
    """
    for page in file_index.digests_below(database, str(root)):
        sizes = {path: size for _, path, size, _ in page}
        now = _digests(sandbox, sizes)
        fresh = {file: now[path] for file, path, _, digest in page if digest is None and path in now}
        changed = [file for file, path, _, digest in page if digest and path in now and digest != now[path]]
        file_index.settle_digests(database, fresh, changed)
        tally.counts["verified"] += len(now)
        tally.counts["changed_unseen"] += len(changed)


def _moves(database: Database, sandbox: Sandbox, gone: Sequence[MovingFile], here: Sequence[MovingFile]) -> list[Move]:
    """Where each of these has gone: of several the first by path, one of its name before others."""
    by_uid: dict[str, list[MovingFile]] = defaultdict(list)
    by_size: dict[tuple[str, int], list[MovingFile]] = defaultdict(list)
    for file in here:
        if file.sop_uid:
            by_uid[file.sop_uid].append(file)
        by_size[file.kind, file.size].append(file)
    compared: dict[str, int] = {}
    for file in gone:
        for other in [*by_uid.get(file.sop_uid or "", ()), *by_size.get((file.kind, file.size), ())]:
            if file.digest and other.size == file.size:
                compared[other.path] = other.size
    digests = _digests(sandbox, compared)
    header_texts = moves.headers(database, [*gone, *here])
    taken: set[int] = set()
    found: list[Move] = []
    for file in gone:
        same_uid = [one for one in by_uid.get(file.sop_uid or "", ()) if one.id not in taken]
        same_size = [one for one in by_size.get((file.kind, file.size), ()) if one.id not in taken]
        alike = [one for one in [*same_uid, *same_size] if file.digest and digests.get(one.path) == file.digest]
        options = alike or same_uid
        if not options:
            continue
        name = Path(file.path).name
        other = min(options, key=lambda one: (one.sop_uid != file.sop_uid, Path(one.path).name != name, one.path))
        taken.add(other.id)
        found.append(_move(file, other, header_texts) if alike else Move(file, other, "read"))
    return found


def _move(gone: MovingFile, here: MovingFile, header_texts: dict[int, str]) -> Move:
    """A file whose bytes are the same: whether anything else is to be read from where it lies now."""
    if gone.state != "indexed" or gone.kind != here.kind or gone.again:
        return Move(gone, here, "read")
    if gone.kind == "report":  # its name may say which study it is of
        return Move(gone, here, "same" if Path(gone.path).name == Path(here.path).name else "read")
    if gone.id not in header_texts or here.id not in header_texts:
        return Move(gone, here, "read")
    before, here_alone = (Header.from_json(header_texts[file.id], path=file.path) for file in (gone, here))
    now = joined_as(here_alone, before)
    if not reads_alike(before, now):
        return Move(gone, here, "read")
    if (before.study_uid, before.series_uid, before.sop_uid) == (now.study_uid, now.series_uid, now.sop_uid):
        return Move(gone, here, "same" if now is here_alone else "joined")
    study, series = study_facts_of(now), series_facts_of(now)
    return Move(gone, here, "renamed", dataclasses.asdict(study), dataclasses.asdict(series))


def _digests(sandbox: Sandbox, sizes: dict[str, int]) -> dict[str, str]:
    """sha256 by path, taken in children: a disk that does not answer holds up nothing but itself."""
    paths = list(sizes)

    def tasks() -> Iterator[Task]:
        for start in range(0, len(paths), _BATCH):
            some = paths[start : start + _BATCH]
            yield digest_task(some, seconds=60 + sum(sizes[path] for path in some) / _SLOWEST)

    return {
        path: digest for outcome in sandbox.map(tasks()) for path, digest in unpack_digests(outcome.messages).items()
    }
