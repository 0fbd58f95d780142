"""Walking a folder of an archive. Nothing is opened here: a pipe or a device would never answer."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spinecho.db.errors import StoreError
from spinecho.indexer.sources.symbolic_links import Links, Odd

_LATEST = (1 << 63) - 1
"""Nanoseconds that a database takes, in the year 2262; some disks have files of later years."""

REST = "(the rest of this folder)"
"""Stands for what was not listed of a folder whose disk failed midway."""


class RootUnreadable(StoreError):
    """A folder that was named cannot be listed at all."""

    exit_status = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A folder with the (name, size, mtime in ns) of every file right in it, and the subfolders that refused us."""

    path: str
    files: tuple[tuple[str, int, int], ...]
    unreadable: tuple[str, ...] = ()
    odd: tuple[tuple[str, Odd], ...] = ()
    """(name, what it is) of links that are not followed, pipes, devices and sockets."""
    hidden: int = 0
    """Names that begin with a dot; they are left out."""
    partial: bool = False
    """The folder could not be listed to its end: what is not named may be there all the same."""


def outermost(roots: Sequence[Path]) -> list[Path]:
    """Those of the folders that lie in none of the others, each once."""
    kept: list[Path] = []
    for root in sorted({*roots}, key=lambda one: len(one.parts)):
        if not any(root.is_relative_to(one) for one in kept):
            kept.append(root)
    return [root for root in dict.fromkeys(roots) if root in kept]


def walk(
    root: Path, *, skip: Path | None = None, roots: Sequence[Path] = (), follow_links: bool = False
) -> Iterator[Found]:
    """Every folder below `root`, `root` first, names in order. Hidden names and `skip` are left out.

    Links to files within `roots` (and `root`) are followed; those that lead out of them, and links to folders, only
    with `follow_links`, and no folder twice. A folder that turns out to refuse us is named by one more, partial `Found`
    of the folder that it lies in, one that fails midway by `REST` in itself. Raises `RootUnreadable` where the root
    itself cannot be listed.
    """
    links = Links([root, *roots], follow=follow_links)
    stack = [str(root)]
    skipped = str(skip) if skip else ""
    while stack:
        folder = stack.pop()
        try:
            found, below = _listed(folder, skipped, links)
        except FileNotFoundError:
            if folder == str(root):
                raise RootUnreadable(f"{folder} is gone: is it mounted?") from None
            continue  # it went while we walked
        except OSError as error:
            if folder == str(root):
                why = f"{folder} cannot be listed ({error.strerror}): give this account the right to read it"
                raise RootUnreadable(why) from error
            above, name = os.path.split(folder)
            yield Found(above, (), (name,), partial=True)
            continue
        yield found
        stack.extend(sorted(below, reverse=True))


def _listed(folder: str, skipped: str, links: Links) -> tuple[Found, list[str]]:
    """What lies right in a folder, and the subfolders to go into."""
    files: list[tuple[str, int, int]] = []
    below: list[str] = []
    refused: list[str] = []
    odd: list[tuple[str, Odd]] = []
    hidden, partial = 0, False
    with os.scandir(folder) as entries:
        while True:
            try:
                entry = next(entries)
            except StopIteration:
                break
            except OSError:  # a disk that fails midway
                refused.append(REST)
                partial = True
                break
            if entry.name.startswith("."):
                hidden += 1
                continue
            follow = False
            try:
                if entry.is_symlink():
                    verdict = links.judge(entry.path)
                    if verdict != "file" and verdict != "folder":  # noqa: PLR1714  (mypy)
                        odd.append((entry.name, verdict))
                        continue
                    follow = verdict == "folder"
                if entry.is_dir(follow_symlinks=follow):
                    if entry.path != skipped:
                        (below if os.access(entry.path, os.R_OK | os.X_OK) else refused).append(entry.path)
                elif entry.is_file():
                    info = entry.stat()
                    files.append((entry.name, info.st_size, min(info.st_mtime_ns, _LATEST)))
                elif not entry.is_dir():
                    odd.append((entry.name, _kind(entry.stat(follow_symlinks=False).st_mode)))
            except FileNotFoundError:
                continue  # it went while we looked
            except OSError:
                refused.append(entry.path)
    names = tuple(sorted(os.path.basename(path) for path in refused))  # noqa: PTH119
    return Found(folder, tuple(sorted(files)), names, tuple(sorted(odd)), hidden, partial), below


def _kind(mode: int) -> Odd:
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"
