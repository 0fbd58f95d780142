"""Answers that go on for as long as a job does. They wait and compute nothing, so they are counted by themselves."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable
from types import FrameType

from spinecho.ui.server.api.around.problems import TooMany

MOST, MOST_OF_ONE = 256, 100
"""Of everybody in one process, and of one caller: as many jobs as one person may have waiting."""
_AFTER = 10.0
_LOOKS = 100
"""Looks at the queue a second, of all of them together."""


ENDING = threading.Event()
"""Set once this process was told to end."""


def end_with_process() -> None:
    """Have streams end when this process is told to: its server waits for what is under way, and they go on for hours.

    Called in the main thread, once the server has set what it does at SIGTERM and Ctrl-C.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        serves = signal.getsignal(number)
        if callable(serves):
            signal.signal(number, _ending_before(serves))


def _ending_before(serves: Callable[[int, FrameType | None], object]) -> Callable[[int, FrameType | None], None]:
    def told(number: int, frame: FrameType | None) -> None:
        ENDING.set()
        serves(number, frame)

    return told


class Streams:
    """Those that are open in this process. Any thread may ask."""

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many there are."""
        with self._lock:
            return self._open.total()

    @property
    def seconds(self) -> float:
        """Between two looks of one of them."""
        return max(0.25, self.open / _LOOKS)

    def begin(self, caller: str) -> Callable[[], None]:
        """One more of this caller; what is given ends it. Raises `TooMany`."""
        with self._lock:
            for held, most, whose in (
                (self._open[caller], self._most_of_one, "of yours "), (self._open.total(), self._most, ""),
            ):  # fmt: skip
                if held >= most:
                    raise TooMany(
                        f"{held} streams of events {whose}are open already; close some, or ask how the job stands at "
                        "its own address",
                        _AFTER,
                    )
            self._open[caller] += 1

        def end() -> None:
            with self._lock:
                self._open[caller] -= 1
                if not self._open[caller]:
                    del self._open[caller]

        return end
