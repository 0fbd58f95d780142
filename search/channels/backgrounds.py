"""The background that is in force, measured anew beside the searches when the archive has changed by a fifth."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from spinecho.db.schema.database import Database
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.db.vectors.served import ServedSpace, SpaceView
from spinecho.errors import SpinechoError
from spinecho.search.channels.background import Background, background_of, changed_much

Spaces: TypeAlias = Mapping[str, ServedSpace | SpaceView]
"""By channel: what its questions are asked of."""


class Backgrounds:
    """Any number of threads may look; no lock is held while anything is measured, and what was in force stays so."""

    def __init__(self, database: Database, encoders: Mapping[str, Callable[[Sequence[str]], Rows]]) -> None:
        """encoders: by channel, of its questions."""
        self._database, self._encoders = database, encoders
        self._counts: dict[str, int] | None = None
        self._lock = threading.Lock()
        self._measuring: threading.Thread | None = None
        self.current = Background({})
        """Replaced and never changed."""
        self.changes = 0
        """Raised whenever `current` is replaced by another."""

    def measure(self, spaces: Spaces) -> None:
        """Take what is stored, or ask the unrelated questions now. Raises what the database and encoders raise."""
        found = {
            channel: background_of(self._database, channel, spaces[channel], encode)
            for channel, encode in self._encoders.items()
        }
        self._counts = {channel: one.count for channel, one in found.items()}
        self.current = Background({channel: one.best for channel, one in found.items()})

    def look(self, spaces: Spaces) -> None:
        """Begin to measure anew where a space has grown or shrunk by a fifth; a later look finds it in place.

        Does nothing before the first `measure`: who never asked for a background gets none.
        """
        if not self._due(spaces):
            return
        with self._lock:
            idle = self._measuring is None or not self._measuring.is_alive()
            if idle and self._due(spaces):
                self._measuring = threading.Thread(target=self._anew, args=(spaces,), name="background", daemon=True)
                self._measuring.start()

    def settle(self) -> None:
        """Wait until what is being measured is in force."""
        measuring = self._measuring
        if measuring is not None:
            measuring.join()

    def _due(self, spaces: Spaces) -> bool:
        counts = self._counts
        return counts is not None and any(changed_much(counts[one], len(spaces[one])) for one in self._encoders)

    def _anew(self, spaces: Spaces) -> None:
        try:
            self.measure(spaces)
            self.changes += 1
        except SpinechoError:  # nobody waits for this thread: what was in force stays, until a fifth has changed again
            self._counts = {channel: len(spaces[channel]) for channel in self._encoders}
