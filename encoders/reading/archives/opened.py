"""An archive that is open: its entries, checked, and the bytes of one. Only ReadError leaves it."""

from __future__ import annotations

import io
import math
import stat
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.archives.paths import inner_path

MOST_ENTRIES = 500_000
MEMBER_BYTES = 1 << 30
"""Bytes of one file in an archive, unfolded."""
NESTED_BYTES = 256 << 20
"""Bytes of an archive in an archive; it is held in memory."""
MOST_RATIO, SMALL_BYTES = 250, 64 << 20
"""How many times its size a file or a whole archive may unfold to, beyond these bytes. Images give 2 to 20."""
_LATEST = (1 << 63) - 1
_SPACING = 4 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in an archive. path: below the archive; stamp: changes with its content, as a file's time does."""

    path: str
    size: int
    stamp: int


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that is not read. name: as the archive has it."""

    name: str
    reason: Reason
    message: str


class Opened(Protocol):
    """A zip or a tar that is open."""

    def entries(self) -> Iterator[Entry | Refused]:
        """All there is but folders. Raises ReadError for an archive that is not read at all."""

    def close(self) -> None:
        """Let go of the file."""

    def paths(self) -> list[str]:
        """Paths of all files."""

    def holds(self, path: str) -> bool:
        """Whether there is a file of this path."""

    def read(self, path: str) -> bytes:
        """The bytes of an entry. Raises ReadError, or FileNotFoundError for a path that it does not have."""


def open_archive(source: Path | BinaryIO, name: str, size: int) -> Opened:
    """The archive at a path, or in a file of `size` bytes that is open already. name: tells its kind."""
    with archive_errors():
        if name.lower().endswith(".zip"):
            archive = zipfile.ZipFile(source)
            try:
                return ZipOpened(archive, size)
            except BaseException:
                archive.close()
                raise
        if name.lower().endswith(".tar"):
            return _tar(source.open("rb") if isinstance(source, Path) else source, size, SMALL_BYTES)
        import indexed_gzip  # noqa: PLC0415

        opened_from = {"filename": str(source)} if isinstance(source, Path) else {"fileobj": source}
        unfolded: Any = indexed_gzip.IndexedGzipFile(**opened_from, spacing=_SPACING)
        return _tar(unfolded, size * MOST_RATIO, SMALL_BYTES)


def _tar(file: BinaryIO, size: int, least: int) -> TarOpened:
    try:
        return TarOpened(tarfile.open(fileobj=file, mode="r:"), file, size, least)
    except BaseException:
        file.close()
        raise


@contextmanager
def archive_errors() -> Iterator[None]:
    """Turn what the libraries raise on odd bytes into a ReadError."""
    try:
        yield
    except (ReadError, MemoryError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        raise ReadError(Reason.TRUNCATED, f"the archive is damaged or cut short ({type(error).__name__})") from error


@dataclass
class _Names:
    """Paths of entries that were met, by what stands for each: of several with one path the last one stands."""

    last: dict[str, Any] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)

    def meet(self, name: str, entry: Any) -> None:
        path = inner_path(name)
        if path is None:
            message = "its name would lead out of the archive, or is none"
            self.refused.append(Refused(name, Reason.MEMBER_REFUSED, message))
            return
        if path in self.last:
            message = "the archive has this name again; the last one is read"
            self.refused.append(Refused(path, Reason.MEMBER_REFUSED, message))
        self.last[path] = entry
        if len(self.last) + len(self.refused) > MOST_ENTRIES:
            raise ReadError(Reason.TOO_LARGE, f"the archive holds more than {MOST_ENTRIES:,} files")


class _Members(ABC):
    """What a zip and a tar have in common: names that were met, refusals, sizes that are held to."""

    def __init__(self) -> None:
        self._names = _Names()

    def entries(self) -> Iterator[Entry | Refused]:
        """See `Opened`."""
        yield from self._names.refused
        for path, info in self._names.last.items():
            why = self._refusal(info)
            yield Refused(path, *why) if why else Entry(path, self._size(info), self._stamp(info))

    def paths(self) -> list[str]:
        """See `Opened`."""
        return list(self._names.last)

    def holds(self, path: str) -> bool:
        """See `Opened`."""
        return path in self._names.last

    def read(self, path: str) -> bytes:
        """See `Opened`."""
        info = self._names.last.get(path)
        if info is None:
            raise FileNotFoundError(2, "the archive no longer holds it")
        if why := self._refusal(info):
            raise ReadError(*why)
        data = self._data(info)
        if len(data) != self._size(info):
            raise ReadError(Reason.TRUNCATED, f"{len(data)} bytes where the archive says {self._size(info)}")
        return data

    @staticmethod
    @abstractmethod
    def _refusal(info: Any) -> tuple[Reason, str] | None: ...

    @staticmethod
    @abstractmethod
    def _size(info: Any) -> int: ...

    @staticmethod
    @abstractmethod
    def _stamp(info: Any) -> int: ...

    @abstractmethod
    def _data(self, info: Any) -> bytes: ...


class ZipOpened(_Members):
    """A zip, by the standard library: the central directory's word is checked against each entry as it is read."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        super().__init__()
        self._archive = archive
        infos = archive.infolist()
        unfolded = sum(info.file_size for info in infos if self._refusal(info) is None)
        if unfolded > max(SMALL_BYTES, MOST_RATIO * size):
            raise ReadError(Reason.TOO_LARGE, f"the archive of {size:,} bytes claims to unfold to {unfolded:,}")
        for info in infos:
            if not info.filename.endswith(("/", "\\")):
                self._names.meet(info.orig_filename if "\0" in info.orig_filename else info.filename, info)

    def close(self) -> None:
        """See `Opened`."""
        self._archive.close()

    def _data(self, info: zipfile.ZipInfo) -> bytes:
        try:
            with self._archive.open(info) as file:
                return file.read(info.file_size + 1)  # the sum of it is checked at its end
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError) as error:
            kind = type(error).__name__
            raise ReadError(Reason.TRUNCATED, f"it is damaged in its archive, or not what is said ({kind})") from error

    @staticmethod
    def _size(info: zipfile.ZipInfo) -> int:
        return info.file_size

    @staticmethod
    def _stamp(info: zipfile.ZipInfo) -> int:
        return _zip_stamp(info)

    @staticmethod
    def _refusal(info: zipfile.ZipInfo) -> tuple[Reason, str] | None:
        if info.flag_bits & 0x41:
            return Reason.ENCRYPTED, "it is encrypted in its archive"
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) and not stat.S_ISREG(mode):
            return Reason.MEMBER_REFUSED, "a link or a device in an archive, which is not followed"
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            return Reason.NOT_READ, f"compressed by method {info.compress_type}: unpack it into the archive"
        if info.file_size > MEMBER_BYTES:
            return Reason.TOO_LARGE, f"it unfolds to {info.file_size:,} bytes, more than {MEMBER_BYTES >> 20} MB"
        if info.file_size > max(SMALL_BYTES, MOST_RATIO * info.compress_size):
            return Reason.TOO_LARGE, f"{info.compress_size:,} bytes claim to unfold to {info.file_size:,}"
        return None


