"""Jobs: none is lost and none is done twice, whatever dies; those who ask for much wait behind those who ask little."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from archives import Home, copy_of
from serving import UNBOUND, open_served, settings_of
from waiting import comes

from spinecho import steady
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.jobs import queue as queues
from spinecho.ui.server.jobs.queue import Job, Queue, QueueFull
from spinecho.ui.server.jobs.runner import ATTEMPTS, Runner
from spinecho.ui.server.jobs.worker import do

_DOES = """
import sys, time
from pathlib import Path
from spinecho.ui.server.jobs.queue import Queue
home = Path(sys.argv[1])
queue = Queue(home)
for line in sys.stdin:
    job = queue.get(line.strip())
    (home / f"began-{job.id}-{job.attempts}").touch()
    if job.kind == "short" or (job.kind == "dies once" and job.attempts > 1):
        queue.finish(job.id, {"attempt": job.attempts}, job.attempts)
    else:
        time.sleep(600)
"""


class Workers:
    """Runs jobs by a script, and knows its processes."""

    def __init__(self, home: Home, at_once: int = 1) -> None:
        self.home, self.settings = home.folder, settings_of(home)
        self.queue = Queue(self.home)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.runner = Runner(self.settings, self.queue, at_once=at_once, start=self._start)

    def _start(self) -> subprocess.Popen[bytes]:
        self.processes.append(subprocess.Popen([sys.executable, "-c", _DOES, str(self.home)], stdin=subprocess.PIPE))
        return self.processes[-1]

    def process_of(self, number: str) -> subprocess.Popen[bytes]:
        found: subprocess.Popen[bytes] = comes(lambda: self.runner.process_of(number))
        return found

    def add(self, kind: str, owner: str = "ada", **options: Any) -> str:
        return self.queue.add(kind, owner=owner, role="viewer", arguments={}, **options).id

    def began(self, number: str, attempt: int = 1) -> None:
        comes((self.home / f"began-{number}-{attempt}").exists)

    def over(self, number: str) -> Job:
        found: Job = comes(lambda: (job := self.queue.get(number)) is not None and job.over and job)
        return found


@pytest.fixture
def workers(tmp_path: Path) -> Any:
    found = Workers(Home(tmp_path / "home"))
    found.runner.begin()
    yield found
    found.runner.close()
    assert all(process.poll() is not None for process in found.processes), "a process outlived its runner"


def test_kill_9_in_the_middle_begins_it_anew_and_the_others_go_on(workers: Workers) -> None:
    number, other = workers.add("dies once"), workers.add("short", owner="grace")
    workers.began(number)
    os.kill(workers.process_of(number).pid, signal.SIGKILL)
    assert workers.over(number).result == {"attempt": 2}
    assert workers.over(other).state == "done"


def test_what_dies_again_and_again_fails_by_name(workers: Workers) -> None:
    number = workers.add("dies always")
    for attempt in range(1, ATTEMPTS + 1):
        workers.began(number, attempt)
        os.kill(workers.process_of(number).pid, signal.SIGKILL)
    job = workers.over(number)
    assert job.state == "failed"
    assert job.problem is not None
    assert job.problem["name"] == "WorkerDied"
    assert workers.over(workers.add("short")).state == "done"


def test_a_process_does_one_job_after_the_other(workers: Workers) -> None:
    for _ in range(5):
        assert workers.over(workers.add("short")).state == "done"
    assert len(workers.processes) == 1
    os.kill(workers.processes[0].pid, signal.SIGKILL)  # while it waits
    workers.processes[0].wait(10)
    assert workers.over(workers.add("short")).state == "done"


def test_what_takes_too_long_is_ended(workers: Workers) -> None:
    job = workers.over(workers.add("long", seconds=0.5))
    assert job.state == "failed"
    assert job.problem is not None
    assert job.problem["name"] == "TimedOut"


def test_a_job_is_stopped_while_it_waits_and_while_it_runs(workers: Workers) -> None:
    running, waiting = workers.add("long"), workers.add("short")
    workers.began(running)
    process = workers.process_of(running)
    cancelled = workers.queue.cancel(waiting)
    assert cancelled is not None
    assert cancelled.state == "cancelled"
    workers.queue.cancel(running)
    assert workers.over(running).state == "cancelled"
    assert process.wait(10) is not None
    assert not (workers.home / f"began-{waiting}-1").exists()


def test_a_server_that_ends_hands_its_jobs_over(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    first, second = Workers(home), Workers(home)
    first.runner.begin()
    number = first.add("dies once")
    first.began(number)
    second.runner.begin()  # waits for its turn
    first.runner.close()
    assert first.processes[0].poll() is not None
    second.began(number, 1)  # handed over: no attempt is counted
    second.runner.close()
    job = second.queue.get(number)
    assert job is not None
    assert (job.state, job.attempts) == ("queued", 0)


def test_what_a_killed_server_was_at_is_begun_anew(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    workers = Workers(home)
    number = workers.add("dies once")
    taken = workers.queue.take("a runner that was killed")
    assert taken is not None
    workers.runner.begin()
    assert workers.over(number).result == {"attempt": 2}
    workers.runner.close()
    assert not workers.queue.finish(number, {"attempt": 1}, 1), "the old process may not answer any more"


@pytest.mark.parametrize(("kind", "role"), [("of later times", "viewer"), ("map", "curator")])
def test_what_a_server_of_another_version_was_asked_fails_and_says_so(tmp_path: Path, kind: str, role: str) -> None:
    with closing(Queue(tmp_path)) as queue:
        number = queue.add(kind, owner="ada", role=role, arguments={}).id
        assert queue.take("r")
        do(number, queue, cast(Any, None))
        assert (job := queue.get(number)) is not None
        assert (job.state, job.problem is not None) == ("failed", True)
        assert "another version" in (job.problem or {})["detail"]


def test_order_is_by_priority_then_in_turns_of_owners(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    for kind, owner, priority in (
        ("a1", "ada", 5),
        ("a2", "ada", 5),
        ("a3", "ada", 5),
        ("g1", "grace", 5),
        ("g2", "grace", 5),
        ("u", "ada", 0),
    ):
        queue.add(kind, owner=owner, role="viewer", arguments={}, priority=priority)
    taken = []
    while (job := queue.take("r")) is not None:
        taken.append(job.kind)
        queue.finish(job.id, {}, job.attempts)
    assert taken == ["u", "g1", "a1", "g2", "a2", "a3"]


def test_a_job_that_says_often_how_far_it_is_leaves_the_file_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "_PROGRESS_SECONDS", 600.0)
    with closing(Queue(tmp_path)) as queue:
        number = queue.add("x", owner="ada", role="viewer", arguments={}).id
        queue.take("r")
        assert not queue.tell(number, "counting", 1, 9)
        with closing(sqlite3.connect(tmp_path / queues.FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # whoever writes now waits half a minute, and fails
            assert not queue.tell(number, "counting", 2, 9)
            other.execute("ROLLBACK")
        assert (job := queue.get(number)) is not None
        assert job.done == 1
        assert not queue.tell(number, "writing", 3, 9)
        queue.cancel(number)
        assert queue.tell(number, "writing", 4, 9), "it hears at once that it is stopped"
        assert (job := queue.get(number)) is not None
        assert (job.stage, job.done) == ("writing", 4)


def test_many_who_take_at_once_take_each_job_once(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    for _ in range(60):
        queue.add("x", owner="ada", role="viewer", arguments={})
    taken: list[str] = []

    def take() -> None:
        mine = Queue(tmp_path)
        while (job := mine.take("r")) is not None:
            taken.append(job.id)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 60


def test_the_queue_is_bounded_private_and_tidied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(tmp_path, most=3)
    numbers = [queue.add("x", owner="ada", role="viewer", arguments={}).id for _ in range(3)]
    with pytest.raises(QueueFull):
        queue.add("x", owner="ada", role="viewer", arguments={})
    assert (tmp_path / "server.sqlite").stat().st_mode & 0o077 == 0
    assert queue.folder.stat().st_mode & 0o077 == 0
    job = queue.take("r")
    assert job is not None
    file = queue.folder / queue.write(job.id, "zip", b"x")
    queue.finish(job.id, {"file": file.name}, job.attempts)
    queue.tidy()
    assert file.exists()
    monkeypatch.setattr(queues, "_KEPT_JOBS", 4)
    for _ in range(5):  # what is waited for takes no place of what is kept
        counted = queue.add("x", owner="eve", role="viewer", arguments={"x": time.time()}, priority=0, waited=60)
        assert (taken := queue.take("r", priorities=(0, 0))) is not None
        assert queue.finish(counted.id, {}, taken.attempts)
    queue.tidy()
    assert file.exists()
    now = steady.seconds()
    monkeypatch.setattr(steady, "seconds", lambda: now + 10 * 24 * 3600)
    queue.tidy()
    assert queue.get(job.id) is None
    assert not file.exists()
    assert {one.id for one in queue.of("ada")} == set(numbers) - {job.id}, "what waits is never forgotten"


def test_an_export_from_the_request_to_its_file(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    with open_served(home, Door(alone=True), UNBOUND, jobs=1) as served:
        toml = 'name = "to export"\n[[include]]\nfilter = "body_region=brain"\n'
        made = served.post("/cohorts", {"toml": toml}).json()
        begun = served.post("/jobs/exports", {"name": "to export", "version": 1})
        assert begun.status_code == 202, begun.text
        address = begun.headers["location"].removeprefix("/api/v1")
        events = served.get(f"{address}/events")
        assert events.headers["content-type"].startswith("text/event-stream")
        told = [json.loads(line[6:]) for line in events.text.splitlines() if line.startswith("data: ")]
        assert told[-1]["state"] == "done", told[-1]
        file = served.client.get(told[-1]["file"])
        with zipfile.ZipFile(io.BytesIO(file.content)) as packed:
            assert "studies.csv" in packed.namelist() or any(name.endswith(".csv") for name in packed.namelist())
        assert served.client.get(told[-1]["file"], headers={"Range": "bytes=0-3"}).content == b"PK\x03\x04"
        assert made["studies"] == 5
        counting = served.post("/jobs/counts", {"toml": toml}).json()
        counted = comes(lambda: (job := served.get(f"/jobs/{counting['id']}").json())["state"] == "done" and job)
        assert counted["result"]["count"] == served.post("/cohorts/count", {"toml": toml}).json()
        assert served.post("/jobs/exports", {"name": "nobody", "version": 1}).status_code == 404
        about = {"name": "nobody", "version": 1, "pseudonyms": True}  # one that went after it was accepted
        gone = Queue(home.folder).add("export", owner=served.settings.user, role="manager", arguments=about)
        last = comes(lambda: (job := served.get(f"/jobs/{gone.id}").json())["state"] == "failed" and job)
        assert last["problem"]["type"] == "urn:spinecho:problem:cohort-error"
