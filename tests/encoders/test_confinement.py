"""What a reading process may not do, tried in real ones."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spinecho.encoders.errors import Reason
from spinecho.encoders.reading import unzip
from spinecho.encoders.sandbox import confinement
from spinecho.encoders.sandbox.how_confined import how_confined
from spinecho.encoders.sandbox.processes import Sandbox, Task, reading_memory

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(HERE), *sys.path])
        patch.setenv("PGPASSWORD", "secret")
        patch.setenv("SPINECHO_DATABASE", "postgresql://secret@host/name")
        with Sandbox(memory_mb=1024) as made:
            made.run(Task("sandbox_calls:echo", {}, 30.0))
            yield made


def test_reading_writes_no_file_and_a_task_no_larger_one_than_it_asked_for(sandbox: Sandbox, tmp_path: Path) -> None:
    def wrote(megabytes: int, **task: Any) -> tuple[int, int]:
        arguments = {"path": str(tmp_path / "written"), "megabytes": megabytes}
        value, _ = sandbox.run(Task("sandbox_calls:write", arguments, 30.0, **task)).messages[0]
        return value["errno"], value["size"]

    assert wrote(1) == (errno.EFBIG, 0)
    assert wrote(3, writes_mb=3) == (0, 3 << 20)
    assert wrote(4, writes_mb=3) == (errno.EFBIG, 3 << 20)
    assert wrote(1) == (errno.EFBIG, 0), "what one task may, the next may not"


def test_no_task_may_write_more_than_all_may(sandbox: Sandbox) -> None:
    task = Task("spinecho.encoders.sandbox.confinement:describe", {}, 30.0, writes_mb=1 << 20)
    assert sandbox.run(task).messages[0][0]["writes_mb"] == confinement.MOST_WRITTEN_MB
    assert unzip.unzip_task("a", "b").writes_mb == confinement.MOST_WRITTEN_MB


def test_a_reading_process_cannot_reach_this_machine_where_the_kernel_lets_it_leave(sandbox: Sandbox) -> None:
    confined = how_confined()
    assert confined is not None
    with socket.create_server(("127.0.0.1", 0)) as server:
        value, _ = sandbox.run(Task("sandbox_calls:reach", {"port": server.getsockname()[1]}, 30.0)).messages[0]
    assert (value["errno"] == 0) is confined.network
    if confined.network:
        pytest.skip("this kernel lets no process give up its network")
    assert value["errno"] == errno.ENETUNREACH


def test_who_may_not_leave_the_network_reads_on_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refused(flags: int) -> int:
        asked.append(flags)
        return -1

    assert confinement.leave_network(refused) is False
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert confinement.leave_network(lambda flags: asked.append(flags) or 0) is True
    assert confinement.reaches_network(), "the calls were not the kernel's"
    assert asked[-1] == 0x50000000


def test_limits_are_those_that_status_tells(sandbox: Sandbox) -> None:
    found, _ = sandbox.run(Task("spinecho.encoders.sandbox.confinement:describe", {}, 30.0)).messages[0]
    confined = how_confined()
    assert confined is not None
    assert (confined.memory_mb, confined.writes_mb) == (reading_memory(), 0)
    assert (found["memory_mb"], found["writes_mb"], found["network"]) == (1024, 0, confined.network)
    assert not {"PGPASSWORD", "SPINECHO_DATABASE", "HOME"} & set(found["environment"])


def test_nesting_without_end_is_one_failure(sandbox: Sandbox) -> None:
    outcome = sandbox.run(Task("sandbox_calls:nested", {}, 30.0))
    assert (outcome.failure, outcome.detail) == (Reason.READ_CRASHED, "RecursionError")
