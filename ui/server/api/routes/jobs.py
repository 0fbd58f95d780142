"""Work in the background: begin it, ask how it stands, hear of it as it goes, stop it, fetch what it made."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Path, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from spinecho.answering.connection import read_where
from spinecho.errors import QueryError
from spinecho.search.access.personal_archive import Role, digest_of
from spinecho.search.evidence.trust import require_evidence
from spinecho.ui.cohort_facts import definition_of
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.problems import Conflict, Unknown, type_of
from spinecho.ui.server.api.around.ranges import ranged
from spinecho.ui.server.api.around.repeats import KEYED, once
from spinecho.ui.server.api.around.streams import ENDING
from spinecho.ui.server.api.as_json import front_door_shapes, job_shapes, shapes
from spinecho.ui.server.api.routes.cohorts import frozen_version
from spinecho.ui.server.api.routes.long_cohorts import ANSWERS
from spinecho.ui.server.jobs.kinds import add_job
from spinecho.ui.server.jobs.queue import Job, QueueFull

router = APIRouter(tags=["jobs"], prefix="/jobs")
Reads = Annotated[Asked, Depends(Needs("read", what="see jobs"))]
Writes = Annotated[Asked, Depends(Needs("write", what="begin a job"))]
Exports = Annotated[Asked, Depends(Needs("write", Role.RESEARCHER, "export a cohort"))]
Evaluates = Annotated[Asked, Depends(Needs("write", Role.RESEARCHER, "evaluate"))]
Id = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"description": "It waits; Location says where to ask."}}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events `job`, each the job as JSON, until it is over."}
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}, "application/zip": {}}, "description": "All of it."},
    206: {"content": {"application/octet-stream": {}, "application/zip": {}}, "description": "A range of it."},
    416: {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
          "description": "The range lies beyond the end."},
}  # fmt: skip
_KNOWN_FOR = 2.0
"""Seconds for which who hears of a job is taken for who they were when they asked."""
_NEEDS = {"export": Role.RESEARCHER, "evaluation": Role.RESEARCHER}
"""What a job's result takes, as beginning it does."""


@router.post("/exports", status_code=202, response_model=job_shapes.Job, responses=_ACCEPTED, openapi_extra=KEYED)
def export(asked: Exports, body: job_shapes.ExportAsked) -> Response:
    """A zip of a cohort version's tables; with pseudonyms nothing in them names a patient."""
    if body.pseudonyms and "copy" in (body.formats or ()):
        raise Conflict("copy gives files as they are: not with pseudonyms")
    return _begin(asked, "export", body.model_dump(), lambda: frozen_version(asked, body.name, body.version))


@router.post("/evaluations", status_code=202, response_model=job_shapes.Job, responses=_ACCEPTED, openapi_extra=KEYED)
def evaluate(asked: Evaluates, body: job_shapes.EvaluationAsked) -> Response:
    """How well the archive is found, as `spinecho evaluate --json`."""
    read_where(body.where)  # what cannot be meant is refused now
    if body.judgements is not None and body.pairs is not None:
        raise QueryError("give one of judgements and pairs")
    return _begin(asked, "evaluation", body.model_dump())


@router.post("/counts", status_code=202, response_model=job_shapes.Job, responses=_ACCEPTED, openapi_extra=KEYED)
def count(asked: Writes, body: shapes.CohortAsked) -> Response:
    """What each line of a definition leaves: for large archives, where /cohorts/count takes long."""
    definition_of(body.toml, body.definition)  # what cannot be meant is refused now
    return _begin(asked, "count", body.model_dump())


@router.post("/evidence", status_code=202, response_model=job_shapes.Job, responses=_ACCEPTED, openapi_extra=KEYED)
def evidence(asked: Writes, body: job_shapes.EvidenceAsked) -> Response:
    """Where a series stands out for words: float32 scores (r, a, s) in C order; below `floor` nothing does.

    Words that only say what is not there are refused now, and so is everything while the encoder has not passed its
    test of pointing on this archive.
    """

    def known() -> None:
        if not asked.by_uid.has_series(body.series):
            raise Unknown("no series of this UID is in the archive; the study's address lists its series")
        _require_evidence(asked, body.words)

    return _begin(asked, "evidence", body.model_dump(), known)


@router.post("/why", status_code=202, response_model=job_shapes.Job, responses=_ACCEPTED, openapi_extra=KEYED)
def why(asked: Writes, body: front_door_shapes.WhyAsked) -> Response:
    """Which slices of a study stand out for words, of each series; with pictures the best of each, in a zip.

    Refused as evidence is.
    """
    return _begin(asked, "why", body.model_dump(), lambda: _require_evidence(asked, body.words))


@router.get("", response_model=job_shapes.Jobs)
def listed(asked: Reads) -> JSONResponse:
    """Your latest jobs, the newest first."""
    asked.access.note("see-jobs")
    return JSONResponse({"jobs": [_told(asked, one) for one in asked.service.queue.of(asked.person.name)]})


@router.get("/{number}", response_model=job_shapes.Job)
def job(asked: Reads, number: Id) -> JSONResponse:
    """How a job stands, and what came of it."""
    asked.access.note("see-job", digest_of(number))
    return JSONResponse(_told(asked, _mine(asked, number)))


