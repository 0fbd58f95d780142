"""The record of who did what: the latest acts, whether it is whole, and all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, StreamingResponse

from spinecho.access.acts import Acts, entry_facts
from spinecho.search.access.personal_archive import Role
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.as_json import front_door_shapes as shapes

router = APIRouter(tags=["record"], prefix="/record")
Reads = Annotated[Asked, Depends(Needs("read", what="see the record"))]
Checks = Annotated[Asked, Depends(Needs("manage", what="check the record"))]
Exports = Annotated[Asked, Depends(Needs("manage", Role.MANAGER, "export the record"))]
_LINES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/x-ndjson": {}}, "description": "An act a line, oldest first."}
}


@router.post("/entries", response_model=shapes.Entries)
def entries(asked: Reads, body: shapes.EntriesAsked) -> JSONResponse:
    """The latest acts, newest first: everybody's to a manager, or those of a user, else your own."""
    found = _acts(asked).entries(user=body.user, action=body.action, most=body.most)
    return JSONResponse({"record": [entry_facts(one) for one in found]})


@router.post("/check", response_model=shapes.Checked)
def check(asked: Checks, body: shapes.CheckAsked) -> JSONResponse:
    """Whether rows were changed, put in or taken out."""
    asked.access.note("check-record")
    found = _acts(asked).check(since=body.since)
    return JSONResponse({"rows": found.rows, "head": found.head, "broken": list(found.broken)})


@router.get("/export", response_class=StreamingResponse, responses=_LINES)
def export(asked: Exports) -> StreamingResponse:
    """Every act with its digest, oldest first, as JSON Lines."""
    walked = _acts(asked).walk()

    def lines() -> Iterator[str]:
        for one in walked:
            yield json.dumps(entry_facts(one), ensure_ascii=False) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _acts(asked: Asked) -> Acts:
    return Acts(asked.service.settings, lambda: asked.access)
