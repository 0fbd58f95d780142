"""What lies on the disk, and builds as a table shows them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import psutil

from spinecho.shown import SpaceFacts
from spinecho.ui.views.session.opened import PageContext


def space_rows(spaces: Sequence[SpaceFacts]) -> list[dict[str, Any]]:
    """A row a build, the serving ones first; one that cannot be trusted says so."""
    return [{"vectors of": space.role, **row} for space in spaces for row in space.builds]


def used(context: PageContext) -> list[dict[str, Any]]:
    """What takes space: database, builds, what is free, and the memory of this process."""
    settings = context.settings
    builds = sum(path.stat().st_size for path in settings.builds.rglob("*") if path.is_file())
    rows = [
        {"what": "database", "size": _size(context.front.holdings.database_bytes())},
        {"what": "builds", "size": _size(builds)},
        {"what": "free on this disk", "size": _size(shutil.disk_usage(settings.home).free)},
    ]
    return [*rows, {"what": "memory of this process", "size": _size(psutil.Process().memory_info().rss)}]


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
