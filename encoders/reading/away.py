"""Files whose bytes stay at their source: in their place lies a note of the same size and time, which says so.

Whoever walks the folder sees the file that it knows, and whoever opens it is told (`Reason.AT_ITS_SOURCE`): nothing
else is ever read for pixels. On the disk the note takes one block, where the file system leaves out what nobody wrote.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from spinecho.encoders.errors import ReadError, Reason

MARK = b"SPINECHO: away\n"
LEAST = (1 << 12) + 1
"""Bytes of a file below which nothing is gained: one block."""
_NOTE = 1 << 10


def write_note(path: Path, *, size: int, digests: Mapping[str, str], times_ns: tuple[int, int]) -> None:
    """Write the note of a file of this size and times (accessed, modified) into a new file. Raises OSError.

    digests: of what stood there, by algorithm; sha256 is among them.
    """
    with path.open("r+b") as file:
        file.write(MARK + json.dumps({**digests, "size": size}).encode() + b"\n")
        file.truncate(size)
        file.flush()
        os.fsync(file.fileno())
    os.utime(path, ns=times_ns)


def noted_digest(path: Path, algorithm: str = "sha256") -> str:
    """Of the bytes that stay at their source, '' for a file whose bytes are here. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        head = file.read(_NOTE)
    if not head.startswith(MARK):
        return ""
    try:
        return str(json.loads(head[len(MARK) :].split(b"\n", 1)[0])[algorithm])
    except (ValueError, LookupError, TypeError):
        return "?"


def require_here(head: bytes) -> None:
    """Raise `ReadError` for a file that begins like that where its bytes stay at their source."""
    if head == MARK:
        raise ReadError(Reason.AT_ITS_SOURCE, "its bytes stay at its source, which did not give them")
