"""Long work of pages: in processes of their own, warm, in turns, stopped when nobody waits, calm when they fail."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives import Home, copy_of
from pages import acts, calm, page_of, texts
from streamlit.testing.v1 import AppTest
from trusting import FAILED, trust
from waiting import comes

from spinecho.search.access.personal_archive import Person, Role
from spinecho.setup.settings import Settings, read_settings
from spinecho.ui.server.jobs import pool as pools
from spinecho.ui.server.jobs.context import Opened
from spinecho.ui.server.jobs.pages import long_work
from spinecho.ui.server.jobs.pool import JobFailed, Made, Pool, pool_of, set_pool
from spinecho.ui.server.jobs.queue import Queue, QueueFull
from spinecho.ui.server.jobs.runner import Runner
from spinecho.ui.server.jobs.worker import do

ADA, GRACE = Person("ada", Role.VIEWER), Person("grace", Role.VIEWER)
_DOES = """
import os, sys, time
from pathlib import Path
from spinecho.ui.server.jobs.queue import Queue
queue = Queue(Path(sys.argv[1]))
for line in sys.stdin:
    job = queue.get(line.strip())
    words = job.arguments.get("words", "")
    if words == "dies":
        os._exit(9)
    taken = b"x" * 400_000_000 if words == "much" else b""
    while words in ("forever", "much") and not queue.tell(job.id, "comparing"):
        time.sleep(0.02)
    if queue.tell(job.id, "comparing"):
        queue.cancelled(job.id)
    else:
        queue.finish(job.id, {"file": queue.write(job.id, "f32", words.encode()), "pid": os.getpid()}, job.attempts)
"""
STUDY = """
from spinecho.search.access.personal_archive import Person, Role
from spinecho.ui.views.session.opened import enter
from spinecho.ui.views.study.page import study_page
from spinecho.setup.settings import read_settings
study_page(enter(read_settings(), Person("ada", Role.VIEWER)))
"""


@contextmanager
def running(settings: Settings, **options: Any) -> Iterator[tuple[Pool, Queue, Runner]]:
    queue = Queue(settings.home)
    runner = Runner(settings, queue, **options)
    runner.begin()
    try:
        yield Pool(queue), queue, runner
    finally:
        runner.close()
        queue.close()


def scripted(home: Path) -> Callable[[], subprocess.Popen[bytes]]:
    return lambda: subprocess.Popen([sys.executable, "-c", _DOES, str(home)], stdin=subprocess.PIPE)


def patient(_: object) -> None:
    """A page that stays."""


def asked(pool: Pool, words: str, person: Person = ADA, on_wait: Callable[[Any], None] = patient) -> Made:
    return pool.wait("shown-evidence", person, {"study": 1, "volume": 1, "words": words}, on_wait)


class Left(Exception):
    """What Streamlit raises in a page that was left."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path / "home", device="cpu", environment={})


def test_one_process_serves_everybody_and_outlives_those_who_leave_but_not_what_kills_it(settings: Settings) -> None:
    with running(settings, start=scripted(settings.home)) as (pool, queue, _):
        first = asked(pool, "a")
        assert first.content == b"a"
        assert asked(pool, "b", GRACE).result["pid"] == first.result["pid"]

        def leave(job: Any) -> None:
            if job.state == "running":
                raise Left

        with pytest.raises(Left):
            asked(pool, "forever", on_wait=leave)
        (left,) = [one for one in queue.of("ada") if one.arguments["words"] == "forever"]
        comes(lambda: (found := queue.get(left.id)) is not None and found.state == "cancelled")
        assert asked(pool, "c").result["pid"] == first.result["pid"], "the process was ended with what was left"
        os.kill(first.result["pid"], signal.SIGKILL)
        again = asked(pool, "d")
        assert again.result["pid"] != first.result["pid"]
        with pytest.raises(JobFailed, match="ended unexpectedly, twice"):
            asked(pool, "dies")
        assert asked(pool, "e", GRACE).content == b"e"


