"""What an archive holds, to any depth that is read, and the bytes of one file in it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.archives.opened import NESTED_BYTES, Entry, Opened, Refused, in_memory, open_archive
from spinecho.encoders.reading.archives.paths import MARK, is_archive_name, is_hidden, split

DEPTH = 2
"""Archives that may lie in each other: a zip in a zip is read, a zip in that is not."""
_KEPT = 2
_open: OrderedDict[tuple[str, int, int, tuple[str, ...]], Opened] = OrderedDict()
"""Archives that this process has open; a reading process is asked for one file after another of the same."""


def members(path: Path) -> Iterator[Entry | Refused]:
    """Every file in an archive but hidden ones, those in archives within it included: `inner.zip!/IM1`.

    Raises ReadError for an archive that cannot be read at all.
    """
    yield from _members(path, (), "")


def _members(path: Path, inner: tuple[str, ...], prefix: str) -> Iterator[Entry | Refused]:
    for entry in _archive(path, inner).entries():
        name = entry.path if isinstance(entry, Entry) else entry.name
        if is_hidden(name) and isinstance(entry, Entry):
            continue
        if isinstance(entry, Refused):
            yield Refused(prefix + name, entry.reason, entry.message)
        elif not is_archive_name(name):
            yield Entry(prefix + name, entry.size, entry.stamp)
        elif len(inner) + 1 >= DEPTH:
            message = f"an archive within {DEPTH} others: unpack it into the archive"
            yield Refused(prefix + name, Reason.NOT_READ, message)
        else:
            yield from _nested(path, (*inner, name), prefix, entry)


def _nested(path: Path, inner: tuple[str, ...], prefix: str, entry: Entry) -> Iterator[Entry | Refused]:
    try:
        if entry.size > NESTED_BYTES:
            raise ReadError(
                Reason.TOO_LARGE, f"an archive of {entry.size:,} bytes within another: unpack the outer one"
            )
        yield from _members(path, inner, f"{prefix}{inner[-1]}{MARK}/")
    except ReadError as error:
        yield Refused(prefix + inner[-1], error.reason, str(error))


def read_member(path: str) -> bytes:
    """The bytes of a file in an archive. Raises ReadError, and FileNotFoundError where there is no such file."""
    disk, inner = split(path)
    if not inner:
        raise FileNotFoundError(2, "no such file")
    return _archive(Path(disk), inner[:-1]).read(inner[-1])


def has_member(path: str) -> bool:
    """Whether a file of this path is in its archive. Raises ReadError and OSError where that cannot be opened."""
    disk, inner = split(path)
    return bool(inner) and _archive(Path(disk), inner[:-1]).holds(inner[-1])


def names_of_members(folder: str) -> list[str]:
    """Names of the files right in a folder of an archive. Raises as `has_member` does."""
    disk, inner = split(f"{folder}/x")
    if not inner:
        return []
    prefix = inner[-1][:-1]
    paths = [path[len(prefix) :] for path in _archive(Path(disk), inner[:-1]).paths() if path.startswith(prefix)]
    return [path for path in paths if "/" not in path]


def member_stamp(path: str) -> str:
    """What changes whenever a file in an archive does: that of the archive; '' where it is gone."""
    try:
        about = Path(split(path)[0]).stat()
    except OSError:
        return ""
    return f"{about.st_size}-{about.st_mtime_ns}"


def _archive(path: Path, inner: tuple[str, ...]) -> Opened:
    about = path.stat()
    key = (str(path), about.st_size, about.st_mtime_ns, inner)
    if key in _open:
        _open.move_to_end(key)
        return _open[key]
    if inner:
        if len(inner) >= DEPTH:
            raise ReadError(Reason.NOT_READ, f"an archive within {DEPTH} others: unpack it into the archive")
        data = _archive(path, inner[:-1]).read(inner[-1])
        opened = open_archive(in_memory(data), inner[-1], len(data))
    else:
        opened = open_archive(path, path.name, about.st_size)
    while len(_open) >= _KEPT:
        _open.popitem(last=False)[1].close()
    _open[key] = opened
    return opened
