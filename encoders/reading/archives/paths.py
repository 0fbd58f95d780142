"""Paths of what lies in an archive: the archive's own, then `!`, then the name in it; once more for nested ones."""

from __future__ import annotations

import os
from collections.abc import Set
from itertools import pairwise
from pathlib import PurePosixPath

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")
MARK = "!"


def is_archive_name(name: str) -> bool:
    """Whether a file of this name is opened as an archive."""
    return name.lower().endswith(ENDINGS)


def split(path: str) -> tuple[str, tuple[str, ...]]:
    """The file on the disk, and the names that lead on from there, one for each archive; none for a plain file."""
    parts = path.split("/")
    marked = [i for i, part in enumerate(parts[:-1]) if part.endswith(MARK) and is_archive_name(part[:-1])]
    if not marked:
        return path, ()
    bounds = [*marked, len(parts) - 1]
    names = ["/".join(parts[start + 1 : stop + 1]) for start, stop in pairwise(bounds)]
    disk = "/".join(parts[: marked[0] + 1])[: -len(MARK)]
    return disk, (*(name[: -len(MARK)] for name in names[:-1]), names[-1])


def is_member(path: str) -> bool:
    """Whether the path leads into an archive."""
    return bool(split(path)[1])


def on_disk(path: str) -> str:
    """The file on the disk that holds it: itself, or the outermost archive."""
    return split(path)[0]


def exists(path: str) -> bool:
    """Whether the file on the disk that holds it is there; an archive is not opened."""
    return os.path.lexists(path) or os.path.lexists(on_disk(path))


def is_gone(path: str, missing: Set[str] = frozenset()) -> bool:
    """Whether nothing lies there; what we may not look at is not gone.

    missing: paths that a walk did not find where they were. What was in an archive that is still there is gone if it
    is among these.
    """
    disk = on_disk(path)
    try:
        os.lstat(disk)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return disk != path and path in missing and not os.path.lexists(path)


def inner_path(name: str) -> str | None:
    """A name as an archive has it as a path below the archive; None where it would lead anywhere else."""
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    wrong = plain.startswith("/") or ".." in parts or not parts or "\0" in plain or ":" in parts[0][:2]
    if wrong or any(part.endswith(MARK) and is_archive_name(part[:-1]) for part in parts):
        return None
    return str(PurePosixPath(*parts))


def is_hidden(path: str) -> bool:
    """Names that a walk leaves out: those with a dot, and what macOS adds to archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))
