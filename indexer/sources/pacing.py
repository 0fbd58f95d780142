"""Taking no more from a source than so many megabytes a second: who took bytes waits until the average allows more.

While nothing is taken here the network's own buffers fill, a few megabytes a connection, and then the sender waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from spinecho.indexer.sources.source import Stopped

SETTING = "most_mb_per_second"
MEGABYTE = 1_000_000


class Pace:
    """One source's, which all of its connections share."""

    def __init__(self, settings: Mapping[str, Any], now: Callable[[], float] = time.monotonic) -> None:
        """settings: of the source; without `SETTING` nothing waits."""
        self.bytes_per_second = float(settings.get(SETTING, 0.0)) * MEGABYTE
        self.stop = threading.Event()
        """Set by who ends the pull: then nothing waits any more."""
        self._now = now
        self._next = 0.0
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return self.bytes_per_second > 0

    def seconds_for(self, size: int) -> float:
        """How long so many bytes take at least, 0 where nothing waits."""
        return size / self.bytes_per_second if self else 0.0

    def took(self, size: int) -> None:
        """Wait until so many bytes more may have come. Raises `Stopped`."""
        if self.wait_for(size):
            raise Stopped("the pull was stopped; the next goes on")

    def wait_for(self, size: int) -> bool:
        """The same; whether the pull was stopped meanwhile."""
        if not self:
            return False
        with self._lock:
            now = self._now()
            self._next = max(self._next, now) + size / self.bytes_per_second
            wait = self._next - now
        return self.stop.wait(wait)
