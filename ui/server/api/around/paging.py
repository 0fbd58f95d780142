"""Cursors and tags: where the next page begins, and whether what was given out still holds."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from spinecho.search.access.personal_archive import digest_of
from spinecho.ui.server.api.around.asking import Asked
from spinecho.ui.server.api.around.problems import WrongCursor


def cursor_of(asked: Asked, question: Mapping[str, Any], offset: int) -> str:
    """Where the next page of this person's question begins; nobody can make one up, or take it to another question."""
    signed = json.dumps([offset, asked.service.signature("cursor", asked.person.name, _digest(question), str(offset))])
    return base64.urlsafe_b64encode(signed.encode()).decode().rstrip("=")


def offset_of(asked: Asked, question: Mapping[str, Any], cursor: str | None) -> int:
    """Where a page begins, 0 without a cursor. Raises `WrongCursor`."""
    if not cursor:
        return 0
    try:
        signed = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        offset, signature = signed
    except (ValueError, TypeError):
        raise WrongCursor("this is no cursor of this server; begin again without one") from None
    if (
        not isinstance(offset, int)
        or isinstance(offset, bool)
        or cursor_of(asked, question, offset) != cursor.rstrip("=")
    ):
        raise WrongCursor("this cursor belongs to another question, or to somebody else; begin again without one")
    _ = signature
    return offset


def tag_of(*parts: object) -> str:
    """A tag of what makes the content: the same in every process, and after a restart."""
    return f'"{digest_of(repr(parts))}"'


def held(asked: Asked, answer: Response) -> Response:
    """The answer with a tag of its content; 304 where the caller holds just this."""
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:24]}"'
    same = unchanged(asked, tag)
    if same is not None:
        return same
    answer.headers["ETag"], answer.headers["Cache-Control"] = tag, "private, no-cache"
    return answer


def unchanged(asked: Asked, tag: str) -> Response | None:
    """304 where the caller holds this already, on record too; None where it has to be answered."""
    held = [one.strip().removeprefix("W/") for one in asked.request.headers.get("if-none-match", "").split(",")]
    if tag not in held and "*" not in held:
        return None
    asked.by_uid.unchanged(asked.request.url.path)
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


def _digest(question: Mapping[str, Any]) -> str:
    return digest_of(json.dumps(question, sort_keys=True, default=str))
