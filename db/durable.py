"""Putting files in place so that they are there, whole, after a power cut.

A rename alone is atomic for those who look, not for the disk: the name may be kept and the bytes not, or the other way
round. Hence the order: bytes, rename, folder. What has a name that no other run writes over is held by a lock
meanwhile, which ends with the process: so a later run sees what nobody goes on with, and removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from glob import glob
from pathlib import Path

_LOG = logging.getLogger("spinecho")
_TRIES = 100
DIGEST_BYTES = 32
_NOT_FOR_FOLDERS = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EISDIR}
"""What is said of a folder that cannot be synced: by some network shares, which order their renames themselves, and of
one in which this account may make names and not list them."""


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
    """Write a small file whole or not at all, whoever else writes it at the same time: the last one's stands.

    The unfinished file has one name, so that the next writer writes over what a killed one left, and is locked from
    before its first byte until it is in its place. Where a file system knows no locks, writers are to take turns.
    Raises OSError.
    """
    unfinished = path.with_name(f"{path.name}.partial")
    handle = _locked(unfinished)
    try:
        os.ftruncate(handle, 0)
        with os.fdopen(os.dup(handle), "wb") as file:
            file.write(data)
        durable_replace(unfinished, path)
    except OSError:
        with contextlib.suppress(OSError):  # the name is still this one's: no other may write it or take it away
            unfinished.unlink()
        raise
    finally:
        os.close(handle)


def _locked(path: Path) -> int:
    """A file, made where it is missing and open for writing, once no other process or thread has it. Raises OSError."""
    while True:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            with contextlib.suppress(OSError):  # no locks here
                fcntl.flock(handle, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(handle), path.lstat()):
                return handle
        except FileNotFoundError:  # whoever had it put it in its place meanwhile
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Make a folder, and those above it that are missing, and have their names on the disk. Raises OSError.

    What is written into a folder that no disk knows of is lost with it, however well it was written.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=mode, exist_ok=True)
    sync_folder(folder.parent)


def is_unused(folder: Path, *, first: str) -> bool:
    """Whether a folder is absent or empty, apart from the file of this name that is written first, unfinished."""
    return not folder.exists() or all(path.name == f"{first}.partial" for path in folder.iterdir())


@contextlib.contextmanager
def filled_folder(folder: Path, *, prefix: str) -> Iterator[Path]:
    """A folder beside this one, to be filled within the block; it takes its place at the end, whole or not at all.

    folder: new, or empty. prefix: of the name that it has meanwhile; what killed runs left beside it under such a name
    goes first. Raises OSError.
    """
    make_folder(folder.parent)
    handle, made = held_folder(folder.parent, prefix=prefix)
    try:
        yield made
        if folder.exists():
            folder.rmdir()
        durable_replace(made, folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    finally:
        os.close(handle)


def held_folder(parent: Path, *, prefix: str, suffix: str = "") -> tuple[int, Path]:
    """A new folder of its own name in this one, open, and its path: held, and what killed runs left of such goes first.

    Raises OSError.
    """
    drop_abandoned(parent, f"{prefix}*{suffix}")

    def make() -> tuple[int, Path]:
        new = Path(tempfile.mkdtemp(suffix, prefix, parent))
        return os.open(new, os.O_RDONLY), new

    return held(make)


def held(make: Callable[[], tuple[int, Path]]) -> tuple[int, Path]:
    """A new file or folder, open, and its path, as `make` gives them, once it is held; made again where that was too
    late, or where the folder above went meanwhile. Raises OSError.
    """
    why: OSError = BlockingIOError(errno.EAGAIN, f"others removed it {_TRIES} times")
    for _ in range(_TRIES):
        try:
            handle, path = make()
        except (FileNotFoundError, FileExistsError) as error:  # a folder that goes gives either
            why = error
            continue
        if hold(handle) and path.exists():
            return handle, path
        os.close(handle)
    raise why


def hold(handle: int) -> bool:
    """Hold an open file or folder, so that `drop_abandoned` leaves it alone while this process has it open.

    False where another run took it for one that was left, before it was held: it is going, and another has to be made,
    under another name. A file system that knows no locks holds nothing, and lets nothing be dropped.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return os.fstat(handle).st_nlink > 0


def is_held(path: Path) -> bool:
    """Whether some process holds a file or a folder; false for what is not there."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks here: nobody can tell
        return False
    finally:
        os.close(handle)
    return False


def drop_abandoned(folder: Path, pattern: str) -> tuple[Path, ...]:
    """Remove files and folders of this name that nobody holds, which killed runs left; what went. The log says so."""
    gone = []
    for name in sorted(glob(pattern, root_dir=folder)):  # noqa: PTH207  (it passes over folders that go meanwhile)
        path = folder / name
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:  # another account's, or gone meanwhile
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
            gone.append(path)
        except OSError:
            continue
        finally:
            os.close(handle)
    if gone:
        _LOG.warning("%s: removed what interrupted runs left unfinished (%d)", folder, len(gone))
    return tuple(gone)


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
    """Have the names in a folder on the disk, where the file system can be asked to and the account may."""
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise


def digest_of(content: bytes | memoryview) -> bytes:
    """What stands behind content that `with_digest` was given: its sha256, `DIGEST_BYTES`."""
    return hashlib.sha256(content).digest()


def with_digest(content: bytes) -> bytes:
    """The content, and its digest behind it: what is kept to save work is given back as it was, or is made anew.

    A file of arrays with a changed bit in its numbers is still a file of arrays, and nothing else would tell.
    """
    return content + digest_of(content)


def content_of(data: bytes) -> bytes:
    """What `with_digest` was given. Raises ValueError for anything else."""
    content = data[:-DIGEST_BYTES]
    if data[-DIGEST_BYTES:] != digest_of(content):
        raise ValueError("it is not what was kept")
    return content
