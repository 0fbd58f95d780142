"""Homes whose paths hold letters that mean something in URLs, patterns and shells: each is that folder and no other."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from small_studies import small_study
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "db"))

from filter_archive import FilterArchive

from spinecho.db.people.record import FILE, Record
from spinecho.db.schema.access import Access
from spinecho.db.schema.engines import make_engine
from spinecho.ui.cli.app import app

ODD = (
    "a?b", "p%20x", "p%2fx", "h#1", "a b", "[x]", "*", "{x}", "a&mode=ro", "?mode=memory", "file:x", ":memory:", "'q\"",
    "back\\slash", "new\nline", "ümläut-頭", "~x", "-home", "$HOME", "a;b", "a+b", "%s", "[bold]",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a report, to be copied."""
    home = tmp_path_factory.mktemp("made")
    archive = FilterArchive(home)
    archive.report(1, [("A lesion.", "present")])
    archive.close()
    return home


@pytest.mark.parametrize("name", ODD)
def test_a_file_in_a_folder_of_any_name_is_opened_in_every_way(made: Path, tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    shutil.copytree(made, home)
    for access in Access:
        engine = make_engine(home / "spinecho.sqlite", access=access)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM reports").scalar() == 1
        engine.dispose()
    for write in (True, False):
        with closing(Record.open(home / FILE, write=write)) as record:
            if write:
                record.append(user="ada", role="manager", action="view", facts={})
            assert len(record.entries()) == 1
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_every_command_stays_within_a_home_of_odd_letters(tmp_path: Path) -> None:
    root, homes = tmp_path / "archive", tmp_path / "homes"
    homes.mkdir()
    small_study(root, 0, series=1, slices=3)
    home, folder = homes / "a?b%20 #[x]*'\n&mode=ro ü", tmp_path / "backups?#"

    def run(*arguments: object, status: int = 0) -> Any:
        done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        assert done.exit_code == status, done.output
        return json.loads(done.stdout)

    assert run("index", root, "--home", home, "--workers", 1)["counts"]["volumes"] == 1
    assert run("status", "--check", "--home", home)["damaged"] == []
    assert len(run("search", "text", "brain", "--home", home)["hits"]) == 1
    assert run("record", "check", "--home", home)["rows"] > 0
    run("backup", folder, "--unencrypted", "--home", home)
    run("restore", folder, "--unencrypted", "--home", homes / "b?c")
    assert len(run("search", "text", "brain", "--home", homes / "b?c")["hits"]) == 1
    assert {one.name for one in tmp_path.iterdir()} == {"archive", "homes", folder.name}
    assert {one.name for one in homes.iterdir()} == {home.name, "b?c"}


@pytest.mark.parametrize("command", [("index", "."), ("status",), ("search", "text", "brain")])
def test_a_home_whose_name_is_no_text_is_named_with_what_helps(tmp_path: Path, command: tuple[str, ...]) -> None:
    home = os.fsdecode(os.fsencode(tmp_path) + b"/lat\xe4")
    done = CliRunner().invoke(app, [*command, "--home", home, "--json"])
    assert done.exit_code == 2
    found = json.loads(done.stdout)
    assert found["error"] == "SettingsError"
    assert "lat\\xe4" in found["message"]
    assert "--home" in found["message"]
    assert list(tmp_path.iterdir()) == []
