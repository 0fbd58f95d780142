"""Sources over HTTP: as the command has them, without secrets, and naming nothing of the archive's machine."""

from __future__ import annotations

import pytest
from serving import Served, Signed

PACS = {"name": "pacs", "kind": "orthanc", "settings": {"url": "http://127.0.0.1:9/", "attempts": 1}}


def test_a_source_is_added_listed_asked_and_removed(served: Served) -> None:
    made = served.post("/sources", PACS)
    assert made.status_code == 201, made.text
    assert made.json()["settings"] == {"url": "http://127.0.0.1:9", "attempts": 1}
    assert served.post("/sources", PACS).status_code == 409
    assert [one["name"] for one in served.get("/sources").json()["sources"]] == ["pacs"]
    asked = served.post("/sources/pacs/test", None)
    assert asked.status_code == 200, asked.text
    assert asked.json()["answers"] is False
    assert "Orthanc" in asked.json()["answer"]
    assert served.client.delete("/api/v1/sources/pacs").json()["name"] == "pacs"
    assert served.get("/sources").json() == {"sources": []}
    assert served.post("/sources/pacs/test", None).status_code == 404
    assert served.client.delete("/api/v1/sources/pacs").status_code == 404


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"token": "geheim"}, "is not kept"),
        ({"password": "geheim"}, "is not kept"),
        ({"token_file": "/geheim"}, "archive's machine"),
        ({"password_env": "GEHEIM"}, "archive's machine"),
        ({"ca_file": "/geheim"}, "archive's machine"),
        ({"path": "/geheim"}, "archive's machine"),
        ({"url": "http://geheim:geheim@pacs/"}, "without a name, a password"),
        ({"attempts": "geheim"}, "attempts="),
        ({"geheim": "geheim"}, "no setting"),
    ],
)
def test_secrets_and_places_of_the_machine_are_refused_and_not_repeated(
    served: Served, setting: dict[str, str], said: str
) -> None:
    answer = served.post("/sources", {**PACS, "settings": {**PACS["settings"], **setting}})  # type: ignore[dict-item]
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["detail"]
    if "geheim" not in setting:
        assert "geheim" not in answer.text.casefold()
    assert served.get("/sources").json() == {"sources": []}


def test_a_folder_of_the_machine_is_no_source_from_afar(signed: Signed) -> None:
    body = {"name": "all", "kind": "folder", "settings": {"path": "/"}}
    answer = signed.post("/sources", body, headers=signed.headers("manager"))
    assert answer.status_code == 422
