"""How a server's threads share the interpreter, and what none of them stops for."""

from __future__ import annotations

import gc
import sys

SWITCH = 0.0001
"""Seconds that a thread may compute on while others wait for the interpreter. A short question asks for it some thirty
times; at Python's 5 ms it waits that long each time beside a long one, which only ever computes."""


def share_finely() -> None:
    """Let no thread keep the interpreter for long; for the whole process.

    Of use where few compute at once, as `Turns` sees to: with many they would do little else than take turns.
    """
    sys.setswitchinterval(SWITCH)


def leave_what_stays() -> None:
    """Once what answers take is open: a collection that walks all of it would stop a search for a tenth of a second.

    What was left so before is looked at once more, else what is gone stays for good.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
