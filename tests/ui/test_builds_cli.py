"""`spinecho builds`: what it lists, makes and measures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from archives import Home, copy_of
from typer.testing import CliRunner, Result

from spinecho.db.vectors.indexes.trade_off import KINDS
from spinecho.ui.cli.app import app

sys.path.insert(0, str(Path(__file__).parents[1] / "db"))

from grown import unit_rows
from vector_homes import open_home, store


def run(*arguments: str | Path, home: Path) -> Result:
    return CliRunner().invoke(app, ["builds", *map(str, arguments), "--home", str(home)], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of vectors alone, enough to measure on."""
    folder = tmp_path_factory.mktemp("vectors")
    database, space = open_home(folder, dim=16)
    store(database, space, unit_rows(1200, 16, clusters=20))
    database.close()
    return folder


def test_help_teaches() -> None:
    for command, words in {"tune": "recall@10", "make": "goes on serving", "list": "measured"}.items():
        result = CliRunner().invoke(app, ["builds", command, "--help"], env={"COLUMNS": "200"})
        assert result.exit_code == 0
        assert words in result.stdout


def test_builds_are_listed_and_made_anew(indexed: Home, tmp_path: Path) -> None:
    mine = copy_of(indexed, tmp_path / "home").folder
    before = json.loads(run("list", "--json", home=mine).stdout)["builds"]
    assert {(one["space"], one["kind"], one["serves"]) for one in before} == {
        ("image", "flat fp16", True),
        ("text", "flat fp16", True),
    }
    made = run("make", "--space", "text", home=mine)
    assert made.exit_code == 0, made.output
    assert "few enough" in made.stdout
    after = json.loads(run("list", "--json", home=mine).stdout)["builds"]
    assert len(after) == 3
    assert [one["build"] for one in after if one["space"] == "text" and one["serves"]] == ["000002"]
    (mine / "builds").joinpath("space-1").joinpath("000001", "manifest.json").write_text("{}")
    damaged = run("list", "--json", home=mine)
    assert damaged.exit_code == 0
    assert "older Spinecho" in damaged.stdout
    assert run("list", home=mine).exit_code == 0


def test_another_kind_is_made_and_says_what_it_finds(vectors: Path) -> None:
    result = run("make", "--kind", "ivf sq8", "--json", home=vectors)
    assert result.exit_code == 0, result.output
    (made,) = json.loads(result.stdout)["builds"]
    assert made["kind"] == "ivf sq8"
    assert made["recall"] > 0.8
    assert made["p50_ms"] > 0


def test_tune_prints_a_table_writes_json_and_draws(vectors: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = run("tune", "--json", "--out", tmp_path / "out", home=vectors)
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["image"]
    assert {row["kind"] for row in rows} == set(KINDS)
    assert json.loads((tmp_path / "out" / "tune.json").read_text()) == {"image": rows}
    assert (tmp_path / "out" / "tune-image.png").read_bytes().startswith(b"\x89PNG")
    table = run("tune", "--kind", "flat fp16", "--kind", "ivf rabitq", home=vectors)
    for word in ("recall@10", "p50 ms", "bytes/vector", "build s", "ivf rabitq", "1.0000"):
        assert word in table.stdout


def test_without_matplotlib_there_is_json_alone(vectors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spinecho.ui.printing.outputs.tuning_plots", None)
    result = run("tune", "--kind", "flat fp16", "--out", tmp_path / "out", home=vectors)
    assert result.exit_code == 0, result.output
    assert "matplotlib" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tune.json"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("make", "--recall", "1.5"), "less than or equal to 1"),
        (("make", "--recall", "1"), "cannot be aimed at"),
        (("make", "--kind", "annoy"), "none of"),
        (("make", "--space", "sound"), "none of"),
        (("tune", "--kind", "annoy"), "there are"),
    ],
)
def test_what_cannot_be_done_is_said(vectors: Path, arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments, home=vectors)
    assert result.exit_code == 2
    assert words in result.output


def test_too_few_to_measure_and_nothing_indexed(indexed: Home, tmp_path: Path) -> None:
    few = run("tune", "--space", "image", home=indexed.folder)
    assert few.exit_code == 2
    assert "too few" in few.output
    nothing = run("list", home=tmp_path)
    assert nothing.exit_code == 2
    assert "spinecho index" in nothing.output
