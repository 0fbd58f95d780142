"""What of a home is backed up, as it is at one moment, and how it is put back."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from spinecho.db.durable import held_folder, sync_file
from spinecho.db.errors import Damaged, StorageFailure
from spinecho.db.schema.trouble import REMEDY

SMALL = ("roles.toml", "secrets.toml", "fusion.json")
"""Files that people wrote."""


@contextmanager
def as_of_now(databases: dict[str, Path], folder: Path) -> Iterator[dict[str, Path]]:
    """Copies of SQLite files below a folder, each whole and of one moment, while others write; they go with the block.

    Raises `StorageFailure`, and `Damaged` for a file that is no database any more.
    """
    try:  # a folder of this backup's own: another one may be made of the home meanwhile
        handle, place = held_folder(folder, prefix=".backup-", suffix=".partial")
    except OSError as error:
        raise StorageFailure(f"cannot copy the databases of {folder}: {error.strerror}; no backup was made") from error
    try:
        made = {name: place / name for name in databases}
        for name, path in databases.items():
            _copy(path, made[name])
        yield made
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(handle)


def _copy(path: Path, to: Path) -> None:
    try:
        to.touch(mode=0o600)
        with closing(sqlite3.connect(path, timeout=60)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file: nothing of it lies in a log
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise Damaged(f"{path} is damaged ({error}), so there is no backup of it. {REMEDY}") from error
        raise StorageFailure(f"cannot copy {path}: {error}; no backup was made") from error
    except OSError as error:
        raise StorageFailure(f"cannot copy {path}: {error.strerror}; no backup was made") from error


def put(path: Path, data: Iterator[bytes], mode: int) -> None:
    """Write a file anew, its owner's alone at first. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("wb") as file:
        file.writelines(data)
    path.chmod(mode & 0o700 or 0o600)
    sync_file(path)
