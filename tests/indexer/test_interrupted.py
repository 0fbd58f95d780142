"""Ctrl-C while files are read and while volumes are encoded: it ends at once, and the next run goes on."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from archives import Home
from typer.testing import CliRunner

from spinecho.encoders.sandbox.processes import Task
from spinecho.indexer import pending
from spinecho.indexer.executing import work
from spinecho.ui.cli.app import app

CALLS = Path(__file__).parents[1] / "encoders"
_LONG = 100.0


def interrupted(arguments: Sequence[str], begun: Callable[[], bool]) -> tuple[int, float, str]:
    """(exit status, seconds until it ended, what was printed) of a command that gets a SIGINT once it has begun."""
    sent: list[float] = []
    over = threading.Event()

    def send() -> None:
        while not begun():
            if over.wait(0.02):
                return
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        result = CliRunner().invoke(app, list(arguments))
    finally:
        over.set()
        sender.join()
        signal.signal(signal.SIGINT, before)
    assert sent, result.output
    return result.exit_code, time.monotonic() - sent[0], result.output + result.stderr


def test_ctrl_c_while_reading_and_while_encoding_and_a_run_that_goes_on(
    archive: Path, indexed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, note = Home(tmp_path / "home"), tmp_path / "pid"
    command = ["index", str(archive), "--workers", "1", "--home", str(home.folder)]

    def hangs(*given: Any, **options: Any) -> Task:
        return Task("sandbox_calls:sleep", {"note": str(note)}, _LONG, writes_mb=1)

    with monkeypatch.context() as patch:
        patch.setattr(sys, "path", [str(CALLS), *sys.path])
        patch.setattr(pending, "read_task", hangs)
        status, seconds, said = interrupted(command, note.exists)
    assert (status, "run the same command again" in " ".join(said.split())) == (130, True)
    assert seconds < _LONG / 2, "it waited for the process that reads"
    assert not psutil.pid_exists(int(note.read_text()))
    assert home.count("volumes") == 0

    encoding, never = threading.Event(), threading.Event()

    def encodes(*given: Any, **options: Any) -> Any:
        encoding.set()
        never.wait(_LONG)

    with monkeypatch.context() as patch:
        patch.setattr(work, "parts_of", encodes)
        status, seconds, _ = interrupted(command, encoding.is_set)
    assert status == 130
    assert seconds < _LONG / 2
    assert home.query("SELECT count(*) FROM failures WHERE reason LIKE 'READ%'") == [(0,)], (
        "nothing is held to be broken"
    )

    home.index(archive)
    assert home.rows() == indexed.rows()
