"""An empty text is no path: pathlib makes the current folder of it, which an unset variable would index."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from every_command import commands
from typer.testing import CliRunner

import spinecho
from spinecho.errors import QueryError
from spinecho.filling.receiving import receive_reports
from spinecho.indexer.sources.kinds import KINDS
from spinecho.maintaining.backups import backup, make_key, restore
from spinecho.maintaining.upkeep import copy_database
from spinecho.setup.places import EMPTY_PATH
from spinecho.ui.cli.app import app

PATHS = [
    (name, one.name)
    for name, command in commands()
    for one in command.params
    if "Path" in str(inspect.signature(command.callback).parameters.get(one.name, ""))
]
"""Every command, and each of its parameters that is a path."""


def words_for(command: Any, wanted: str) -> list[str]:
    """An empty text for one of its paths, and something for whatever else it has to be given."""
    words: list[str] = []
    for one in command.params:
        is_option = one.opts[0].startswith("-")
        if one.name == wanted or one.required:
            words += [*([one.opts[0]] if is_option else []), "" if one.name == wanted else "1"]
    return words


def test_no_command_takes_an_empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {("index", "folders"), ("status", "home"), ("demo", "folder"), ("search image", "path")} <= set(PATHS)
    monkeypatch.chdir(tmp_path)
    every, taken = dict(commands()), []
    for name, wanted in PATHS:
        try:
            every[name].make_context(name, words_for(every[name], wanted))
        except typer.BadParameter as refused:
            taken += [] if EMPTY_PATH in str(refused.format_message()) else [f"{name} {wanted}: {refused}"]
        else:
            taken.append(f"{name} {wanted}")
    assert taken == []


def test_a_folder_that_a_script_left_empty_is_not_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    (tmp_path / "note.txt").write_text("a file that is no report of the archive's")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["index", "", "--home", "home"])
    assert done.exit_code == 2
    assert "an empty path" in done.output
    assert [one.name for one in tmp_path.iterdir()] == ["note.txt"]


ASKED: dict[str, Callable[[], Any]] = {
    "open": lambda: spinecho.open(""),
    "write_demo": lambda: spinecho.write_demo("", studies=1),
    "receive_reports": lambda: receive_reports("", port=0),
    "backup": lambda: backup(key_file=None),
    "make_key": lambda: make_key(""),
    "restore": lambda: restore("", "home", key_file=None),
    "restore to": lambda: restore("folder", "", key_file=None),
    "copy_database": copy_database,
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_no_door_of_python_takes_one(
    asked: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPINECHO_HOME", str(tmp_path / "home"))
    with pytest.raises(QueryError, match="an empty path"):
        asked()
    assert not [one for one in tmp_path.iterdir() if one.name != "home"]


@pytest.mark.parametrize(
    ("kind", "setting"),
    [(kind.name, key) for kind in KINDS for key in (*kind.needed, *kind.offered) if key.endswith(("path", "file"))],
)
def test_no_setting_of_a_source_is_one(kind: str, setting: str) -> None:
    chosen = next(one for one in KINDS if one.name == kind)
    with pytest.raises(ValueError, match="a path"):
        {**chosen.needed, **chosen.offered}[setting]("")
