"""Long cohorts of the API by another process: the same answers and rows, no search waits, left ones end, none twice."""

from __future__ import annotations

import dataclasses
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from archives import Home, copy_of
from jobs_done import Works, meanwhile
from leaving import Asking
from pages import acts
from serving import UNBOUND, Served, Signed, make_tokens, open_served, sign_in
from waiting import comes

from spinecho.search.access import cohorts as access
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.api.routes import long_cohorts

ADULTS = {"definition": {"name": "adults", "include": [{"filter": "age>=1"}]}}
FEW = 3
"""Counts of patients below it are hidden."""


@pytest.fixture(scope="module")
def pooled(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    home = copy_of(indexed, tmp_path_factory.mktemp("pooled") / "home")
    sign_in(home.folder)
    tokens = make_tokens(home)
    with open_served(home, Door(), UNBOUND) as found:
        service = found.client.app.state.service  # type: ignore[attr-defined]
        service.pooled = True
        service.settings = dataclasses.replace(service.settings, smallest_count=FEW)
        signed = Signed(found.client, service.settings, found.study, found.series, tokens)
        assert signed.post("/cohorts", ADULTS, headers=signed.headers("manager")).json()["version"] == 1
        with closing(sqlite3.connect(home.folder / "spinecho.sqlite")) as connection, connection:
            connection.execute("DELETE FROM cohort_members WHERE study_uid = ?", (found.study,))
        yield signed


@pytest.fixture
def works(pooled: Signed) -> Iterator[Works]:
    made = Works(pooled.settings)
    yield made
    made.close()


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "LONG", 0)


def rows(served: Served, since: int) -> list[tuple[Any, ...]]:
    """What was put on record since then, the oldest first."""
    found = [one for one in acts(served.settings.home) if one.number > since]
    return [(one.user, one.role, one.action, one.subject, dict(one.facts)) for one in reversed(found)]


def asked_as(served: Signed, role: str, path: str, body: Any) -> tuple[Any, ...]:
    """(status, answer, rows of the record) of a question."""
    since = acts(served.settings.home)[0].number if acts(served.settings.home) else 0
    headers = served.headers(role)
    found = served.get(path, headers=headers) if body is None else served.post(path, body, headers=headers)
    answer = found.json()
    for name in ("request_id", "remedy"):
        answer.pop(name, None)
    return found.status_code, answer, rows(served, since)


