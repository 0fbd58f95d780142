"""One place where words of queries are encoded: those that wait at the same time go through the network together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.encoders.space import Encoder

_TOGETHER = 64
"""Texts at most that are encoded at once: more would keep the first of them waiting."""


@dataclass(frozen=True, eq=False)
class _Waiting:
    encoder: Encoder[str]
    texts: tuple[str, ...]
    found: Future[Rows]


class QueryEncoding:
    """Encodes in one thread of its own, while whoever asked does something else. Any number of threads may ask."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encoding")

    def submit(self, encoder: Encoder[str], texts: Sequence[str]) -> Future[Rows]:
        """The vectors of texts, (n, dim), when they are ready; what encoding raises is raised by `result`."""
        found: Future[Rows] = Future()
        with self._lock:
            self._waiting.append(_Waiting(encoder, tuple(texts), found))
        self._thread.submit(self._encode_some)
        return found

    def encode(self, encoder: Encoder[str], texts: Sequence[str]) -> Rows:
        """The vectors of texts, (n, dim)."""
        return self.submit(encoder, texts).result()

    def _encode_some(self) -> None:
        """Those that have waited longest, as many as go together; nothing where others were taken along before."""
        together: list[_Waiting] = []
        with self._lock:
            while self._waiting and (
                not together
                or (
                    self._waiting[0].encoder is together[0].encoder
                    and sum(len(one.texts) for one in together) + len(self._waiting[0].texts) <= _TOGETHER
                )
            ):
                together.append(self._waiting.popleft())
        if not together:
            return
        try:
            rows = together[0].encoder.encode([text for one in together for text in one.texts])
        except BaseException as error:  # whoever waits is told, and the thread goes on
            for one in together:
                one.found.set_exception(error)
            return
        start = 0
        for one in together:
            one.found.set_result(rows[start : start + len(one.texts)])
            start += len(one.texts)
