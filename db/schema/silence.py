"""A PostgreSQL server that keeps a connection and says nothing is asked over another one whether it is there.

A statement may take an hour, so that no limit on its time tells a long one from a server that froze, or a host that
takes what it is sent and never answers. TCP does not tell it either: the kernel of that host goes on to acknowledge.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds without a word from the server after which it is asked, and asked again."""
ASKED = 3
"""Times in a row that nobody answers, after which the server is taken for gone."""
_ANSWERS_WITHIN = 10.0
_SPEAKS_TLS = (8).to_bytes(4) + (80877103).to_bytes(4)
"""The SSLRequest of PostgreSQL's protocol: answered with a letter before anybody signs in."""


class WatchedConnection(psycopg.Connection[Any]):
    """Raises `psycopg.OperationalError`, and is closed, where the server is silent here and on new ones."""

    def wait(self, gen: Generator[Any, Any, T], *given: Any, **more: Any) -> T:
        """As the driver's."""
        return super().wait(self._watched(gen), *given, **more)

    def _watched(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        heard, missed = time.monotonic(), 0
        try:
            waits_for = next(gen)
            while True:
                ready = yield waits_for
                if ready:
                    heard, missed = time.monotonic(), 0
                elif time.monotonic() - heard > PATIENCE:
                    missed = 0 if _answers(self.pgconn.socket) else missed + 1
                    if missed == ASKED:
                        self.pgconn.finish()
                        raise psycopg.OperationalError("it says nothing, and does not answer on a new connection")
                    heard = time.monotonic()
                waits_for = gen.send(ready)
        except StopIteration as end:
            value: T = end.value
            return value


def _answers(connected: int) -> bool:
    """Whether the server at the other end of this connection answers on a new one."""
    try:
        with socket.socket(fileno=os.dup(connected)) as ours:
            family, address = ours.family, ours.getpeername()
        with socket.socket(family) as asked:
            asked.settimeout(_ANSWERS_WITHIN)
            asked.connect(address)
            asked.sendall(_SPEAKS_TLS)
            asked.recv(1)  # a letter, or an end: somebody is there who does not speak so
            return True
    except OSError:
        return False
