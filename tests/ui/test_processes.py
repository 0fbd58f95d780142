"""Whether a process that a page started still runs: by its number and when it began."""

from __future__ import annotations

import os
import subprocess
import sys

from spinecho.ui.views.session.long_work import begun_at, lives


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    begun = begun_at(process.pid)
    assert begun is not None
    assert lives(process.pid, begun)
    assert lives(process.pid)  # written by a version that kept no start
    number, _, seconds = begun.partition("+")
    assert not lives(process.pid, f"{number}+{float(seconds) - 3600:.1f}")  # the number was another's an hour ago
    assert not lives(process.pid, f"other+{seconds}")  # or before the machine was started anew
    process.communicate(b"\n")
    assert not lives(process.pid, begun)
    assert begun_at(process.pid) is None


def test_numbers_that_no_process_has() -> None:
    for number in (0, -1, -os.getpid(), 1 << 40):
        assert not lives(number)
