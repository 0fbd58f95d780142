"""Work that is too long for a page: `spinecho` commands in processes of their own, which outlive the page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from spinecho.access.people import environment_of
from spinecho.setup.private import open_private
from spinecho.setup.settings import Settings
from spinecho.steady import boot

_STARTED: dict[int, subprocess.Popen[bytes]] = {}
"""Kept, so that those that end are let go."""


def launch(arguments: Sequence[str], settings: Settings, log: Path, *, row: str) -> int:
    """Run `spinecho ARGUMENTS` over the home; what it prints goes to `log`. Gives the process's number.

    row: digest of the row of the record by which it is somebody's.
    """
    command = [
        sys.executable, "-P", "-m", "spinecho.ui.cli.entry", *arguments, "--home", str(settings.home),
        "--encoder", settings.encoder, "--device", settings.device,
    ]  # fmt: skip
    with open_private(log) as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
            env=environment_of(row), cwd="/",
        )  # fmt: skip
    _STARTED[process.pid] = process
    return process.pid


def exit_status(number: int) -> int | None:
    """How a process ended that this one started; None for one that runs, and for any other."""
    process = _STARTED.get(number)
    return None if process is None else process.poll()


def last_words(log: Path) -> str:
    """The end of what a process printed, '' where nothing can be read."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return "\n".join(line for line in lines[-12:] if line.strip())


def begun_at(number: int) -> str | None:
    """When a process began: the start of the machine, and how long after it; None where there is none of this number.

    Not as a time: the system counts from its start, whose time moves when its clock is set.
    """
    try:
        started = psutil.boot_time()
        return f"{boot()}+{psutil.Process(number).create_time() - started:.1f}"
    except (psutil.Error, ValueError, OverflowError):
        return None


def lives(number: int, begun: object = None) -> bool:
    """Whether a process runs. With `begun`, as `begun_at` gave it: numbers are given again to other processes."""
    if number in _STARTED:
        return _STARTED[number].poll() is None
    if number <= 0:
        return False
    now = begun_at(number)
    return now is not None and begun in (None, now)
