"""How a run tells what it is doing, and what it did."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

Stage = Literal["discover", "scan", "read", "encode", "store", "reports", "build"]
STAGES: tuple[Stage, ...] = ("discover", "scan", "read", "encode", "store", "reports", "build")


class Progress(Protocol):
    """Told of every step; a command line draws bars from it, a test counts."""

    def total(self, stage: Stage, amount: int) -> None:
        """So much is known to be ahead in this stage."""
        ...

    def advance(self, stage: Stage, amount: int = 1) -> None:
        """So much more of the stage is done."""
        ...


class Silent:
    """A `Progress` that says nothing."""

    def total(self, stage: Stage, amount: int) -> None:
        """Nothing."""

    def advance(self, stage: Stage, amount: int = 1) -> None:
        """Nothing."""


class Kept:
    """Keeps how far a run is in its row, at most once a second, and tells another `Progress` of every step."""

    def __init__(self, keep: Callable[[dict[str, list[int]]], None], other: Progress, *, every: float = 1.0) -> None:
        """keep: given [done, known] by stage."""
        self._keep, self._other, self._every = keep, other, every
        self._stages: dict[str, list[int]] = {}
        self._last: float | None = None

    def total(self, stage: Stage, amount: int) -> None:
        """Pass on, and keep."""
        self._stages.setdefault(stage, [0, 0])[1] += amount
        self._other.total(stage, amount)
        self._tell()

    def advance(self, stage: Stage, amount: int = 1) -> None:
        """Pass on, and keep."""
        self._stages.setdefault(stage, [0, 0])[0] += amount
        self._other.advance(stage, amount)
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if self._last is None or now - self._last >= self._every:  # a clock starts anywhere
            self._last = now
            self._keep(self._stages)


@dataclass
class Tally:
    """Counts and busy seconds of one run. Stages overlap, so seconds add up to more than `wall`."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    started: float = field(default_factory=time.monotonic)

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """Add the time that the block takes to the stage."""
        before = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - before

    def wall(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.started
