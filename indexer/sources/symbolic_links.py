"""Symbolic links of an archive: which are followed, and what is said of those that are not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

Odd: TypeAlias = Literal["pipe", "socket", "device", "link out", "link within", "link broken", "link back"]
"""What a name stands for that is neither a file to read nor a folder to go into."""


class Links:
    """The links of one walk. `roots`: the folders that the run reads anyway; a link into them leads nowhere new."""

    def __init__(self, roots: Sequence[Path], *, follow: bool) -> None:
        self._roots = [os.path.realpath(root) for root in roots]
        self._follow = follow
        self._followed: list[str] = []
        """Folders outside that the walk has gone into."""

    def judge(self, path: str) -> Odd | Literal["file", "folder"]:
        """'file' or 'folder' for a link that is to be followed, else what is to be said of it."""
        target = os.path.realpath(path)
        if os.path.isdir(target):  # noqa: PTH112
            return self._folder(target)
        if not os.path.exists(target):  # noqa: PTH110  (broken, or a circle of links)
            return "link broken"
        return "file" if self._follow or any(_below(target, root) for root in self._roots) else "link out"

    def _folder(self, target: str) -> Odd | Literal["folder"]:
        if any(_reached(target, root) for root in [*self._roots, *self._followed]):
            return "link within"
        if not self._follow:
            return "link out"
        if any(_below(root, target) for root in [*self._roots, *self._followed]):
            return "link back"
        self._followed.append(target)
        return "folder"


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _reached(path: str, folder: str) -> bool:
    """Whether a walk of the folder goes there: not below a name with a dot."""
    return _below(path, folder) and "/." not in path[len(folder.rstrip("/")) :]