def test_a_heat_map_waits_for_no_evaluation(settings: Settings) -> None:
    with running(settings, start=scripted(settings.home)) as (pool, queue, _):
        for kind in ("kept-evaluation", "export"):
            number = pool.add(kind, Person("grace", Role.RESEARCHER), {"words": "forever"})
            comes(lambda: (job := queue.get(number)) is not None and job.state == "running")  # noqa: B023
        assert asked(pool, "a").content == b"a"


def test_what_two_pages_of_one_person_wait_for_is_done_once_and_stays_while_one_of_them_does(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_LEFT", 0.2)
    queue = Queue(settings.home)
    one, other = (
        queue.add("shown-evidence", owner="ada", role="viewer", arguments={"words": "a"}, waited=60).id for _ in "12"
    )
    assert one == other
    assert queue.add("shown-evidence", owner="grace", role="viewer", arguments={"words": "a"}, waited=60).id != one
    assert queue.add("shown-evidence", owner="ada", role="viewer", arguments={"words": "a"}).id != one
    queue.wait_on(one, -1)
    assert queue.leave() == 1
    left = queue.get(one)
    assert left is not None
    assert left.state == "cancelled"
    queue.close()


def test_who_takes_too_much_memory_is_told_so(settings: Settings) -> None:
    with running(settings, start=scripted(settings.home), memory=300_000_000) as (pool, _, _runner):
        with pytest.raises(JobFailed, match="more memory"):
            asked(pool, "much")
        assert asked(pool, "a").content == b"a"


def test_where_nobody_runs_jobs_the_page_does_not_wait_for_ever(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_UNSERVED", 0.0)
    queue = Queue(settings.home)
    with pytest.raises(JobFailed, match="No server"):
        asked(Pool(queue), "a")
    queue.close()


def test_nobody_fills_the_queue_for_the_others(tmp_path: Path) -> None:
    queue = Queue(tmp_path, most_of_one=3)
    for words in "abc":
        queue.add("map", owner="ada", role="viewer", arguments={"words": words})
    with pytest.raises(QueueFull, match="of yours"):
        queue.add("map", owner="ada", role="viewer", arguments={})
    queue.add("map", owner="grace", role="viewer", arguments={})
    queue.close()


def test_a_queue_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    Queue(tmp_path).close()
    with sqlite3.connect(tmp_path / "server.sqlite") as connection:
        for column in ("waited", "over", "turn"):
            connection.execute(f"ALTER TABLE jobs DROP COLUMN {column}")
        connection.execute("DROP TABLE passed")
    connection.close()
    queue = Queue(tmp_path)
    assert queue.add("map", owner="ada", role="viewer", arguments={}, waited=5).waited is not None
    queue.close()


@pytest.fixture
def own(indexed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    copy = copy_of(indexed, tmp_path / "own")
    monkeypatch.setenv("SPINECHO_HOME", str(copy.folder))
    monkeypatch.setenv("SPINECHO_DEVICE", "cpu")
    return read_settings()


def page_with(words: str) -> AppTest:
    page = AppTest.from_string(STUDY, default_timeout=120)
    page.query_params["study"] = "1"
    page.session_state["asked"] = words
    page.session_state["evidence"] = True
    return page


def test_a_page_draws_by_the_warm_process_what_it_would_draw_itself(own: Settings) -> None:
    here = calm(page_with("a brain").run())
    (expected,) = here.session_state["heats"].values()
    with running(own) as (pool, queue, runner):
        set_pool(own, pool)
        processes = []

        def kill() -> None:
            number = comes(lambda: next(iter(queue.running()), None))
            process = comes(lambda: runner.process_of(number))
            processes.append(process.pid)
            process.kill()  # as it loads what it needs
            job = comes(lambda: (job := queue.get(number)) is not None and job.attempts == 2 and job)
            processes.append(comes(lambda: runner.process_of(job.id)).pid)

        killing = threading.Thread(target=kill)
        killing.start()
        try:
            before = len(acts(own.home, "evidence"))
            page = calm(page_with("a brain").run())
            killing.join(60)
            (found,) = page.session_state["heats"].values()
            assert np.allclose(found.cells, expected.cells, atol=1e-5)
            assert np.allclose(found.cosine, expected.cosine, atol=1e-3)
            assert np.allclose([found.hottest, found.floor], [expected.hottest, expected.floor], atol=1e-3)
            assert len(acts(own.home, "evidence")) == before + 1
            page.session_state["asked"] = "a knee"
            calm(page.run())
            assert len(page.session_state["heats"]) == 2
            assert len(set(processes)) == 2
            os.kill(processes[1], 0)  # the second one did both
        finally:
            set_pool(own, None)


def test_a_page_tells_that_nothing_stands_out_and_why_there_is_no_evidence(own: Settings) -> None:
    trust(own.database, floor=90.0)
    page = calm(page_with("a brain").run())
    assert any(caption.value.startswith("Nothing stands out") for caption in page.caption)
    assert not any("Dashed line" in caption.value for caption in page.caption)
    trust(own.database, sides=FAILED)
    for words, said in (("a brain", "52 % of 80 patients"), ("no haemorrhage", "only says what is not wanted")):
        page = calm(page_with(words).run())
        assert any("The evidence cannot be shown" in mark.value for mark in page.markdown)
        assert any(said in text for text in texts(page))
        assert "spinecho_viewer" in {element.proto.component_name for element in page.get("bidi_component")}


def test_a_page_whose_process_dies_says_so_and_shows_the_scan(own: Settings) -> None:
    with running(own, start=scripted(own.home)) as (pool, _, _runner):
        set_pool(own, pool)
        try:
            page = calm(page_with("dies").run())
        finally:
            set_pool(own, None)
    assert any("The evidence cannot be shown" in mark.value for mark in page.markdown)
    assert "spinecho_viewer" in {element.proto.component_name for element in page.get("bidi_component")}


@contextmanager
def in_a_thread(settings: Settings) -> Iterator[Queue]:
    """Jobs of pages over a home are done by a thread of this process, with what the worker does them by."""
    queue, opened, ends = Queue(settings.home), Opened(settings), threading.Event()

    def work() -> None:
        while not ends.wait(0.02):
            if (job := queue.take("thread")) is not None:
                do(job.id, queue, opened)

    thread = threading.Thread(target=work)
    thread.start()
    set_pool(settings, Pool(queue))
    try:
        yield queue
    finally:
        set_pool(settings, None)
        ends.set()
        thread.join()
        queue.close()
        opened.database.close()


def test_map_export_and_evaluation_of_the_pages_are_jobs_of_who_asked(own: Settings) -> None:
    with in_a_thread(own) as queue:
        page = calm(page_of("archive").run())
        page = calm(page.button_group(key="archive-view").set_value("Map").run())
        assert any("volumes; principal components" in caption.value for caption in page.caption)
        page = page_of("cohorts")
        page.session_state["cohort_from"] = {"name": "brains", "include": [{"filter": "body_region=brain"}]}
        page = calm(calm(page.run()).button(key="freeze").click().run())
        page = calm(page.button_group(key="cohort-view").set_value("Export").run())
        page = calm(page.button(key="prepare").click().run())
        name, packed = page.session_state["made"][1]
        with zipfile.ZipFile(io.BytesIO(packed)) as tables:
            assert any(one.endswith("studies.csv") for one in tables.namelist())
        assert name.endswith("-v1.zip")
        page = calm(calm(page_of("evaluate").run()).button(key="evaluate").click().run())
        comes(lambda: all(job.over for job in queue.of("ada")))
        page = calm(page.run())
        (label,) = page.multiselect(key="evaluations").options
        assert label.endswith("archive · ada")
        assert any("the scan most like another" in text for text in texts(page))
        assert {(job.kind, job.state) for job in queue.of("ada")} == {
            ("map", "done"), ("export", "done"), ("kept-evaluation", "done")
        }  # fmt: skip
        for action in ("see-map", "export", "begin-job", "evaluate"):
            assert [act.user for act in acts(own.home, action)] == ["ada"], action


def test_a_server_of_pages_gives_long_work_away_and_takes_it_back(settings: Settings) -> None:
    assert pool_of(settings) is None
    with long_work(settings, 1):
        assert pool_of(settings) is not None
        comes((settings.home / "jobs" / "lock").exists)
    assert pool_of(settings) is None
    with long_work(settings, 0):
        assert pool_of(settings) is None
