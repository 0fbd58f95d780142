"""The tools of assistants at /mcp, behind the API's edge, tokens, rates and record: see docs/assistants.md."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import Any, TypeVar

from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request

from spinecho.answering.connection import archive_of
from spinecho.archive import Archive
from spinecho.errors import SpinechoError
from spinecho.search.access.persons import Person, Refused
from spinecho.ui.mcp.http import MOST_BYTES
from spinecho.ui.mcp.server import server_of
from spinecho.ui.server.api.around.asking import Needs
from spinecho.ui.server.api.around.problems import Unauthenticated, in_rpc, problem, problem_of
from spinecho.ui.server.api.around.service import Service
from spinecho.ui.server.api.around.turns import taken_in_turn
from spinecho.ui.server.guard import Receive, Scope, Send

PATH = "/mcp"
Answer = TypeVar("Answer")
_PERSON: ContextVar[Person | None] = ContextVar("person", default=None)
_ASKS = Needs("read", what="ask by an assistant")


class Tools:
    """An ASGI application; requests are answered while `running` lasts. A browser's cookie is not enough here."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._app = server_of(self._archive_now, self._in_turn).streamable_http_app(
            streamable_http_path=PATH, json_response=True, stateless_http=True, max_request_body_size=MOST_BYTES,
            # names and origins are looked at by the edge, before this
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )  # fmt: skip

    def running(self) -> AbstractAsyncContextManager[Any]:
        """While it lasts, requests are answered."""
        return self._app.router.lifespan_context(self._app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of whoever its token lets in."""
        request = Request(scope)
        number = request.state.request_id
        if scope["method"] != "POST":  # no stream is kept open, and no session
            request.state.problem = "MethodNotAllowed"
            answer = problem(405, "MethodNotAllowed", "ask by POST", request_id=number, headers={"Allow": "POST"})
            await in_rpc(answer)(scope, receive, send)
            return
        try:
            person = await run_in_threadpool(_person, request)
        except SpinechoError as error:
            request.state.problem, request.state.failure = type(error).__name__, str(error)
            await in_rpc(problem_of(error, number))(scope, receive, send)
            return
        kept = _PERSON.set(person)
        try:
            await self._app(scope, receive, send)
        finally:
            _PERSON.reset(kept)

    def _in_turn(self, search: Callable[..., Answer]) -> Callable[..., Awaitable[Answer]]:
        """Searches of assistants take turns with all others."""

        @functools.wraps(search)
        async def waits(*given: Any, **named: Any) -> Answer:
            return await taken_in_turn(self._service, lambda _: search(*given, **named))

        return waits

    def _archive_now(self) -> Archive:
        person = _PERSON.get()
        if person is None:
            raise Refused("nobody is known without a token: send Authorization: Bearer TOKEN")
        service = self._service
        return archive_of(Archive, service.settings, service.archive(person), service.database)


def _person(request: Request) -> Person:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthenticated("send Authorization: Bearer TOKEN; spinecho token create makes one")
    return _ASKS(request, HTTPAuthorizationCredentials(scheme="Bearer", credentials=token.strip())).person
