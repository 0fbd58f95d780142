"""Which objects of a source lie in its spool: of one that keeps its pixels, those that somebody looked at last.

Where a source's setting `pixels` is `fetched`, an object whose series is in the index gives way to a note
(`encoders.reading.away`) once the spool holds more than `kept_gb`, the series that was looked at longest ago first. Who
reads such a series has it brought back, whole, from the source; an object that is another one there now is put in place
as it is, and the next run reads it. What cannot be brought back keeps its note, and the index what it says.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from spinecho.db.durable import drop_abandoned, durable_replace, held, held_folder, make_folder, take
from spinecho.db.files import file_index
from spinecho.db.schema.database import Database
from spinecho.encoders.reading.away import LEAST, noted_digest, write_note
from spinecho.indexer.sources.source import Listed, SourceDown
from spinecho.indexer.sources.spool import Spool

_LOG = logging.getLogger("spinecho")
KEPT_GB = 20.0
_GB = 10**9
_BLOCK = 512
_PATIENCE = 600
"""Times that a folder is tried for, which `take` waits between: two minutes."""


class GivesSeries(Protocol):
    """A source that one series can be taken from."""

    def fetch_series(self, study: Listed, series_uid: str, spool: Spool, stop: threading.Event) -> None:
        """Write every object of a series into the spool. Raises `SourceDown`, `Stopped`."""
        ...


def is_away(path: Path) -> bool:
    """Whether a file's bytes stay at its source; false for one that is not there."""
    try:
        return noted_digest(path) != ""
    except OSError:
        return False


def let_go(database: Database, folder: Path, settings: Mapping[str, Any]) -> int:
    """Have a source's spool hold no more than its settings say; how many objects gave way. Raises OSError."""
    most = float(settings.get("kept_gb", KEPT_GB)) * _GB
    held_here, used = defaultdict[Path, list[Path]](list), dict[Path, float]()
    total = 0
    for path in sorted(folder.glob("[0-9]*/[0-9]*/[0-9]*.dcm")):
        about = path.stat()
        taken = about.st_blocks * _BLOCK
        if about.st_size < LEAST or (taken < about.st_size and is_away(path)):
            continue
        total += max(taken, about.st_size)
        held_here[path.parent].append(path)
        used[path.parent] = max(used.get(path.parent, 0.0), about.st_atime, about.st_mtime)
    gone = 0
    drop_abandoned(folder / ".incoming", ".*.partial")
    for series in sorted(held_here, key=lambda one: (used[one], one)):
        if total <= most:
            break
        here = [str(path) for path in held_here[series]]
        indexed = file_index.still_known(database, here, indexed=True)
        if len(indexed) > len(file_index.still_known(database, here, indexed=True, settled=True)):
            continue  # some of it is to be read yet
        with _alone(series, wait=False) as mine:
            for path in sorted(map(Path, indexed)) if mine else ():
                total -= _put_note(path, folder)
                gone += 1
    return gone


class Reading:
    """A series that is read: until it is closed nobody lets go of it. Raises OSError where its folder is gone."""

    def __init__(self, series: Path) -> None:
        self._handle = os.open(series, os.O_RDONLY)
        with suppress(OSError):  # no locks here
            fcntl.flock(self._handle, fcntl.LOCK_SH)

    def close(self) -> None:
        """Not read any more."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def bring_back(folder: Path, series: Path, source: GivesSeries, remote: str) -> int:
    """Have the bytes of a series here again; how many objects came.

    folder: the spool's. remote: what the source itself calls the study. Raises `SourceDown` and OSError.
    """
    with _alone(series, wait=True):
        away = {path: digest for path in sorted(series.glob("[!.]*.dcm")) if (digest := noted_digest(path))}
        return _taken(folder, series, away, source, remote) if away else 0


def _taken(folder: Path, series: Path, away: Mapping[Path, str], source: GivesSeries, remote: str) -> int:
    study = series.parent.name
    handle, place = held_folder(folder, prefix=".fetched-")
    try:
        spool = Spool(place)
        source.fetch_series(Listed(study, "", None, remote), series.name, spool, threading.Event())
        spool.settle(study)
        came = 0
        for path, digest in away.items():
            fetched = place / study / series.name / path.name
            if fetched.is_file():
                if _digest(fetched) == digest:  # else it is another one now: the next run sees its time
                    os.utime(fetched, ns=(time.time_ns(), path.stat().st_mtime_ns))
                durable_replace(fetched, path)
                came += 1
        if came < len(away):
            raise SourceDown(f"the source gives {came} of {len(away)} objects of a series that it gave once")
        return came
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(handle)


def _put_note(path: Path, folder: Path) -> int:
    """The bytes that are free now."""
    about = path.stat()
    digests = {"sha256": _digest(path), "md5": _digest(path, "md5")}  # Orthanc tells the second

    def make() -> tuple[int, Path]:
        make_folder(folder / ".incoming")
        new = folder / ".incoming" / f".{path.name}.{os.getpid()}-{time.monotonic_ns()}.partial"
        return os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), new

    handle, note = held(make)
    try:
        write_note(note, size=about.st_size, digests=digests, times_ns=(about.st_atime_ns, about.st_mtime_ns))
        note.chmod(about.st_mode & 0o777)
        durable_replace(note, path)
    except OSError:
        with suppress(OSError):
            note.unlink()
        raise
    finally:
        os.close(handle)
    return max(about.st_blocks * _BLOCK, about.st_size)


def _digest(path: Path, algorithm: str = "sha256") -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


@contextmanager
def _alone(series: Path, *, wait: bool) -> Iterator[bool]:
    """A series' folder held within the block; false where another process holds it and nobody waits.

    Raises OSError where it is held for longer than anybody reads or fetches a series.
    """
    handle = os.open(series, os.O_RDONLY)
    try:
        mine = any(take(handle) for _ in range(_PATIENCE if wait else 1))
        if wait and not mine:
            raise BlockingIOError(errno.EAGAIN, "others read or fetch the series all the time")
        yield mine
    finally:
        os.close(handle)
