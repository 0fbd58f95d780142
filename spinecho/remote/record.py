"""The record of who did what, of another machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spinecho.remote.asked import people_calls
from spinecho.remote.asked.asking import Asking
from spinecho.remote.methods import awaits, waits


class _ActsAfar:
    def __init__(self, run: Callable[[Asking[Any]], Any]) -> None:
        self._run = run


class RemoteActs(_ActsAfar):
    """As `Acts`."""

    check = waits(people_calls.check)
    entries = waits(people_calls.entries)
    walk = waits(people_calls.walk)


class AsyncRemoteActs(_ActsAfar):
    """The same, whose methods are coroutines."""

    check = awaits(people_calls.check)
    entries = awaits(people_calls.entries)
    walk = awaits(people_calls.walk)
