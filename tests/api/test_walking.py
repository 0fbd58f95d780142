"""Pages by cursors: each hit once, in one order, of one moment; or a problem that says that there is none any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of
from serving import Served, open_served

from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Tombstone
from spinecho.search.answers import order
from spinecho.search.channels import retrieve
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.api.finding import searching

ASKED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/search", {"words": "lesion"}), ("/search", {"words": "normal brain", "by": "scans"}),
    ("/search", {"words": "infarct", "want": "report"}), ("/search", {"words": "no haemorrhage"}),
    ("/search", {"where": "sex=F,M"}), ("/search", {"words": "lesion, no oedema", "refine": True}),
    ("/similar", {}), ("/similar", {"reports": True}), ("/similar", {"box": "0.2,0.2,0.2,0.6,0.6,0.6"}),
)  # fmt: skip


def walked(served: Served, path: str, body: dict[str, Any], k: int) -> list[dict[str, Any]]:
    found, cursor = [], None
    while True:
        page = served.post(path, {**body, "k": k, "cursor": cursor})
        assert page.status_code == 200, page.text
        found += page.json()["hits"]
        cursor = page.json()["next"]
        if cursor is None:
            return found


@pytest.mark.parametrize(("path", "body"), ASKED)
def test_pages_of_any_size_are_one_answer(
    served: Served, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    for module, name, value in ((order, "FIRST", 1), (retrieve, "_LEAST", 4), (retrieve, "_DEPTH", 1)):
        monkeypatch.setattr(module, name, value)
    asked = {"study": served.study} | body if path == "/similar" else body
    whole = served.post(path, {**asked, "k": 100}).json()
    assert whole["next"] is None
    for k in (1, 3, 7):
        assert walked(served, path, asked, k) == whole["hits"]
    named = [(one["study_uid"], one["report_id"]) for one in whole["hits"]]
    assert len(set(named)) == len(named) > 1


def test_the_last_page_is_as_long_as_pages_reach(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_DEEP", 4)
    assert len(walked(served, "/search", {"where": "sex=F,M"}, 3)) == 4


def test_a_page_after_a_change_says_so(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    with open_served(home, Door(alone=True)) as own:
        for path, body in (("/search", {"words": "lesion"}), ("/similar", {"study": own.study})):
            first = own.post(path, {**body, "k": 1}).json()
            assert own.post(path, {**body, "k": 1, "cursor": first["next"]}).status_code == 200
            database = Database.open(home.database)
            with database.begin() as session:  # as what removes a vector leaves it
                session.add(Tombstone(space_id=1, vector_id=10**6))
            database.close()
            later = own.post(path, {**body, "k": 1, "cursor": first["next"]})
            assert later.status_code == 409
            assert later.json()["type"].endswith(":archive-changed")
            assert "begin again" in later.text
            assert own.post(path, {**body, "k": 1}).status_code == 200


def test_a_thumb_between_two_pages_is_a_change(indexed: Home, tmp_path: Path) -> None:
    with open_served(copy_of(indexed, tmp_path / "home"), Door(alone=True)) as own:
        asked = {"words": "lesion", "refine": True, "k": 1}
        first = own.post("/search", asked).json()
        thumb = {"words": "lesion", "verdicts": {first["hits"][0]["study_uid"]: -1}}
        assert own.client.put("/api/v1/feedback", json=thumb).status_code < 300
        later = own.post("/search", asked | {"cursor": first["next"]})
        assert (later.status_code, later.json()["type"].rsplit(":", 1)[1]) == (409, "archive-changed")
