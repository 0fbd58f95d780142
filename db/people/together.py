"""What many threads write at once is written by one of them, in one transaction: a disk is asked to be sure once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Row = TypeVar("Row")
Written = TypeVar("Written")


@dataclass(eq=False)
class _Waiting(Generic[Row, Written]):
    """A row of a thread, which is called once there is an answer, or once it is to write for all that wait."""

    row: Row
    answer: Future[Written] = field(default_factory=Future)
    called: threading.Event = field(default_factory=threading.Event)


class Together(Generic[Row, Written]):
    """write: stores rows, all or none, and gives what became of each, in their order."""

    def __init__(self, write: Callable[[Sequence[Row]], Sequence[Written]]) -> None:
        self._write, self._lock = write, threading.Lock()
        self._waiting: list[_Waiting[Row, Written]] = []
        self._is_written = False

    def add(self, row: Row) -> Written:
        """What became of this row, once it is stored. Raises what `write` raises for it, whatever is beside it."""
        mine: _Waiting[Row, Written] = _Waiting(row)
        with self._lock:
            self._waiting.append(mine)
            waits, self._is_written = self._is_written, True
        if waits:
            mine.called.wait()
        if not mine.answer.done():
            self._write_all()
        return mine.answer.result()

    def _write_all(self) -> None:
        """Those that wait now. Of those that have come meanwhile the first goes on."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        try:
            self._store(taken)
        finally:
            with self._lock:
                following = self._waiting[:1]
                self._is_written = bool(following)
            for one in (*following, *taken):
                one.called.set()

    def _store(self, taken: Sequence[_Waiting[Row, Written]]) -> None:
        try:
            written = self._write([one.row for one in taken])
            for one, what in zip(taken, written, strict=True):
                one.answer.set_result(what)
        except Exception as error:
            if len(taken) == 1:
                taken[0].answer.set_exception(error)
            else:
                for one in taken:  # none is refused for what is wrong with another
                    self._store([one])
        finally:
            for one in taken:  # this thread is being ended: who waits for it learns that nothing is stored
                if not one.answer.done():
                    one.answer.set_exception(RuntimeError("the thread that wrote it was ended"))
