"""An engine that is opened when something first needs its networks; what needs rows alone never waits for them.

It follows a switch to another encoder: the engine before goes on answering until the other one is open.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from spinecho.db.errors import StorageFailure, StoreError
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.db.store.held_spaces import live_encoder
from spinecho.errors import SpinechoError
from spinecho.search.engine import Engine

_LOOKS = 2.0
"""Seconds between two looks at which encoder answers."""


class LateEngine:
    """A database, and the engine over it once it is asked for. Any number of threads may ask."""

    def __init__(
        self, database: Database, builds: Path, open_engine: Callable[[], Engine], *, opened: Engine | None = None
    ) -> None:
        """opened: the engine, where it is open already; `open_engine` opens the next one after a switch."""
        self.database, self._open = database, open_engine
        self._opened = opened
        self._own = Selection(database, builds)
        self._lock = threading.Lock()
        self._looked = monotonic()
        self._failed: int | None = None
        """The space that could not be opened: it is not tried again."""
        self._following: threading.Thread | None = None

    @property
    def engine(self) -> Engine:
        """The engine, with its networks. Raises what opening it raises."""
        with self._lock:  # two threads would load the networks twice
            if self._opened is None:
                self._opened = self._open()
            if monotonic() - self._looked > _LOOKS:
                self.follow()
            return self._opened

    @property
    def selection(self) -> Selection:
        """What filters resolve to: the engine's own once it is open."""
        opened = self._opened
        return self._own if opened is None else opened.selection

    def follow(self) -> None:
        """Begin to open the engine of another encoder where one was switched to; a later look finds it in place."""
        self._looked, opened = monotonic(), self._opened
        try:
            live = live_encoder(self.database)
        except StoreError:  # the search that follows meets the same and tells it
            return
        busy = self._following is not None and self._following.is_alive()
        if opened is None or live is None or busy or live[0] in {opened.image_space, self._failed}:
            return
        self._following = threading.Thread(target=self._take_up, args=(live[0],), name="engine", daemon=True)
        self._following.start()

    def settle(self) -> None:
        """Wait until an engine that is being opened answers, or has failed."""
        following = self._following
        if following is not None:
            following.join()

    def _take_up(self, space: int) -> None:
        before = self._opened
        try:
            made = self._open()
        except StorageFailure:  # it passes: the next look begins anew
            return
        except SpinechoError:  # nobody waits for this thread: the one before goes on
            self._failed = space
            return
        if before is not None:
            made.come_after(before)
        self._opened, self._failed = made, None
