"""For those who watch over the server: is it alive, does it answer, and its figures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from spinecho.db.people.record import Record
from spinecho.db.people.tokens import PREFIX, find_token
from spinecho.errors import SpinechoError
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.metrics import exposition
from spinecho.ui.server.api.around.service import Service

router = APIRouter(tags=["health"])
Watches = Annotated[Asked, Depends(Needs("metrics", what="see the server's figures"))]
_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {}}, "description": "Prometheus text."}}


@router.get("/healthz", response_model=dict[str, str])
async def healthz() -> dict[str, str]:
    """The process is alive: it says so and nothing else."""
    return {"status": "ok"}


@router.get(
    "/readyz", response_model=dict[str, str], responses={503: {"model": dict[str, str], "description": "Not yet."}}
)
def readyz(request: Request) -> JSONResponse:
    """Whether searches are answered now: the index is open, the database and the record can be reached.

    index: ready, opening, failed, or empty until the first run of 'spinecho index' has stored something.
    """
    service: Service = request.app.state.service
    index = "ready" if service.ready else "empty" if service.empty else "failed" if service.failed else "opening"
    state = {"index": index, "database": "ready", "record": "ready"}
    try:
        find_token(service.database, f"{PREFIX}nobody's")
    except SpinechoError:
        state["database"] = "failed"
    try:
        if isinstance(service.record, Record):
            service.record.head()
    except SpinechoError:
        state["record"] = "failed"
    return JSONResponse(state, 200 if set(state.values()) == {"ready"} else 503)


@router.get("/metrics", response_class=Response, responses=_TEXT)
def metrics(asked: Watches) -> Response:
    """Latency by route and stage, queue, cache, index age, errors by reason."""
    return Response(exposition(asked.service), media_type=CONTENT_TYPE_LATEST)
