"""Different commands at once over one home: each is done, or says why not and is when it is repeated.

One crowd over a file; with SPINECHO_CROWDS=30 as many that are drawn, over a file and over a PostgreSQL server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("SPINECHO_CROWDS", "0"))


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.timeout(0 if ROUNDS else 600)
def test_commands_at_once_end_as_one_after_the_other(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parents[1]), "TMPDIR": str(tmp_path)}
    arguments = [sys.executable, HERE / "crowds.py", str(ROUNDS)]
    done = subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one for one in found if one["problems"]] == []
    assert len(found) == (2 * ROUNDS or 1), done.stderr[-3000:]
