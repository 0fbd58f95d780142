"""Searching with words and a scan that is sent, with all that a search with words may say."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from spinecho.answering.connection import read_where
from spinecho.errors import QueryError
from spinecho.search.query import Evidence, ImageQuery, Kind, TextQuery
from spinecho.ui.server.api.as_json import shapes
from spinecho.ui.server.api.finding import searching
from spinecho.ui.server.api.finding.searching import Reads

router = APIRouter(tags=["searching"])


@router.post("/search/scan", response_model=shapes.Hits)
async def search_like_scan(
    asked: Reads,
    files: Annotated[list[UploadFile], File(description="DICOM files, a zip of them, or one NIfTI file.")],
    question: Annotated[
        str, Form(max_length=1_000_000, description="JSON as /search takes it, without like and cursor.")
    ] = "{}",
) -> JSONResponse:
    """As /search, where hits are to resemble a scan that is sent, too; it is read in a child process and not kept."""
    try:
        body = shapes.ScanAsked.model_validate_json(question)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise QueryError(f"question cannot be read: {at + ': ' if at else ''}{first['msg']}") from None
    if body.like is not None or body.cursor is not None:
        raise QueryError("question has like or cursor: here the files are what hits are like, on one page")
    where = read_where(body.where, include_derived=body.include_derived)
    scan, left_out = await run_in_threadpool(searching.scan_of, asked, files, None)
    assert isinstance(scan, ImageQuery)  # noqa: S101  (no box was asked for)

    def search() -> JSONResponse:
        good, bad = searching.thumbs_for(asked, body, where)
        query = TextQuery(
            body.words, Evidence(body.by), like=scan, good=good, bad=bad, on=searching.keys_of(body.on),
            off=searching.keys_of(body.off), as_typed=body.as_typed,
        )  # fmt: skip
        return searching.page_of(asked, query, where, Kind(body.want), body.k, None, None, left_out)

    return await searching.asked_in_turn(asked, search)
