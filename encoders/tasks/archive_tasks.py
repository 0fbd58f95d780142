"""Listing an archive in a reading process: its directory is as untrusted as its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.archives.members import members
from spinecho.encoders.reading.archives.opened import Entry, Refused
from spinecho.encoders.sandbox.processes import Outcome, Task
from spinecho.encoders.sandbox.worker import Message

_PAGE = 5000
_SECONDS = 900.0


def archive_task(path: str) -> Task:
    """List what an archive holds."""
    return Task("spinecho.encoders.tasks.archive_tasks:list_members", {"path": path}, _SECONDS)


def list_members(arguments: dict[str, Any]) -> Iterator[Message]:
    """Pages of entries, then, where it could not be read to its end, why."""
    page: list[list[Any]] = []
    try:
        for entry in members(Path(arguments["path"])):
            if isinstance(entry, Entry):
                page.append([entry.path, entry.size, entry.stamp])
            else:
                page.append([entry.name, str(entry.reason), entry.message])
            if len(page) >= _PAGE:
                yield {"entries": page}, ()
                page = []
        yield {"entries": page}, ()
    except ReadError as error:
        yield {"reason": error.reason, "message": str(error)}, ()
    except OSError as error:
        yield {"reason": Reason.UNREADABLE, "message": f"the archive could not be opened: {error.strerror}"}, ()


def unpack_members(outcome: Outcome) -> tuple[list[Entry], list[Refused], tuple[Reason, str] | None]:
    """(files, entries that are not read, why the archive as a whole is not)."""
    files: list[Entry] = []
    refused: list[Refused] = []
    failed: tuple[Reason, str] | None = (outcome.failure, outcome.detail) if outcome.failure else None
    for value, _ in outcome.messages:
        if "reason" in value:
            failed = Reason(value["reason"]), value["message"]
            continue
        for name, one, other in _rows(value["entries"]):
            if isinstance(one, int):
                files.append(Entry(name, one, int(other)))
            else:
                refused.append(Refused(name, Reason(one), str(other)))
    return files, refused, failed


def _rows(page: Sequence[Sequence[Any]]) -> Iterator[tuple[str, Any, Any]]:
    for name, one, other in page:
        yield str(name), one, other
