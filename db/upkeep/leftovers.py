"""What interrupted work left in a home and nothing reads: half-made builds, snapshots, copies and databases."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from spinecho.db.durable import is_held
from spinecho.db.upkeep.scrub_state import NAME as SCRUBBED

_HALF = "*.partial*"


def leftovers(home: Path, builds: Path, spaces: Collection[int] | None) -> tuple[Path, ...]:
    """Files and folders that go once no run is in progress. spaces: those that there are, None where nobody can tell.

    A spool is left alone: what arrives is written there at any time. So is what a process holds that does not wait for
    runs: the copies of a backup that goes on, a small file that is written.
    """
    folders = [home, builds, *(path for path in builds.glob("*") if path.is_dir())]
    found = {path for folder in folders for path in folder.glob(_HALF) if not (_is_small(path) or is_held(path))}
    if spaces is not None:
        known = {f"space-{one}" for one in spaces}
        found |= {path for path in builds.glob("space-*") if path.name not in known}
    return tuple(sorted(found))


def _is_small(path: Path) -> bool:
    """Whether a scrub writes it again and again, and the next one writes over it."""
    return path.name == f"{SCRUBBED}.partial"


def remove(paths: Sequence[Path]) -> None:
    """Remove these. Raises OSError."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
