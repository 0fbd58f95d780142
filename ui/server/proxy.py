"""The pages behind the server: whatever is not the API's goes to one of the processes that draw them, as it came.

A browser keeps the process that it began with (a cookie names it), since what a page is in the midst of lies there.
Each process has the guard of its own (`ui.server.guard`) and is given names, cookies and origins unchanged. An ASGI 3
application for HTTP and websockets; nothing is held back and nothing is decoded.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from spinecho.ui.server.guard import Asgi, Message, Receive, Scope, Send

_HOP = frozenset((
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"date", b"server",
))  # fmt: skip
_FORWARDED = (b"forwarded", b"x-forwarded", b"x-real-ip")
_LOOPBACK = ("127.", "::1", "localhost")
API = ("/api/", "/healthz", "/readyz", "/metrics", "/dicomweb", "/mcp")
"""What the API answers."""
_WAIT = b"The pages are starting, or starting anew; reload in a moment.\n"


class Front:
    """One port: the API under its paths, the pages everywhere else."""

    def __init__(self, api: Asgi, pages: Asgi) -> None:
        self._api, self._pages = api, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan" or scope["path"].startswith(API):
            await self._api(scope, receive, send)
        else:
            await self._pages(scope, receive, send)


class Proxy:
    """The pages at ports of loopback.

    cookie: the name of the one that tells a browser's process by its number. It is no secret, and lets nothing in.
    """

    def __init__(self, ports: Sequence[int], cookie: str) -> None:
        self._ports, self._cookie = ports, cookie.encode("ascii")
        self._told = re.compile(rb"(?:^|;\s*)" + re.escape(self._cookie) + rb"=(\d{1,3})(?:;|$)")
        self._open = [0] * len(ports)
        """Pages that are open at each, of those that come by this worker."""
        self._turns = itertools.count(secrets.randbelow(len(ports)))
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=32)
        # No client: it would keep the cookies of one browser and show them for the next
        self._transport = httpx2.AsyncHTTPTransport(limits=limits, trust_env=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request on."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    def _place(self, scope: Scope) -> tuple[int, bool]:
        """Number of the process for a browser, and whether the browser is yet to be told."""
        for name, value in scope["headers"]:
            if name == b"cookie" and (named := self._told.search(value)) and int(named[1]) < len(self._ports):
                return int(named[1]), False
        turn = next(self._turns)
        order = [(turn + step) % len(self._ports) for step in range(len(self._ports))]
        return min(order, key=self._open.__getitem__), len(self._ports) > 1

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        place, new = self._place(scope)
        address = httpx2.URL(f"http://127.0.0.1:{self._ports[place]}").copy_with(raw_path=_target(scope))
        names = {name for name, _ in scope["headers"]}
        body = _body(receive) if names & {b"content-length", b"transfer-encoding"} else None
        within = {"timeout": {"connect": 5.0, "read": None, "write": None, "pool": None}}
        request = httpx2.Request(scope["method"], address, headers=_given(scope), content=body, extensions=within)
        try:
            answer = await self._transport.handle_async_request(request)
        except httpx2.HTTPError:
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"2")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": _WAIT})
            return
        try:
            headers = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in _HOP]
            if new:
                headers.append((b"set-cookie", self._cookie + b"=%d; Path=/; HttpOnly; SameSite=Lax" % place))
            await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
            async for piece in answer.stream:  # type: ignore[union-attr]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        place, _ = self._place(scope)
        given = dict(scope["headers"])
        host = given.get(b"host", b"").decode("latin-1")
        names = (b"cookie", b"authorization", b"user-agent", b"accept-language", b"sec-fetch-site", b"sec-fetch-mode")
        headers = [(name.decode(), given[name].decode("latin-1")) for name in names if name in given]
        origin: Any = given[b"origin"].decode("latin-1") if b"origin" in given else None
        try:
            behind = await connect(
                f"ws://{host}{_target(scope).decode('latin-1')}", host="127.0.0.1", port=self._ports[place],
                origin=origin, subprotocols=scope.get("subprotocols") or None, additional_headers=headers,
                compression=None, max_size=None, ping_interval=None, user_agent_header=None, proxy=None,
            )  # fmt: skip
        except (OSError, InvalidHandshake, TimeoutError, ValueError):
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the server answers 403
            return
        self._open[place] += 1
        try:
            async with behind:
                await send({"type": "websocket.accept", "subprotocol": behind.subprotocol})
                tasks = [asyncio.create_task(one) for one in (_upwards(receive, behind), _downwards(behind, send))]
                _, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._open[place] -= 1


async def _upwards(receive: Receive, behind: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            await behind.send(text if text is not None else message.get("bytes") or b"")


async def _downwards(behind: ClientConnection, send: Send) -> None:
    code = 1000
    try:
        async for message in behind:
            kind = "text" if isinstance(message, str) else "bytes"
            await send({"type": "websocket.send", kind: message})
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd is not None else 1011
    with contextlib.suppress(RuntimeError):  # the browser may have gone first
        await send({"type": "websocket.close", "code": code})


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise httpx2.ReadError("the browser has gone")
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _target(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    query: bytes = scope.get("query_string", b"")
    return path.partition(b"?")[0] + (b"?" + query if query else b"")


def _given(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Headers to hand on. What says who is behind a proxy is believed of a proxy on this machine alone."""
    client = (scope.get("client") or ("",))[0]
    trusted = str(client).startswith(_LOOPBACK)
    return [
        (name, value)
        for name, value in scope["headers"]
        if name not in _HOP and (trusted or not name.startswith(_FORWARDED))
    ]
