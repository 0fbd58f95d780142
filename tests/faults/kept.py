"""A folder as a disk has it after the power failed: what was synced is there, as it was then, and nothing else.

`kept.c` notes the syncs. What lies in the folder before is taken to be on the disk.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class _Entry:
    """What a name stands for: an inode, or where a link leads."""

    inode: int
    mode: int
    target: str = ""


@dataclass(frozen=True)
class _Bytes:
    """What a file holds: as a copy does, or nothing."""

    copy: Path | None
    mode: int
    mtime_ns: int


class Kept:
    """What a disk has of a folder."""

    def __init__(self, folder: Path, base: Path) -> None:
        """folder: as it is before. base: the same once more, which stays."""
        self._root = folder.stat().st_ino
        self._folders: dict[int, dict[str, _Entry]] = {}
        self._files: dict[int, _Bytes] = {}
        for path, names in _names_of(folder):
            self._folders[path.stat().st_ino] = names
            for name, entry in names.items():
                if stat.S_ISREG(entry.mode):
                    copy = base / path.relative_to(folder) / name
                    self._files[entry.inode] = _Bytes(copy, entry.mode, (path / name).stat().st_mtime_ns)

    def read(self, notes: Path) -> None:
        """Follow what was synced since; notes: the folder of `kept.c`."""
        words = iter((notes / "notes").read_bytes().decode(errors="surrogateescape").split("\0"))
        for word in words:
            if word == "folder":
                folder, names = int(next(words)), {}
                while next(words) == "name":
                    name, links = next(words), int(next(words))
                    names[name] = entry = _Entry(int(next(words)), int(next(words)), next(words))
                    if links == 1 or stat.S_ISDIR(entry.mode):
                        self._forget_names_of(entry.inode)
                self._folders[folder] = names
            elif word == "file":
                inode, mode, mtime, above, links, copy = (int(next(words)) for _ in range(6))
                self._files[inode] = _Bytes(notes / str(copy), mode, mtime)
                if links == 1:
                    self._forget_names_of(inode)
                self._folders.setdefault(above, {})[next(words)] = _Entry(inode, mode)

    def _forget_names_of(self, inode: int) -> None:
        """What was renamed is no longer called what it was: a rename is kept whole or not at all."""
        for names in self._folders.values():
            for name in [one for one, entry in names.items() if entry.inode == inode]:
                del names[name]

    def with_names_of(self, folder: Path) -> Kept:
        """The same bytes under the names that a folder has now: a disk may have names that nobody asked it to keep.

        What was never synced is empty.
        """
        other = Kept.__new__(Kept)
        other._root = self._root
        other._files = self._files
        other._folders = {path.stat().st_ino: names for path, names in _names_of(folder)}
        return other

    def put(self, folder: Path) -> None:
        """Make it, where nothing is."""
        self._put_folder(folder, self._root)

    def _put_folder(self, folder: Path, inode: int) -> None:
        folder.mkdir()
        for name, entry in self._folders.get(inode, {}).items():
            path = folder / name
            if stat.S_ISDIR(entry.mode):
                self._put_folder(path, entry.inode)
                path.chmod(stat.S_IMODE(entry.mode))
            elif stat.S_ISLNK(entry.mode):
                path.symlink_to(entry.target)
            elif stat.S_ISREG(entry.mode):
                held = self._files.get(entry.inode, _Bytes(None, entry.mode, 0))
                if held.copy is None:
                    path.touch()
                else:
                    shutil.copyfile(held.copy, path)
                    os.utime(path, ns=(held.mtime_ns, held.mtime_ns))
                path.chmod(stat.S_IMODE(held.mode))


def _names_of(folder: Path) -> Iterator[tuple[Path, dict[str, _Entry]]]:
    for path, _, _ in os.walk(folder):
        names = {}
        for one in os.scandir(path):
            about = one.stat(follow_symlinks=False)
            entry = _Entry(about.st_ino, about.st_mode)
            names[one.name] = replace(entry, target=os.readlink(one.path)) if one.is_symlink() else entry  # noqa: PTH115
        yield Path(path), names
