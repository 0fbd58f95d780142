"""The sandbox with real child processes: what hostile or broken input can make a reader do, done on purpose."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from spinecho.encoders.errors import Reason
from spinecho.encoders.sandbox.processes import Sandbox, Task

HERE = Path(__file__).parent
BEFORE = [({"before": True}, [b"kept"])]


@pytest.fixture(autouse=True)
def _calls_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(HERE), *sys.path])


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(memory_mb=1024) as made:
        yield made


def task(name: str, *, seconds: float = 30.0, writes_mb: int = 0, **arguments: Any) -> Task:
    return Task(f"sandbox_calls:{name}", arguments, seconds, writes_mb)


def goes_on(sandbox: Sandbox) -> bool:
    outcome = sandbox.run(task("echo", value="still here"))
    return outcome.failure is None and outcome.messages[0][0]["echo"] == "still here"


def gone(pid: int, *, within: float = 5.0) -> bool:
    """Whether a process ends in time; one that only waits to be reaped counts as ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def read_note(note: Path, *, within: float = 20.0) -> int:
    deadline = time.monotonic() + within
    while not note.exists():
        assert time.monotonic() < deadline, "the child never started"
        time.sleep(0.02)
    return int(note.read_text())


def test_outcomes_come_in_the_order_of_the_tasks_from_several_children() -> None:
    with Sandbox(workers=3) as sandbox:
        tasks = [task("echo", value=n, wait=0.2 if n % 3 == 0 else 0.0) for n in range(12)]
        outcomes = list(sandbox.map(iter(tasks)))
    assert [outcome.task for outcome in outcomes] == tasks
    assert [outcome.messages[0][0]["echo"] for outcome in outcomes] == list(range(12))
    assert len({outcome.messages[0][0]["pid"] for outcome in outcomes}) > 1


def test_map_takes_no_more_tasks_than_it_was_allowed() -> None:
    taken = 0

    def tasks() -> Iterator[Task]:
        nonlocal taken
        for n in range(50):
            taken += 1
            yield task("echo", value=n)

    with Sandbox() as sandbox:
        next(sandbox.map(tasks(), ahead=4))
    assert taken == 4


@pytest.mark.parametrize(("name", "code"), [("abort", -signal.SIGABRT), ("segfault", -signal.SIGSEGV), ("leave", 3)])
def test_a_task_that_ends_its_process_is_one_failure(sandbox: Sandbox, name: str, code: int) -> None:
    outcome = sandbox.run(task(name))
    assert (outcome.failure, outcome.messages) == (Reason.READ_CRASHED, BEFORE)
    assert str(int(code)) in outcome.detail
    assert goes_on(sandbox)


def test_a_task_that_never_ends_is_stopped(sandbox: Sandbox) -> None:
    pid = sandbox.run(task("echo")).messages[0][0]["pid"]
    outcome = sandbox.run(task("forever", seconds=0.5))
    assert (outcome.failure, outcome.messages) == (Reason.READ_TIMEOUT, BEFORE)
    assert 0.5 <= outcome.seconds < 5
    assert gone(pid, within=0.5)
    assert goes_on(sandbox)


def test_a_task_that_eats_memory_meets_its_limit(sandbox: Sandbox) -> None:
    outcome = sandbox.run(task("greedy"))
    assert (outcome.failure, outcome.messages) == (Reason.READ_MEMORY, BEFORE)
    assert "1024 MB" in outcome.detail
    assert goes_on(sandbox)


@pytest.mark.parametrize(
    ("name", "kind"), [("fail", "ValueError"), ("panic", "PanicException"), ("quit_all", "SystemExit")]
)
def test_a_task_that_raises_names_the_kind_of_error_and_nothing_of_its_text(
    sandbox: Sandbox, name: str, kind: str
) -> None:
    pid = sandbox.run(task("echo")).messages[0][0]["pid"]
    outcome = sandbox.run(task(name))
    assert (outcome.failure, outcome.detail, outcome.messages) == (Reason.READ_CRASHED, kind, BEFORE)
    assert sandbox.run(task("echo")).messages[0][0]["pid"] == pid, "an exception costs no new process"


@pytest.mark.parametrize("call", ["no_such_module:f", "sandbox_calls:no_such_function", "neither"])
def test_a_call_that_does_not_exist_is_a_failure(sandbox: Sandbox, call: str) -> None:
    assert sandbox.run(Task(call, {}, 30.0)).failure is Reason.READ_CRASHED
    assert goes_on(sandbox)


