"""A folder of messages as they came, one file each: whole and on the disk, by name in the order in which they came."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from spinecho.db.durable import drop_abandoned, durable_replace, held, make_folder
from spinecho.encoders.errors import EncoderError

_UNFINISHED = ".*.partial"
_DAY, _TIME = "%Y-%m-%d", "%H%M%S.%f"


class SpoolUnusable(EncoderError):
    """The folder for messages cannot be written."""

    exit_status = 3


class Spool:
    """Thread-safe. An ordinary folder for `spinecho index`; a message that is not whole has a name that is skipped."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder, for its owner alone, and removes what was never acknowledged. Raises `SpoolUnusable`."""
        self.folder = folder
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._days: set[str] = set()
        try:
            make_folder(folder, mode=0o700)
            drop_abandoned(folder, f"*/{_UNFINISHED}")  # not what another listener is writing
            self._last = _newest(folder)
        except OSError as error:
            raise SpoolUnusable(
                f"{folder} cannot hold messages: {error.strerror}; name a folder to write to"
            ) from error

    def keep(self, message: bytes) -> Path:
        """Write a message; when this returns a power cut does not lose it. Raises OSError."""
        with self._lock:
            now = self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
            number = next(self._numbers)
        day = self.folder / now.strftime(_DAY)
        if day.name not in self._days:
            make_folder(day, mode=0o700)
            self._days.add(day.name)
        name = f"{now.strftime(_TIME)}-{number:08d}-{os.getpid()}"
        unfinished, final = day / f".{name}.partial", day / f"{name}.hl7"
        handle, _ = held(lambda: (os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), unfinished))
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(message)
                file.flush()
                durable_replace(unfinished, final)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        return final


def _newest(folder: Path) -> datetime:
    """The time in the last name: the next ones come after it though the clock was set back."""
    for day in sorted((path for path in folder.glob("????-??-??") if path.is_dir()), reverse=True):
        for path in sorted(day.glob("*.hl7"), reverse=True):
            with contextlib.suppress(ValueError):
                at = datetime.strptime(f"{day.name} {path.name.split('-')[0]}", f"{_DAY} {_TIME}")
                return at.replace(tzinfo=UTC)
    return datetime.min.replace(tzinfo=UTC)
