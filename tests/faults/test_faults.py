"""Every command that writes is killed, or disk or power fail, where it writes; run again, it ends as if undisturbed.
There too the clock is set, a year ahead or a day back, and the command is run once more while the first stands still.

At some points of some commands; at every point of all with SPINECHO_FAULTS=all, which takes hours, with one fault at
every point where it can be with its name (SPINECHO_FAULTS=lost: power), or at a number of each with SPINECHO_FAULTS=12.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
FAULTS = {"killed", "full", "broken", "lost", "frozen", "ahead", "behind", "twice"}
POINTS = os.environ.get("SPINECHO_FAULTS", "some")
ON_DEMAND = (
    "export", "copy database", "restore", "builds", "next backup", "freeze", "encoder", "switch",
    "retire", "teach", "adapt", "demo"
) if POINTS != "some" else ()  # fmt: skip
"""These put files and rows in place as the others do, and take long."""
COMMANDS = ("index", "index without names", "copy files", "first backup", "messages", "objects", "people", *ON_DEMAND)
NOT_TWICE = {"freeze", "teach", "objects"}
"""Why, `commands` says with each."""
CARELESS = "careless"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux" or shutil.which("cc") is None, reason="needs Linux and a C compiler"),
    pytest.mark.timeout(300 if POINTS == "some" else 0),
]


@pytest.fixture(scope="module")
def came_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], dict[str, Any]]]:
    """What came of a command: all are tried in one process, in their order."""
    folder = tmp_path_factory.mktemp("faults")
    library = folder / "points.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, *HERE.glob("*.c"), "-ldl"], check=True)
    libraries = ":".join(filter(None, (str(folder), os.environ.get("LD_LIBRARY_PATH"))))
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder), "PYTHONPATH": str(HERE.parents[1]),
        "LD_PRELOAD": library.name, "LD_LIBRARY_PATH": libraries,  # by its name: a path ends at a space there
    }  # fmt: skip
    arguments = [sys.executable, HERE / "harness.py", POINTS, *COMMANDS, CARELESS]
    known: dict[str, dict[str, Any]] = {}
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, cwd=folder) as running:
        assert running.stdout is not None
        lines = running.stdout

        def find(command: str) -> dict[str, Any]:
            while command not in known:
                result = json.loads(lines.readline() or '{"command": "", "problems": ["it ended"]}')
                known[result["command"]] = result
                if not result["command"]:
                    return result
            return known[command]

        yield find
        running.kill()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_was_killed_or_failed_by_disk_or_power_ends_as_if_undisturbed(
    came_of: Callable[[str], dict[str, Any]], command: str
) -> None:
    result = came_of(command)
    assert result["problems"] == []
    wanted = {POINTS} if POINTS in FAULTS else FAULTS - {"broken"}
    assert set(result["tried"]) >= wanted - ({"twice"} if command in NOT_TWICE else set())
    assert result["missed"] < sum(result["tried"].values())


def test_what_takes_half_a_file_for_a_whole_one_is_found(came_of: Callable[[str], dict[str, Any]]) -> None:
    problems = came_of(CARELESS)["problems"]
    assert any("killed at" in one and "in the end" in one for one in problems)
