"""How many threads a process computes with: one setting for networks, BLAS, FAISS and comparisons of vectors.

Each library counts for itself, and together they would take the cores several times over. SPINECHO_THREADS is handed
to those that read the environment, before they are loaded; the others ask `thread_budget`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, MutableMapping
from functools import cache
from pathlib import Path

from spinecho.errors import SettingsError

SETTING = "SPINECHO_THREADS"
LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
"""What torch, FAISS, NumPy's BLAS and the tokenizer read once, when they are loaded."""
_MOST = 1024
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def thread_budget(environment: Mapping[str, str] = os.environ) -> int:
    """Threads of one computation: SPINECHO_THREADS, else the cores that this process may use. Raises SettingsError."""
    given = environment.get(SETTING) or ""
    if not given:
        return usable_cores()
    if (threads := _stated(given)) is None:
        raise SettingsError(f"{SETTING}={given[:40]!r}: give a whole number from 1 to {_MOST}, or take it out")
    return threads


def limit_libraries(environment: MutableMapping[str, str] = os.environ) -> None:
    """Hand SPINECHO_THREADS to libraries that are not loaded yet; what is set for one of them by itself stays.

    A value that cannot be read changes nothing here: `thread_budget` says so to whoever computes.
    """
    threads = _stated(environment.get(SETTING) or "")
    if threads is not None:
        for name in LIBRARIES:
            environment.setdefault(name, str(threads))


@cache
def usable_cores() -> int:
    """The cores that this process may run on, and no more than a container's share of time allows; at least 1."""
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = _QUOTA.read_text().split()
        return max(1, min(cores, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no such group, or "max": no limit
        return cores


def _stated(given: str) -> int | None:
    """The number that was given, None for what is none in reason."""
    if not (given.isascii() and given.isdecimal() and len(given) <= 4):
        return None
    return int(given) if 1 <= int(given) <= _MOST else None
