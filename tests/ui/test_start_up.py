"""What a command imports: the half second that a person waits before anything happens."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.testing

from spinecho.ui.cli.app import Commands, app

ROOT = Path(__file__).resolve().parents[2]
SLOW = {"torch", "scipy", "streamlit", "pandas", "pyarrow", "transformers", "tokenizers", "nibabel", "plotly"}
DATABASE = {"faiss", "numpy", "sqlalchemy", "alembic", "PIL"}


def imported(*arguments: str) -> set[str]:
    """Libraries that a command has imported when it ends."""
    code = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules}))))\n"
        "from spinecho.ui.cli.app import app\napp()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_no_database_and_no_network_of_neurons() -> None:
    assert not imported("--help") & (SLOW | DATABASE)


def test_status_imports_what_it_looks_at_alone(home: Path) -> None:
    """Of a build it reads what that says of itself: FAISS would be needed to open it."""
    found = imported("status", "--home", str(home), "--json")
    assert "sqlalchemy" in found
    assert not found & (SLOW | {"faiss"})


@pytest.mark.parametrize("name", Commands.later)
def test_a_command_is_listed_by_the_first_paragraph_of_its_help(name: str) -> None:
    command: Any = typer.main.get_command(app)
    first = inspect.cleandoc(command.commands[name].help).split("\n\n")[0]
    assert Commands.later[name].line == " ".join(first.split())


def test_an_unknown_command_is_named_with_one_that_is_near() -> None:
    done = typer.testing.CliRunner().invoke(app, ["serch"])
    assert done.exit_code == 2
    assert "'search'" in done.stderr
