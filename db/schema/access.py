"""How a SQLite file may be used: written, read beside somebody who may write, or read as it lies."""

from __future__ import annotations

import os
import sqlite3
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from spinecho.db.errors import StorageFailure

Stamp: TypeAlias = tuple[int, ...]
"""What tells that somebody wrote: inode, size and time of the file and of its log."""


class Access(StrEnum):
    """What this account can do with a file."""

    WRITE = "write"
    SHARED = "shared"
    """Read, with the log and the locks of those who write."""
    FROZEN = "frozen"
    """Read as it lies, without locks: there is no log, and nothing can be made beside the file."""


def access_to(path: Path) -> Access:
    """What may be done with an existing file. Raises `StorageFailure` where it cannot even be read.

    A file whose log holds something is never read without the log: what was stored last would be missing.
    """
    folder_open = os.access(path.parent, os.W_OK)
    if folder_open and os.access(path, os.W_OK):
        return Access.WRITE
    if not os.access(path, os.R_OK):
        raise StorageFailure(f"the database {path} may not be read; give this account the right to")
    log, shared = Path(f"{path}-wal"), Path(f"{path}-shm")
    if os.access(shared, os.R_OK) and os.access(log, os.R_OK):
        return Access.SHARED
    if not log.exists() or not log.stat().st_size:
        return Access.FROZEN
    if folder_open:
        return Access.SHARED
    raise StorageFailure(
        f"the database {path} may only be read, and its log {log.name} holds what is not in it yet; "
        "'spinecho status', run once by the account that may write it, brings the log in"
    )


def connect(path: Path, access: Access) -> sqlite3.Connection:
    """A connection that cannot write."""
    asked = "immutable=1" if access is Access.FROZEN else "mode=ro"
    return sqlite3.connect(uri_of(path, asked), uri=True, timeout=30, check_same_thread=False)


def uri_of(path: Path, asked: str) -> str:
    """What SQLite opens a file by with options; whatever letters its path has, it names that file and no other."""
    return f"{path.absolute().as_uri()}?{asked}"


def stamp_of(path: Path) -> Stamp:
    """Changes when somebody writes."""
    found: list[int] = []
    for one in (path, Path(f"{path}-wal")):
        try:
            stat = one.stat()
        except OSError:
            found += [0, 0, 0]
        else:
            found += [stat.st_ino, stat.st_size, stat.st_mtime_ns]
    return tuple(found)
