"""Whether a cluster still answers: a thread of its own asks it, since who asks one that is silent may wait for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from types import TracebackType
from typing import TypeVar

from spinecho.indexer.executing.errors import ClusterError

T = TypeVar("T")
_EVERY, _SILENT = 5.0, 45.0
"""Seconds: between two questions, and after which nobody is there any more."""


class Pulse:
    """Asks in the background from `with` on, until its end."""

    def __init__(self, ask: Callable[[], object], *, every: float = _EVERY, silent: float = _SILENT) -> None:
        """ask: gives anything where the cluster answers; else it raises, or does not come back."""
        self._ask, self._every, self._silent = ask, every, silent
        self._over, self._last = threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()

    def beside(self, asked: Callable[[], T]) -> T:
        """What is given by something that may never come back.

        Raises what it raises, and `ClusterError` where nothing was answered for longer than a loaded machine takes.
        """
        given: Future[T] = Future()

        def answer() -> None:
            try:
                given.set_result(asked())
            except BaseException as error:
                given.set_exception(error)

        threading.Thread(target=answer, name="asked", daemon=True).start()
        while not wait([given], 1.0).done:
            if (since := time.monotonic() - self._last) > self._silent:
                raise ClusterError(
                    f"the cluster has not answered for {since:.0f} s; look at it ('ray status'), and run the same "
                    "command again: what is stored stays"
                )
        return given.result()

    def _beat(self) -> None:
        while not self._over.wait(self._every):
            try:
                self._ask()
            except Exception:  # noqa: S112  (whatever Ray raises: no answer)
                continue
            self._last = time.monotonic()
