"""Cohorts: what rules leave, versions, what differs; exports are jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from spinecho.db.people.cohorts import CohortError, Frozen
from spinecho.db.people.masking import masked_rows, masked_sizes
from spinecho.search.access.personal_archive import Role
from spinecho.search.access.searching import SEES_PATIENTS
from spinecho.search.cohorts.freezing import balance_of, shown_making
from spinecho.search.cohorts.list_changes import Change, Changes
from spinecho.ui.cohort_facts import count_facts, definition_of
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.paging import cursor_of, offset_of
from spinecho.ui.server.api.around.problems import Unknown
from spinecho.ui.server.api.around.repeats import KEYED, once
from spinecho.ui.server.api.as_json import shapes

router = APIRouter(tags=["cohorts"], prefix="/cohorts")
Reads = Annotated[Asked, Depends(Needs("read", what="see cohorts"))]
Freezes = Annotated[Asked, Depends(Needs("write", Role.RESEARCHER, "freeze a cohort"))]
Deletes = Annotated[Asked, Depends(Needs("write", Role.RESEARCHER, "delete a cohort"))]
Name = Annotated[str, Path(min_length=1, max_length=200)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("", response_model=shapes.Versions)
def versions(asked: Reads) -> JSONResponse:
    """Every version of every cohort."""
    return JSONResponse({"cohorts": [version_facts(asked, one) for one in asked.cohorts.versions()]})


@router.post("/count", response_model=shapes.CohortCount)
def count(asked: Reads, body: shapes.CohortAsked) -> JSONResponse:
    """What each line of a definition leaves now; nothing is kept."""
    return JSONResponse(
        count_facts(
            asked.cohorts.count(definition_of(body.toml, body.definition)), asked.service.settings.smallest_count
        )
    )


@router.post(
    "",
    status_code=201,
    response_model=shapes.FrozenNow,
    responses={201: {"description": "Frozen."}},
    openapi_extra=KEYED,
)
def freeze(asked: Freezes, body: shapes.CohortAsked) -> Response:
    """Keep the list that a definition gives now, as version 1 of its name or as the next one."""

    def make() -> JSONResponse:
        found = asked.cohorts.count(definition_of(body.toml, body.definition))
        facts = version_facts(asked, asked.cohorts.freeze(found))
        return JSONResponse(facts | {"count": count_facts(found, asked.service.settings.smallest_count)}, 201)

    return once(asked, body.model_dump(), make)


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
    offset = offset_of(asked, question, cursor)
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
    facts = version_facts(asked, one) | {"members": rows, "next": following}
    return JSONResponse(jsonable_encoder(facts))


@router.get("/{name}/versions/{number}/rerun", response_model=shapes.Rerun)
def rerun(asked: Reads, name: Name, number: Number) -> JSONResponse:
    """A version's definition against the archive as it is now: which studies come, which go, and why."""
    frozen_version(asked, name, number)
    now, changes = asked.cohorts.rerun(name, number)
    counted = count_facts(now, asked.service.settings.smallest_count)
    return JSONResponse(change_facts(asked, changes) | {"count": counted})


@router.get("/{name}/diff", response_model=shapes.Changes)
def diff(
    asked: Reads, name: Name, first: Annotated[int, Query(ge=1, le=2**31 - 1)],
    second: Annotated[int, Query(ge=1, le=2**31 - 1)],
) -> JSONResponse:  # fmt: skip
    """What differs between two versions."""
    with known():
        return JSONResponse(change_facts(asked, asked.cohorts.diff(name, first, second)))


@router.delete("/{name}/versions/{number}", status_code=204, response_class=Response, response_model=None)
def delete(asked: Deletes, name: Name, number: Number) -> Response:
    """Forget a version: by the one who froze it, or a manager."""
    frozen_version(asked, name, number)
    asked.cohorts.delete(name, number)
    return Response(status_code=204)


def version_facts(asked: Asked, one: Frozen) -> dict[str, Any]:
    """A version as JSON values, without its members."""
    smallest = asked.service.settings.smallest_count
    studies, patients = masked_sizes(one.studies, one.patients, smallest)
    facts = {
        "name": one.name, "version": one.number, "description": one.description, "owner": one.owner,
        "frozen_at": one.created_at.isoformat() + "Z", "studies": studies, "patients": patients,
        "attrition": masked_rows(list(one.attrition), smallest), "made_with": shown_making(one, smallest),
        "balance": balance_of(one, smallest), "definition": dict(one.definition),
    }  # fmt: skip
    found: dict[str, Any] = jsonable_encoder(facts)
    return found


def frozen_version(asked: Asked, name: str, number: int) -> Frozen:
    """Raises `Unknown`."""
    found = next((one for one in asked.cohorts.versions() if (one.name, one.number) == (name, number)), None)
    if found is None:
        raise Unknown(f"no version {number} of a cohort of this name; GET /api/v1/cohorts lists them")
    return found


def change_facts(asked: Asked, changes: Changes) -> dict[str, Any]:
    """What differs as JSON values."""
    sees = asked.access.may(SEES_PATIENTS)

    def rows(some: Sequence[Change]) -> list[dict[str, Any]]:
        return [{"study_uid": one.study_uid, "patient": one.patient if sees else None, "why": one.why} for one in some]

    return {
        "added": rows(changes.added), "removed": rows(changes.removed), "moved": rows(changes.moved),
        "kept": changes.kept, "definition": list(changes.definition),
    }  # fmt: skip


@contextmanager
def known() -> Iterator[None]:
    """A name in an address that names no cohort is nothing, rather than a wrong question."""
    try:
        yield
    except CohortError as error:
        raise Unknown(str(error)) from error
