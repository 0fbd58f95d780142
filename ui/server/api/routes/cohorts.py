"""Cohorts: what rules leave, versions, what differs; exports are jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from spinecho.db.people.cohorts import CohortError, Frozen
from spinecho.search.access.personal_archive import Role
from spinecho.search.access.searching import SEES_PATIENTS
from spinecho.search.cohorts.definition import Definition, from_plain
from spinecho.ui.cohort_facts import change_facts, definition_of, version_facts
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.paging import cursor_of, place_of
from spinecho.ui.server.api.around.problems import Unknown
from spinecho.ui.server.api.around.repeats import KEYED, once_awaited
from spinecho.ui.server.api.as_json import shapes
from spinecho.ui.server.api.routes.long_cohorts import answer

router = APIRouter(tags=["cohorts"], prefix="/cohorts")
Reads = Annotated[Asked, Depends(Needs("read", what="see cohorts"))]
Freezes = Annotated[Asked, Depends(Needs("write", Role.RESEARCHER, "freeze a cohort"))]
Deletes = Annotated[Asked, Depends(Needs("write", Role.RESEARCHER, "delete a cohort"))]
Name = Annotated[str, Path(min_length=1, max_length=200)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("", response_model=shapes.Versions)
def versions(asked: Reads) -> JSONResponse:
    """Every version of every cohort."""
    smallest = asked.service.settings.smallest_count
    return JSONResponse({"cohorts": [version_facts(one, smallest) for one in asked.cohorts.versions()]})


@router.post("/count", response_model=shapes.CohortCount)
async def count(asked: Reads, body: shapes.CohortAsked) -> Response:
    """What each line of a definition leaves now; nothing is kept."""
    rules = partial(definition_of, body.toml, body.definition)
    return await answer(asked, "asked-count", body.model_dump(), rules)


@router.post(
    "",
    status_code=201,
    response_model=shapes.FrozenNow,
    responses={201: {"description": "Frozen."}},
    openapi_extra=KEYED,
)
async def freeze(asked: Freezes, body: shapes.CohortAsked) -> Response:
    """Keep the list that a definition gives now, as version 1 of its name or as the next one."""

    async def make(key: str | None) -> Response:
        rules = partial(definition_of, body.toml, body.definition)
        return await answer(asked, "asked-freeze", body.model_dump() | {"key": key}, rules, keeps=True)

    return await once_awaited(asked, body.model_dump(), make)


@router.get("/{name}/versions/{number}", response_model=shapes.Cohort)
def version(
    asked: Reads,
    name: Name,
    number: Number,
    k: Annotated[int, Query(ge=1, le=10_000, description="Members on a page.")] = 1000,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> JSONResponse:
    """A version: its definition, what each line left, and its studies by UID."""
    one = frozen_version(asked, name, number)
    question = {"members": name, "version": number}
    offset = place_of(asked, question, cursor).offset
    with known():
        members = asked.cohorts.members(name, number)
    sees = asked.access.may(SEES_PATIENTS)
    rows = [
        {
            "study_uid": one.study_uid,
            "patient": one.patient if sees else None,
            "part": one.part,
            "facts": dict(one.facts),
            "person": one.person if sees else None,
        }
        for one in members[offset : offset + k]
    ]
    following = cursor_of(asked, question, offset + k) if offset + k < len(members) else None
    facts = version_facts(one, asked.service.settings.smallest_count) | {"members": rows, "next": following}
    return JSONResponse(jsonable_encoder(facts))


@router.get("/{name}/versions/{number}/rerun", response_model=shapes.Rerun)
async def rerun(asked: Reads, name: Name, number: Number) -> Response:
    """A version's definition against the archive as it is now: which studies come, which go, and why."""
    asks = {"name": name, "version": number}
    return await answer(asked, "asked-changes", asks, partial(kept_definition, asked, name, number))


@router.get("/{name}/diff", response_model=shapes.Changes)
def diff(
    asked: Reads, name: Name, first: Annotated[int, Query(ge=1, le=2**31 - 1)],
    second: Annotated[int, Query(ge=1, le=2**31 - 1)],
) -> JSONResponse:  # fmt: skip
    """What differs between two versions."""
    with known():
        changes = asked.cohorts.diff(name, first, second)
    return JSONResponse(change_facts(changes, patients=asked.access.may(SEES_PATIENTS)))


@router.delete("/{name}/versions/{number}", status_code=204, response_class=Response, response_model=None)
def delete(asked: Deletes, name: Name, number: Number) -> Response:
    """Forget a version: by the one who froze it, or a manager."""
    frozen_version(asked, name, number)
    asked.cohorts.delete(name, number)
    return Response(status_code=204)


def frozen_version(asked: Asked, name: str, number: int) -> Frozen:
    """Raises `Unknown`."""
    found = next((one for one in asked.cohorts.versions() if (one.name, one.number) == (name, number)), None)
    if found is None:
        raise Unknown(f"no version {number} of a cohort of this name; GET /api/v1/cohorts lists them")
    return found


def kept_definition(asked: Asked, name: str, number: int) -> Definition:
    """The definition of a version. Raises `Unknown`."""
    return from_plain(frozen_version(asked, name, number).definition, name=name)


@contextmanager
def known() -> Iterator[None]:
    """A name in an address that names no cohort is nothing, rather than a wrong question."""
    try:
        yield
    except CohortError as error:
        raise Unknown(str(error)) from error
