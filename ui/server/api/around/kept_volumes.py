"""Volumes in the forms that are given out, kept on disk for a while: ranges of one are read without making it anew.

All servers of a home share the folder. What is in it is made again from the archive's files, so it may be deleted at
any time. It is the owner's alone, has a limit of size, and what nobody asked for within a day goes.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from spinecho.db.durable import DIGEST_BYTES, digest_of
from spinecho.setup.private import make_private, open_private
from spinecho.steady import boot

FOLDER = "volumes"
_KEPT_SECONDS = 24 * 3600.0
_EACH = 64
_KNOWN = 4096


class KeptVolumes:
    """Bytes by name. Any number of threads and processes may share the folder."""

    def __init__(self, home: Path, most: int) -> None:
        """most: bytes that are kept, 0 for none at all."""
        self._folder, self._most = home / FOLDER, most
        self._locks = [threading.Lock() for _ in range(_EACH)]
        self._whole = set[tuple[str, int, int]]()

    def get(self, name: str, make: Callable[[], bytes | memoryview]) -> memoryview:
        """What was kept under a name, else what `make` gives, which is kept. name: letters and digits.

        Where the folder cannot be written, the bytes are given all the same. Raises what `make` raises.
        """
        if not self._most:
            return memoryview(make())
        path = self._folder / f"{boot()}{name}"  # where a power cut left half a file, nobody asks for it again
        with self._locks[hash(name) % _EACH]:  # others who want the same wait for it
            found = self._mapped(path)
            if found is not None:
                return found
            made = memoryview(make())
            if 0 < len(made) <= self._most:
                with contextlib.suppress(OSError):
                    self._keep(path, made)
            return made

    def tidy(self, coming: int = 0) -> None:
        """Remove what nobody asked for within a day, and what was asked for longest ago beyond the limit."""
        now, held = time.time(), list[tuple[float, int, Path]]()
        with contextlib.suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    about = entry.stat(follow_symlinks=False)
                    held.append((about.st_mtime, about.st_size, Path(entry.path)))
        size = coming + sum(one[1] for one in held)
        for at, bytes_, path in sorted(held):
            if size > self._most or now - at > _KEPT_SECONDS:
                path.unlink(missing_ok=True)
                size -= bytes_

    def _keep(self, path: Path, made: memoryview) -> None:
        make_private(self._folder)
        self.tidy(len(made))
        written = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        try:
            with open_private(written) as file:
                file.write(made)
                file.write(digest_of(made))
            written.replace(path)  # whole or not at all; it need not outlive the machine
        except BaseException:
            written.unlink(missing_ok=True)
            raise

    def _mapped(self, path: Path) -> memoryview | None:
        """The bytes of a file, of which those are read that are looked at. They last when the file is removed.

        A file is held against its digest once in a process; None where it is not what was kept.
        """
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            with contextlib.suppress(OSError):
                os.utime(handle)
            held = memoryview(mmap.mmap(handle, 0, access=mmap.ACCESS_READ))
            content, known = held[:-DIGEST_BYTES], (path.name, os.fstat(handle).st_ino, len(held))
            if known not in self._whole:
                if held[-DIGEST_BYTES:] != digest_of(content):
                    return None
                if len(self._whole) > _KNOWN:
                    self._whole.clear()
                self._whole.add(known)
            return content
        except (OSError, ValueError):  # an empty one
            return None
        finally:
            os.close(handle)
