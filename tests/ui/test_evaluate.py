"""`spinecho evaluate`: what it prints, what it writes, what it exits with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from archives import Home, copy_of
from typer.testing import CliRunner, Result

from spinecho.ui.cli.app import app


def run(*arguments: str | Path, home: Path) -> Result:
    given = ["evaluate", *map(str, arguments), "--home", str(home), "--device", "cpu", "--resamples", "50"]
    return CliRunner().invoke(app, given, env={"COLUMNS": "200"})


def test_help_teaches() -> None:
    result = CliRunner().invoke(app, ["evaluate", "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for word in (
        "query,study_uid,grade,set,topic,negates",
        "--judgements",
        "--pairs",
        "chance",
        "Patients are resampled",
    ):
        assert word in result.stdout


def test_tables_show_no_figure_alone(indexed: Home) -> None:
    result = run(home=indexed.folder)
    assert result.exit_code == 0, result.output
    for word in (
        "95 % interval",
        "chance",
        "pool",
        "label: sequence",
        "report to study, by sentences",
        "report to study, by scans",
        "intervals over",
        "the scan most like another",
    ):
        assert word in result.stdout


def test_json_and_files(indexed: Home, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = run("--json", "--out", tmp_path / "out", "--exclude", "study", home=indexed.folder)
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert value["settings"]["exclude"] == "study"
    assert len(value["headlines"]) == sum("filters" not in one["name"] for one in value["results"])
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8")) == value
    pictures = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert "report-to-study-by-sentences.png" in pictures


def test_without_matplotlib_there_is_json_alone(indexed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "spinecho.ui.printing.outputs.evaluation_plots", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = run("--out", tmp_path / "out", home=indexed.folder)
    assert result.exit_code == 0, result.output
    assert "pip install '.[plots]'" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["evaluation.json"]


def test_changed_copies_of_scans_look_for_their_originals(indexed: Home) -> None:
    result = run("--copies", "2", "--json", home=indexed.folder)
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    figure = next(one for one in value["results"] if one["name"] == "robust: varied copy")["figures"]["Recall@1"]
    assert (figure["queries"], figure["pool"]) == (2, value["archive"]["volumes"])
    assert value["protocol"] == {"name": "archive", "version": 2}
    assert value["settings"]["copies"] == 2


def test_judgements_and_pairs(indexed: Home, tmp_path: Path) -> None:
    uid = indexed.query("SELECT uid FROM studies ORDER BY uid")[0][0]
    file = tmp_path / "q.csv"
    file.write_text(f"query,study_uid,grade\nbrain,{uid},2\nbrain,1.2.3,1\n", encoding="utf-8")
    result = run("--judgements", file, home=indexed.folder)
    assert result.exit_code == 0, result.output
    assert "nDCG@10" in result.stdout
    assert "not in the index: 1.2.3" in result.stdout
    file.write_text(f"text,study_uid\nA scan of the brain.,{uid}\n", encoding="utf-8")
    result = run("--pairs", file, "--json", home=indexed.folder)
    assert result.exit_code == 0, result.output
    names = [one["name"] for one in json.loads(result.stdout)["results"]]
    assert names[:2] == ["text to study, by reports", "text to study, by headers"]
    assert "text to study, by scans" in names or "report to study, by scans" in names


def test_what_is_wrong_is_said_in_one_line(indexed: Home, tmp_path: Path) -> None:
    file = tmp_path / "q.csv"
    file.write_text("query,uid\na,b\n", encoding="utf-8")
    result = run("--judgements", file, home=indexed.folder)
    assert result.exit_code == 2
    assert "must have query and study_uid" in " ".join(result.stderr.split())
    file.write_text("query,study_uid\nbrain,1.2.3\n", encoding="utf-8")
    result = run("--judgements", file, "--json", home=indexed.folder)
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"] == "EmptyPool"
    assert run("--exclude", "nobody", home=indexed.folder).exit_code == 2
    assert run("--judgements", file, "--pairs", file, home=indexed.folder).exit_code == 2
    taken = tmp_path / "taken"
    taken.write_text("")
    result = run("--out", taken, home=indexed.folder)
    assert result.exit_code == 2
    assert "--out" in result.stderr


def test_channels_are_tested_on_demand_and_status_tells(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home").folder
    result = run("--self-test", "--json", home=home)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["reason"], told["needed"], told["weights"]["from"]) == ("TOO_FEW", 200, "shipped")
    assert told["why"] in run("--self-test", home=home).stdout
    status = CliRunner().invoke(app, ["status", "--json", "--home", str(home)])
    assert json.loads(status.stdout)["self_test"]["why"] == told["why"]
    shown = CliRunner().invoke(app, ["status", "--home", str(home)], env={"COLUMNS": "300"})
    assert "the weights that ship" in shown.stdout
    assert run("--self-test", "--out", tmp_path / "out", home=home).exit_code == 2
