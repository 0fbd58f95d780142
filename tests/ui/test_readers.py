"""The reading processes that stay, shared by all pages."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from spinecho.encoders.sandbox.processes import Task
from spinecho.setup.readers import Readers, ReadersBusy


@pytest.fixture(autouse=True)
def _calls_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[1] / "encoders"), *sys.path])


def task(name: str, **arguments: Any) -> Task:
    return Task(f"sandbox_calls:{name}", arguments, 100.0, writes_mb=1)


def test_first_tasks_at_once_start_one_pool() -> None:
    readers, together = Readers(workers=2), threading.Barrier(6)

    def ask(_: int) -> int:
        together.wait()
        return int(readers.run(task("echo", wait=0.1)).messages[0][0]["pid"])

    try:
        with ThreadPoolExecutor(6) as threads:
            assert len(set(threads.map(ask, range(6)))) <= 2
    finally:
        readers.close()


def test_who_comes_while_all_hang_is_told_so_and_the_place_is_given_back(tmp_path: Path) -> None:
    readers = Readers(workers=1, wait_seconds=0.1)
    hanging = threading.Thread(target=lambda: readers.run(task("sleep", note=str(tmp_path / "begun"))))
    hanging.start()
    try:
        while not (tmp_path / "begun").exists():
            hanging.join(0.05)
        with pytest.raises(ReadersBusy, match="try again"):
            readers.run(task("echo"))
        os.kill(int((tmp_path / "begun").read_text()), signal.SIGKILL)
        hanging.join(30)
        assert readers.run(task("echo", value="read")).messages[0][0]["echo"] == "read"
    finally:
        readers.close()
        hanging.join(30)
