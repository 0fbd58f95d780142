"""What goes wrong, as RFC 9457 problems: a stable type, what is wrong, what helps; nothing of the server's inside."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from spinecho.db.errors import Busy, Damaged, FilesChanged, FilterError, StorageFailure, StoreError
from spinecho.db.people.cohorts import CohortError
from spinecho.db.people.record import RecordError
from spinecho.db.people.saved import NoSuchSearch
from spinecho.db.people.tokens import TokenError
from spinecho.db.schema.clean import Unstorable
from spinecho.encoders.errors import EncoderError, ReadError
from spinecho.errors import ArchiveChanged, QueryError, SettingsError, SpinechoError
from spinecho.indexer.sources.source import SourceSettings
from spinecho.search.access.personal_archive import Refused
from spinecho.search.stopping import SearchStopped
from spinecho.setup.readers import ReadersBusy

MEDIA = "application/problem+json"
TYPE = "urn:spinecho:problem:"
_RPC = -32001
"""The code of an error of this server, in the range that JSON-RPC leaves to servers."""
_RETRY = 5
"""Seconds after which it is worth asking again where the server is at its limit."""


class Unknown(QueryError):
    """Nothing has the name that an address gives."""


class Unauthenticated(SpinechoError):
    """Nobody is known by what the request shows."""


class ProviderAway(SpinechoError):
    """The provider that vouches for people cannot be asked: who shows its token may be somebody."""


class OutOfScope(Refused):
    """The token may not do this, though its owner may."""


class WrongCursor(QueryError):
    """A cursor that is none of ours, or of another question."""


class OutOfRange(QueryError):
    """A range of bytes beyond the end."""


class TooMany(SpinechoError):
    """More requests than a token may make."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class TooLarge(SpinechoError):
    """A body that is larger than what is taken."""


class Overloaded(SpinechoError):
    """As many requests are under way as the server takes."""


class NotReady(SpinechoError):
    """The index is still being opened, or cannot be opened."""


class Conflict(SpinechoError):
    """What was asked does not go together with what was asked before, or with how things stand."""


class StillRunning(SpinechoError):
    """An answer takes longer than one may; what it takes goes on as a job. job: its id."""

    def __init__(self, message: str, job: str) -> None:
        super().__init__(message)
        self.job = job


class Elsewhere(SpinechoError):
    """A process for jobs could not do what was asked: told as if it had been tried here.

    name: of the error, kinds: the names of its classes.
    """

    def __init__(self, problem: Mapping[str, Any]) -> None:
        """problem: of a job."""
        super().__init__(str(problem.get("detail", "")))
        self.name, self.kinds = str(problem["name"]), tuple(problem.get("kinds", ()))
        for fact in ("position", "expected"):
            if fact in problem:
                setattr(self, fact, problem[fact])


_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (OutOfScope, 403), (Refused, 403), (Unauthenticated, 401), (Unknown, 404), (NoSuchSearch, 404),
    (WrongCursor, 400), (OutOfRange, 416), (TooMany, 429), (TooLarge, 413), (Overloaded, 503), (NotReady, 503),
    (ProviderAway, 503),
    (StillRunning, 504), (SearchStopped, 504), (ArchiveChanged, 409),
    (Conflict, 409), (Busy, 409), (FilesChanged, 409), (ReadersBusy, 503), (RecordError, 503), (StorageFailure, 503),
    (Damaged, 500), (SourceSettings, 422),
    (SettingsError, 500), (FilterError, 422), (CohortError, 422), (TokenError, 422), (Unstorable, 422),
    (QueryError, 422), (StoreError, 409), (EncoderError, 422), (SpinechoError, 422),
)  # fmt: skip
_OF_JOBS = {"TooMuchMemory": 422, "TimedOut": 504, "WorkerDied": 500}
"""What ends a process for jobs."""
_INSIDE = {
    "StorageFailure": "the archive's storage cannot be reached or written now",
    "RecordUnwritable": "nothing can be recorded now, and nothing is given out that is not on record",
    "RecordError": "the record cannot be read now",
    "Damaged": "something that is stored is not what was written",
    "NotReady": "the index is being opened, or cannot be opened",
    "ProviderAway": "the provider's keys cannot be fetched now, so nobody can be known by its tokens; ask again",
}
"""What is told of the machine's own failures: their messages name folders."""


def status_of(error: Exception) -> int:
    """The HTTP status of an error of the tree."""
    if isinstance(error, Elsewhere):
        found = (status for kind, status in _STATUS if kind.__name__ in error.kinds)
        return next(found, _OF_JOBS.get(error.name, 500))
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def name_of(error: Exception) -> str:
    """What an error is called."""
    return error.name if isinstance(error, Elsewhere) else type(error).__name__


