"""`spinecho failures`: what is listed, tried again, and written for a ticket; how fast a stage is, as it is shown."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from small_studies import small_study
from typer.testing import CliRunner

from spinecho.ui.cli.app import app
from spinecho.ui.printing.progress_bars import per_second


def run(*arguments: object, home: Path, status: int = 0) -> Any:
    result = CliRunner().invoke(app, [*map(str, arguments), "--home", str(home), "--json"])
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("how", [(), ("--deidentify", "--descriptors", "kept")], ids=["with names", "without names"])
def test_what_was_rejected_is_written_and_tried_again(tmp_path: Path, how: tuple[str, ...]) -> None:
    home, root = tmp_path / "home", tmp_path / "archive"
    whole = small_study(root, 0, series=1, slices=2)
    torn = whole[1].read_bytes()
    whole[1].write_bytes(torn[:-200])
    (root / "=cmd.txt").write_text("IMPRESSION: nothing.")
    run("index", root, "--workers", 1, *how, home=home, status=1)
    table, lines = tmp_path / "list.csv", tmp_path / "list.jsonl"
    assert run("failures", "--export", table, home=home) == {"path": str(table), "rows": 2}
    assert run("failures", "--export", lines, "--reason", "TRUNCATED", home=home)["rows"] == 2
    with table.open(newline="") as file:
        rows = {row["what"]: row for row in csv.DictReader(file)}
    assert rows["file"]["reason"] == "TRUNCATED"
    assert rows["file"]["path"] == str(whole[1])
    assert rows["file"]["remedy"].startswith("Copy the file again")
    assert rows["report without a study"]["path"].endswith("=cmd.txt")
    assert [json.loads(line)["what"] for line in lines.read_text().splitlines()] == ["file", "report without a study"]
    assert table.stat().st_mode & 0o077 == 0
    again = CliRunner().invoke(app, ["failures", "--export", str(table), "--home", str(home)])
    assert (again.exit_code, "is there already" in again.output + again.stderr) == (2, True)

    stamp = whole[1].stat()
    whole[1].write_bytes(torn)
    assert stamp.st_size < whole[1].stat().st_size
    found = run("failures", "--retry", home=home)
    assert found["retried"]["counts"]["volumes"] == 1
    assert found["failures"] == []
    assert len(found["reports_without_study"]) == 1


@pytest.fixture(scope="module")
def torn_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of one study of which one file is cut short."""
    folder = tmp_path_factory.mktemp("torn")
    torn = small_study(folder / "archive", 0, series=1, slices=2)[1]
    torn.write_bytes(torn.read_bytes()[:-200])
    run("index", folder / "archive", "--workers", 1, home=folder / "home", status=1)
    return folder / "home"


@pytest.mark.parametrize("given", ["TRUNCATED", "truncated", "Truncated", " truncated "])
def test_a_reason_is_known_in_any_case(torn_home: Path, given: str) -> None:
    assert [one["reason"] for one in run("failures", "--reason", given, home=torn_home)["failures"]] == ["TRUNCATED"]


@pytest.mark.parametrize("more", [(), ("--all",), ("--retry",), ("--export", "list.csv")], ids=str)
@pytest.mark.parametrize("given", ["NOPE", "", "TRUNCATE", "*"])
def test_a_reason_that_does_not_exist_is_never_answered_with_nothing(
    torn_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, more: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("failures", "--reason", given, *more, home=torn_home, status=2)
    assert found["error"] == "QueryError"
    assert "TRUNCATED" in found["message"]
    assert list(tmp_path.iterdir()) == []


def test_all_is_said_to_be_well_of_the_whole_list_alone(torn_home: Path, tmp_path: Path) -> None:
    def said(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["failures", *arguments, "--home", str(torn_home)])
        assert done.exit_code == 0
        return done.output

    assert "Nothing was rejected" not in said() + said("--reason", "CONFLICT") + said("--reason", "TRUNCATED")
    assert said("--reason", "conflict").startswith("No file was rejected for CONFLICT.")
    root = tmp_path / "archive"
    small_study(root, 0, series=1, slices=2)
    (root / "reports.csv").write_text("accession,report,status\nACC0,A lesion.,cancelled\n")
    run("index", root, "--workers", 1, home=tmp_path / "home")
    done = CliRunner().invoke(app, ["failures", "--home", str(tmp_path / "home")])
    assert "every report has its study; 1 report is kept and not found.\nreport withdrawn" in done.output


def test_speeds_are_shown_in_units_that_can_be_read() -> None:
    shown = [per_second(speed) for speed in (None, 0.0, 0.02, 3.25, 4812.4)]
    assert shown == ["", "", "1.2/min", "3.2/s", "4,812/s"]