class TarOpened(_Members):
    """A tar, plain or behind gzip with points to start from, so that no file costs all those before it."""

    def __init__(self, archive: tarfile.TarFile, file: BinaryIO, size: int, least: int) -> None:
        super().__init__()
        self._archive, self._file = archive, file
        most = max(size, least)
        while (info := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # it keeps them all, and so do we
            if info.offset_data + (0 if info.islnk() or info.issym() else info.size) > most:
                raise ReadError(Reason.TOO_LARGE, f"the archive claims more than {most:,} bytes")
            if not info.isdir():
                self._names.meet(info.name, info)

    def close(self) -> None:
        """See `Opened`."""
        self._archive.close()
        self._file.close()

    def _data(self, info: tarfile.TarInfo) -> bytes:
        with archive_errors():
            file = self._archive.extractfile(info)
            return file.read() if file else b""

    @staticmethod
    def _size(info: tarfile.TarInfo) -> int:
        return info.size

    @staticmethod
    def _stamp(info: tarfile.TarInfo) -> int:
        return _tar_stamp(info)

    @staticmethod
    def _refusal(info: tarfile.TarInfo) -> tuple[Reason, str] | None:
        if not info.isreg() or info.issparse():
            return Reason.MEMBER_REFUSED, "a link, a device or a sparse file in an archive, which is not followed"
        if info.size > MEMBER_BYTES:
            return Reason.TOO_LARGE, f"it has {info.size:,} bytes, more than {MEMBER_BYTES >> 20} MB"
        return None


def _zip_stamp(info: zipfile.ZipInfo) -> int:
    year, month, day, hour, minute, second = info.date_time
    when = (((year - 1980) & 127) << 24) + (month << 20) + (day << 15) + (hour << 10) + (minute << 4) + (second >> 2)
    return (info.CRC << 31 | when & 0x7FFFFFFF) & _LATEST


def _tar_stamp(info: tarfile.TarInfo) -> int:
    seconds = float(info.mtime)
    return min(max(0, int(seconds * 1e9)), _LATEST) if math.isfinite(seconds) else 0


def in_memory(data: bytes) -> BinaryIO:
    """A file of these bytes."""
    return io.BytesIO(data)
