"""Cohorts once more: a rerun that is kept, whom codes stand for, and a cohort that is forgotten with all versions."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from spinecho.search.access.personal_archive import Role
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.problems import Unknown
from spinecho.ui.server.api.around.repeats import KEYED, once_awaited
from spinecho.ui.server.api.as_json import front_door_shapes
from spinecho.ui.server.api.routes import cohorts
from spinecho.ui.server.api.routes.cohorts import Freezes, Name, Number
from spinecho.ui.server.api.routes.long_cohorts import answer

router = APIRouter(tags=["cohorts"], prefix="/cohorts")
Codes = Annotated[Asked, Depends(Needs("manage", Role.RESEARCHER, "write whom the codes of a cohort stand for"))]
Deletes = Annotated[Asked, Depends(Needs("write", Role.RESEARCHER, "delete a cohort"))]


@router.post(
    "/{name}/versions/{number}/rerun", status_code=201, response_model=front_door_shapes.KeptRerun,
    responses={201: {"description": "Frozen."}}, openapi_extra=KEYED,
)  # fmt: skip
async def rerun_and_freeze(asked: Freezes, name: Name, number: Number) -> Response:
    """A version's definition against the archive as it is now, kept as the next version."""

    async def make(key: str | None) -> Response:
        asks = {"name": name, "version": number, "key": key}
        rules = partial(cohorts.kept_definition, asked, name, number)
        return await answer(asked, "asked-rerun", asks, rules, keeps=True)

    return await once_awaited(asked, {}, make)


@router.get("/{name}/versions/{number}/codes", response_model=front_door_shapes.Codes)
def codes(asked: Codes, name: Name, number: Number) -> JSONResponse:
    """Whom the codes of an export with pseudonyms stand for, under a row of names: for the house alone."""
    with cohorts.known():
        return JSONResponse({"rows": [list(row) for row in asked.cohorts.codes(name, number)]})


@router.delete("/{name}", response_model=front_door_shapes.Forgotten)
def delete_all(asked: Deletes, name: Name) -> JSONResponse:
    """Forget a cohort with all its versions: by the one who froze it, or a manager."""
    if not any(one.name == name for one in asked.cohorts.versions()):  # which leaves a row, also of what is not there
        raise Unknown("no cohort of this name; GET /api/v1/cohorts lists them")
    with cohorts.known():
        _, gone = asked.cohorts.delete_once(name, None, lambda _: True)
    return JSONResponse({"forgotten": gone})
