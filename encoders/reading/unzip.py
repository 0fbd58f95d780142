"""A zip of images, taken apart in a child process: numbered names, and no more than it may hold."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message

MOST_FILES = 20_000
MOST_BYTES = 2 << 30
_ENDING = re.compile(r"(?:\.[A-Za-z0-9]{1,8}){1,2}$")
_CHUNK = 1 << 20


def unzip_task(path: str, folder: str, *, seconds: float = 120.0) -> Task:
    """Write the files of a zip into a folder."""
    arguments = {"path": path, "folder": folder}
    return Task("spinecho.encoders.reading.unzip:unzip", arguments, seconds, writes_mb=MOST_BYTES >> 20)


def unzip(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message: how many files there are, or why there are none. What a name says is never a path."""
    folder = Path(arguments["folder"])
    try:
        yield {"files": _write(Path(arguments["path"]), folder)}, ()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        yield {"reason": Reason.TRUNCATED, "message": f"this zip cannot be taken apart: {error}"}, ()
    except ReadError as error:
        yield {"reason": error.reason, "message": str(error)}, ()


def _write(path: Path, folder: Path) -> int:
    count = left = 0
    left = MOST_BYTES
    with zipfile.ZipFile(path) as archive:
        entries = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX")]
        if len(entries) > MOST_FILES:
            raise ReadError(Reason.READ_MEMORY, f"the zip holds {len(entries):,} files; the page takes {MOST_FILES:,}")
        for count, entry in enumerate(entries, 1):
            ending = _ENDING.search(entry.filename)
            target = folder / f"{count:05d}{ending.group().lower() if ending else ''}"
            with archive.open(entry) as source, target.open("wb") as out:
                while part := source.read(_CHUNK):
                    left -= len(part)
                    if left < 0:
                        limit = MOST_BYTES >> 30
                        raise ReadError(
                            Reason.READ_MEMORY, f"the zip unfolds to more than {limit} GB; the page takes less"
                        )
                    out.write(part)
    return count
