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
import time
from collections.abc import Callable, Iterator
from glob import glob
from io import BufferedRandom
from pathlib import Path

_LOG = logging.getLogger("spinecho")
_TRIES = 100
_LOOKS, _LOOK = 20, 0.01
"""How often, and how many seconds apart, a lock is tried for before it counts as held."""
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
    """Write a small file whole or not at all. Processes that write the same file at once do so one after the other.

    Raises OSError.
    """
    unfinished = path.with_name(f"{path.name}.partial")
    for _ in range(_TRIES):
        with contextlib.closing(_waited_for(unfinished)) as file:
            if not _is_at(file, unfinished):  # another one wrote meanwhile, and this became the file itself
                continue
            try:
                file.truncate()
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.replace(unfinished, path)  # noqa: PTH105  (as above)
            except FileNotFoundError:  # taken for one that was left
                if unfinished.parent.is_dir():
                    continue
                raise
            except OSError:  # a full disk: it takes no room
                with contextlib.suppress(OSError):
                    unfinished.unlink()
                raise
            sync_folder(path.parent)
            return
    raise BlockingIOError(errno.EAGAIN, f"others wrote or removed it {_TRIES} times", str(unfinished))


def _waited_for(path: Path) -> BufferedRandom:
    """A file, made where there is none and whole where there is one, once no other process holds it."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")
    with contextlib.suppress(OSError):  # no locks here: whoever renames first wins, and the other one begins again
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _is_at(file: BufferedRandom, path: Path) -> bool:
    """Whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


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
        if not take(handle):
            return False
    except OSError:
        return True
    return os.fstat(handle).st_nlink > 0


def take(handle: int) -> bool:
    """Lock an open file or folder for this process alone, until it closes it or ends; False where another one holds it.

    Who looks whether it is held (`is_taken`) holds it for that moment too, and is waited for. Raises OSError where the
    file system knows no locks.
    """
    for left in reversed(range(_LOOKS)):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(_LOOK)
        else:
            return True
    return False


def is_taken(handle: int) -> bool:
    """Whether another process holds an open file or folder by `take`. Raises OSError where there are no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that look do not take each other for holders
    except BlockingIOError:
        return True
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def is_held(path: Path) -> bool:
    """Whether some process holds a file or a folder; false for what is not there."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return is_taken(handle)
    except OSError:  # no locks here: nobody can tell
        return False
    finally:
        os.close(handle)


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
