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


def test_speeds_are_shown_in_units_that_can_be_read() -> None:
    shown = [per_second(speed) for speed in (None, 0.0, 0.02, 3.25, 4812.4)]
    assert shown == ["", "", "1.2/min", "3.2/s", "4,812/s"]
