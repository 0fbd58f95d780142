"""What all processes of a server know of who asks: two numbers a name, in memory that they share."""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

Pair: TypeAlias = tuple[float, float]
"""The second one is when: of the names that would lie in one place the oldest gives way."""
_ROW = struct.Struct("=16sdd")
_SETS, _WAYS = 2048, 8
_SIZE = _SETS * _WAYS * _ROW.size


class Marks:
    """Some thousand names with two numbers each; a name that is not there has none.

    folder: of all processes of the server, '' where there is one. Nothing in it is a name: a digest stands for it.
    """

    def __init__(self, folder: str = "") -> None:
        self._file = -1
        if folder:
            self._file = os.open(Path(folder) / "asked.marks", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.ftruncate(self._file, _SIZE)
        self._rows = mmap.mmap(self._file, _SIZE)
        self._lock = threading.Lock()

    def change(self, name: str, make: Callable[[Pair | None], Pair | None]) -> None:
        """Give a name what `make` makes of what it has, with nobody else in between; None leaves it."""
        digest = hashlib.blake2b(name.encode("utf-8", "backslashreplace"), digest_size=16).digest()
        first = int.from_bytes(digest[:4], "big") % _SETS * _WAYS
        with self._alone():
            held = [_ROW.unpack_from(self._rows, (first + way) * _ROW.size) for way in range(_WAYS)]
            way = next((way for way, row in enumerate(held) if row[0] == digest), -1)
            made = make((held[way][1], held[way][2]) if way >= 0 else None)
            if made is not None:
                way = way if way >= 0 else min(range(_WAYS), key=lambda one: held[one][2])
                _ROW.pack_into(self._rows, (first + way) * _ROW.size, digest, *made)

    def close(self) -> None:
        """Let go of the memory."""
        with self._lock:
            self._rows.close()
            if self._file >= 0:
                with suppress(OSError):
                    os.close(self._file)
                self._file = -1

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            if self._file < 0:
                yield
                return
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
