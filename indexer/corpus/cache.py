"""Decoded volumes on disk, for as many bytes as they may take: the longest unused go first.

Any number of processes may use one folder, and any of them may be killed: a file appears complete or not at all, and
who reads a file that goes meanwhile reads its volume anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from spinecho.db.durable import content_of, with_digest
from spinecho.encoders.preparing.preparation import Prepared

_ABANDONED_S = 3600.0
_LEAVE = 0.9
"""Of the limit, what is left when something has to go, so that not every new volume makes one go."""
_LOOK = 0.05
"""Of the limit, how much a process writes before it looks what the others wrote."""


class VolumeCache:
    """Prepared volumes by key: `limit` bytes at most, and 5 % and one volume more for each process at work."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._unseen: int | None = None
        """Bytes written since the folder was last looked through; None where it never was."""

    def get(self, key: str) -> Prepared | None:
        """What was put there; None where it was not, or has gone, or is damaged."""
        path = self._path(key)
        try:
            found = safetensors.numpy.load(content_of(path.read_bytes()))
            prepared = Prepared(found["pixels"], found["geometry"])
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, KeyError, ValueError):
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):  # another process removed it meanwhile
            os.utime(path)
        return prepared

    def put(self, key: str, prepared: Prepared) -> None:
        """Keep a volume, unless it alone is larger than the limit. A full disk is no error: it is not kept."""
        content = safetensors.numpy.save(
            {"pixels": np.ascontiguousarray(prepared.pixels), "geometry": np.ascontiguousarray(prepared.geometry)}
        )
        content = with_digest(content)
        if len(content) > self.limit:
            return
        path = self._path(key)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(content)
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            return
        if self._unseen is None or self._unseen + len(content) > _LOOK * self.limit:
            self._trim(path)
            self._unseen = 0
        else:
            self._unseen += len(content)

    def size(self) -> int:
        """Bytes in the folder."""
        return sum(size for _, _, size, _ in self._files())

    def _trim(self, newest: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time; who waits writes nothing meanwhile
            files = sorted(self._files())
            total = sum(size for _, _, size, _ in files)
            if total <= self.limit:
                return
            for used, _, size, path in files:
                finished = not path.name.startswith(".")
                if path == newest or not (finished or time.time() - used > _ABANDONED_S):
                    continue
                path.unlink(missing_ok=True)
                total -= size
                if total <= _LEAVE * self.limit:
                    return

    def _files(self) -> list[tuple[float, str, int, Path]]:
        """(last used, name, bytes, path) of every file, unfinished ones too."""
        found = []
        for path in self.folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                state = path.stat()
                found.append((state.st_mtime, path.name, state.st_size, path))
        return found

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"
