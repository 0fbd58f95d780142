"""Work that is too long for a page: `spinecho` commands in processes of their own, which outlive the page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from spinecho.encoders.sandbox.environment import command_environment
from spinecho.people import STARTED_BY
from spinecho.private import open_private
from spinecho.settings import Settings

_STARTED: dict[int, subprocess.Popen[bytes]] = {}
"""Kept, so that those that end are let go."""


def launch(arguments: Sequence[str], settings: Settings, log: Path, *, row: str) -> int:
    """Run `spinecho ARGUMENTS` over the home; what it prints goes to `log`. Gives the process's number.

    row: digest of the row of the record by which it is somebody's.
    """
    command = [
        sys.executable, "-P", "-m", "spinecho.ui.cli.app", *arguments, "--home", str(settings.home),
        "--encoder", settings.encoder, "--device", settings.device,
    ]  # fmt: skip
    environment = {**command_environment(), STARTED_BY: row}
    with open_private(log) as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
            env=environment, cwd="/",
        )  # fmt: skip
    _STARTED[process.pid] = process
    return process.pid


def lives(number: int) -> bool:
    """Whether a process runs."""
    if number in _STARTED:
        return _STARTED[number].poll() is None
    try:
        os.kill(number, 0)
    except OSError:
        return False
    return number > 0
