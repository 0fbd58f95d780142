"""An archive on a PostgreSQL server: the same rows and the same answers as in a file, whatever happens on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from archives import Home
from servers import Server

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(postgresql: Server, tmp_path: Path) -> Home:
    return Home(tmp_path / "home", server=postgresql.new())


def environment(home: Home) -> dict[str, str]:
    return {**os.environ, "SPINECHO_DATABASE": home.server, "SPINECHO_HOME": str(home.folder), "COLUMNS": "200"}


def spinecho(home: Home, *arguments: str) -> Any:
    command = [sys.executable, "-m", "spinecho.ui.cli.app", *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment(home), capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_rows_and_answers_are_those_of_a_file(indexed: Home, archive: Path, home: Home, tmp_path: Path) -> None:
    home.index(archive)
    assert home.rows() == indexed.rows()
    assert home.answers() == indexed.answers()
    summary = home.index(archive)
    assert summary.counts["unchanged"] == summary.counts["files"]
    mine = tmp_path / "archive"
    shutil.copytree(archive, mine)
    home.index(mine)
    shutil.rmtree(mine)
    mine.mkdir()
    home.index(mine, prune=True, yes=True)
    assert home.rows() == indexed.rows()


@pytest.mark.slow
def test_a_killed_run_started_again_ends_the_same(indexed: Home, archive: Path, home: Home) -> None:
    total = indexed.query("SELECT count(*) FROM vectors")[0][0]
    command = [sys.executable, "-m", "spinecho.ui.cli.app", "index", str(archive)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:  # fmt: skip
        while process.poll() is None and home.count("vectors") < 0.4 * total:
            time.sleep(0.02)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert 0 < home.count("vectors") < total
    spinecho(home, "index", str(archive))
    assert home.rows() == indexed.rows()
    assert home.answers() == indexed.answers()


def test_the_commands_find_the_server_by_the_environment(archive: Path, home: Home, tmp_path: Path) -> None:
    """Indexing too, which the run that is killed shows."""
    home.index(archive)
    assert spinecho(home, "facets", "sequence")
    assert not (home.folder / "spinecho.sqlite").exists()
    assert spinecho(home, "status")["archive"]["studies"] == 5
    assert spinecho(home, "search", "text", "acute infarct")["hits"]
    assert spinecho(home, "db", "upgrade")["copy"] is None
    rules = tmp_path / "rules.toml"
    rules.write_text('name = "heads"\n[[include]]\nwhat = "all"\nfilter = "derived=no"\n', encoding="utf-8")
    spinecho(home, "cohort", "freeze", str(rules))
    assert len(spinecho(home, "cohort", "show", "heads")["members"]) == 5
