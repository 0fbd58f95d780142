"""The application: routes, problems, what stands around them, and the OpenAPI document."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import Route

from spinecho.setup.settings import Settings
from spinecho.ui.server.api.around import logs, problems
from spinecho.ui.server.api.around.edge import PREFIX, Edge
from spinecho.ui.server.api.around.limits import Limits, read_limits
from spinecho.ui.server.api.around.service import Door, Service
from spinecho.ui.server.api.as_json import shapes
from spinecho.ui.server.api.dicomweb.mounting import mount
from spinecho.ui.server.api.finding import searching, searching_scan, studies, volumes
from spinecho.ui.server.api.routes import (
    archive,
    cohorts,
    feedback,
    health,
    jobs,
    record,
    reruns,
    sources,
    thumbs,
    tokens,
)
from spinecho.ui.server.guard import Rules
from spinecho.ui.server.jobs.pages import make_ready
from spinecho.ui.server.jobs.pool import Pool
from spinecho.ui.server.jobs.runner import Runner

_GROUPS = (
    searching, searching_scan, studies, volumes, archive, cohorts, reruns, feedback, thumbs, jobs, tokens, record,
    sources,
)  # fmt: skip
_USUAL = {
    400: "It cannot be read, or its cursor is of another question.", 401: "Nobody is known by what it shows.",
    403: "The role or the token's scope does not allow it.", 404: "Nothing has this name.",
    405: "Not by this method.", 408: "The body came too slowly.", 409: "It does not go with how things stand.",
    413: "It is larger than what is taken.", 415: "The body is of another kind than the address takes.",
    421: "The server does not go by this name.",
    422: "It cannot be meant as it is.", 429: "More requests than are taken.", 500: "Something failed.",
    503: "Not now; see Retry-After.", 504: "It took too long.",
}  # fmt: skip
_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, "content": {problems.MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status, meaning in _USUAL.items()
}
_RESPONSES[304] = {"description": "What If-None-Match names still holds."}


def create_api(
    settings: Settings, *, door: Door | None = None, limits: Limits | None = None, rules: Rules | None = None,
    wait: bool = False, jobs_at_once: int = 1, workers: int = 1, tools: bool = False, warm: bool = False,
    shared: str = "",
) -> FastAPI:  # fmt: skip
    """The API over a home. door: where it stands, see `Door`. rules: names and origins that are let through.

    wait: open the index before the first request is taken, as tests do; else it is opened beside them. jobs_at_once: 0
    leaves jobs to another server of the home, and counts long cohorts here. workers: processes that share the port.
    shared: a folder of theirs, by which they know how often a token asked, and when a browser did. tools: also those of
    assistants, at /mcp, which takes the SDK `mcp`. warm: have the process for long counts begun before somebody waits
    for it. Raises what opening the database and the record raises, and `RolesError`.
    """
    logs.set_up()
    service = Service.over(settings, limits or read_limits(), door or Door(), shared=shared)
    service.pooled = jobs_at_once > 0
    assistants = _tools(service) if tools else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        opening = threading.Thread(target=service.open, name="open-index", daemon=True)
        opening.start()
        if wait:
            service.wait_until_opened()
        runner = Runner(settings, service.queue, at_once=jobs_at_once)
        if jobs_at_once:
            runner.begin()
        if jobs_at_once and warm:
            threading.Thread(target=make_ready, args=(settings, Pool(service.queue)), name="ready", daemon=True).start()
        async with assistants.running() if assistants is not None else nullcontext():
            yield
        runner.close()
        service.close()

    app = FastAPI(
        title="Spinecho", version="1", lifespan=lifespan, responses=_RESPONSES, docs_url=None, redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json", summary="Search an archive of MR studies. Not a diagnostic device.",
        redirect_slashes=False, generate_unique_id_function=lambda route: f"{route.tags[0]}_{route.name}",
    )  # fmt: skip
    app.state.service = service
    problems.install(app)
    for group in _GROUPS:
        app.include_router(group.router, prefix=PREFIX)
    app.include_router(health.router)
    if assistants is not None:
        app.router.routes.append(Route("/mcp", endpoint=assistants))
    app.add_middleware(Edge, limits=service.limits, rules=rules, streams=service.streams, alone=workers < 2)
    mount(app)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _tools(service: Service) -> Any:
    from spinecho.ui.server.api.routes.tools import Tools  # noqa: PLC0415  (an extra, and slow to import)

    return Tools(service)


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes, openapi_version="3.1.0"
        )
        found.setdefault("components", {}).setdefault("schemas", {})["Problem"] = shapes.Problem.model_json_schema()
        app.openapi_schema = found
    return app.openapi_schema
