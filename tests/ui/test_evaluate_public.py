"""`spinecho evaluate --suite public`: figures that two sites can compare, from tiny copies of public data sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from parts_encoder import parts_dual
from public_sets import captions, mr_rate, radgenome
from typer.testing import CliRunner, Result

import spinecho
from spinecho.search.evaluation.public import reading
from spinecho.ui.cli.app import app


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that finds "bright" and "dark" in scans."""
    monkeypatch.setattr("spinecho.learning.public_data.open_dual", lambda *_: parts_dual())
    monkeypatch.setattr("spinecho.learning.public_data.workers_here", lambda: 1)


def run(*arguments: str | Path, home: Path) -> Result:
    given = ["evaluate", "--suite", "public", *map(str, arguments), "--home", str(home), "--resamples", "20"]
    return CliRunner().invoke(app, given, env={"COLUMNS": "200"})


def begun(home: Path) -> Path:
    """A home with an empty archive."""
    with spinecho.open(home, create=True) as archive:
        archive.status()
    return home


def measured(*arguments: str | Path, home: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(all that was printed, results by name)"""
    result = run(*arguments, "--json", home=home)
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    return value, {one["name"]: one for one in value["results"]}


def test_texts_of_cases_and_of_scans_find_their_scans(tmp_path: Path) -> None:
    value, results = measured(radgenome(tmp_path / "set"), "--copies", "3", home=tmp_path / "home")
    protocol = value["protocol"]
    assert (protocol["name"], protocol["split"], protocol["cases"]) == ("public/radgenome-brain", "test", 3)
    assert protocol["version"]
    assert len(protocol["digest"]) == 64
    assert protocol["left_out"] == {"no scan below the folder": 1}
    figure = results["report to study, by scans"]["figures"]["Recall@1"]
    assert (figure["value"], figure["pool"], figure["queries"], figure["ci95"] is None) == (1.0, 3.0, 3, False)
    assert figure["chance"] == pytest.approx(1 / 3, abs=1e-6)
    own = results["text of a scan to scan, same sequence"]["figures"]["Recall@1"]
    assert (own["value"], own["pool"]) == (1.0, 3.0)  # of its own sequence alone
    assert results["robust: varied copy"]["figures"]["Recall@1"]["queries"] == 3
    assert "20 patients" in results["finding to studies, by scans, same region"]["why"]
    assert "comes from a data set of its own" in value["warnings"][0]
    assert not (tmp_path / "home").exists()  # there was none: all of it was in a temporary one


def test_vectors_are_kept_in_a_home_and_a_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, home = mr_rate(tmp_path / "set"), begun(tmp_path / "home")
    first, results = measured(folder, "--copies", "0", home=home)
    assert results["report to study, by scans"]["figures"]["Recall@1"]["value"] == 1.0
    assert "--copies 100" in results["robust: varied copy"]["why"]
    asked: list[str] = []
    task = reading.file_task
    monkeypatch.setattr(reading, "file_task", lambda path, **more: asked.append(path) or task(path, **more))
    (folder / "mri/batch00/s1/img/s1_flair-raw-axi.nii.gz").touch()  # as if it had come anew
    again, _ = measured(folder, "--copies", "0", home=home)
    assert again == first
    assert [Path(one).name for one in asked] == ["s1_flair-raw-axi.nii.gz"]
    for kept in (home / "public").rglob("*.safetensors"):
        kept.write_bytes(kept.read_bytes()[:40])  # damaged: as if it were not there
    asked.clear()
    assert measured(folder, "--copies", "0", home=home)[0] == first
    assert len(asked) == 3


def test_pictures_of_a_table_are_measured_and_what_is_none_is_counted(tmp_path: Path) -> None:
    folder = captions(tmp_path / "set")
    with (folder / "captions.csv").open("a", encoding="utf-8") as table:
        table.write("broken.png,plain\ngone.png,plain\n")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 40)
    value, results = measured(folder, "--copies", "1", home=tmp_path / "home")
    assert results["report to study, by scans"]["figures"]["Recall@1"]["value"] == 1.0
    assert value["protocol"]["unread"] == {"DECODE_FAILED": 1}
    assert value["protocol"]["left_out"] == {"the image is not there": 1}
    told = run(folder, home=tmp_path / "home")
    assert told.exit_code == 0, told.output
    assert "protocol public/captions" in told.stdout
    assert value["protocol"]["digest"][:16] in told.stdout


def test_what_cannot_be_is_said_in_one_line(tmp_path: Path) -> None:
    folder = captions(tmp_path / "set")
    for wrong, said in (
        ((tmp_path / "none",), "there is no folder"),
        ((folder, "--layout", "nobody"), "there are radgenome-brain"),
        ((folder, "--judgements", "x.csv"), "no --judgements"),
        ((folder, "--region", "brain"), "no filters"),
        ((), "takes the folder"),
        ((radgenome(tmp_path / "r"), "--split", "val"), "no case of the part 'val'"),
        ((folder, "--split", ""), "names no part"),
    ):
        result = run(*wrong, home=tmp_path / "home")
        assert result.exit_code == 2, (wrong, result.output)
        assert said in " ".join(result.stderr.replace("│", " ").split()), wrong
    result = CliRunner().invoke(app, ["evaluate", str(folder), "--home", str(tmp_path / "home")])
    assert result.exit_code == 2
    assert "--suite public" in " ".join(result.stderr.replace("│", " ").split())


def test_only_researchers_measure(tmp_path: Path) -> None:
    home = begun(tmp_path / "home")
    (home / "secrets.toml").write_text('[auth]\nclient_id = "spinecho"\n')
    (home / "roles.toml").write_text('default = "viewer"\n')
    result = run(captions(tmp_path / "set"), home=home)
    assert result.exit_code == 2
    assert "takes the role researcher" in " ".join(result.output.split())
