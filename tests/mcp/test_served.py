"""The tools at /mcp of `spinecho serve`: the API's tokens, those of the provider too, its rates, names and record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of_home
from assistants import TOOLS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import acts
from serving import ROLES, Signed, make_tokens, settings_of, sign_in
from starlette.testclient import TestClient

from spinecho.ui.server.api.app import create_api
from spinecho.ui.server.api.around.limits import Limits, Turns
from spinecho.ui.server.api.around.problems import Unauthenticated
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.guard import Rules

TAKES = {"Accept": "application/json, text/event-stream"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "search_studies": {"words": "brain", "k": 2}, "similar_studies": {"study_uid": "{study}"},
    "get_report": {"study_uid": "{study}"}, "cohort_count": {"include": ["sex=F"]}, "facets": {"fields": ["sex"]},
}  # fmt: skip


class Provider:
    """Vouches for one."""

    def claims(self, token: str) -> dict[str, Any]:
        if token != "of-the-provider":
            raise Unauthenticated("this bearer token is not taken")
        return {"email": "researcher@hospital.example", "email_verified": True}


@pytest.fixture(scope="module")
def signed(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    home = Home(copy_of_home(demo, tmp_path_factory.mktemp("signed") / "home"))
    sign_in(home.folder)
    tokens = make_tokens(home) | {"of the provider": "of-the-provider"}
    (study, series) = home.query("SELECT t.uid, s.uid FROM series s JOIN studies t ON t.id = s.study_id ORDER BY s.id")[
        0
    ]
    rules = Rules(frozenset({"testserver"}), 80)
    kept = settings_of(home)
    app = create_api(
        kept, door=Door(), limits=Limits(rate=0), rules=rules, wait=True, jobs_at_once=0, tools=True
    )  # fmt: skip
    app.state.service.provider = Provider()
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Signed(client, kept, study, series, tokens)


def asked(signed: Signed, token: str, tool: str, arguments: dict[str, Any], **headers: str) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    return signed.client.post("/mcp", json=body, headers={**TAKES, **signed.headers(token), **headers})


def filled(signed: Signed, tool: str) -> dict[str, Any]:
    return {
        name: signed.study if value == "{study}" else value for name, value in ARGUMENTS[tool].items()
    }  # fmt: skip


def test_the_matrix_has_every_tool() -> None:
    assert set(ARGUMENTS) == TOOLS


@pytest.mark.parametrize("tool", sorted(ARGUMENTS))
def test_each_role_may_use_each_tool_and_nobody_else(signed: Signed, tool: str) -> None:
    for token in (*ROLES, "viewer read", "a viewer's, of a manager", "of the provider"):
        before = len(acts(signed.settings.home, "assistant"))
        answer = asked(signed, token, tool, filled(signed, tool))
        assert answer.status_code == 200, answer.text
        assert not answer.json()["result"].get("isError"), answer.text
        rows = acts(signed.settings.home, "assistant")
        assert len(rows) == before + 1
        role = {"viewer read": "viewer", "a viewer's, of a manager": "viewer", "of the provider": "researcher"}
        assert {act.role for act in rows if act.facts["tool"] == tool} >= {role.get(token, token)}
    for token in ("", "revoked", "expired", "unknown", "foreign", "of nobody"):
        answer = asked(signed, token, tool, filled(signed, tool))
        assert answer.status_code == 401, (token, answer.text)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        told = answer.json()["error"]  # as clients of the protocol read it: they show the message alone
        assert told["data"]["detail"] in told["message"]
    for token in ("manager write", "manager metrics"):
        before = len(acts(signed.settings.home, "refused"))
        answer = asked(signed, token, tool, filled(signed, tool))
        assert (answer.status_code, problem_in(answer)["type"]) == (403, "urn:spinecho:problem:out-of-scope")
        assert len(acts(signed.settings.home, "refused")) == before + 1


@pytest.mark.parametrize("tool", sorted(ARGUMENTS))
def test_tools_that_search_take_turns_with_everybody(
    signed: Signed, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    taken = Turns.taken

    async def noted(turns: Turns, work: Any) -> Any:
        done.append("turn")
        return await taken(turns, work)

    monkeypatch.setattr(Turns, "taken", noted)
    assert asked(signed, "viewer", tool, filled(signed, tool)).status_code == 200
    assert done == (["turn"] if tool in ("search_studies", "similar_studies") else [])


def test_patients_are_not_found_by_a_viewer(signed: Signed) -> None:
    for tool, arguments in (("search_studies", {"where": "patient_id=DEMO00000001"}),
                            ("facets", {"where": "patient_id=DEMO00000001"})):  # fmt: skip
        result = asked(signed, "viewer", tool, arguments).json()["result"]
        assert result["isError"], tool
        assert "researcher" in result["content"][0]["text"]
        assert not asked(signed, "researcher", tool, arguments).json()["result"].get("isError")


def test_the_edge_stands_before_the_tools(signed: Signed) -> None:
    assert asked(signed, "viewer", "facets", {}, Host="evil.example").status_code == 421
    assert asked(signed, "viewer", "facets", {}, Origin="http://evil.example").status_code == 403
    assert signed.client.get("/mcp", headers={**TAKES, **signed.headers("viewer")}).status_code == 405
    large = {"fields": ["x" * 100] * 10_000}
    assert asked(signed, "viewer", "facets", large).status_code == 413


DEFINITIONS: list[tuple[dict[str, Any], str]] = [
    ({"definition": {"include": [{"like": "/etc/passwd", "at_least": 0.5}]}}, "StudyInstanceUID"),
    ({"definition": {"include": [{"any": [{"like": "../x.nii", "at_least": 0.5}, {"filter": "sex=F"}]}]}}, "Study"),
    ({"definition": {"include": [{"colour": "blue"}]}}, "colour"),
    ({"definition": {}, "include": ["sex=F"]}, "not both"),
    ({}, "definition"),
    ({"definition": {"include": [{"filter": "x" * 200_000}]}}, "characters"),
]


@pytest.mark.parametrize(("arguments", "said"), DEFINITIONS, ids=lambda value: str(value)[:40])
def test_a_definition_that_cannot_be_meant(signed: Signed, arguments: dict[str, Any], said: str) -> None:
    result = asked(signed, "viewer", "cohort_count", arguments).json()["result"]
    assert result["isError"]
    assert said in result["content"][0]["text"]
    assert "root:" not in json.dumps(result)


def test_a_definition_counts_what_the_api_counts(signed: Signed) -> None:
    definition = {
        "name": "both ways", "include": [{"any": [{"filter": "sex=F"}, {"text": "a lesion", "at_least": 0.3}]}],
        "index": {"study": "first"},
    }  # fmt: skip
    told = asked(signed, "viewer", "cohort_count", {"definition": definition}).json()["result"]["structuredContent"]
    counted = signed.post("/cohorts/count", {"definition": definition}, headers=signed.headers("viewer")).json()
    assert (told["studies"], told["patients"]) == (counted["studies"], counted["patients"])
    assert [one["studies"] for one in told["steps"]] == [one["studies"] for one in counted["attrition"]]


WORDS = st.text(max_size=40)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), WORDS, st.lists(WORDS, max_size=3),
                   st.dictionaries(WORDS, WORDS, max_size=2))  # fmt: skip
NAMES = (
    "words",
    "where",
    "k",
    "by",
    "study_uid",
    "start",
    "include",
    "exclude",
    "study",
    "definition",
    "fields",
    "most",
)


@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
@given(tool=st.sampled_from(sorted(ARGUMENTS)), arguments=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
def test_whatever_is_asked_is_answered_or_refused_and_never_a_fault(
    signed: Signed, tool: str, arguments: dict[str, Any]
) -> None:
    answer = asked(signed, "viewer", tool, arguments)
    assert answer.status_code == 200, answer.text
    told = json.dumps(answer.json())
    assert "by a fault of the server" not in told
    assert "Traceback" not in told
    assert str(signed.settings.home) not in told


def problem_in(answer: Any) -> dict[str, Any]:
    found = answer.json()["error"]["data"]
    assert isinstance(found, dict)
    return found


def test_roles_that_cannot_be_read_let_nobody_in_and_say_so(signed: Signed) -> None:
    roles = signed.settings.home / "roles.toml"
    held = roles.read_text()
    try:
        roles.write_text("viewer = [")
        answer = asked(signed, "viewer", "facets", {})
        assert answer.status_code in (401, 500)
        assert problem_in(answer)["status"] == answer.status_code
        assert str(signed.settings.home) not in answer.text
    finally:
        roles.write_text(held)
