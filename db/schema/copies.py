"""The copies of a database file that upgrades keep beside it: complete or absent, listed, and removed on request."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from spinecho.db.durable import durable_replace
from spinecho.db.errors import Damaged, StorageFailure, StoreError
from spinecho.db.schema.engines import Location
from spinecho.db.schema.trouble import REMEDY

_ENDING = ".bak"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the database as it was before an upgrade. It holds what was true then, patients' names included."""

    path: Path
    bytes: int
    made_at: str
    """UTC."""
    revision: str
    """The schema that it has."""


def make_copy(path: Path, revision: str | None) -> Path:
    """Copy a database file, checked, beside itself. Raises `Damaged` where it is not sound, `StorageFailure`."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = path.with_name(f"{path.name}.{revision or 'empty'}.{stamp}{_ENDING}")
    unfinished = copy.with_name(f"{copy.name}.partial")
    for left in path.parent.glob(f"{path.name}.*{_ENDING}.partial*"):
        left.unlink(missing_ok=True)
    try:
        unfinished.touch(mode=0o600)
        shutil.copymode(path, unfinished)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as target:
            source.backup(target)  # a plain file copy would miss what is still in the write-ahead log
            answer = target.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if answer != "ok":
                raise Damaged(f"the database {path} is damaged ({answer}), so it was not upgraded. {REMEDY}")
            target.execute("PRAGMA journal_mode=DELETE")  # one file: nothing of it lies in a log
        durable_replace(unfinished, copy)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise Damaged(f"the database {path} is damaged ({error}), so it was not upgraded. {REMEDY}") from error
        raise StorageFailure(f"cannot copy the database {path}: {error}; nothing was changed") from error
    except OSError as error:
        raise StorageFailure(f"cannot copy the database {path}: {error.strerror}; nothing was changed") from error
    finally:
        for left in path.parent.glob(f"{unfinished.name}*"):
            left.unlink(missing_ok=True)
    return copy


def copies_of(location: Location) -> tuple[Copy, ...]:
    """Every copy beside a database file, oldest first; none for a server, whose backups are its own."""
    if not isinstance(location, Path):
        return ()
    found = []
    for path in sorted(location.parent.glob(f"{location.name}.*{_ENDING}"), key=lambda one: one.stat().st_mtime_ns):
        stat, named = path.stat(), path.name.removeprefix(f"{location.name}.").split(".")
        made_at = datetime.fromtimestamp(stat.st_mtime, UTC).isoformat(timespec="seconds")
        found.append(Copy(path, stat.st_size, made_at, named[0]))
    return tuple(found)


def remove_copies(location: Location, names: Sequence[str] | None = None) -> tuple[Copy, ...]:
    """Delete these copies, or all; what went. Raises `StoreError` for a name that none has: then nothing goes."""
    known = {copy.path.name: copy for copy in copies_of(location)}
    if unknown := [name for name in names or () if name not in known]:
        there = ", ".join(known) or "no copy is kept"
        raise StoreError(f"there is no copy {unknown[0]!r}; there are: {there}")
    going = tuple(known.values()) if names is None else tuple(known[name] for name in dict.fromkeys(names))
    for copy in going:
        try:
            os.unlink(copy.path)  # noqa: PTH108
        except OSError as error:
            raise StorageFailure(f"cannot remove {copy.path}: {error.strerror}; look at its folder's rights") from error
    return going
