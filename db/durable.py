"""Putting files in place so that they are there, whole, after a power cut.

A rename alone is atomic for those who look, not for the disk: the name may be kept and the bytes not, or the other way
round. Hence the order: bytes, rename, folder.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOT_FOR_FOLDERS = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EISDIR}
"""What file systems say that cannot sync a folder: some network shares, which order their renames themselves."""


def durable_replace(unfinished: Path, final: Path) -> None:
    """Rename a file, or a folder with its files, once its bytes are on the disk; then the new name is on the disk too.

    A file at `final` is replaced, a folder there must be absent. Raises OSError.
    """
    if unfinished.is_dir():
        sync_tree(unfinished)
    else:
        sync_file(unfinished)
    os.replace(unfinished, final)  # noqa: PTH105  (one name for files and folders)
    sync_folder(final.parent)


def write_durably(path: Path, data: bytes) -> None:
    """Write a small file whole or not at all. Raises OSError."""
    unfinished = path.with_name(f"{path.name}.partial")
    unfinished.write_bytes(data)
    durable_replace(unfinished, path)


@contextmanager
def filled_folder(folder: Path, *, prefix: str) -> Iterator[Path]:
    """A folder beside this one, to be filled within the block; it takes its place at the end, whole or not at all.

    folder: new, or empty. prefix: of the name that it has meanwhile. Raises OSError.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        yield made
        if folder.exists():
            folder.rmdir()
        durable_replace(made, folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_tree(folder: Path) -> None:
    """Every file below a folder, and every folder of it."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            sync_tree(path)
        else:
            sync_file(path)
    sync_folder(folder)


def sync_file(path: Path) -> None:
    """Have a file's bytes on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where the file system can be asked to."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise
    finally:
        os.close(handle)
