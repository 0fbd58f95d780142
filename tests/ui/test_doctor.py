"""`spinecho doctor` finds what is wrong, says what helps, and mends what can be made from what is whole."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from archives import Home, copy_of_home
from servers import Server
from typer.testing import CliRunner

import spinecho
import spinecho.maintaining.upkeep
from spinecho.db.schema.database import Database
from spinecho.db.upkeep.loose_rows import gone_files
from spinecho.encoders import pip_weights
from spinecho.setup.private import tighten
from spinecho.setup.settings import read_settings
from spinecho.setup.wiring import indexing_lock
from spinecho.ui.cli.app import app


@pytest.fixture
def home(indexed: Home, tmp_path: Path) -> Path:
    made = copy_of_home(indexed.folder, tmp_path / "home")
    tighten(made)
    return made


def examine(home: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["doctor", "--home", str(home), "--json", *arguments])
    assert done.exit_code in (0, 1, 4), done.output
    return done.exit_code, json.loads(done.stdout)


def sql(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / "spinecho.sqlite")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def build_of(home: Path) -> Path:
    return next(path for path in sorted((home / "builds").glob("space-*/0*/index.faiss")))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def half_built(home: Path) -> None:
    (home / "builds" / "space-1" / "000099.partial").mkdir()
    (home / ".spinecho.sqlite.77.partial").write_bytes(b"half")
    (home / "builds" / "space-77").mkdir()


FULL_TEXT = "INSERT INTO passages_fts(passages_fts, rowid, text) VALUES ('delete', 1, 'nothing of it')"
MENDABLE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    # what is said: (how it comes to be, area, severity)
    "the full text differs from the sentences": (lambda home: sql(home, FULL_TEXT), "database", "error"),
    "index builds or snapshots of facts are not sound": (lambda home: flip(build_of(home)), "builds", "error"),
    "files of the home can be read by other accounts": (
        lambda home: (home / "spinecho.sqlite").chmod(0o644), "permissions", "warning",
    ),
    "files of interrupted work lie in the home": (half_built, "leftovers", "warning"),
}  # fmt: skip


def test_a_home_that_is_well_has_no_warning(home: Path) -> None:
    status, found = examine(home)
    assert [one for one in found["findings"] if one["severity"] != "note"] == []
    assert status == 0
    assert found["disk"]["free"] > 0
    assert found["disk"]["to_come"] > (home / "spinecho.sqlite").stat().st_size


def test_an_encoder_that_was_switched_to_needs_no_name_and_one_that_is_named_otherwise_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql(home, "UPDATE serving SET encoder = 'slices-minilm'")
    assert "the settings name" not in str(examine(home))
    monkeypatch.setenv("SPINECHO_ENCODER", "vit:elsewhere")
    assert "made with slices-minilm, and the settings name vit:elsewhere" in str(examine(home))


def test_what_is_made_from_the_rows_is_mended(home: Path) -> None:
    for happens, *_ in MENDABLE.values():
        happens(home)
    status, found = examine(home)
    wrong = {one["what"]: one for one in found["findings"] if one["severity"] != "note"}
    expected = {what: (area, severity, True, False) for what, (_, area, severity) in MENDABLE.items()}
    assert {
        what: (one["area"], one["severity"], one["fixable"], one["fixed"]) for what, one in wrong.items()
    } == expected
    assert status == 4
    done = CliRunner().invoke(app, ["doctor", "--home", str(home), "--fix"])
    assert done.exit_code == 0, done.output
    assert "files of interrupted work lie in the home mended" in done.stdout
    assert examine(home)[0] == 0


def test_what_cannot_be_mended_is_named_with_its_remedy(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sql(home, "DELETE FROM vectors WHERE volume_id = 1")
    (home / "fusion.json").write_text("{")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    status, found = examine(home)
    wrong = {(one["area"], one["severity"]): one for one in found["findings"]}
    assert "no vector" in wrong["database", "warning"]["what"]
    assert wrong["database", "warning"]["examples"] == ["volumes 1"]
    assert "--no-resume" in wrong["database", "warning"]["remedy"]
    assert "fusion.json" in wrong["settings", "error"]["what"]
    assert "to come" in wrong["disk", "warning"]["what"]
    assert status == 4
    sql(home, "UPDATE series SET description = 'other' WHERE id = 1")
    before = sorted((home / "builds").rglob("*"))
    said = [one["what"] for one in examine(home, "--fix")[1]["findings"] if not one["fixed"]]
    assert "rows of series are not what was written" in said
    assert "builds were not held against the rows, which are damaged themselves" in said
    assert sorted((home / "builds").rglob("*")) == before, "no build is made of damaged rows"
    with closing(sqlite3.connect(home / "spinecho.sqlite")) as connection:
        assert connection.execute("SELECT description FROM series WHERE id = 1").fetchone() == ("other",)


def test_files_that_are_gone_are_counted_and_an_absent_folder_is_told_apart(home: Path, archive: Path) -> None:
    first = sorted(str(path) for path in (archive / "dicom").rglob("*.dcm"))[:3]
    with closing(Database.open(home / "spinecho.sqlite")) as database:
        assert gone_files(database, lambda path: path not in first) == ([], Counter({str(archive): 3}))
    sql(home, "UPDATE folders SET path = '/nowhere' || path", "UPDATE archives SET path = '/nowhere' || path")
    with closing(Database.open(home / "spinecho.sqlite")) as database:
        assert gone_files(database, lambda _: False) == ([f"/nowhere{archive}"], Counter())


def test_what_cannot_be_opened_is_one_finding(home: Path) -> None:
    sql(home, "UPDATE alembic_version SET version_num = '0001'")
    status, found = examine(home, "--fix")
    assert [(one["area"], "db upgrade" in one["what"]) for one in found["findings"]] == [("schema", True)]
    assert status == 4


def test_a_run_is_not_disturbed(home: Path) -> None:
    half_built(home)
    with indexing_lock(read_settings(home=home)):
        assert not [one for one in examine(home, "--fix")[1]["findings"] if one["area"] == "leftovers"]
    assert (home / "builds" / "space-1" / "000099.partial").is_dir()


def test_a_server_is_examined_too(home: Path, postgresql: Server, tmp_path: Path, monkeypatch: Any) -> None:
    url = postgresql.new()
    spinecho.maintaining.upkeep.copy_database(home, url)
    (home / "spinecho.sqlite").unlink()
    monkeypatch.setenv("SPINECHO_DATABASE", url)
    status, found = examine(home)
    assert (status, [one for one in found["findings"] if one["severity"] != "note"]) == (0, [])
    flip(build_of(home))
    status, found = examine(home, "--fix")
    assert status == 0, found["findings"]


def test_weights_that_are_other_ones_are_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = pip_weights.BY_PIP
    monkeypatch.setattr(pip_weights, "BY_PIP", (replace(first, sha256="0" * 64), *others))
    status, found = examine(home)
    (one,) = [one for one in found["findings"] if one["area"] == "weights"]
    assert (status, one["severity"]) == (4, "error")
    assert first.distribution in one["what"]
    assert "pip install" in one["remedy"]
