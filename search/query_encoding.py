"""One place where words of queries are encoded: those that wait at the same time go through the network together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.encoders.space import Encoder

_TOGETHER = 64
"""Texts at most that are encoded at once: more would keep the first of them waiting."""
_PIECE = 8
"""Texts of a whole report that are encoded at once: between two pieces those go that are short."""


@dataclass(eq=False)
class _Waiting:
    encoder: Encoder[str]
    texts: tuple[str, ...]
    found: Future[Rows]
    made: list[Rows] = field(default_factory=list)
    """Of the texts that are done, piece by piece."""

    def done(self) -> int:
        return sum(len(rows) for rows in self.made)


class QueryEncoding:
    """Encodes in one thread of its own, while whoever asked does something else. Any number of threads may ask.

    Short questions and pieces of long ones take turns, so that none waits for the whole of a long one.
    """

    def __init__(self) -> None:
        self._short: deque[_Waiting] = deque()
        self._long: deque[_Waiting] = deque()
        self._long_next = False
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encoding")

    def submit(self, encoder: Encoder[str], texts: Sequence[str]) -> Future[Rows]:
        """The vectors of texts, (n, dim), when they are ready; what encoding raises is raised by `result`."""
        asked = _Waiting(encoder, tuple(texts), Future())
        with self._lock:
            (self._short if len(texts) <= _PIECE else self._long).append(asked)
        self._thread.submit(self._encode_some)
        return asked.found

    def encode(self, encoder: Encoder[str], texts: Sequence[str]) -> Rows:
        """The vectors of texts, (n, dim)."""
        return self.submit(encoder, texts).result()

    def _encode_some(self) -> None:
        """Short ones that have waited longest, as many as go together, or a piece of a long one; nothing where all were
        taken along before.
        """
        with self._lock:
            together, piece = self._next()
        if not together:
            return
        texts = [text for one in together for text in one.texts] if piece is None else piece
        try:
            rows = together[0].encoder.encode(texts)
        except BaseException as error:  # whoever waits is told, and the thread goes on
            for one in together:
                one.found.set_exception(error)
            return
        if piece is not None:
            self._go_on(together[0], rows)
            return
        start = 0
        for one in together:
            one.found.set_result(rows[start : start + len(one.texts)])
            start += len(one.texts)

    def _next(self) -> tuple[list[_Waiting], list[str] | None]:
        """(whose texts are encoded now; the piece of them where it is not all of them)."""
        if self._long and (self._long_next or not self._short):
            self._long_next = False
            one = self._long.popleft()
            return [one], list(one.texts[one.done() :][:_PIECE])
        self._long_next = True
        together: list[_Waiting] = []
        while self._short and (
            not together
            or (
                self._short[0].encoder is together[0].encoder
                and sum(len(one.texts) for one in together) + len(self._short[0].texts) <= _TOGETHER
            )
        ):
            together.append(self._short.popleft())
        return together, None

    def _go_on(self, one: _Waiting, rows: Rows) -> None:
        """A long one whose piece is done: the answer, or its next piece, behind the others that wait."""
        one.made.append(rows)
        if one.done() >= len(one.texts):
            one.found.set_result(np.concatenate(one.made))
            return
        with self._lock:
            self._long.append(one)
        self._thread.submit(self._encode_some)