@pytest.mark.parametrize("role", ["viewer", "researcher", "manager"])
def test_an_answer_and_its_rows_are_the_same_by_either_way(
    pooled: Signed, works: Works, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {"definition": {"name": "few", "include": [{"filter": f'study_uid="{pooled.study}"'}]}}
    wrong = [
        {"name": "x", "include": [{"filter": "nofield=1"}]}, {"name": "x", "include": [{"filter": "age >> 1"}]},
        {"name": "x", "include": [{"like": "/etc/passwd", "at_least": 0.5}]}, {"name": "x", "lines": 1},
        {"name": "x", "include": [{"filter": "vendor=Nobody"}]},
    ]  # fmt: skip
    asked: list[tuple[str, Any]] = [("/cohorts/count", one) for one in (ADULTS, few)]
    asked += [("/cohorts/count", {"definition": one}) for one in wrong]
    asked += [(f"/cohorts/adults/versions/{number}/rerun", None) for number in (1, 999)]
    answers = []
    for path, body in asked:
        monkeypatch.setattr(access, "LONG", 10**9)
        here = asked_as(pooled, role, path, body)
        monkeypatch.setattr(access, "LONG", 0)
        with meanwhile(works):
            there = asked_as(pooled, role, path, body)
        assert there == here, (path, body)
        answers.append(here)
    assert [status for status, *_ in answers] == [200, 200, *[422] * len(wrong), 200, 404]
    assert answers[1][1]["studies"] == f"<{FEW}"
    (came,) = answers[-2][1]["added"]
    assert (came["study_uid"], came["patient"] is None) == (pooled.study, role == "viewer")
    assert {job.owner for job in works.queue.of(None)} >= {f"{role}@hospital.example"}


def test_what_is_kept_is_the_same_but_for_its_number(
    pooled: Signed, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    def same(one: Any) -> Any:
        """Without what differs between two versions."""
        if isinstance(one, dict):
            return {
                name: same(value) for name, value in one.items() if name not in ("version", "versions", "frozen_at")
            }
        return [same(value) for value in one] if isinstance(one, list | tuple) else one

    for path, body in (("/cohorts", ADULTS), ("/cohorts/adults/versions/1/rerun", {})):
        monkeypatch.setattr(access, "LONG", 10**9)
        here = asked_as(pooled, "researcher", path, body)
        monkeypatch.setattr(access, "LONG", 0)
        with meanwhile(works):
            there = asked_as(pooled, "researcher", path, body)
        assert here[0] == there[0] == 201
        assert same(there) == same(here)
        number = [one[1].get("frozen", one[1])["version"] for one in (here, there)]
        assert number[1] == number[0] + 1
    refused = asked_as(pooled, "viewer", "/cohorts", ADULTS)
    assert refused[0] == 403


@pytest.mark.usefixtures("long")
def test_searches_are_answered_while_more_counts_wait_than_there_are_threads(pooled: Signed, works: Works) -> None:
    headers = pooled.headers("viewer")
    before = len(works.queue.of("viewer@hospital.example"))
    with ThreadPoolExecutor(50) as threads:
        waiting = [threads.submit(pooled.post, "/cohorts/count", ADULTS, headers=headers) for _ in range(50)]
        comes(lambda: len(works.queue.of("viewer@hospital.example")) == before + 50)
        assert pooled.post("/search", {"words": "lesion"}, headers=headers).status_code == 200
        assert not any(one.done() for one in waiting)
        with meanwhile(works):
            answers = {one.result().text for one in waiting}
    assert len(answers) == 1
    assert "attrition" in answers.pop()


@pytest.mark.usefixtures("long")
def test_a_count_ends_with_the_client_that_waits_and_a_list_is_kept_all_the_same(pooled: Signed, works: Works) -> None:
    headers = pooled.headers("researcher")
    counting = Asking(pooled.client, "/cohorts/count", ADULTS, headers)
    changes = Asking(pooled.client, "/cohorts/adults/versions/1/rerun", None, headers)
    kept = {"definition": ADULTS["definition"] | {"name": "kept"}}
    freezing = Asking(pooled.client, "/cohorts", kept, headers | {"Idempotency-Key": "leaves"})
    comes(lambda: works.queue.counts()["queued"] == 3)
    for one in (counting, changes, freezing):
        one.leave()
        one.over.result(60)
    (done,) = works.all()
    assert (done.kind, done.state) == ("asked-freeze", "done")
    again = pooled.post("/cohorts", kept, headers=headers | {"Idempotency-Key": "leaves"})
    assert (again.status_code, again.headers["Idempotency-Replayed"], again.json()["version"]) == (201, "true", 1)
    assert pooled.get("/cohorts/kept/versions/2", headers=headers).status_code == 404


@pytest.mark.usefixtures("long")
def test_what_takes_too_long_goes_on_as_a_job_of_its_owner(
    pooled: Signed, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_cohorts, "_SHARE", 0.0)
    path, headers = "/cohorts/adults/versions/1/rerun", pooled.headers("researcher")
    late = pooled.get(path, headers=headers)
    assert (late.status_code, late.json()["type"]) == (504, "urn:spinecho:problem:still-running")
    job = f"/jobs/{late.json()['job']}"
    assert job in late.json()["detail"]
    (done,) = works.all()
    assert done.state == "done"
    monkeypatch.setattr(access, "LONG", 10**9)
    assert pooled.get(f"{job}/file", headers=headers).json() == pooled.get(path, headers=headers).json()
    assert pooled.get(f"{job}/file", headers=pooled.headers("manager")).status_code == 404
    monkeypatch.setattr(access, "LONG", 0)
    keyed = headers | {"Idempotency-Key": "late"}
    assert pooled.post("/cohorts", ADULTS, headers=keyed).status_code == 504
    assert pooled.post("/cohorts", ADULTS, headers=keyed).status_code == 409
    works.all()
    assert pooled.post("/cohorts", ADULTS, headers=keyed).headers["Idempotency-Replayed"] == "true"


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize(("why", "status"), [("WorkerDied", 500), ("TimedOut", 504), ("TooMuchMemory", 422), ("", 409)])
def test_a_process_that_comes_to_nothing_is_told_by_name_and_lets_the_key_go(
    pooled: Signed, works: Works, why: str, status: int
) -> None:
    headers = pooled.headers("researcher") | {"Idempotency-Key": f"again-{why}"}
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(pooled.post, "/cohorts", ADULTS, headers=headers)
        job = comes(lambda: works.queue.take("test"))
        if why:
            works.queue.fail(job.id, why, "ask for less")
        else:
            works.queue.cancel(job.id)
            works.queue.cancelled(job.id)
        found = waiting.result()
        assert found.status_code == status
        if why:
            assert found.json()["detail"] == "ask for less"
        with meanwhile(works):
            assert pooled.post("/cohorts", ADULTS, headers=headers).status_code == 201


@pytest.mark.usefixtures("long")
def test_a_list_is_kept_once_though_the_process_dies_after_it_kept_it(pooled: Signed, works: Works) -> None:
    once = {"definition": ADULTS["definition"] | {"name": "once"}}
    headers, died, finish = pooled.headers("researcher"), threading.Event(), works.queue.finish

    def die(number: str, result: Any, attempt: int) -> bool:
        if died.is_set():
            return finish(number, result, attempt)
        died.set()
        return works.queue.again(number)

    works.queue.finish = die  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(pooled.post, "/cohorts", once, headers=headers)
        with meanwhile(works):
            found = waiting.result()
    assert died.is_set()
    assert (found.status_code, found.json()["version"]) == (201, 1)
    assert pooled.get("/cohorts/once/versions/2", headers=headers).status_code == 404
