"""What many threads write at once is written by one of them, in one transaction: a disk is asked to be sure once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Row = TypeVar("Row")
Written = TypeVar("Written")


class Together(Generic[Row, Written]):
    """write: stores rows, all or none, and gives what became of each, in their order."""

    def __init__(self, write: Callable[[Sequence[Row]], Sequence[Written]]) -> None:
        self._write = write
        self._waiting: list[tuple[Row, Future[Written]]] = []
        self._queue, self._turn = threading.Lock(), threading.Lock()

    def add(self, row: Row) -> Written:
        """What became of this row, once it is stored. Raises what `write` raises for it, whatever is beside it."""
        mine: Future[Written] = Future()
        with self._queue:
            self._waiting.append((row, mine))
        with self._turn:
            if not mine.done():  # else whoever had the turn took it along
                with self._queue:
                    taken, self._waiting = self._waiting, []
                self._store(taken)
        return mine.result()

    def _store(self, taken: Sequence[tuple[Row, Future[Written]]]) -> None:
        try:
            written = self._write([row for row, _ in taken])
            for (_, answer), one in zip(taken, written, strict=True):
                answer.set_result(one)
        except Exception as error:
            if len(taken) == 1:
                taken[0][1].set_exception(error)
            else:
                for pair in taken:  # none is refused for what is wrong with another
                    self._store([pair])
        finally:
            for _, answer in taken:  # this thread is being ended: who waits for it learns that nothing is stored
                if not answer.done():
                    answer.set_exception(RuntimeError("the thread that wrote it was ended"))
