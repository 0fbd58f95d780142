"""A search ends at its next stage once its client has gone or its time is over, and is on record as it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from archives import Home, copy_of
from leaving import Asking
from pages import acts
from serving import Served, open_served
from waiting import comes

from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.channels.retrieve import Retriever
from spinecho.search.planning.planner import Planner
from spinecho.ui.server.api.around.limits import Limits
from spinecho.ui.server.api.around.service import Door

ASKED = {"words": "lesion of the brain"}


@dataclass
class Stages:
    """Which stages of a search were begun; the one that is to `wait` goes on once it is released."""

    waits: str = ""
    begun: list[str] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def around(self, name: str, stage: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **options: Any) -> Any:
            self.begun.append(name)
            if name == self.waits:
                assert self.release.wait(60)
            return stage(*given, **options)

        return run


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stages]:
    made = Stages()
    for kind, name in ((Planner, "plan"), (Retriever, "words"), (Retriever, "scans"), (Retriever, "sentences")):
        monkeypatch.setattr(kind, name, made.around(name, getattr(kind, name)))
    yield made
    made.release.set()


@pytest.fixture(scope="module")
def hurried(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that gives an answer two seconds to begin."""
    home = copy_of(indexed, tmp_path_factory.mktemp("hurried") / "home")
    with open_served(home, Door(alone=True), Limits(rate=0, seconds=2)) as found:
        yield found


def last_search(served: Served) -> dict[str, Any]:
    """The facts of the newest search on record."""
    return dict(acts(served.settings.home, "search")[0].facts)


def test_a_search_that_is_waited_for_goes_through_its_stages(served: Served, stages: Stages) -> None:
    assert served.post("/search", ASKED).status_code == 200
    assert stages.begun == ["plan", "words", "scans", "sentences"]
    assert "failed" not in last_search(served)


@pytest.mark.parametrize(("at", "begun"), [("plan", ["plan"]), ("words", ["plan", "words"])])
def test_it_ends_at_its_next_stage_once_its_client_has_gone(
    served: Served, stages: Stages, at: str, begun: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    stages.waits = at
    asking = Asking(served.client, "/search", ASKED)
    comes(lambda: at in stages.begun)
    asking.leave()
    stages.release.set()
    asking.over.result(60)
    assert stages.begun == begun
    facts = last_search(served)
    assert facts["failed"] == "SearchStopped"
    assert (facts["kind"], facts["want"], facts["k"]) == ("words", "study", 10)
    assert asking.sent == []
    assert '"status": 499' in capfd.readouterr().err


def test_it_ends_at_its_next_stage_once_its_time_is_over(hurried: Served, stages: Stages) -> None:
    stages.waits = "words"
    late = hurried.post("/search", ASKED)
    assert (late.status_code, late.json()["type"]) == (504, "urn:spinecho:problem:too-long")
    stages.release.set()
    comes(lambda: acts(hurried.settings.home, "search"))
    assert last_search(hurried)["failed"] == "SearchStopped"
    assert stages.begun == ["plan", "words"]


def test_a_list_that_is_being_kept_is_kept_once_though_its_time_is_over(
    hurried: Served, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages.waits = "freeze"
    monkeypatch.setattr(PersonalCohorts, "freeze", stages.around("freeze", PersonalCohorts.freeze))
    asked = {"definition": {"name": "adults", "include": [{"filter": "age>=1"}]}}, {"Idempotency-Key": "kept-late"}
    assert hurried.post("/cohorts", asked[0], headers=asked[1]).status_code == 504
    assert hurried.post("/cohorts", asked[0], headers=asked[1]).status_code == 409
    stages.release.set()
    again = comes(lambda: (one := hurried.post("/cohorts", asked[0], headers=asked[1])).status_code == 201 and one)
    assert (again.headers["Idempotency-Replayed"], again.json()["version"]) == ("true", 1)
