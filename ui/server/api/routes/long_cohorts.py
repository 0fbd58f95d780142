"""Cohorts that are counted, frozen and run again: short ones here, long ones by a process for them, waited for.

A request that waits holds no thread: it looks at its job now and then. Both ways give the same answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import anyio
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from spinecho.search.access.cohorts import is_long
from spinecho.search.access.searching import SEES_PATIENTS
from spinecho.search.cohorts.definition import Definition
from spinecho.search.stopping import SearchStopped, require_wanted
from spinecho.ui.cohort_answers import Asks, asked_changes, asked_count, asked_freeze, asked_rerun
from spinecho.ui.server.api.around.asking import Asked
from spinecho.ui.server.api.around.problems import Conflict, Elsewhere, Overloaded, StillRunning
from spinecho.ui.server.jobs.kinds import add_job
from spinecho.ui.server.jobs.queue import Job, Queue, QueueFull

ANSWERS: Mapping[str, Callable[[Asks], dict[str, Any]]] = {
    "asked-count": asked_count, "asked-freeze": asked_freeze, "asked-changes": asked_changes,
    "asked-rerun": asked_rerun,
}  # fmt: skip
"""By the kind of the job that gives the same."""
_LOOK = 0.1
"""Seconds between looks at a job."""
_WAITED = 8.0
"""Seconds for which a job stands once nobody says any more that they wait: as where this server dies."""
_SHARE = 0.9
"""Of the seconds in which an answer has to begin: so long a job is waited for."""
_THREADS = 2
"""Looking at jobs takes threads of its own: the others may all be searching."""


async def answer(
    asked: Asked, kind: str, arguments: Mapping[str, Any], rules: Callable[[], Definition], *, keeps: bool = False
) -> JSONResponse:
    """What is asked, as JSON. rules: what is counted for it. keeps: what is kept then is kept whoever waits.

    Raises `StillRunning` where it takes longer than an answer may, `Elsewhere` for what went wrong in the other
    process, `SearchStopped` where the client has gone, `Overloaded` where too many jobs wait.
    """
    status = 201 if keeps else 200

    def here() -> JSONResponse | None:
        """None where it is long."""
        definition = rules()
        if asked.service.pooled and is_long(asked.cohorts, definition):
            return None
        follow = None if keeps else lambda _, __: require_wanted()
        asks = Asks(asked.cohorts, arguments, asked.access.may(SEES_PATIENTS), follow)
        return JSONResponse(ANSWERS[kind](asks), status)

    made = await run_in_threadpool(here)
    return made if made is not None else JSONResponse(await _by_job(asked, kind, arguments, stays=keeps), status)


async def _by_job(asked: Asked, kind: str, arguments: Mapping[str, Any], *, stays: bool) -> dict[str, Any]:
    queue, threads, seconds = asked.service.queue, anyio.CapacityLimiter(_THREADS), asked.service.limits.seconds
    begun, most = time.monotonic(), seconds * _SHARE
    job = await anyio.to_thread.run_sync(_begin, asked, kind, arguments, stays, limiter=threads)
    while not job.over:
        await anyio.sleep(_LOOK)
        if await asked.request.is_disconnected():
            await anyio.to_thread.run_sync(queue.wait_on, job.id, 0.0, limiter=threads)
            raise SearchStopped("the client has gone")
        if time.monotonic() - begun > most:
            await anyio.to_thread.run_sync(queue.stay, job.id, limiter=threads)
            raise StillRunning(
                f"it takes longer than {most:g} s, and goes on as a job: GET /api/v1/jobs/{job.id} says how it stands, "
                "and its file is the answer", job.id,
            )  # fmt: skip
        job = await anyio.to_thread.run_sync(_look, queue, job, limiter=threads)
    if job.state == "cancelled":
        raise Conflict("it was stopped before it was done; ask again")
    if job.state == "failed":
        raise Elsewhere(job.problem or {"name": "Failed"})
    return await anyio.to_thread.run_sync(_read, queue, job, limiter=threads)


def _begin(asked: Asked, kind: str, arguments: Mapping[str, Any], stays: bool) -> Job:
    """A job of this request alone: each answer is a row of the record."""
    of_this = {**arguments, "request": asked.request.state.request_id}
    try:
        return add_job(asked.service.queue, kind, asked.person, of_this, waited=None if stays else _WAITED)
    except QueueFull as error:
        raise Overloaded(str(error)) from error


def _look(queue: Queue, job: Job) -> Job:
    """How it stands, and that it is waited for."""
    if job.waited is not None and job.waited < _WAITED / 2:
        queue.wait_on(job.id, _WAITED)
    found = queue.get(job.id)
    if found is None:
        raise Conflict("it was stopped before it was done; ask again")
    return found


def _read(queue: Queue, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(queue.read(str((job.result or {})["file"])))
    return found
