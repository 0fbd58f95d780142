"""One page is drawn at a time, as long as each is short: they come sooner so than when all are drawn at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

PATIENCE = 0.25
"""Seconds after which a drawing is overtaken: it searches long, waits for a job, or reads a scan."""


class Floor:
    """Whose turn it is, in the order in which they came. Any number of threads may ask.

    Threads that draw at once take the interpreter from each other some hundred times a page, and each time wait for it:
    sixteen pages at once took a third longer than sixteen in a row.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: deque[threading.Condition] = deque()
        self._drawing: threading.Condition | None = None
        self._since = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until it is one's turn, which ends with the context, or for others once patience does."""
        mine = threading.Condition(self._lock)
        with self._lock:
            self._waiting.append(mine)
            while self._waiting[0] is not mine or self._drawing is not None:
                if self._waiting[0] is not mine:
                    mine.wait()
                elif (left := self._since + self._patience - monotonic()) > 0:
                    mine.wait(left)
                else:
                    break
            self._waiting.popleft()
            self._drawing, self._since = mine, monotonic()
            self._wake_next()
        try:
            yield
        finally:
            with self._lock:
                if self._drawing is mine:
                    self._drawing = None
                    self._wake_next()

    def _wake_next(self) -> None:
        if self._waiting:
            self._waiting[0].notify()


FLOOR = Floor()
"""Of this process, which draws the pages of all."""
