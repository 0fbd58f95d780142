"""What a script reads is the same whatever the width of a terminal is said to be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from archives import Home, copy_of
from typer.testing import CliRunner

from spinecho.setup.private import tighten
from spinecho.ui.cli.app import app
from spinecho.ui.printing.console import Lines


def said(home: Path, columns: int, *arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [*arguments, "--home", str(home)], env={"COLUMNS": str(columns)})
    assert done.exit_code in (0, 1, 2), done.output
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def home(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = copy_of(indexed, tmp_path_factory.mktemp("a-long-name-of-a-folder" * 4) / "home")
    tighten(home.folder)  # else the first command says, once, that others could read it
    return home


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["failures", "--all"],
        ["builds", "list"],
        ["facets", "sequence", "archive"],
        ["facets", "--where", "sequence=nothing and age>900"],
        ["feedback", "list"],
        ["cohort", "list"],
        ["db", "upgrade"],
        ["cohort", "show", "no-such-cohort"],
        ["search", "study", "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20"],
    ],
)
def test_the_width_changes_nothing(home: Home, arguments: list[str]) -> None:
    wide = said(home.folder, 400, *arguments)
    assert said(home.folder, 40, *arguments) == wide
    assert "…" not in wide[1]


def test_results_name_whole_uids(home: Home) -> None:
    uids = {row[0] for row in home.query("SELECT uid FROM studies")}
    _, found, _ = said(home.folder, 40, "search", "text", "brain", "-k", "3")
    assert sum(uid in found for uid in uids) == 3


def test_a_narrow_terminal_folds_and_cuts_nothing() -> None:
    from io import StringIO  # noqa: PLC0415

    from rich.table import Table  # noqa: PLC0415

    stream = StringIO()
    console = Lines(file=stream, force_terminal=True, width=20, height=20, color_system=None)
    table = Table("uid")
    table.add_row("1.2.3." * 20)
    console.print(table)
    console.print("a path " + "/x" * 60)
    assert "…" not in stream.getvalue()
    assert "/x" * 60 in stream.getvalue()
    assert os.linesep


@pytest.mark.parametrize("title", ["indexed", "a title " * 20])
def test_what_fills_a_line_fills_no_log(title: str) -> None:
    """A file has no right edge, so that a heading's line was a megabyte long in one."""
    from io import StringIO  # noqa: PLC0415

    from rich.rule import Rule  # noqa: PLC0415

    stream = StringIO()
    Lines(file=stream, color_system=None).print(Rule(title, align="left"))
    (line,) = stream.getvalue().splitlines()
    assert line.startswith(title.strip())
    assert len(line) <= max(80, len(title) + 4)


def test_no_command_prints_what_fills_a_line_but_a_heading() -> None:
    """Panels, bars and expanded tables would be as long."""
    folder = Path(__file__).parents[2] / "ui"
    texts = {path: path.read_text() for part in ("cli", "printing") for path in (folder / part).rglob("*.py")}
    filling = ("expand=True", "Panel(", "Columns(", "Align.", "ProgressBar(", ".rule(")
    assert [(path.name, one) for path, text in texts.items() for one in filling if one in text] == []