def test_what_a_task_prints_does_not_break_its_answer(sandbox: Sandbox) -> None:
    outcome = sandbox.run(task("chatter"))
    assert (outcome.failure, outcome.messages) == (None, [({"spoke": True}, [b"\x00\xff"])])
    assert goes_on(sandbox)


def test_fifty_megabytes_come_back_whole(sandbox: Sandbox) -> None:
    outcome = sandbox.run(task("large"))
    assert outcome.failure is None
    expected = [({"value": n}, [bytes([n]) * (6 << 20), b"", bytes([n + 100]) * (4 << 20)]) for n in range(5)]
    assert outcome.messages == expected
    assert goes_on(sandbox)


def test_a_large_request_arrives(sandbox: Sandbox) -> None:
    value = "é" * 3_000_000
    assert sandbox.run(task("echo", value=value)).messages[0][0]["echo"] == value


def test_a_child_that_died_between_tasks_is_replaced(sandbox: Sandbox) -> None:
    pid = sandbox.run(task("echo")).messages[0][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert goes_on(sandbox)


def test_a_child_that_no_longer_listens_is_replaced(sandbox: Sandbox) -> None:
    """The request cannot be written, nor flushed when its pipe is closed; neither may reach the caller."""
    assert sandbox.run(task("deaf")).failure is None
    outcomes = [sandbox.run(task("echo", value="x" * 200_000)) for _ in range(2)]
    assert [outcome.failure for outcome in outcomes] == [Reason.READ_CRASHED, None]


@pytest.mark.parametrize(
    "arguments",
    [
        {"raw": "not json"},
        {"raw": "[" * 100_000},
        {"frame": 7},
        {"frame": {"lengths": []}},
        {"frame": {"value": 3, "lengths": []}},
        {"frame": {"value": {"part": {}}, "lengths": ["4"]}},
        {"frame": {"value": {"part": {}}, "lengths": [-4]}},
        {"frame": {"value": {}, "lengths": []}},
    ],
    ids=["text", "deep", "number", "no-value", "value", "length", "negative", "neither"],
)
def test_a_child_that_speaks_no_frames_is_a_failure(sandbox: Sandbox, arguments: dict[str, Any]) -> None:
    assert sandbox.run(task("babble", seconds=20.0, **arguments)).failure is Reason.READ_CRASHED
    assert goes_on(sandbox)


def test_a_child_that_announces_more_than_the_limit_is_not_believed(sandbox: Sandbox) -> None:
    frame = {"value": {"part": {}}, "lengths": [1 << 40]}
    assert sandbox.run(task("babble", frame=frame)).failure is Reason.READ_MEMORY
    assert goes_on(sandbox)


def test_close_leaves_no_child_even_in_the_middle_of_a_task(tmp_path: Path) -> None:
    sandbox = Sandbox(workers=2)
    idle = sandbox.run(task("echo")).messages[0][0]["pid"]
    failures: list[Reason | None] = []
    running = threading.Thread(
        target=lambda: failures.append(sandbox.run(task("sleep", writes_mb=1, note=str(tmp_path / "pid"))).failure)
    )
    running.start()
    busy = read_note(tmp_path / "pid")
    sandbox.close()
    running.join(10)
    assert failures == [Reason.READ_CRASHED]
    assert gone(idle, within=0.1)
    assert gone(busy, within=0.1)
    with pytest.raises(RuntimeError):
        sandbox.run(task("echo"))


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from spinecho.encoders.sandbox.processes import Sandbox, Task; "
        f"Sandbox().run(Task('sandbox_calls:sleep', {{'note': {str(tmp_path / 'pid')!r}}}, 100.0, 1))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as parent:
        child = read_note(tmp_path / "pid")
        assert psutil.Process(child).ppid() == parent.pid
        parent.kill()
    assert gone(child)  # its parent killed, it is asleep in a task: only the kernel can end it


def test_no_module_is_taken_from_where_the_user_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted.py").write_text("")
    (tmp_path / "json.py").write_text("raise SystemExit('the archive was run')")
    monkeypatch.setattr(sys, "path", [str(HERE), str(HERE.parents[1]), *filter(None, sys.path)])
    monkeypatch.chdir(tmp_path)
    with Sandbox() as sandbox:
        assert sandbox.run(task("imports", module="planted")).messages == [({"found": False}, [])]


def test_many_open_files_do_not_matter(tmp_path: Path) -> None:
    """Past 1023 a file number is more than `select` takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("this account may not open so many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        with Sandbox() as sandbox:
            assert goes_on(sandbox)
    finally:
        for handle in held:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
