"""Cursors and tags: where the next page begins, and whether what was given out still holds."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from spinecho.errors import ArchiveChanged
from spinecho.search.access.personal_archive import digest_of
from spinecho.ui.server.api.around.asking import Asked
from spinecho.ui.server.api.around.problems import WrongCursor


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins. moment: what the pages before were answered from, '' where nothing but rows is counted."""

    offset: int = 0
    moment: str = ""

    def require(self, moment: str) -> None:
        """Raise `ArchiveChanged` where the page before is of another moment: its order is not this one's."""
        if self.offset and self.moment != moment:
            raise ArchiveChanged(
                "the archive, or what you judged, has changed since the page before: the hits that follow may be in "
                "another order; begin again without a cursor"
            )


def cursor_of(asked: Asked, question: Mapping[str, Any], offset: int, moment: str = "") -> str:
    """Where the next page of this person's question begins; nobody can make one up, or take it to another question."""
    signature = asked.service.signature("cursor", asked.person.name, _digest(question), str(offset), moment)
    signed = json.dumps([offset, moment, signature])
    return base64.urlsafe_b64encode(signed.encode()).decode().rstrip("=")


def place_of(asked: Asked, question: Mapping[str, Any], cursor: str | None) -> Place:
    """Where a page begins: at the start without a cursor. Raises `WrongCursor`."""
    if not cursor:
        return Place()
    try:
        offset, moment, _ = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (ValueError, TypeError):
        raise WrongCursor("this is no cursor of this server; begin again without one") from None
    whole = isinstance(offset, int) and not isinstance(offset, bool) and isinstance(moment, str)
    if not whole or cursor_of(asked, question, offset, moment) != cursor.rstrip("="):
        raise WrongCursor("this cursor belongs to another question, or to somebody else; begin again without one")
    return Place(offset, moment)


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
    given = ",".join(asked.request.headers.getlist("if-none-match"))
    held = [one.strip().removeprefix("W/") for one in given.split(",")]
    if tag not in held and "*" not in held:
        return None
    asked.by_uid.unchanged(asked.request.url.path)
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


def _digest(question: Mapping[str, Any]) -> str:
    return digest_of(json.dumps(question, sort_keys=True, default=str))
