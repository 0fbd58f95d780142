"""The machine's clock is set back by a day or forward by a year, between two acts or within one: nothing that is
promised goes wrong by it. What lasts is counted by what passes, and what has an order is numbered.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinecho import steady
from spinecho.db.files.gone import gone_for
from spinecho.db.people import saved
from spinecho.db.schema.database import Database
from spinecho.indexer.reports.receiving import spool as messages
from spinecho.indexer.sources.spool import Spool as Objects
from spinecho.steady import AWAY, Moment, passed
from spinecho.ui.server.api.around.browser import Sessions
from spinecho.ui.server.jobs.queue import Queue
from spinecho.ui.views.evaluate import evaluations
from spinecho.ui.views.session.long_work import begun_at, lives

MINUTE, DAY, YEAR = 60.0, 86_400.0, 365 * 86_400.0
JUMPS = [-YEAR, -DAY, -3600.0, 0.0, 3600.0, DAY, YEAR]


class Machine:
    """Its clock, which can be set, and the time that passes, each a sum of what was done to it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._time, self._seconds, self._boot = time.time, steady.seconds, steady.boot()
        self.ahead = self.slept = 0.0
        self.starts = 0
        patch.setattr(time, "time", self.clock)
        patch.setattr(steady, "seconds", lambda: self._seconds() + self.slept)
        patch.setattr(steady, "boot", lambda: f"{self._boot}{self.starts or ''}")
        machine = self

        class Shown(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.fromtimestamp(machine.clock(), tz)

        for module in (steady, saved, messages):
            patch.setattr(module, "datetime", Shown)

    def clock(self) -> float:
        return self._time() + self.ahead + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "spinecho.sqlite")
    yield opened
    opened.close()


looks = st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(JUMPS), st.booleans()), min_size=1, max_size=6)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(looks=looks)
def test_what_is_gone_is_gone_for_as_long_as_has_passed(
    database: Database, looks: list[tuple[int, float, bool]]
) -> None:
    at, clock, starts, real, sure = 5e5, 1.7e9, 0, 0, True
    gone_for(database, [], now=Moment("a0", at, clock))
    assert gone_for(database, ["/x"], now=Moment("a0", at, clock)) == {"/x": 0.0}
    for minutes, jump, restarted in looks:
        starts, real = starts + restarted, real + minutes
        at, clock = (0.0 if restarted else at) + minutes * MINUTE, clock + minutes * MINUTE + jump
        found = gone_for(database, ["/x"], now=Moment(f"a{starts}", at, clock))["/x"]
        if restarted:
            sure = sure and jump == 0 and minutes * MINUTE <= AWAY
        assert found == real * MINUTE if sure else found <= real * MINUTE + starts * AWAY


def test_seconds_between_two_moments() -> None:
    here = Moment("a", 100.0, 1e9)
    for jump in JUMPS:
        assert passed(here, Moment("a", 160.0, 1e9 + 60 + jump)) == 60
        assert 0 <= passed(here, Moment("b", 5.0, 1e9 + 60 + jump)) <= AWAY
    assert passed(here, Moment("b", 5.0, 1e9 + 60)) == 60
    assert passed(Moment("", 1.0, 1e9), Moment("", 500.0, 1e9 + 60)) == 60, "who knows of no start goes by the clock"


