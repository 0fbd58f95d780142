"""Work that a server does in the background: begun, followed by its events to its end, and what it made fetched."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from spinecho.errors import QueryError
from spinecho.remote.asked.asking import Asking, Call, ask
from spinecho.remote.problems import Unreachable, error_of

Tell = Callable[[str], None]
_OVER = ("done", "failed", "cancelled")
_TOO_LONG = 504
_AGAIN = 20
"""Times that a job is asked for where its server cannot be reached, which may be beginning anew: about two minutes."""
_QUIET = 100
"""Times that the events may end without the job's end, as where servers are begun anew, before it is given up."""


def finished(call: Call, tell: Tell | None = None) -> Asking[Mapping[str, Any]]:
    """Begin a job and wait for its end; the job as JSON. tell: given each stage as it begins.

    Raises what the job failed of, and `QueryError` where somebody stopped it. Who gives up waiting does not stop it.
    """
    job: Mapping[str, Any] = (yield from ask(call)).body
    place, stage = f"/api/v1/jobs/{job['id']}", ""

    def heard(now: Mapping[str, Any]) -> None:
        nonlocal stage
        if tell is not None and now["stage"] and now["stage"] != stage:
            stage = now["stage"]
            tell(stage)

    for _ in range(_QUIET):
        if job["state"] in _OVER:
            return _ended(job)
        last = (yield from ask(Call("GET", f"{place}/events", listen=heard, again=_AGAIN))).body
        job = last if last is not None else (yield from ask(Call("GET", place, again=_AGAIN))).body
    raise Unreachable(f"the job {job['id']} goes on at the server, which ends its events too early; ask {place}")


def answered(call: Call) -> Asking[Any]:
    """The JSON of an answer. What takes longer than one may goes on at the server as a job, which is waited for."""
    reply = yield call
    number = reply.body.get("job") if reply.status == _TOO_LONG and isinstance(reply.body, Mapping) else None
    if number is None:
        if reply.status >= 400:
            raise error_of(reply.status, reply.body, reply.after)
        return reply.body
    job = yield from finished(Call("GET", f"/api/v1/jobs/{quote(str(number), safe='')}"))
    return json.loads((yield from file_of(job)))


def file_of(job: Mapping[str, Any]) -> Asking[bytes]:
    """What a job made."""
    return (yield from ask(Call("GET", str(job["file"])))).content


def pictures_of(job: Mapping[str, Any]) -> Asking[dict[str, bytes]]:
    """The files of a job's zip by name; nothing where it made none."""
    if job["file"] is None:
        return {}
    packed = yield from file_of(job)
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as files:
            return {name: files.read(name) for name in files.namelist()}
    except zipfile.BadZipFile:
        raise Unreachable("the server gave pictures that cannot be read; ask again") from None


def _ended(job: Mapping[str, Any]) -> Mapping[str, Any]:
    if job["state"] == "failed":
        raise error_of(422, job["problem"])
    if job["state"] == "cancelled":
        raise QueryError("the job was stopped at the server; ask again")
    return job
