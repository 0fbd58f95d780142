"""Thumbs: what you say of the hits of a search of yours."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from spinecho.answering.connection import read_where
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.problems import Unknown
from spinecho.ui.server.api.around.repeats import KEYED, once
from spinecho.ui.server.api.as_json import shapes

router = APIRouter(tags=["feedback"], prefix="/feedback")
Reads = Annotated[Asked, Depends(Needs("read", what="see thumbs"))]
Writes = Annotated[Asked, Depends(Needs("write", what="keep thumbs"))]


@router.put("", response_model=shapes.Verdicts, openapi_extra=KEYED)
def rate(asked: Writes, body: shapes.ThumbsAsked) -> Response:
    """Keep thumbs by study UID: 1 fits, -1 does not, 0 takes it back; gives all of yours for the search."""

    def make() -> JSONResponse:
        where = read_where(body.where)
        if missing := asked.by_uid.missing(body.verdicts):
            raise Unknown(f"no study {missing[0]} is in the archive; search gives UIDs as hits[0].study.uid")
        asked.archive.rate(body.words, where, body.verdicts, asked={"text": body.words, "where": body.where})
        return JSONResponse({"verdicts": asked.archive.verdicts(body.words, where)})

    return once(asked, body.model_dump(), make)


@router.post("/verdicts", response_model=shapes.Verdicts)
def verdicts(asked: Reads, body: shapes.VerdictsAsked) -> JSONResponse:
    """Your thumbs for a search. By POST, so that words stand in no address."""
    return JSONResponse({"verdicts": asked.archive.verdicts(body.words, read_where(body.where))})
