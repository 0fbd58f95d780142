"""The archive as a whole: counts by value, status, runs, what is not in it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, Response

from spinecho.answering.connection import read_where
from spinecho.answering.facet_counts import count
from spinecho.db.filters.algebra import write_filter
from spinecho.db.queries.facets import FACETS
from spinecho.filling.status_facts import failure_facts, status_facts
from spinecho.search.access.personal_archive import Role, digest_of
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.paging import cursor_of, held, place_of
from spinecho.ui.server.api.as_json import failure_shapes, shapes

router = APIRouter(tags=["archive"])
Reads = Annotated[Asked, Depends(Needs("read", what="see the archive"))]
_REPORTS = ("reports_without_study", "reports_out_of_search", "reports_charset_guessed")
Manages = Annotated[Asked, Depends(Needs("manage", Role.MANAGER, "see which files were rejected"))]


@router.get("/me", response_model=shapes.Me)
def me(asked: Reads) -> JSONResponse:
    """Who you are here."""
    asked.access.note("see-me")
    person = asked.person
    return JSONResponse({"name": person.name, "role": str(person.role), "scopes": sorted(asked.caller.scopes)})


@router.post("/facets", response_model=shapes.Facets)
def facets(asked: Reads, body: shapes.FacetsAsked) -> Response:
    """Of how many studies each value is: shown under the filter, of a total. Without fields, the usual ones."""
    where, fields = read_where(body.where), tuple(body.fields) or FACETS
    found = count(asked.archive, where, fields)
    counted = {
        "where": write_filter(where) if body.where.strip() else "",
        "facets": {
            field: [{"value": one.value, "shown": one.shown, "total": one.total} for one in some[: body.most]]
            for field, some in found.items()
        },
        "more": {field: len(some) - body.most for field, some in found.items() if len(some) > body.most},
        "studies": found.studies,
        "source": found.source,
        "warnings": list(found.warnings),
    }
    return held(asked, JSONResponse(counted))


@router.get("/status", response_model=dict[str, Any])
def status(asked: Reads) -> JSONResponse:
    """What is indexed, what is pending, how the last run went, encoders and builds, as `spinecho status --json`."""
    asked.access.allow(Role.VIEWER, "see the archive", "see-archive")
    facts = status_facts(asked.service.database, asked.service.settings)
    if not asked.access.may(Role.MANAGER):  # names of folders may say whose they are
        facts = {
            name: value
            for name, value in facts.items()
            if name not in ("home", "not_read", "noise", "warnings", "scrub")
        }
        facts["last_run"] = _without_roots(facts.get("last_run"))
    return JSONResponse(jsonable_encoder(facts))


@router.get("/runs/last", response_model=dict[str, Any] | None)
def last_run(asked: Reads) -> JSONResponse:
    """The newest run of `spinecho index`: counts, seconds, and how far it is while it goes on."""
    run = asked.archive.last_run()
    return JSONResponse(jsonable_encoder(run if asked.access.may(Role.MANAGER) else _without_roots(run)))


@router.get("/failures", response_model=failure_shapes.Failures)
def failures(
    asked: Manages,
    reason: Annotated[str | None, Query(max_length=40, description="Only this reason code, e.g. TRUNCATED.")] = None,
    everything: Annotated[bool, Query(description="Also files that are merely nothing to embed.")] = False,
    k: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> JSONResponse:
    """What is not in the index, and why: files by reason with what helps, and reports that no search finds."""
    digest = digest_of(reason or "")
    asked.access.allow(Role.MANAGER, "see which files were rejected", "see-failures", digest, everything=everything)
    question = {"failures": reason, "everything": everything}
    offset = place_of(asked, question, cursor).offset
    facts = failure_facts(asked.service.database, reason=reason, everything=everything)
    remedies = {one["reason"]: one["remedy"] for one in facts["by_reason"]}
    found = [one | {"remedy": remedies.get(one["reason"], "")} for one in facts["failures"][offset : offset + k]]
    lists = {name: [_report(one) for one in facts[name][offset : offset + k]] for name in _REPORTS}
    longest = max(len(facts[name]) for name in ("failures", *_REPORTS))
    following = cursor_of(asked, question, offset + k) if offset + k < longest else None
    return JSONResponse({"by_reason": facts["by_reason"], "failures": found, **lists, "next": following})


def _report(one: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in one.items()
            if name != "report_id"}  # fmt: skip


def _without_roots(run: Any) -> Any:
    return None if run is None else {name: value for name, value in run.items() if name != "roots"}
