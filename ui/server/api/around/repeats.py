"""A request that is sent twice is done once: where it carries an Idempotency-Key, its first answer is given again."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from spinecho.db.errors import Unsettled
from spinecho.errors import QueryError
from spinecho.search.access.personal_archive import digest_of
from spinecho.ui.server.api.around.asking import Asked
from spinecho.ui.server.api.around.problems import Conflict

KEYED = {
    "parameters": [{
        "name": "Idempotency-Key", "in": "header", "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
        "description": "With it a request that is sent twice is done once; its first answer is given again for a day.",
    }]
}  # fmt: skip
"""For the document of routes that take one."""
_UNDER_WAY: set[asyncio.Future[Response]] = set()
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def once(asked: Asked, body: Mapping[str, Any], make: Callable[[], Response]) -> Response:
    """The answer of `make`, or that of the request before with the same key of the same person.

    Raises `Conflict` for a key of another request, or one whose request is still under way.
    """
    name, answer = _claimed(asked, body)
    if answer is not None:
        return answer
    if name is None:
        return make()
    queue = asked.service.queue
    try:
        answer = make()
    except Unsettled:  # it may be done: a key that is let go would do it a second time
        raise
    except BaseException:
        queue.let_go(name)
        raise
    _keep(asked, name, answer)
    return answer


async def once_awaited(
    asked: Asked, body: Mapping[str, Any], make: Callable[[str | None], Awaitable[Response]]
) -> Response:
    """The same for an answer that is waited for; what was begun goes on to its end though the request's time is over.

    make: is given what the key is called in the queue, None without one: a job that has it goes on with the request.
    """
    work = asyncio.ensure_future(_once(asked, body, make))
    _UNDER_WAY.add(work)  # a loop itself holds no task
    work.add_done_callback(_UNDER_WAY.discard)
    return await asyncio.shield(work)


async def _once(asked: Asked, body: Mapping[str, Any], make: Callable[[str | None], Awaitable[Response]]) -> Response:
    name, answer = await run_in_threadpool(_claimed, asked, body)
    if answer is not None:
        return answer
    if name is None:
        return await make(None)
    try:
        answer = await make(name)
        await run_in_threadpool(_keep, asked, name, answer)
    except Unsettled:
        raise
    except BaseException:
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(asked.service.queue.let_go, name)
        raise
    return answer


def _claimed(asked: Asked, body: Mapping[str, Any]) -> tuple[str | None, Response | None]:
    """(what the key is called, the answer that it has): (None, None) without a key, no answer for a new one."""
    key = asked.request.headers.get("idempotency-key")
    if key is None:
        return None, None
    if not _KEY.fullmatch(key):
        raise QueryError("Idempotency-Key has to have 1 to 128 printable letters, such as a UUID")
    queue, request = asked.service.queue, asked.request
    name = digest_of(f"{asked.person.name}\n{key}")
    body_json = json.dumps(body, sort_keys=True, default=str)
    kind, held = queue.claim(name, digest_of(f"{request.method} {request.url.path}\n{body_json}"))
    if kind == "other":
        raise Conflict("this Idempotency-Key was used for another request; take a new one")
    if kind == "same":
        if held is None:
            raise Conflict("the request of this Idempotency-Key is still under way, or its server died")
        asked.access.note("repeated", digest_of(request.url.path))
        status, media, content = held
        return name, Response(content, status, {"Idempotency-Replayed": "true"}, media)
    return name, None


def _keep(asked: Asked, name: str, answer: Response) -> None:
    asked.service.queue.keep(name, answer.status_code, answer.media_type or "application/json", bytes(answer.body))
