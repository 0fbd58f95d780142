"""Bringing a database's file into the system's memory, so that first questions do not wait for a disk."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from spinecho.db.schema.database import Database

_READ = """
import sys
room, total = bytearray(4 * 2**20), 0
with open(sys.argv[1], "rb", buffering=0) as file:
    while count := file.readinto(room):
        total += count
print(total)
"""
_SHARE = 0.5
"""Of the memory that is to be had, what a file may take; of a larger one, nothing is read: it would push itself out."""


def warm(database: Database, *, memory: int | None = None) -> int:
    """Read a SQLite file from one end to the other; the bytes that were read, 0 where it is too large or a server's.

    A child reads it: a process that closes any file of a SQLite database lets go of every lock that it has there.
    memory: bytes to be had; the system is asked where not given.
    """
    path = database.location
    if not isinstance(path, Path):
        return 0
    try:
        if path.stat().st_size > _SHARE * (_available() if memory is None else memory):
            return 0
        command = [sys.executable, "-I", "-c", _READ, str(path)]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=True, text=True, env={})
        return int(done.stdout)
    except (OSError, subprocess.CalledProcessError):
        return 0  # a search tells what is wrong with the file


def warm_beside(database: Database) -> threading.Thread:
    """`warm` in a thread that ends with the process."""
    thread = threading.Thread(target=warm, args=(database,), name="warm", daemon=True)
    thread.start()
    return thread


def _available() -> int:
    """Bytes that the system could give out now."""
    import psutil  # noqa: PLC0415  (not at every start)

    return int(psutil.virtual_memory().available)
