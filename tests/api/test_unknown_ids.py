"""What names a study, a series, a cohort, a job or a token that is not here gets a 404, on every route."""

from __future__ import annotations

import re
from typing import Any

import pytest
from serving import Served

from spinecho.db.people.record import Record

UID = "1.2.3.4.5"
NAMED = {"uid": UID, "study": UID, "series": UID, "instance": UID, "name": "nobody's", "number": "99999",
         "frame": "1", "frames": "1", "tag": "00091010"}  # fmt: skip
QUERIES = {"/api/v1/cohorts/{name}/diff": {"first": 1, "second": 2}}
BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "/feedback", {"words": "lesion", "verdicts": {UID: 1}}),
    ("PUT", "/feedback", {"words": "lesion", "verdicts": {UID: -1}}),
    ("PUT", "/feedback", {"words": "lesion", "verdicts": {UID: 0}}),
    ("POST", "/jobs/exports", {"name": "nobody's", "version": 1}),
    ("POST", "/jobs/evidence", {"series": UID, "words": "lesion"}),
]


def test_every_address_of_something_that_is_not_here_is_a_404(served: Served) -> None:
    paths = served.client.get("/api/v1/openapi.json").json()["paths"]
    asked, wrong = 0, []
    for path, about in paths.items():
        names = re.findall(r"\{(\w+)\}", path)
        assert set(names) <= set(NAMED), f"{path}: say here what an unknown one is called"
        for method in about if names else ():
            filled = re.sub(r"\{(\w+)\}", lambda found: NAMED[found[1]], path)
            answer = served.client.request(method.upper(), filled, params=QUERIES.get(path))
            asked += 1
            dicom = path == "/dicomweb/studies/{study}/series" or path.endswith("/instances")
            if answer.status_code == 200 and dicom and answer.json() == []:
                continue  # DICOMweb: a list of what there is under a name
            typed = answer.headers.get("content-type") == "application/problem+json"
            if answer.status_code != 404 or not typed or answer.json()["type"] != "urn:spinecho:problem:unknown":
                wrong.append((method, path, answer.status_code, answer.text[:200]))
    assert asked > 30
    assert not wrong, "\n".join(map(str, wrong))


def test_a_parameter_that_no_route_knows_or_that_comes_twice_is_named_on_every_route(served: Served) -> None:
    asked, wrong = 0, []
    for path, about in served.client.get("/api/v1/openapi.json").json()["paths"].items():
        for method, route in about.items() if path.startswith("/api/v1/") else ():
            known = [one["name"] for one in route.get("parameters", ()) if one["in"] == "query"]
            filled = re.sub(r"\{(\w+)\}", lambda found: NAMED[found[1]], path)
            for name in ("volme", *known):
                answer = served.client.request(method.upper(), filled, params={name: ["1", "2"]})
                asked += 1
                if answer.status_code != 422 or f"query.{name}" not in answer.text:
                    wrong.append((method, path, name, answer.status_code, answer.text[:200]))
    assert asked > 60
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize(("method", "path", "body"), BODIES, ids=lambda value: str(value)[:30])
def test_what_a_body_names_and_is_not_here_is_a_404_that_changes_nothing(
    served: Served, method: str, path: str, body: dict[str, Any]
) -> None:
    before = served.get("/jobs").json()
    record = Record.open(served.settings.record)
    rows = record.head()[0]
    answer = served.client.request(method, f"/api/v1{path}", json=body)
    assert answer.status_code == 404, answer.text
    assert answer.json()["type"] == "urn:spinecho:problem:unknown"
    assert record.head()[0] > rows
    assert served.get("/jobs").json() == before


def test_one_unknown_study_among_known_ones_keeps_no_thumb(served: Served) -> None:
    words = "one of two is unknown"
    body = {"words": words, "verdicts": {served.study: 1, UID: 1}}
    assert UID in served.client.put("/api/v1/feedback", json=body).json()["detail"]
    assert served.post("/feedback/verdicts", {"words": words}).json() == {"verdicts": {}}
