"""What Spinecho writes is its owner's alone: files 0600, folders 0700, whatever the account's umask says."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from spinecho.db.as_written import NOTES
from spinecho.db.durable import make_folder, sync_file, sync_folder

UMASK = 0o077
_OURS = (
    "*.sqlite*", "builds", "evaluations", "training-cache", "index.lock", "index.log", "roles.toml", "secrets.toml",
    "fusion.json", "room-*.address", "server.key", "jobs", "volumes", "spool", "identities.key", "scrub.*",
    "public", NOTES,
)  # fmt: skip
_DOORS = ("", "spinecho.sqlite", "builds", "secrets.toml")
"""What a home holds. A folder that somebody else's files lie in too is not closed to others, only our files in it."""


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """While it lasts, whatever this process and its children make is their owner's alone."""
    before = os.umask(UMASK)
    try:
        yield
    finally:
        os.umask(before)


def open_private(path: Path) -> IO[bytes]:
    """A file to write anew that its owner alone may read, also where it was there before."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    os.fchmod(handle, 0o600)
    return os.fdopen(handle, "wb")


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone may read; it is on the disk when this returns. Raises `OSError`."""
    with open_private(path) as file:
        file.write(content)
    sync_file(path)
    sync_folder(path.parent)


def make_private(folder: Path) -> None:
    """A folder that its owner alone may enter; those above it too where they are made. Raises `OSError`."""
    if not folder.is_dir():
        with private_files():
            make_folder(folder)


def tighten(home: Path) -> int:
    """Take from others what an older version, or a generous umask, left them of a home; how many entries that were.

    Links are not followed, and what belongs to another account is left as it is. A home whose doors are closed is not
    walked.
    """
    try:
        if not any(map(_is_open_at, (home / name for name in _DOORS))):
            return 0
        with os.scandir(home) as entries:
            names = {entry.name for entry in entries}
    except OSError:
        return 0
    ours = {path.name for pattern in _OURS for path in home.glob(pattern)}
    if not ours & {"spinecho.sqlite", "builds", "secrets.toml"}:
        return 0  # no home of ours
    changed = sum(_close(home / name) for name in sorted(ours))
    if not names - ours:
        changed += _closed(home)
    return changed


def exposed(home: Path) -> int:
    """How many entries of a home `tighten` would close."""
    if not any(map(_is_open_at, (home / name for name in _DOORS))):
        return 0
    ours = {path for pattern in _OURS for path in home.glob(pattern)}
    return sum(_is_open_at(one) for path in ours for one in (path, *(path.rglob("*") if path.is_dir() else ())))


def _close(path: Path) -> int:
    changed = _closed(path)
    if path.is_dir() and not path.is_symlink():
        for folder, folders, files in os.walk(path):
            changed += sum(_closed(Path(folder, name)) for name in (*folders, *files))
    return changed


def _closed(path: Path) -> int:
    with contextlib.suppress(OSError):
        about = path.lstat()
        if _is_open(about):
            path.chmod(stat.S_IMODE(about.st_mode) & ~UMASK)
            return 1
    return 0


def _is_open_at(path: Path) -> bool:
    try:
        return _is_open(path.lstat())
    except OSError:
        return False


def _is_open(about: os.stat_result) -> bool:
    ours = about.st_uid == os.geteuid()
    return ours and not stat.S_ISLNK(about.st_mode) and bool(stat.S_IMODE(about.st_mode) & UMASK)
