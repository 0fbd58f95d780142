"""Who opens a connection and does not say what they want holds it for a while only."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""For the head of a request to be there, from the first byte, or from the opening of the connection."""


class TimedHead(H11Protocol):
    """uvicorn's protocol, which waits for the head of a first request without end."""

    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The clock starts."""
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """It stops with the head of a request, and starts with the first byte of the next one."""
        if self._clock is None and self._idle():
            self._start()
        super().data_received(data)
        if not self._idle() or self.transport.get_protocol() is not self:  # it became a websocket
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """It stops."""
        self._stop()
        super().connection_lost(exc)

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _start(self) -> None:
        self._clock = self.loop.call_later(HEAD_SECONDS, self._late)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _late(self) -> None:
        self._clock = None
        if self._idle() and not self.transport.is_closing():
            self.transport.close()
