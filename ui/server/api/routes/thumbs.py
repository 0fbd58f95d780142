"""Thumbs as a list: yours, those of a search taken back, and the judgements that they make."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response

from spinecho.answering import thumbs
from spinecho.answering.connection import read_where
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.repeats import KEYED, once
from spinecho.ui.server.api.as_json import front_door_shapes as shapes
from spinecho.ui.server.api.routes.feedback import Reads, Writes

router = APIRouter(tags=["feedback"], prefix="/feedback")
Exports = Annotated[Asked, Depends(Needs("read", what="export thumbs"))]


@router.get("", response_model=shapes.Thumbs)
def listed(asked: Reads) -> JSONResponse:
    """Every thumb of yours, oldest first."""
    kept = thumbs.thumbs_of(asked.service.database, asked.access)
    return JSONResponse({"thumbs": [dataclasses.asdict(one) | {"at": one.at.isoformat() + "Z"} for one in kept]})


@router.post("/forget", response_model=shapes.Forgotten, openapi_extra=KEYED)
def forget(asked: Writes, body: shapes.ForgetAsked) -> Response:
    """Take back every thumb of yours on a search. By POST, so that words stand in no address."""

    def make() -> JSONResponse:
        where = read_where(body.where)
        return JSONResponse({"forgotten": thumbs.forget(asked.service.database, asked.access, body.words, where)})

    return once(asked, body.model_dump(), make)


@router.get("/judgements", response_model=shapes.Judgements)
def judgements(
    asked: Exports,
    everybody: Annotated[bool, Query(description="Everybody's, by majority, for researchers.")] = False,
) -> JSONResponse:
    """Your thumbs as judgements to evaluate by."""
    found = thumbs.judgements_of(asked.service.database, asked.access, everybody=everybody)
    return JSONResponse({"judgements": [dataclasses.asdict(one) for one in found]})
