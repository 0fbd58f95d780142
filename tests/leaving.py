"""A client of a server in this process that goes away, or stays, while its request is under way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from starlette.testclient import TestClient
from waiting import comes


class Asking:
    """One request, as a server hands it to the application; `leave` closes its connection."""

    def __init__(
        self, client: TestClient, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Without a body it is a GET."""
        self._left = self._heard = False
        self._events: asyncio.Event | None = None
        self._client, self.sent = client, list[Any]()
        content = b"" if body is None else json.dumps(body).encode()
        self._pieces = [{"type": "http.request", "body": content, "more_body": False}]
        given = {"host": "testserver", "content-type": "application/json", **(headers or {})}
        self._scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
            "method": "GET" if body is None else "POST",
            "path": f"/api/v1{path}", "raw_path": f"/api/v1{path}".encode(),
            "query_string": b"", "scheme": "http", "root_path": "", "server": ("testserver", 80),
            "client": ("testclient", 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        }  # fmt: skip
        assert client.portal is not None
        self.over: Future[None] = client.portal.start_task_soon(self._run)

    def leave(self) -> None:
        """Go away, and wait until the server has heard of it."""
        assert self._client.portal is not None
        self._client.portal.call(self._close)
        comes(lambda: self._heard or self.over.done())
        self._client.portal.call(asyncio.sleep, 0.01)  # whoever was told of it has gone on by then

    @property
    def status(self) -> int:
        """Of the answer, 0 without one."""
        return next((int(one["status"]) for one in self.sent if one["type"] == "http.response.start"), 0)

    @property
    def answer(self) -> Any:
        """Its JSON."""
        return json.loads(b"".join(one.get("body", b"") for one in self.sent))

    async def _run(self) -> None:
        self._events = asyncio.Event()
        await self._client.app(self._scope, self._receive, self._send)

    async def _close(self) -> None:
        assert self._events is not None
        self._left = True
        self._events.set()

    async def _receive(self) -> Any:
        if self._pieces:
            return self._pieces.pop()
        assert self._events is not None
        await self._events.wait()
        self._heard = True
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if not self._left:
            self.sent.append(message)
