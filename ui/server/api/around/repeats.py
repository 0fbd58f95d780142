"""A request that is sent twice is done once: where it carries an Idempotency-Key, its first answer is given again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

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
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def once(asked: Asked, body: Mapping[str, Any], make: Callable[[], Response]) -> Response:
    """The answer of `make`, or that of the request before with the same key of the same person.

    Raises `Conflict` for a key of another request, or one whose request is still under way.
    """
    key = asked.request.headers.get("idempotency-key")
    if key is None:
        return make()
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
        return Response(content, status, {"Idempotency-Replayed": "true"}, media)
    try:
        answer = make()
    except BaseException:
        queue.let_go(name)
        raise
    queue.keep(name, answer.status_code, answer.media_type or "application/json", bytes(answer.body))
    return answer
