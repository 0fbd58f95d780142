"""How much a program may ask for, and how large: settings of the server, and a bucket of requests for each token."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

import anyio
import anyio.to_thread

from spinecho.errors import SettingsError
from spinecho.ui.server.api.around.marks import Marks, Pair
from spinecho.ui.server.api.around.problems import TooMany
from spinecho.ui.server.theme import UPLOAD_MB

Made = TypeVar("Made")
MOST_RESULTS = 1000
MOST_DEEP = 10_000
"""Places of a ranked list that pages may reach."""


@dataclass(frozen=True, slots=True)
class Limits:
    """rate: requests a minute for each token (SPINECHO_API_RATE; 0 for none); burst: so many at once.

    upload_mb: of all files of a scan; body_mb: of any other body. idle_seconds: between two pieces of a body, and for
    the head of a request; seconds: for an answer to begin. at_once: requests under way in one process; searches: of
    which so many are computed at once, the others wait in their order. cache_mb: of volumes that are kept on disk in
    the form in which they are given out; 0 for none.
    """

    rate: int = 600
    burst: int = 120
    upload_mb: int = UPLOAD_MB
    body_mb: int = 1
    idle_seconds: int = 20
    seconds: int = 120
    at_once: int = 256
    searches: int = 4
    slow_ms: int = 1000
    cache_mb: int = 2000


def read_limits(environment: Mapping[str, str] = os.environ) -> Limits:
    """As SPINECHO_API_RATE, _BURST, _UPLOAD_MB and the others say it, each named as its field."""
    given = {}
    for name in Limits.__slots__:
        value = environment.get(f"SPINECHO_API_{name.upper()}")
        if value:
            if not (value.isascii() and value.isdecimal() and len(value) <= 9):
                raise SettingsError(
                    f"SPINECHO_API_{name.upper()}={value!r} is no whole number; take it out or give one"
                )
            given[name] = int(value)
    return Limits(**given)


class Buckets:
    """A token bucket for each caller: it fills at the rate, holds a burst, and an empty one refuses.

    marks: where they are kept, for all processes of the server.
    """

    def __init__(self, limits: Limits, marks: Marks | None = None) -> None:
        self._each, self._full = limits.rate / 60.0, float(max(1, limits.burst))
        self._held = marks or Marks()

    def take(self, caller: str) -> int:
        """One request of this caller; how many are left. Raises `TooMany`, which says when to come again."""
        if not self._each:
            return int(self._full)
        now, left = time.monotonic(), 0.0

        def taken(held: Pair | None) -> Pair:
            nonlocal left
            before, at = held or (self._full, now)
            left = min(self._full, before + max(0.0, now - at) * self._each)
            return (left - 1 if left >= 1 else left), max(now, at)

        self._held.change(caller, taken)
        if left < 1:
            wait = ceil((1 - left) / self._each)  # whole, so that words and Retry-After agree, and neither is too early
            raise TooMany(f"more requests than the {self._each * 60:g} a minute that are taken; wait {wait} s", wait)
        return int(left - 1)


class Turns:
    """Searches of a process that are computed at once, in the order in which they came. One for each process.

    Many threads that compute at once take turns at the interpreter's choice: some answers take several times as long as
    others then, and none is there sooner.
    """

    def __init__(self, at_once: int) -> None:
        self._free = anyio.CapacityLimiter(at_once)

    async def taken(self, work: Callable[[float], Made]) -> Made:
        """What `work` makes in a thread, once it is its turn; it is given the seconds that it has waited."""
        turn, asked = object(), time.perf_counter()
        await self._free.acquire_on_behalf_of(turn)
        try:
            return await anyio.to_thread.run_sync(work, time.perf_counter() - asked)
        finally:
            self._free.release_on_behalf_of(turn)
