"""Walking a folder of an archive."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Found:
    """A folder with the (name, size, mtime in ns) of every file right in it, and the subfolders that refused us."""

    path: str
    files: tuple[tuple[str, int, int], ...]
    unreadable: tuple[str, ...] = ()


def walk(root: Path, *, skip: Path | None = None) -> Iterator[Found]:
    """Every folder below `root`, `root` first, names in order. Hidden names and `skip` are left out.

    Links to files are followed, links to folders are not: an archive may link back into itself.
    """
    stack = [str(root)]
    skipped = str(skip) if skip else ""
    while stack:
        folder = stack.pop()
        files: list[tuple[str, int, int]] = []
        below: list[str] = []
        refused: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                try:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.path != skipped:
                            (below if os.access(entry.path, os.R_OK | os.X_OK) else refused).append(entry.path)
                    elif entry.is_file():
                        stat = entry.stat()
                        files.append((entry.name, stat.st_size, stat.st_mtime_ns))
                except OSError:
                    refused.append(entry.path)
        yield Found(folder, tuple(sorted(files)), tuple(sorted(Path(path).name for path in refused)))
        stack.extend(sorted(below, reverse=True))
