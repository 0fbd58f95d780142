"""Time that passes, whatever is done to the machine's clock: people and programs set that one, by a year at a time.

How long something has lasted is counted from the start of the machine, sleep included, which is one count for all its
processes. Between two starts nothing but the clock knows, which is believed in part.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

AWAY = 12 * 3600.0
"""Seconds for which the time between two starts of the machine counts at most: nobody can check what its clock says."""
_COUNT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Moment:
    """boot: which start of the machine, '' where the system does not tell. since: seconds since then. clock: seconds
    since 1970 by the clock of the machine.
    """

    boot: str
    since: float
    clock: float


def now() -> Moment:
    """This one."""
    return Moment(boot(), seconds(), time.time())


def name_after(names: Collection[str]) -> str:
    """A new name that sorts behind all of these: the time; where the clock was set back, that of the last, numbered.

    However long the clock takes to come there again, names stay short.
    """
    name, newest = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ"), max(names, default="")
    if name > newest:
        return name
    at, _, number = newest.partition("+")
    return f"{at}+{int(number) + 1 if number.isdecimal() else 1:06d}"


def seconds() -> float:
    """Since the start of the machine: to be compared within a process."""
    return time.clock_gettime(_COUNT)


def passed(before: Moment, after: Moment) -> float:
    """Seconds between two moments, never less than 0. Of two starts of the machine: by its clock, `AWAY` at most."""
    if after.boot and after.boot == before.boot:
        return max(0.0, after.since - before.since)
    return min(max(0.0, after.clock - before.clock), AWAY)


@functools.cache
def boot() -> str:
    """What this start of the machine is called: twelve letters and digits."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")[:12]
    except OSError:  # another system than Linux
        return ""
