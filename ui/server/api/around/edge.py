"""Around every request: its id, who may speak to the server under which name, sizes, times, figures, a line of log.

An ASGI 3 middleware, so that bodies are counted as they come and answers are not held back.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from typing import Any

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from spinecho.search.stopping import SearchStopped, stopped_when
from spinecho.ui.server.api.around import metrics
from spinecho.ui.server.api.around.limits import Limits
from spinecho.ui.server.api.around.logs import log
from spinecho.ui.server.api.around.problems import in_rpc, problem
from spinecho.ui.server.api.around.streams import Streams
from spinecho.ui.server.guard import Asgi, Given, Guard, Message, Receive, Rules, Scope, Send

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"), (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)  # fmt: skip
PREFIX, MCP = "/api/v1", "/mcp"
OPEN = ("/healthz", "/readyz")
"""Answered under any name: those who watch over a machine may not know it."""


class _GivenUp(HTTPException):
    """A body that is given up; an HTTPException, since whoever reads bodies takes other errors for bad ones."""

    status, kind = 400, ""

    def __init__(self, detail: str) -> None:
        super().__init__(self.status, detail, {"Connection": "close"})


class _TooLarge(_GivenUp):
    """More bytes than are taken."""

    status, kind = 413, "TooLarge"


class _TooSlow(_GivenUp):
    """No byte for too long."""

    status, kind = 408, "TooSlow"


class Edge:
    """The middleware."""

    def __init__(self, app: Asgi, limits: Limits, rules: Rules | None, *, streams: Streams, alone: bool = True) -> None:
        self._app, self._limits, self._alone, self._streams = app, limits, alone, streams
        self._guard = None if rules is None else Guard(app, rules)
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, given, head = time.perf_counter(), Given(scope), scope["method"] == "HEAD"
        if head and scope["path"] != MCP:  # what a GET is answered with, less its body (RFC 9110, 9.3.2)
            scope = {**scope, "method": "GET"}
        asked = given.one("x-request-id")
        number = asked if _ID.fullmatch(asked) else secrets.token_hex(8)
        state: dict[str, Any] = scope.setdefault("state", {})
        state.update(request_id=number, stages={}, problem="", failure="")
        answer_sent = _AnswerSent(send, number, state, head=head)
        self._under_way += 1
        state["leave"] = not self._alone and self._computed > _AT_EASE
        metrics.UNDER_WAY.set(self._under_way)
        try:
            await self._answered(scope, receive, answer_sent, given, number)
        finally:
            self._under_way -= 1
            if (end_stream := state.get("end_stream")) is not None:
                end_stream()
            metrics.UNDER_WAY.set(self._under_way)
            metrics.THREADS.set(anyio.to_thread.current_default_thread_limiter().borrowed_tokens)
            self._book({**scope, "method": "HEAD"} if head else scope, answer_sent, state, time.perf_counter() - begun)

    async def _answered(
        self, scope: Scope, receive: Receive, answer_sent: _AnswerSent, given: Given, number: str
    ) -> None:
        state = scope["state"]
        refused = self._refusal(scope, given)
        if refused is not None:
            status, kind, detail = refused
            state["problem"] = kind
            answer = problem(status, kind, detail, request_id=number, headers=_RETRY if status == 503 else None)
            await _worded(scope, answer)(scope, receive, answer_sent)
            return
        client = _Client()
        body = _Counted(receive, self._most(given), self._limits.idle_seconds, client)
        try:
            with stopped_when(client.is_gone):
                async with asyncio.timeout(None if state.get("unbounded") else self._limits.seconds) as until_begun:
                    answer_sent.until_begun = until_begun
                    await self._app(scope, body, answer_sent)
        except _GivenUp as error:
            await self._late(answer_sent, scope, error.status, error.kind, error.detail)
        except _HeadSent:
            pass
        except TimeoutError:
            client.leave()  # whatever its threads do still ends at its next stage
            await self._late(
                answer_sent, scope, 504, "TooLong", f"no answer within {self._limits.seconds} s; ask for less"
            )
        except Exception as error:
            log().error("failed", request_id=number, kind=type(error).__name__, route=route_of(scope), exc_info=error)
            await self._late(
                answer_sent, scope, 500, "Failed", "something failed; the server's log tells more under this request id"
            )
        finally:
            client.close()

    def _refusal(self, scope: Scope, given: Given) -> tuple[int, str, str] | None:
        if scope["path"] in OPEN:
            return None
        if self._guard is not None and (wrong := self._guard.refused(given)) is not None:
            return wrong[0], "NotHere", wrong[2]
        twice = next((name for name in _ONCE if len(given.all(name)) > 1), None)
        if twice is not None:
            return 400, "BadRequest", f"the header {twice} is given more than once, and which one counts is not said"
        coding = given.one("content-encoding").lower()
        if coding not in ("", "identity"):
            return 415, "UnsupportedMediaType", "bodies are taken as they are; send it without Content-Encoding"
        if given.all("transfer-encoding") and given.all("content-length"):
            return 400, "BadRequest", "how long the body is stands in two headers; leave Content-Length out"
        length, most = given.one("content-length"), self._most(given)
        if length.isdecimal() and int(length[:20]) > most:
            return 413, "TooLarge", f"a body of {length[:20]} bytes; at most {most:,} are taken"
        if self._computed > self._limits.at_once:
            return 503, "Overloaded", f"{self._limits.at_once} requests are under way already; ask again in a moment"
        return None

    @property
    def _computed(self) -> int:
        """Requests under way that have something to do: who hears of a job may do so for hours."""
        return self._under_way - self._streams.open

    def _most(self, given: Given) -> int:
        upload = given.one("content-type").lower().startswith("multipart/form-data")
        return (self._limits.upload_mb if upload else self._limits.body_mb) * 1_000_000

    async def _late(self, answer_sent: _AnswerSent, scope: Scope, status: int, kind: str, detail: str) -> None:
        scope["state"]["problem"], answer_sent.until_begun = kind, None
        if answer_sent.status:  # it has begun: all that is left is to end it
            raise ConnectionResetError(kind)
        headers = {"Connection": "close"}
        answer = problem(status, kind, detail, request_id=scope["state"]["request_id"], headers=headers)
        await _worded(scope, answer)(scope, _nothing, answer_sent)

    def _book(self, scope: Scope, answer_sent: _AnswerSent, state: dict[str, Any], took: float) -> None:
        gone = state["problem"] == SearchStopped.__name__
        route, status = route_of(scope), 499 if gone else answer_sent.status or 499
        metrics.REQUESTS.labels(route, scope["method"] if scope["method"] in _METHODS else "other", str(status)).inc()
        metrics.SECONDS.labels(route).observe(took)
        if state["problem"]:
            metrics.ERRORS.labels(state["problem"]).inc()
        facts: dict[str, Any] = {
            "request_id": state["request_id"], "route": route, "method": scope["method"], "status": status,
            "ms": round(took * 1000, 1), "caller": state.get("caller", ""),
        }  # fmt: skip
        stages = {name: round(value * 1000, 1) for name, value in state["stages"].items()}
        facts |= {"stages_ms": stages} if stages else {}
        facts |= {"problem": state["problem"]} if state["problem"] else {}
        facts |= {"failure": state["failure"]} if state["failure"] and status >= 500 else {}
        if took * 1000 >= self._limits.slow_ms and "end_stream" not in state:
            log().warning("slow", **facts, plan=state.get("plan", ""))
        elif route not in OPEN:
            log().info("request", **facts)


_AT_EASE = 2
"""Requests under way beyond which another process of the server may be freer. Connections come to one by chance, all of
a crowd often to the same, and stay there; a client that connects anew is dealt anew."""
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
_RETRY = {"Retry-After": "2"}
_ONCE = (
    "authorization", "content-type", "content-encoding", "idempotency-key", "range", "if-range", "x-request-id",
)  # fmt: skip
"""Headers that have one value: of two, whoever stands before this server may have looked at the other one."""


class _HeadSent(Exception):
    """All that HEAD asks for is told; what would follow is not made."""


class _AnswerSent:
    """What is sent, with our headers, and whether it has begun. head: without a body.

    until_begun: the time in which it has to; how long it takes from then on is up to who reads it (`ui.server.slow`).
    """

    until_begun: asyncio.Timeout | None = None

    def __init__(self, send: Send, number: str, state: dict[str, Any], *, head: bool) -> None:
        self._send, self._number, self._state, self._head = send, number.encode(), state, head
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            if self.until_begun is not None and not self.until_begun.expired():
                self.until_begun.reschedule(None)
            held = list(message.get("headers", ()))
            names = {name.lower() for name, _ in held}
            held += [(name, value) for name, value in _HEADERS if name not in names]
            held += [] if b"cache-control" in names else [(b"cache-control", b"no-store")]
            if (left := self._state.get("left")) is not None:
                held.append((b"x-ratelimit-remaining", str(left).encode()))
            if self._state.get("unheeded"):
                held.append((b"warning", b'299 spinecho "parameters that are not known here were left out"'))
            if self._state.get("leave"):
                held.append((b"connection", b"close"))
            message = {**message, "headers": [*held, (b"x-request-id", self._number)]}
        elif self._head:
            await self._send({**message, "body": b"", "more_body": False})
            raise _HeadSent
        await self._send(message)


class _Client:
    """Whether somebody still waits for an answer. Any thread may ask."""

    def __init__(self) -> None:
        self._gone = asyncio.Event()
        self._watch: asyncio.Future[None] | None = None

    def is_gone(self) -> bool:
        """Whether nobody does: the connection is closed, or the time is over."""
        return self._gone.is_set()

    def leave(self) -> None:
        """Nobody does any more."""
        self._gone.set()

    def watch(self, receive: Receive) -> None:
        """Once the body is whole: what comes then is that the connection is closed."""
        self._watch = asyncio.ensure_future(self._until_closed(receive))

    async def left(self) -> Message:
        """What an application hears then."""
        await self._gone.wait()
        return await _nothing()

    def close(self) -> None:
        """The request is answered."""
        if self._watch is not None:
            self._watch.cancel()

    async def _until_closed(self, receive: Receive) -> None:
        if (await receive())["type"] == "http.disconnect":
            self.leave()


class _Counted:
    """A body that is counted as it comes, and given up where nothing comes."""

    def __init__(self, receive: Receive, most: int, seconds: float, client: _Client) -> None:
        self._receive, self._seconds, self._whole, self._client = receive, seconds, False, client
        self._most = self._left = most

    async def __call__(self) -> Message:
        if self._whole:  # what is waited for now is that the other side goes
            return await self._client.left()
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            raise _TooSlow(f"no byte came for {self._seconds:g} s") from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._left < 0:
                raise _TooLarge(f"at most {self._most:,} bytes are taken")
            if self._whole:
                self._client.watch(self._receive)
        return message


def route_of(scope: Scope) -> str:
    """The template, never the path: that has UIDs in it."""
    route = scope.get("route")
    path = str(getattr(route, "path", ""))
    under = scope["path"].startswith(PREFIX) and not path.startswith(PREFIX)
    return f"{PREFIX}{path}" if path and under else path or "none"


def _worded(scope: Scope, answer: JSONResponse) -> JSONResponse:
    return in_rpc(answer) if scope["path"] == MCP else answer


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
