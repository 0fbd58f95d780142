"""An engine that is opened when something first needs its networks; what needs rows alone never waits for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from spinecho.db.filters.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.search.engine import Engine


class LateEngine:
    """A database, and the engine over it once it is asked for. Not for two threads at once, as the engine is not."""

    def __init__(self, database: Database, builds: Path, open_engine: Callable[[], Engine]) -> None:
        self.database, self._builds, self._open = database, builds, open_engine

    @cached_property
    def engine(self) -> Engine:
        """The engine, with its networks. Raises what opening it raises."""
        return self._open()

    @property
    def selection(self) -> Selection:
        """What filters resolve to: the engine's own once it is open."""
        return self.engine.selection if "engine" in self.__dict__ else self._own

    @cached_property
    def _own(self) -> Selection:
        return Selection(self.database, self._builds)
