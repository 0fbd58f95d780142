"""How the threads of a server share what the process has."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

_MANY_THREADS = """
import ctypes, sys, threading
from spinecho.ui.server.fair import share_heaps
if sys.argv[1] == "shared":
    share_heaps()
together = threading.Barrier(8)
def take():
    together.wait()
    kept = [bytearray(2000) for _ in range(200)]
    together.wait()
    return kept
threads = [threading.Thread(target=take) for _ in range(8)]
for one in threads: one.start()
for one in threads: one.join()
ctypes.CDLL(None).malloc_stats()
"""


def heaps(*, shared: bool, **environment: str) -> int:
    """How many heaps the threads of a process made."""
    given = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    done = subprocess.run(
        [sys.executable, "-c", _MANY_THREADS, "shared" if shared else "apart"],
        env={**given, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stderr.count("Arena ")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library shares its heaps by other rules")
def test_threads_take_their_memory_from_two_heaps_unless_another_number_was_chosen() -> None:
    assert heaps(shared=False) > 2
    assert heaps(shared=True) == 2
    assert heaps(shared=True, MALLOC_ARENA_MAX="3") == 3
