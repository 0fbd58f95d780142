"""How long each step of an answer took; between two of them it ends where nobody waits for it any more."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from spinecho.search.stopping import require_wanted


@dataclass
class Clock:
    """Seconds by step."""

    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        """Book the time since the last lap under a step. Raises `SearchStopped` where nobody waits any more."""
        now = time.perf_counter()
        self.seconds[step] = round(self.seconds.get(step, 0.0) + now - self.last, 5)
        self.last = now
        require_wanted()
