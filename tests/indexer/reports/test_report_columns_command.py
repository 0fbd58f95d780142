"""What `spinecho index --report-columns` prints: which column was taken for what, and what is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spinecho.filling.outcomes import Outcome
from spinecho.ui.cli.app import app

TAKEN = {"accession": {"Auftrag": 1}, "report": {"Text": 2, "[bold]": 1}}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What the archive is asked for; no network is needed for what is printed."""
    found: list[str | None] = []
    stages = ("discover", "scan", "read", "encode", "store", "reports", "build", "wall")

    def index(_: object, *__: object, report_columns: str | None, **___: object) -> Outcome:
        found.append(report_columns)
        return Outcome(1, {"files": 3}, {}, 0, dict.fromkeys(stages, 0.0), (), (), TAKEN)

    monkeypatch.setattr("spinecho.archive.Archive.index", index)
    return found


def test_columns_are_printed_by_meaning(tmp_path: Path, asked: list[str | None]) -> None:
    home = ["--home", str(tmp_path / "home")]
    printed = CliRunner().invoke(
        app, ["index", str(tmp_path), *home, "--report-columns", "accession=Auftrag,report=Text"]
    )
    assert printed.exit_code == 0, printed.output
    assert "accession of reports taken from: 'Auftrag' (1 file)" in printed.output
    assert "'Text' (2 files), '[bold]' (1 file)" in printed.output
    as_json = CliRunner().invoke(app, ["index", str(tmp_path), *home, "--report-columns", "", "--json"])
    assert json.loads(as_json.stdout)["report_columns"] == TAKEN
    assert asked == ["accession=Auftrag,report=Text", ""]


def test_columns_that_cannot_be_meant_end_the_command(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    refused = CliRunner().invoke(app, ["index", str(tmp_path), *home, "--report-columns", "key=Auftrag"])
    assert refused.exit_code == 2
    assert "is none of accession, study_uid" in " ".join(refused.output.split())
