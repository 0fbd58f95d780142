"""How a server's threads share the interpreter."""

from __future__ import annotations

import sys

SWITCH = 0.0001
"""Seconds that a thread may compute on while others wait for the interpreter. A short question asks for it some thirty
times; at Python's 5 ms it waits that long each time beside a long one, which only ever computes."""


def share_finely() -> None:
    """Let no thread keep the interpreter for long; for the whole process.

    Of use where few compute at once, as `Turns` sees to: with many they would do little else than take turns.
    """
    sys.setswitchinterval(SWITCH)
