"""Files that people write by hand, read with an eye on the disk: one that changed by itself is told.

Beside such a file lies a note of what was read of it last: its size, when it was written, and its sha256. Whoever
writes it changes that time, and it is noted anew; a bit that a disk lost does not. So the file is edited as any other,
and a name that turned into another one by itself is not taken for what somebody meant. Where no note can be written, as
in a folder of others, nothing is known.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

from spinecho.db.durable import content_of, with_digest, write_durably

_ENDING = ".as-written"
NOTES = f".*{_ENDING}"
"""What notes are called, as a pattern."""
_SETTLED = 2.0
"""Seconds since it was written, before which a file is not noted: it may be written once more within one tick."""


def as_written(path: Path, read: Callable[[], bytes], error: Callable[[str], Exception]) -> bytes:
    """What `read` gives of a file that people write; `error` is raised for one that changed and was not written since.

    Raises `OSError` where it is not there, and what `read` raises.
    """
    stamp = _stamp(path)
    data = read()
    if _stamp(path) != stamp:
        return data  # somebody writes it
    now, note = [*stamp, hashlib.sha256(data).hexdigest()], note_of(path)
    before = _noted(note)
    if before is not None and before[:-1] == stamp and before != now:
        raise error(
            f"{path.name} is not what was written: its bytes changed and its time did not, as when a disk fails; look "
            "through it, or put it back from a backup, and save it anew"
        )
    if before != now and abs(time.time() - path.stat().st_mtime) > _SETTLED:
        with contextlib.suppress(OSError):  # what cannot be noted is no error
            write_durably(note, with_digest(json.dumps(now).encode()))
    return data


def note_of(path: Path) -> Path:
    """Where a file's note lies."""
    return path.with_name(f".{path.name}{_ENDING}")


def _stamp(path: Path) -> list[int | str]:
    about = path.stat()
    return [about.st_size, about.st_mtime_ns, about.st_ctime_ns]


def _noted(note: Path) -> list[int | str] | None:
    try:
        found = json.loads(content_of(note.read_bytes()))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, list) and found else None
