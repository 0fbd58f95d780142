"""The queue's own count of seconds, one for all processes that share its file: it goes on whatever clocks say."""

from __future__ import annotations

import sqlite3

from spinecho import steady
from spinecho.steady import Moment


class Count:
    """It began as the clock did when the file was made."""

    def __init__(self) -> None:
        self._at, self._last = 0.0, Moment("", 0.0, 0.0)

    def now(self) -> float:
        """Seconds since 1970, more or less."""
        return self._at + steady.seconds() - self._last.since

    def goes_on(self, connection: sqlite3.Connection) -> bool:
        """Go on from where the file is, without a change; false where that takes one, by `take_up`."""
        try:
            row = connection.execute("SELECT at, boot, since, clock FROM passed").fetchone()
        except sqlite3.OperationalError:  # a new file, or one of an older version
            return False
        if row is None or not row[1] or row[1] != steady.boot():
            return False
        self._at, self._last = row[0], Moment(*row[1:])
        return True

    def take_up(self, connection: sqlite3.Connection) -> bool:
        """Within a change: go on from where the file is, and write that down; whether the machine started meanwhile."""
        now = steady.now()
        row = connection.execute("SELECT at, boot, since, clock FROM passed").fetchone()
        before = None if row is None else Moment(*row[1:])
        self._at = now.clock if before is None else row[0] + steady.passed(before, now)
        self._last = now
        connection.execute("REPLACE INTO passed VALUES (1, ?, ?, ?, ?)", (self._at, now.boot, now.since, now.clock))
        return before is not None and before.boot != now.boot
