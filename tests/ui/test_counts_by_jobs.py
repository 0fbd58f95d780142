"""Counts, changes and freezing of the cohorts page by other processes: the same answers, stopped when left, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import Home, copy_of
from jobs_done import Works, meanwhile
from pages import acts, calm, page_of, texts
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from waiting import comes

from spinecho.search.access import cohorts as access
from spinecho.search.access.cohorts import PersonalCohorts, is_long
from spinecho.search.access.personal_archive import Person, PersonalArchive, Role
from spinecho.search.cohorts.definition import from_plain
from spinecho.setup.settings import Settings, read_settings
from spinecho.ui.cohort_answers import ListChanged, counted, frozen_as_seen
from spinecho.ui.server.api.app import create_api
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.jobs import pages
from spinecho.ui.server.jobs import pool as pools
from spinecho.ui.server.jobs.pool import Pool, set_pool
from spinecho.ui.server.jobs.queue import Job, Queue
from spinecho.ui.views.cohorts import counting

ADULTS = {"name": "adults", "include": [{"filter": "age>=1"}]}
NOBODY = {"name": "nobody", "include": [{"filter": "age<0"}]}


@pytest.fixture
def own(indexed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    copy = copy_of(indexed, tmp_path / "own")
    monkeypatch.setenv("SPINECHO_HOME", str(copy.folder))
    monkeypatch.setenv("SPINECHO_DEVICE", "cpu")
    monkeypatch.setattr(access, "LONG", 0)
    monkeypatch.setattr(counting, "_AT_ONCE", 0.0)
    return read_settings()


@pytest.fixture
def works(own: Settings) -> Iterator[Works]:
    made = Works(own)
    set_pool(own, Pool(made.queue))
    yield made
    set_pool(own, None)
    made.close()


def built(plain: dict[str, Any], page: AppTest | None = None) -> AppTest:
    page = page or page_of("cohorts", role="researcher")
    page.session_state["cohort_from"] = plain
    return calm(page.run())


def studies(page: AppTest) -> str | None:
    return next((one.value for one in page.metric if one.label == "Studies"), None)


def counting_said(page: AppTest) -> bool:
    return any(caption.value.startswith("Counting") for caption in page.caption)


def cohorts_of(settings: Settings, works: Works) -> PersonalCohorts:
    engine = works.opened.late
    return PersonalCohorts(PersonalArchive(engine, Person("ada", Role.RESEARCHER)), settings.builds)


def test_a_count_is_the_same_by_another_process_and_on_record_once(own: Settings, works: Works) -> None:
    page = built(ADULTS)
    assert (studies(page), counting_said(page)) == (None, True)
    (job,) = works.all()
    assert (job.kind, job.state, job.owner) == ("shown-count", "done", "ada")
    assert len(acts(own.home, "count-cohort")) == 1
    calm(page.run())
    assert not counting_said(page)
    assert not page.button(key="freeze").disabled
    here = counted(cohorts_of(own, works), from_plain(ADULTS, name="adults"))
    assert page.session_state["counted"].answer == here
    assert studies(page) == str(here["count"]["studies"])
    calm(page.run())
    assert not works.all(), "what is remembered is counted again"


def test_an_older_count_is_dropped_and_the_last_one_stays_while_the_next_is_made(own: Settings, works: Works) -> None:
    page = built(ADULTS)
    works.all()
    calm(page.run())
    before = studies(page)
    page = built({**ADULTS, "include": [{"filter": "age<100"}]}, page)
    assert (studies(page), counting_said(page), page.button(key="freeze").disabled) == (before, True, True)
    page = built(NOBODY, page)
    done = works.all()
    assert [job.arguments["definition"]["name"] for job in done] == ["nobody"]
    assert {job.state for job in works.queue.of("ada")} == {"done", "cancelled"}
    calm(page.run())
    assert (studies(page), counting_said(page)) == ("0", False)


def test_a_count_that_nobody_waits_for_ends_after_the_line_that_it_is_at(
    own: Settings, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    built({**ADULTS, "include": [{"filter": "age>=1"}] * 5})
    heard: list[int] = []
    tell = works.queue.tell

    def left(number: str, stage: str, done: int = 0, known: int = 0) -> bool:
        heard.append(done)
        if done == 2:
            Pool(works.queue).leave(number)
        return tell(number, stage, done, known)

    monkeypatch.setattr(works.queue, "tell", left)
    (job,) = works.all()
    assert (job.state, max(heard), job.known) == ("cancelled", 2, 6)
    assert not acts(own.home, "count-cohort")


def test_a_count_that_is_stopped_elsewhere_is_asked_for_again(own: Settings, works: Works) -> None:
    page = built(ADULTS)
    works.queue.cancel(works.queue.of("ada")[0].id)
    calm(page.run())
    (job,) = works.all()
    assert job.state == "done"
    assert studies(calm(page.run())) is not None


def test_rules_that_fail_there_are_told_here_and_asked_for_again_when_they_change(own: Settings, works: Works) -> None:
    page = built({"name": "x", "include": [{"like": "/etc/passwd", "at_least": 0.5}]})
    assert [job.state for job in works.all()] == ["failed"]
    calm(page.run())
    assert any("is no StudyInstanceUID" in text for text in texts(page))
    built(ADULTS, page)
    assert [job.state for job in works.all()] == ["done"]


def test_what_changed_and_a_frozen_list_come_from_another_process(own: Settings, works: Works) -> None:
    page = built(ADULTS)
    works.all()
    calm(page.run())
    with meanwhile(works):
        calm(page.button(key="freeze").click().run())
    assert page.selectbox(key="cohort-shown").value == "adults"
    (kept,) = acts(own.home, "frozen")
    assert (kept.user, str(kept.facts["studies"])) == (
        "ada",
        str(page.session_state["counted"].answer["count"]["studies"]),
    )
    with meanwhile(works):
        calm(page.button_group(key="cohort-view").set_value("Changes").run())
    assert f"0 added, 0 removed, {kept.facts['studies']} kept" in texts(page)
    assert {job.kind for job in works.queue.of("ada")} == {"shown-count", "freeze", "changes"}
    assert b"patient" not in (own.home / "jobs" / f"{works.queue.of('ada')[0].id}.json").read_bytes()


def test_only_the_list_that_was_looked_at_is_frozen(own: Settings, works: Works) -> None:
    set_pool(own, None)
    page = built(ADULTS)
    shown = page.session_state["counted"].answer
    now, shown["digest"] = shown["digest"], "of before a study came"
    calm(calm(page.run()).button(key="freeze").click().run())
    assert any("no longer the one that you saw" in text for text in texts(page))
    assert not acts(own.home, "frozen")
    shown["digest"] = now
    calm(calm(page.run()).button(key="freeze").click().run())
    assert len(acts(own.home, "frozen")) == 1
    cohorts = cohorts_of(own, works)
    with pytest.raises(ListChanged):
        frozen_as_seen(cohorts, from_plain(NOBODY, name="nobody"), "another")


def test_a_list_is_frozen_once_though_its_process_dies_before_it_says_so(own: Settings, works: Works) -> None:
    cohorts = cohorts_of(own, works)
    digest = counted(cohorts, from_plain(ADULTS, name="adults"))["digest"]
    number = Pool(works.queue).add("freeze", Person("ada", Role.RESEARCHER), {"definition": ADULTS, "digest": digest})
    (first,) = works.all()
    with sqlite3.connect(own.home / "server.sqlite") as connection:
        connection.execute("UPDATE jobs SET state = 'queued', result = NULL, came = NULL WHERE id = ?", (number,))
    connection.close()
    (second,) = works.all()
    assert second.attempts == 2
    assert first.result == second.result == {"name": "adults", "number": 1}
    assert [one.number for one in cohorts.versions()] == [1]


def test_a_viewer_freezes_nothing_by_a_job_either(own: Settings, works: Works) -> None:
    asked = {"definition": ADULTS, "digest": "x"}
    Pool(works.queue).add("freeze", Person("eve", Role.VIEWER), asked)
    digest = counted(cohorts_of(own, works), from_plain(ADULTS, name="adults"))["digest"]
    Pool(works.queue).add("freeze", Person("eve", Role.VIEWER), {**asked, "digest": digest})
    assert [job.state for job in works.all()] == ["failed", "failed"]
    assert not acts(own.home, "frozen")


def test_who_waits_beside_somebody_who_leaves_goes_on_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_LEFT", 0.3)
    monkeypatch.setattr(pools, "_TELL", 0.05)
    queue, heard = Queue(tmp_path), list[bool]()
    pool, ada = Pool(queue), Person("ada", Role.VIEWER)
    number = pool.ask("shown-count", ada, {})

    def wait(job: Job) -> None:
        if not heard:
            queue.wait_on(number, 0.3)  # as the other page does, once it is left
        heard.append(job.left)
        if len(heard) > 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.wait("shown-count", ada, {}, wait)
    assert not any(heard)
    queue.close()


def test_long_is_what_many_studies_or_many_rules_make(
    own: Settings, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohorts, plain = cohorts_of(own, works), from_plain(ADULTS, name="adults")
    assert is_long(cohorts, plain)
    monkeypatch.setattr(access, "LONG", 5 * 20)
    assert not is_long(cohorts, plain)
    match = {"cases": {"filter": "sex=F"}, "by": []}
    assert is_long(cohorts, from_plain({**ADULTS, "include": ADULTS["include"] * 30}, name="x"))
    monkeypatch.setattr(access, "LONG", 5 * 10)
    assert is_long(cohorts, from_plain({**ADULTS, "match": match}, name="x"))


def test_the_process_for_counts_is_made_ready_where_they_are_long(
    own: Settings, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.make_ready(own, Pool(works.queue))
    (job,) = works.all()
    assert (job.kind, job.state) == ("ready", "done")
    monkeypatch.setattr(access, "LONG", 20_000)
    pages.make_ready(own, Pool(works.queue))
    assert not works.all()
    assert not (own.home / "record.sqlite").exists(), "nothing was asked of the archive"


def test_a_server_without_pages_makes_it_ready_too(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Settings] = []
    monkeypatch.setattr("spinecho.ui.server.api.app.make_ready", lambda settings, pool: begun.append(settings))
    for warm in (False, True):
        with TestClient(create_api(own, door=Door(alone=True), warm=warm)) as client:
            assert client.get("/healthz").status_code == 200
            assert not warm or comes(lambda: begun)
    assert begun == [own]
