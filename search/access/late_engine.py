"""An engine that is opened when something first needs its networks; what needs rows alone never waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from spinecho.db.filters.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.search.engine import Engine


class LateEngine:
    """A database, and the engine over it once it is asked for: opened once, whoever asks first."""

    def __init__(self, database: Database, builds: Path, open_engine: Callable[[], Engine]) -> None:
        self.database, self._builds, self._open = database, builds, open_engine
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine, with its networks. Raises what opening it raises; then the next who asks tries again."""
        with self._lock:
            if self._engine is None:
                self._engine = self._open()
            return self._engine

    @property
    def selection(self) -> Selection:
        """What filters resolve to: the engine's own once it is open."""
        return self._own if self._engine is None else self._engine.selection

    @cached_property
    def _own(self) -> Selection:
        return Selection(self.database, self._builds)