def type_of(name: str) -> str:
    """FilterError -> urn:spinecho:problem:filter-error."""
    return TYPE + re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def problem(
    status: int, kind: str, detail: str, *, request_id: str = "", remedy: str = "",
    headers: Mapping[str, str] | None = None, **more: Any,
) -> JSONResponse:  # fmt: skip
    """The answer."""
    body = {"type": type_of(kind), "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    body |= {"remedy": remedy} if remedy else {}
    body |= {"request_id": request_id} if request_id else {}
    return JSONResponse(body | more, status, dict(headers or {}), MEDIA)


def in_rpc(answer: JSONResponse) -> JSONResponse:
    """The same as clients of the Model Context Protocol read it: they show the message of an error alone."""
    told = json.loads(bytes(answer.body))
    message = f"{told['detail']}; {told['remedy']}" if "remedy" in told else told["detail"]
    error = {"code": _RPC, "message": message, "data": told}
    kept = {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, answer.status_code, kept)


def problem_of(error: SpinechoError, request_id: str) -> JSONResponse:
    """The same for an error of the tree."""
    status, name = status_of(error), name_of(error)
    more: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="spinecho"'
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(max(1, ceil(error.after)))
    elif status == 503:
        headers["Retry-After"] = str(_RETRY)
    remedy, detail = "", str(error)
    if isinstance(error, ReadError):
        more["reason"] = str(error.reason)
        remedy = error.reason.remedy
    for fact in ("position", "expected"):
        value = getattr(error, fact, None)
        if isinstance(value, int | str | list | tuple):
            more[fact] = list(value) if isinstance(value, tuple) else value
    if isinstance(error, StillRunning):
        more["job"] = error.job
    elif status >= 500 and name not in _OF_JOBS and not isinstance(error, TooMany | Overloaded | ReadersBusy):
        kinds = error.kinds if isinstance(error, Elsewhere) else [one.__name__ for one in type(error).__mro__]
        detail = next((_INSIDE[one] for one in kinds if one in _INSIDE), "something failed")
        remedy = f"ask those who look after this archive; the server's log tells more under request {request_id}"
    return problem(status, name, detail, request_id=request_id, remedy=remedy, headers=headers, **more)


def install(app: FastAPI) -> None:
    """Answer whatever goes wrong in this way."""

    @app.exception_handler(SpinechoError)
    async def ours(request: Request, error: SpinechoError) -> JSONResponse:
        request.state.problem = name_of(error)
        if status_of(error) >= 500:
            request.state.failure = str(error)
        return problem_of(error, request.state.request_id)

    @app.exception_handler(sqlite3.Error)
    @app.exception_handler(OSError)
    async def machine(request: Request, error: OSError | sqlite3.Error) -> JSONResponse:
        request.state.problem, request.state.failure = "StorageFailure", str(error)
        return problem_of(StorageFailure(str(error)), request.state.request_id)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        request.state.problem = "Invalid"
        found = [
            {"at": ".".join(map(str, one.get("loc", ()))), "message": str(one.get("msg", ""))}
            for one in error.errors()[:20]
        ]  # what was sent is not sent back: it may be words of a report
        first = f"{found[0]['at']}: {found[0]['message']}" if found else "the request cannot be read"
        if (wanted := _other_media(request, error)) is not None:
            request.state.problem = "UnsupportedMediaType"
            detail = f"this address takes {wanted}; send it with Content-Type: {wanted}"
            return problem(415, "UnsupportedMediaType", detail, request_id=request.state.request_id)
        status = 400 if any(one.get("type") == "json_invalid" for one in error.errors()) else 422
        return problem(status, "Invalid", first, request_id=request.state.request_id, errors=found)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        kind = getattr(error, "kind", "") or HTTPStatus(error.status_code).name.title().replace("_", "")
        request.state.problem = kind
        detail = error.detail if error.status_code < 500 else "something failed"
        if detail == HTTPStatus(error.status_code).phrase or detail in _BARE:
            allowed = (error.headers or {}).get("Allow", "")
            detail = _PLAIN.get(error.status_code, detail).format(allowed=allowed)
        return problem(error.status_code, kind, detail, request_id=request.state.request_id, headers=error.headers)


_BARE = frozenset(("There was an error parsing the body",))
_PLAIN = {
    400: "the body cannot be read: it has to be JSON in UTF-8, or multipart/form-data where files are sent",
    404: "nothing is at this address; /api/v1/openapi.json lists what there is",
    405: "this address is asked by {allowed}",
}
"""What helps, where the framework names the status alone."""


def _other_media(request: Request, error: RequestValidationError) -> str | None:
    """What an address takes, where the body is of another kind: such a body is nothing at all to the framework."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    named = {tuple(one.get("loc", ()))[:2] for one in error.errors()}
    if ("body",) in named and given != "application/json" and not given.endswith("+json"):
        return "application/json" if request.headers.get("content-length") != "0" else None
    if ("body", "files") in named and not given.startswith("multipart/form-data"):
        return "multipart/form-data"
    return None
