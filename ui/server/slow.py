"""Who opens a connection and does not say what they want, or does not read what they are sent, holds it for a while
only; and what is no request of HTTP is a problem like any other.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""For the head of a request to be there, from the first byte, or from the opening of the connection."""
READ_SECONDS = 60.0
"""In which something of what waits to be sent has to be read."""


class TimedHead(H11Protocol):
    """uvicorn's protocol, which waits for the head of a first request, and for whoever does not read, without end."""

    _clock: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

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
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """More waits to be sent than the line takes: look whether it gets less."""
        super().pause_writing()
        self._look(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """It was read."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or has a head that is too long; uvicorn calls this while it handles the error."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        number = secrets.token_hex(8)
        told = {
            "type": "urn:spinecho:problem:" + _KINDS.get(status, "bad-request"), "title": HTTPStatus(status).phrase,
            "status": status, "detail": _SAID.get(status, "this is no request of HTTP/1.1"), "request_id": number,
        }  # fmt: skip
        body = json.dumps(told).encode()
        headers = [
            (b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body)),
            (b"x-request-id", number.encode()), (b"cache-control", b"no-store"), (b"connection", b"close"),
        ]  # fmt: skip
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            start = h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode())
            for event in (start, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
        self.transport.close()

    def _look(self, before: int) -> None:
        self._unread = self.loop.call_later(READ_SECONDS, self._unless_read, before)

    def _unless_read(self, before: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left < before:
            self._look(left)
        else:  # closing would wait for the reader
            self.transport.abort()

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


_KINDS = {431: "request-header-fields-too-large"}
_SAID = {431: "the head of this request (address and headers) is larger than 64 KiB; send less in it"}