@settings(max_examples=30)
@given(jumps=st.lists(st.sampled_from(JUMPS), max_size=20), many=st.integers(0, 400))
def test_the_newest_backup_or_evaluation_has_the_last_name(jumps: list[float], many: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        machine, names = Machine(patch), list[str]()
        for jump in [*jumps, -YEAR, *[0.0] * many]:
            machine.ahead += jump
            names.append(steady.name_after(names))
    assert names == sorted(set(names))
    assert max(map(len, names)) < 40, "they are names of files"


@pytest.mark.parametrize("jump", JUMPS)
def test_a_search_that_is_remembered_is_the_newest(
    database: Database, machine: Machine, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    monkeypatch.setattr(saved, "_KEPT", 3)
    for number in range(4):
        saved.remember(database, "me", {"text": str(number)})
    machine.ahead += jump
    for number in range(4, 8):
        token = saved.remember(database, "me", {"text": str(number)})
        assert saved.recall(database, token, "me").asked == {"text": str(number)}
        assert saved.recent(database, "me")[0].token == token


@pytest.mark.parametrize("jump", JUMPS)
def test_evaluations_lie_in_the_order_in_which_they_were_begun(tmp_path: Path, machine: Machine, jump: float) -> None:
    made = [evaluations._new_folder(tmp_path / "evaluations")]
    machine.ahead += jump
    made += [evaluations._new_folder(tmp_path / "evaluations") for _ in range(3)]
    assert sorted((tmp_path / "evaluations").iterdir()) == made
    assert evaluations.Evaluated(made[-1].name, {"of": "archive", "by": "ada"}, None, True, "").seconds >= 0


@pytest.mark.parametrize("jump", JUMPS)
def test_messages_lie_in_the_order_in_which_they_came(tmp_path: Path, machine: Machine, jump: float) -> None:
    spool = messages.Spool(tmp_path)
    for number in range(6):
        spool.keep(str(number).encode())
        if number == 1:
            machine.ahead += jump
        if number == 3:  # another process
            spool = messages.Spool(tmp_path)
            machine.ahead -= 2 * jump
    assert [path.read_text() for path in sorted(tmp_path.rglob("*.hl7"))] == list("012345")


@pytest.mark.parametrize("jump", [-YEAR, -DAY, -1.0, 0.0])
def test_a_study_of_a_time_to_come_is_settled_once_nothing_comes(tmp_path: Path, machine: Machine, jump: float) -> None:
    spool = Objects(tmp_path)
    path = spool.put("1.2", "1.3", "1.4", b"x")
    os.utime(path, (machine.clock(), machine.clock()))
    machine.ahead += jump
    assert spool.settle_stable(60) == 0
    machine.sleep(30)
    assert spool.settle_stable(60) == 0
    machine.sleep(31)
    assert spool.settle_stable(60) == 1


@pytest.fixture
def queue(tmp_path: Path, machine: Machine) -> Iterator[Queue]:
    made = Queue(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("jump", JUMPS)
def test_jobs_and_answers_are_kept_for_as_long_as_is_said(queue: Queue, machine: Machine, jump: float) -> None:
    done = queue.add("export", owner="ada", role="viewer", arguments={})
    assert (taken := queue.take("r")) is not None
    assert queue.finish(done.id, {}, taken.attempts)
    assert queue.claim("key", "digest") == ("new", None)
    queue.keep("key", 201, "application/json", b"{}")
    machine.ahead += jump
    machine.sleep(DAY - 60)
    queue.tidy()
    assert queue.get(done.id) is not None
    assert queue.claim("key", "digest") == ("same", (201, "application/json", b"{}")), "it is not done a second time"
    machine.ahead -= 2 * jump
    machine.sleep(120)
    queue.tidy()
    assert queue.get(done.id) is None
    assert queue.claim("key", "digest") == ("new", None)


@pytest.mark.parametrize("jump", JUMPS)
def test_who_waits_for_a_job_is_waited_for_and_no_longer(
    queue: Queue, machine: Machine, tmp_path: Path, jump: float
) -> None:
    job = queue.add("map", owner="ada", role="viewer", arguments={}, waited=8)
    machine.ahead += jump
    other = Queue(tmp_path)  # of another process
    machine.sleep(6)
    for one in (queue, other):
        assert not one.leave()
        assert (found := one.get(job.id)) is not None
        assert not found.left
    other.wait_on(job.id, 8)
    machine.sleep(7)
    assert not queue.leave()
    machine.sleep(2)
    assert queue.leave() == 1
    assert other.get(job.id).state == "cancelled"  # type: ignore[union-attr]
    other.close()


@pytest.mark.parametrize("jump", JUMPS)
def test_a_machine_that_starts_anew_keeps_answers_and_waits_for_nobody(
    queue: Queue, machine: Machine, tmp_path: Path, jump: float
) -> None:
    assert queue.claim("key", "digest") == ("new", None)
    job = queue.add("map", owner="ada", role="viewer", arguments={}, waited=8)
    machine.starts += 1
    machine.ahead += jump
    machine.slept -= 1e5
    later = Queue(tmp_path)
    later.tidy()
    assert later.claim("key", "digest") == ("same", None)
    machine.sleep(1)
    assert later.leave() == 1
    assert later.get(job.id).state == "cancelled"  # type: ignore[union-attr]
    later.close()


def test_turns_are_numbered(queue: Queue, machine: Machine) -> None:
    for jump in (YEAR, -2 * YEAR, DAY):
        for owner in ("ada", "grace"):
            queue.add("map", owner=owner, role="viewer", arguments={})
        machine.ahead += jump
    begun = []
    for _ in range(6):
        machine.ahead -= DAY
        job = queue.take("r")
        assert job is not None
        begun.append(job.owner)
        queue.finish(job.id, {}, job.attempts)
    assert begun == ["ada", "grace"] * 3


@pytest.mark.parametrize("jump", JUMPS)
def test_a_session_ends_once_nothing_was_done_for_so_long(machine: Machine, jump: float) -> None:
    sessions, signed_in = Sessions("secret", "here", 30), {"email": "ada", "iat": machine.clock()}
    assert sessions._fresh(signed_in)
    machine.ahead += jump
    machine.sleep(29 * MINUTE)
    assert sessions._fresh(signed_in)
    machine.sleep(31 * MINUTE)
    assert not sessions._fresh(signed_in)


def test_a_process_is_the_same_after_the_clock_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = begun_at(os.getpid())
    boot_time, create_time = psutil.boot_time, psutil.Process.create_time
    monkeypatch.setattr(psutil, "boot_time", lambda: boot_time() + YEAR)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: create_time(self) + YEAR)
    assert lives(os.getpid(), before)
