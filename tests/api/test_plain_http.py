"""What HTTP itself allows one to say, over every route of the document: HEAD, kinds of bodies, headers given twice."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from serving import Served, Signed

from spinecho.ui.server.api.around.edge import _ONCE, OPEN

TYPE = "urn:spinecho:problem:"
WRITES = ("post", "put")


def operations(served: Served, *methods: str) -> list[tuple[str, str, dict[str, Any]]]:
    paths = served.client.app.openapi()["paths"]  # type: ignore[attr-defined]
    found = [(method, path, about) for path, some in paths.items() for method, about in some.items()]
    return [(method, re.sub(r"\{[^}]*\}", "1", path), about) for method, path, about in found if method in methods]


def body_of(about: dict[str, Any]) -> str:
    """The media type that a route takes, '' for none."""
    return next(iter(about.get("requestBody", {}).get("content", {})), "")


def problem(answer: Any, status: int, kind: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == TYPE + kind
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    return str(answer.json()["detail"])


def real(path: str, served: Served) -> str:
    return path.replace("/series/1", f"/series/{served.series}").replace("/studies/1", f"/studies/{served.study}")


def test_head_is_get_without_its_body_everywhere(served: Served) -> None:
    asked = operations(served, "get")
    assert len(asked) > 35
    answered = 0
    varies = ("x-request-id", "x-ratelimit-remaining", "content-length", "content-type")
    for _, plain, _ in asked:
        path = real(plain, served)
        got, head = served.client.get(path), served.client.head(path)
        assert head.content == b"", path
        assert head.status_code == got.status_code, path
        told = {name: value for name, value in head.headers.items() if name not in varies}
        assert told == {name: value for name, value in got.headers.items() if name not in varies}, path
        assert head.headers.get("content-type", "").partition(";")[0] == got.headers["content-type"].partition(";")[0]
        answered += got.status_code == 200
    assert answered > 15, "some of them have something to say"
    nii = f"/api/v1/series/{served.series}/volume.nii"
    assert served.client.head(nii).headers["content-length"] == served.client.get(nii).headers["content-length"]


def test_head_is_refused_as_get_is(signed: Signed) -> None:
    for token in ("", "revoked", "expired", "manager metrics"):
        assert signed.client.head("/api/v1/me", headers=signed.headers(token)).status_code in (401, 403)
    assert signed.client.head("/api/v1/search", headers=signed.headers("manager")).status_code == 405


@pytest.mark.parametrize("name", _ONCE)
def test_of_two_values_of_a_header_none_is_chosen(served: Served, name: str) -> None:
    for method, path, _ in [one for one in operations(served, "get", *WRITES) if one[1] not in OPEN]:
        answer = served.client.request(method, path, headers=[(name, "one"), (name, "two")])
        assert name in problem(answer, 400, "bad-request"), path


def test_a_body_that_is_coded_is_told_from_one_that_is_broken(served: Served) -> None:
    coded = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    asked = [one for one in operations(served, *WRITES) if body_of(one[2])]
    assert len(asked) > 15
    for method, path, _ in asked:
        answer = served.client.request(method, path, content=gzip.compress(b"{}"), headers=coded)
        assert "Content-Encoding" in problem(answer, 415, "unsupported-media-type"), path


@pytest.mark.parametrize("given", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_a_body_of_another_kind_is_told_what_is_taken(served: Served, given: str) -> None:
    headers = {"Content-Type": given} if given else {}
    for method, path, about in operations(served, *WRITES):
        if wanted := body_of(about):
            answer = served.client.request(method, path, content=b'{"words": "x"}', headers=headers)
            assert wanted in problem(answer, 415, "unsupported-media-type"), path


def test_json_for_files_is_told_what_is_taken(served: Served) -> None:
    answer = served.client.post("/api/v1/similar/scan", json={"k": 3})
    assert "multipart/form-data" in problem(answer, 415, "unsupported-media-type")


def test_what_a_body_says_twice_never_counts_once(served: Served) -> None:
    valid = {
        "/search": '"words": "brain", "where": "", "where": "sex=F"', "/facets": '"fields": ["sex"], "fields": []',
        "/cohorts/count": '"definition": {"name": "x", "include": [{"filter": "sex=F", "filter": "sex=M"}]}',
        "/feedback/verdicts": '"words": "a", "words": "b"', "/jobs/counts": '"toml": "x", "toml": "y"',
    }  # fmt: skip
    for path, text in valid.items():
        answer = served.client.post(
            f"/api/v1{path}", content="{" + text + "}", headers={"Content-Type": "application/json"}
        )
        assert "more than once" in problem(answer, 422, "invalid"), path


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_of_json_is_refused(served: Served, number: str) -> None:
    rule = f'{{"name": "x", "include": [{{"text": "lesion", "at_least": {number}}}]}}'
    answer = served.client.post(
        "/api/v1/cohorts/count", content=f'{{"definition": {rule}}}', headers={"Content-Type": "application/json"}
    )
    assert problem(answer, 422, "invalid").endswith("no number of JSON")


def test_what_the_framework_refuses_is_told_what_helps(served: Served) -> None:
    assert "GET" in problem(served.client.delete("/api/v1/me"), 405, "method-not-allowed")
    assert "openapi.json" in problem(served.client.get("/api/v1/nothing"), 404, "not-found")
    deep = served.client.post(
        "/api/v1/search", content="[" * 50_000, headers={"Content-Type": "application/json"}
    )  # fmt: skip
    assert "JSON" in problem(deep, 400, "bad-request")


def test_etags_in_several_headers_are_all_looked_at(served: Served) -> None:
    path = f"/api/v1/studies/{served.study}"
    tag = served.client.get(path).headers["etag"]
    assert served.client.get(path, headers=[("If-None-Match", '"x"'), ("If-None-Match", tag)]).status_code == 304
    assert served.client.get(path, headers=[("If-None-Match", '"x"'), ("If-None-Match", '"y"')]).status_code == 200
