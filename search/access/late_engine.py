"""An engine that is opened when something first needs its networks; what needs rows alone never waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from spinecho.db.filters.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.search.engine import Engine


class LateEngine:
    """A database, and the engine over it once it is asked for. Any number of threads may ask."""

    def __init__(self, database: Database, builds: Path, open_engine: Callable[[], Engine]) -> None:
        self.database, self._open = database, open_engine
        self._opened: Engine | None = None
        self._own = Selection(database, builds)
        self._lock = threading.Lock()

    @property
    def engine(self) -> Engine:
        """The engine, with its networks. Raises what opening it raises."""
        with self._lock:  # two threads would load the networks twice
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    @property
    def selection(self) -> Selection:
        """What filters resolve to: the engine's own once it is open."""
        opened = self._opened
        return self._own if opened is None else opened.selection
