"""Opening a file of an archive for reading, wherever it lies, and values at a place in it."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.archives.members import has_member, member_stamp, names_of_members, read_member
from spinecho.encoders.reading.archives.paths import is_member
from spinecho.encoders.reading.away import MARK, require_here

GZIP = b"\x1f\x8b"
MOST_INFLATED = 1 << 30
"""Bytes that a compressed DICOM file may hold."""
_CHUNK = 1 << 20


def open_file(path: Path) -> BinaryIO:
    """The file's bytes, seekable; of one in an archive, whole and in memory.

    Raises OSError as `Path.open` does, and ReadError for what an archive, or a source, does not give.
    """
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        if not is_member(str(path)):
            raise
        return io.BytesIO(_member(path))
    try:
        require_here(file.read(len(MARK)))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def inflated_head(data: bytes, size: int) -> bytes:
    """Up to `size` bytes that a gzip stream begins with; b'' where it is broken or none."""
    try:
        return zlib.decompressobj(31).decompress(data, size)
    except zlib.error:
        return b""


def inflate_whole(file: BinaryIO, *, most: int = MOST_INFLATED) -> bytes:
    """All that a gzip file holds. Raises ReadError where it is broken, cut short or holds more than `most` bytes."""
    parts: list[bytes] = []
    got = 0
    inflater = zlib.decompressobj(31)
    try:
        while data := inflater.unconsumed_tail or file.read(_CHUNK):
            part = inflater.decompress(data, most + 1 - got)
            parts.append(part)
            got += len(part)
            if got > most:
                raise ReadError(Reason.TOO_LARGE, f"it unfolds to more than {most >> 20} MB")
            if inflater.eof:
                return b"".join(parts)
    except zlib.error as error:
        raise ReadError(Reason.DECODE_FAILED, f"the gzip stream is broken after {got} bytes") from error
    raise ReadError(Reason.TRUNCATED, f"the gzip stream ends after {got} bytes")


def open_dicom(path: Path) -> BinaryIO:
    """As `open_file`; of a DICOM file that gzip has compressed, what it holds. Raises ReadError too."""
    file = open_file(path)
    if file.read(2) != GZIP:  # no DICOM file begins like that: a preamble with it is followed by no prefix
        file.seek(0)
        return file
    file.seek(0)
    with file:
        about = os.fstat(file.fileno()) if _has_number(file) else None
        key = (str(path), about.st_size, about.st_mtime_ns) if about else (str(path), 0, 0)
        if key not in _last:  # frames are asked for one after the other
            _last.clear()
            _last[key] = inflate_whole(file)
        return io.BytesIO(_last[key])


def dicom_values_at(path: Path, dtype: np.dtype[Any], count: int, offset: int) -> NDArray[Any]:
    """As `values_at`, of what `open_dicom` opens."""
    if path.suffix.lower() != ".gz":
        return values_at(path, dtype, count, offset)
    with open_dicom(path) as file:
        file.seek(offset)
        data = file.read(count * dtype.itemsize)
    return np.frombuffer(data, dtype, len(data) // dtype.itemsize)


_last: dict[tuple[str, int, int], bytes] = {}


def _has_number(file: BinaryIO) -> bool:
    try:
        file.fileno()
    except OSError:
        return False
    return True


def values_at(path: Path, dtype: np.dtype[Any], count: int, offset: int) -> NDArray[Any]:
    """Up to `count` values that begin at a byte of the file; fewer where it ends before. Raises as `open_file` does."""
    try:
        with path.open("rb", buffering=0) as file:
            require_here(file.read(len(MARK)))
            file.seek(offset)
            return np.fromfile(file, dtype, count)
    except (FileNotFoundError, NotADirectoryError):
        if not is_member(str(path)):
            raise
    data = _member(path)[offset : offset + count * dtype.itemsize]
    return np.frombuffer(data, dtype, len(data) // dtype.itemsize)


def _member(path: Path) -> bytes:
    """A file in an archive; the last one is kept, since it is opened several times while it is read."""
    key = (str(path), member_stamp(str(path)))
    if _member_read and _member_read[0][0] == key:
        return _member_read[0][1]
    _member_read.clear()
    data = read_member(str(path))
    _member_read.append((key, data))
    return data


_member_read: list[tuple[tuple[str, str], bytes]] = []


def neighbour(path: Path, names: Sequence[str]) -> str | None:
    """The name, as it is written, of the first of these files (in small letters) that lies beside `path`."""
    if not names:
        return None
    ending = path.suffix
    tried = [name for lower in names for name in _spelled(path, lower, upper=ending.isupper())]
    return next((name for name in tried if is_file(path.parent / name)), None)


def names_in(folder: Path) -> list[str]:
    """Names of the JSON files right in a folder, in order; none for a folder that cannot be listed."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".json"))  # noqa: PTH208
    except (OSError, ValueError):
        pass
    try:
        return sorted(name for name in names_of_members(str(folder)) if name.endswith(".json"))
    except (OSError, ValueError, ReadError):
        return []


def stamp_of(path: Path) -> str:
    """What changes whenever the file does: its size and time; '' where it is gone."""
    try:
        about = path.stat()
    except OSError:
        return member_stamp(str(path)) if is_member(str(path)) else ""
    return f"{about.st_size}-{about.st_mtime_ns}"


def is_file(path: Path) -> bool:
    """Whether a file lies there that `open_file` opens."""
    try:
        if path.is_file():
            return not path.is_symlink()
        if not is_member(str(path)):
            return False
        return has_member(str(path))
    except (OSError, ValueError, ReadError):
        return False


def _spelled(path: Path, lower: str, *, upper: bool) -> list[str]:
    """The name with the stem as `path` has it, and its ending in small or in capital letters."""
    common = 0
    while common < min(len(path.name), len(lower)) and path.name[common].lower() == lower[common]:
        common += 1
    dot = path.name.rfind(".", 0, common + 1) if common < len(path.name) else len(path.name)
    at = min(common, dot) if dot >= 0 else common
    stem, ending = path.name[:at], lower[at:]
    both = [stem + ending.upper(), stem + ending] if upper else [stem + ending, stem + ending.upper()]
    return both
