"""Every route by every role, scope and state of a token; a route that is not in the table fails."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute
from serving import ROLES, SCOPES, Signed

from spinecho.db.people.record import Record
from spinecho.ui.server.api.around.asking import Needs

OPEN = {("GET", "/healthz"), ("GET", "/readyz")}
UID = "1.2.3"
SERIES = "/dicomweb/studies/{study}/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"
DEFINITION = {"toml": 'name = "nobody"\n[[include]]\nfilter = "body_region=brain"\n'}
NEEDS: dict[tuple[str, str], tuple[str, str, Any]] = {
    ("POST", "/api/v1/search"): ("read", "viewer", {"words": "lesion"}),
    ("POST", "/api/v1/search/scan"): ("read", "viewer", None),
    ("POST", "/api/v1/similar"): ("read", "viewer", {"study": UID}),
    ("POST", "/api/v1/similar/scan"): ("read", "viewer", None),
    ("GET", "/api/v1/studies/{uid}"): ("read", "viewer", None),
    ("GET", "/api/v1/studies/{uid}/series"): ("read", "viewer", None),
    ("GET", "/api/v1/studies/{uid}/reports"): ("read", "viewer", None),
    ("GET", "/api/v1/series/{uid}"): ("read", "viewer", None),
    ("GET", "/api/v1/series/{uid}/thumbnail"): ("read", "viewer", None),
    ("GET", "/api/v1/series/{uid}/volume"): ("read", "viewer", None),
    ("GET", "/api/v1/series/{uid}/volume/data"): ("read", "viewer", None),
    ("GET", "/api/v1/series/{uid}/volume.nii"): ("read", "viewer", None),
    ("GET", "/api/v1/series/{uid}/frames/{number}"): ("read", "viewer", None),
    ("GET", "/api/v1/me"): ("read", "viewer", None),
    ("POST", "/api/v1/facets"): ("read", "viewer", {}),
    ("GET", "/api/v1/status"): ("read", "viewer", None),
    ("GET", "/api/v1/runs/last"): ("read", "viewer", None),
    ("GET", "/api/v1/failures"): ("manage", "manager", None),
    ("GET", "/api/v1/cohorts"): ("read", "viewer", None),
    ("POST", "/api/v1/cohorts/count"): ("read", "viewer", DEFINITION),
    ("POST", "/api/v1/cohorts"): ("write", "researcher", DEFINITION),
    ("GET", "/api/v1/cohorts/{name}/versions/{number}"): ("read", "viewer", None),
    ("GET", "/api/v1/cohorts/{name}/versions/{number}/rerun"): ("read", "viewer", None),
    ("GET", "/api/v1/cohorts/{name}/diff"): ("read", "viewer", None),
    ("DELETE", "/api/v1/cohorts/{name}/versions/{number}"): ("write", "researcher", None),
    ("POST", "/api/v1/cohorts/{name}/versions/{number}/rerun"): ("write", "researcher", None),
    ("GET", "/api/v1/cohorts/{name}/versions/{number}/codes"): ("manage", "researcher", None),
    ("DELETE", "/api/v1/cohorts/{name}"): ("write", "researcher", None),
    ("GET", "/api/v1/feedback"): ("read", "viewer", None),
    ("POST", "/api/v1/feedback/forget"): ("write", "viewer", {"words": "nothing"}),
    ("GET", "/api/v1/feedback/judgements"): ("read", "viewer", None),
    ("POST", "/api/v1/record/entries"): ("read", "viewer", {"most": 3}),
    ("POST", "/api/v1/record/check"): ("manage", "viewer", {}),
    ("GET", "/api/v1/record/export"): ("manage", "manager", None),
    ("PUT", "/api/v1/feedback"): ("write", "viewer", {"words": "lesion", "verdicts": {}}),
    ("POST", "/api/v1/feedback/verdicts"): ("read", "viewer", {"words": "lesion"}),
    ("POST", "/api/v1/jobs/exports"): ("write", "researcher", {"name": "nobody", "version": 1}),
    ("POST", "/api/v1/jobs/evaluations"): ("write", "researcher", {}),
    ("POST", "/api/v1/jobs/counts"): ("write", "viewer", DEFINITION),
    ("POST", "/api/v1/jobs/evidence"): ("write", "viewer", {"series": UID, "words": "lesion"}),
    ("POST", "/api/v1/jobs/why"): ("write", "viewer", {"study": UID, "words": "lesion"}),
    ("GET", "/api/v1/jobs"): ("read", "viewer", None),
    ("GET", "/api/v1/jobs/{number}"): ("read", "viewer", None),
    ("GET", "/api/v1/jobs/{number}/events"): ("read", "viewer", None),
    ("DELETE", "/api/v1/jobs/{number}"): ("write", "viewer", None),
    ("GET", "/api/v1/jobs/{number}/file"): ("read", "viewer", None),
    ("GET", "/api/v1/tokens"): ("manage", "viewer", None),
    ("POST", "/api/v1/tokens"): ("manage", "viewer", {"label": "of a test", "scopes": ["manage"]}),
    ("DELETE", "/api/v1/tokens/{number}"): ("manage", "viewer", None),
    ("GET", "/api/v1/sources"): ("manage", "manager", None),
    ("POST", "/api/v1/sources"): ("manage", "manager", {"name": "far", "kind": "receive", "settings": {}}),
    ("POST", "/api/v1/sources/{name}/test"): ("manage", "manager", None),
    ("DELETE", "/api/v1/sources/{name}"): ("manage", "manager", None),
    ("GET", "/metrics"): ("metrics", "viewer", None),
    ("GET", "/dicomweb/studies"): ("read", "viewer", None),
    ("GET", "/dicomweb/series"): ("read", "viewer", None),
    ("GET", "/dicomweb/instances"): ("read", "viewer", None),
    ("GET", "/dicomweb/studies/{study}/series"): ("read", "viewer", None),
    ("GET", "/dicomweb/studies/{study}/instances"): ("read", "viewer", None),
    ("GET", f"{SERIES}/instances"): ("read", "viewer", None),
    ("GET", "/dicomweb/studies/{study}"): ("read", "researcher", None),
    ("GET", SERIES): ("read", "researcher", None),
    ("GET", INSTANCE): ("read", "researcher", None),
    ("GET", "/dicomweb/studies/{study}/metadata"): ("read", "viewer", None),
    ("GET", f"{SERIES}/metadata"): ("read", "viewer", None),
    ("GET", f"{INSTANCE}/metadata"): ("read", "viewer", None),
    ("GET", f"{INSTANCE}/frames/{{frames}}"): ("read", "viewer", None),
    ("GET", f"{INSTANCE}/frames/{{frame}}/rendered"): ("read", "viewer", None),
    ("GET", f"{INSTANCE}/rendered"): ("read", "viewer", None),
    ("GET", f"{INSTANCE}/bulkdata/7FE00010"): ("read", "viewer", None),
    ("GET", f"{INSTANCE}/bulkdata/{{tag}}"): ("read", "researcher", None),
}
"""(method, route): the scope and the role that it takes, and a body that can be meant."""
DEAD = ("", "revoked", "expired", "unknown", "foreign", "of nobody")


def walked(some: Any, prefix: str = "") -> Any:
    for route in some:
        if isinstance(route, APIRoute):
            yield f"{prefix}{route.path}" if not route.path.startswith(prefix or "/") else route.path, route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from walked(inner.routes, route.include_context.prefix)


def asked(served: Signed, key: tuple[str, str], token: str) -> Any:
    method, path = key
    number = "1" if "cohorts" in path or "frames" in path else "999999" if "tokens" in path else "none"
    filled = path.replace("{uid}", UID).replace("{name}", "nobody").replace("{number}", number)
    filled = re.sub(r"\{(study|series|instance)\}", UID, filled).replace("{tag}", "00091010")
    filled = re.sub(r"\{frames?\}", "1", filled)
    body = NEEDS[key][2]
    sent: dict[str, Any] = {} if body is None else {"json": body}
    if path.endswith("/scan"):
        sent = {"files": [("files", ("a.dcm", b"nothing"))]}
    if path.endswith("/diff"):
        sent = {"params": {"first": 1, "second": 2}}
    return served.client.request(method, filled, headers=served.headers(token), **sent)


def documented(served: Signed) -> set[tuple[str, str]]:
    paths = served.client.get("/api/v1/openapi.json").json()["paths"]
    return {(method.upper(), path) for path, about in paths.items() for method in about}


def test_every_route_is_in_the_table(signed: Signed) -> None:
    assert documented(signed) - OPEN == set(NEEDS)


@pytest.mark.parametrize("key", list(NEEDS), ids=" ".join)
def test_nobody_is_answered_without_a_token_that_lives(signed: Signed, key: tuple[str, str]) -> None:
    for token in DEAD:
        answer = asked(signed, key, token)
        if token == "foreign":  # the provider that could tell is away
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True), (token, answer.text)
        else:
            assert answer.status_code == 401, (token, answer.text)
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", list(NEEDS), ids=" ".join)
def test_each_scope_opens_its_own_routes_alone(signed: Signed, key: tuple[str, str]) -> None:
    for scope in SCOPES:
        answer = asked(signed, key, f"manager {scope}")
        assert (answer.status_code == 403) == (scope != NEEDS[key][0]), (scope, answer.text)
        assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("key", list(NEEDS), ids=" ".join)
def test_each_role_opens_what_it_may(signed: Signed, key: tuple[str, str]) -> None:
    least = ROLES.index(NEEDS[key][1])
    for role in (*ROLES, "a viewer's, of a manager"):
        answer = asked(signed, key, role)
        rank = ROLES.index(role) if role in ROLES else 0
        assert (answer.status_code == 403) == (rank < least), (role, answer.text)
        assert answer.status_code < 500, answer.text


def test_the_table_says_what_the_routes_say(signed: Signed) -> None:
    for path, route in walked(signed.client.app.routes):
        needs = [one.call for one in route.dependant.dependencies if isinstance(one.call, Needs)]
        for method in route.methods - {"HEAD"}:
            full = path if (method, path) in NEEDS or (method, path) in OPEN else f"/api/v1{path}"
            if (method, full) in OPEN:
                continue
            assert len(needs) == 1, (method, full)
            assert (needs[0].scope, str(needs[0].role)) == NEEDS[method, full][:2], (method, full)


def test_every_answer_and_every_refusal_is_a_row(signed: Signed) -> None:
    record, unrecorded = Record.open(signed.settings.record), []
    for key in NEEDS.keys() - {("GET", "/metrics")}:  # figures of the server, nothing of the archive
        for token in ("manager", "viewer read", "revoked"):
            before = record.head()[0]
            answer = asked(signed, key, token)
            if record.head()[0] == before:
                unrecorded.append((key, token, answer.status_code))
    assert not unrecorded
    assert not record.check().broken
