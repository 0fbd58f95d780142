"""Every command that uses a PostgreSQL server, its connections cut at a message, or the server really stopped there and
started anew; run again, it ends as if undisturbed.

Three messages of indexing; every message of all with SPINECHO_CUTS=all, or a number of each with SPINECHO_CUTS=12.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
POINTS = os.environ.get("SPINECHO_CUTS", "some")
COMMANDS = ("index",) if POINTS == "some" else (
    "index", "freeze", "builds", "encoder", "switch", "copy database", "teach", "adapt"
)  # fmt: skip


@pytest.mark.timeout(300 if POINTS == "some" else 0)
def test_a_command_whose_connections_break_ends_as_if_undisturbed(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parents[1]), "TMPDIR": str(tmp_path)}
    arguments = [sys.executable, HERE / "cuts.py", POINTS, *COMMANDS]
    done = subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = [problem for one in found for problem in one["problems"]]
    assert not wrong, "\n".join(map(str, wrong))
    assert [one["command"] for one in found] == list(COMMANDS), done.stderr[-3000:]
    assert sum(one["failed"] for one in found) > 0