@router.get("/{number}/events", response_class=StreamingResponse, responses=_EVENTS)
def events(asked: Reads, number: Id) -> StreamingResponse:
    """The job as it goes on, as server-sent events; the last one says how it ended.

    They end before it where the token, or its owner's role, no longer lets them hear of it: who asks again is told why;
    and with the server.
    """
    asked.access.note("see-job", digest_of(number))
    first, streams = _mine(asked, number), asked.service.streams
    asked.request.state.end_stream = streams.begin(asked.caller.key)

    async def lines() -> AsyncIterator[str]:
        last_sent, now, quiet, known = "", first, 0.0, time.monotonic()
        while True:
            if time.monotonic() - known > _KNOWN_FOR:
                if not await run_in_threadpool(asked.still_may):
                    return
                known = time.monotonic()
            text = json.dumps(_told(asked, now))
            if text != last_sent:
                yield f"event: job\ndata: {text}\n\n"
                last_sent, quiet = text, 0.0
            if now.over:
                return
            seconds = streams.seconds
            await anyio.sleep(seconds)
            if ENDING.is_set():  # the job goes on: who asks again, asks the server that comes
                return
            quiet += seconds
            if quiet >= 15:  # proxies cut what is silent
                yield ": still there\n\n"
                quiet = 0.0
            found = await run_in_threadpool(asked.service.queue.get, number)
            if found is None:
                return
            now = found

    return StreamingResponse(lines(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@router.delete("/{number}", response_model=job_shapes.Job)
def cancel(asked: Writes, number: Id) -> JSONResponse:
    """Stop a job: one that waits at once, one that runs within a second."""
    asked.access.note("cancel-job", digest_of(number))
    _mine(asked, number)
    return JSONResponse(_told(asked, asked.service.queue.cancel(number) or _mine(asked, number)))


@router.get("/{number}/file", response_class=Response, responses=_FILE)
def file(asked: Reads, number: Id) -> Response:
    """What a job made; takes ranges."""
    asked.access.note("see-job", digest_of(number))
    found = _mine(asked, number)
    result = found.result or {}
    asked.access.require(_role_for(found), "see what was answered to this role")
    if "file" not in result:
        raise Unknown("this job has made no file, or not yet; its address says how it stands")
    if found.kind == "export":
        asked.cohorts.taken(found.arguments["name"], int(found.arguments["version"]), int(result["bytes"]))
    else:
        asked.access.note("download", digest_of(number), bytes=int(result["bytes"]))
    try:
        content = asked.service.queue.read(str(result["file"]))
    except FileNotFoundError:
        raise Unknown("what this job made is no longer kept; begin it again") from None
    return ranged(
        asked.request, content, tag=f'"{digest_of(number)}"', media=str(result["media"]), name=str(result["file_name"])
    )


def _begin(
    asked: Asked, kind: str, arguments: Mapping[str, Any], known: Callable[[], object] = lambda: None
) -> Response:
    """known: raises `Unknown` where what the job is about is not here."""

    def make() -> JSONResponse:
        known()
        asked.access.note("begin-job", kind=kind)
        try:
            begun = add_job(asked.service.queue, kind, asked.person, arguments)
        except QueueFull as error:
            raise Conflict(str(error)) from error
        return JSONResponse(_told(asked, begun), 202, {"Location": f"/api/v1/jobs/{begun.id}"})

    return once(asked, {"kind": kind, **arguments}, make)


def _require_evidence(asked: Asked, words: str) -> None:
    """As `require_evidence`; that it was refused is on record."""
    try:
        require_evidence(asked.service.database, words)
    except QueryError:
        asked.access.note("evidence", words=digest_of(words), shown=False)
        raise


def _mine(asked: Asked, number: str) -> Job:
    found = asked.service.queue.get(number)
    if found is None or found.owner != asked.person.name:
        raise Unknown("no job of yours has this id, or it is forgotten by now")
    return found


def _role_for(one: Job) -> Role:
    """What seeing a job's result takes."""
    if one.kind not in ANSWERS:
        return _NEEDS.get(one.kind, Role.VIEWER)
    # it may say whose studies these are, to the role that asked; of another version: to the highest
    return Role(one.role) if one.role in set(Role) else Role.MANAGER


def _told(asked: Asked, one: Job) -> dict[str, Any]:
    """A job as JSON; without its result where the role of today does not open it."""
    told = _plain(one)
    return told if asked.access.may(_role_for(one)) else told | {"result": None, "file": None}


def _plain(one: Job) -> dict[str, Any]:
    result = {name: value for name, value in (one.result or {}).items() if name != "file"}
    problem = None
    if one.problem is not None:
        problem = {"type": type_of(str(one.problem["name"])), "detail": str(one.problem["detail"])}
    return {
        "id": one.id, "kind": one.kind, "state": one.state, "stage": one.stage, "done": one.done, "known": one.known,
        "created_at": _at(one.created), "begun_at": _at(one.begun), "ended_at": _at(one.ended),
        "result": result if one.result is not None else None, "problem": problem,
        "file": f"/api/v1/jobs/{one.id}/file" if one.result is not None and "file" in one.result else None,
    }  # fmt: skip


def _at(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
