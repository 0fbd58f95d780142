"""`spinecho search series`: facts with their rules, and what disputes them, for people and for scripts."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from archives import Home, copy_of
from typer.testing import CliRunner

from spinecho.ui.cli.app import app


@pytest.fixture(scope="module")
def disputed(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(home, UID of a study): the timing disputes every series, and one was indexed before rules were kept."""
    home = copy_of(indexed, tmp_path_factory.mktemp("series") / "home").folder
    with sqlite3.connect(home / "spinecho.sqlite") as connection:
        against = json.dumps([{"rule": "timing", "says": "T2* [bold]"}])
        connection.execute(
            "UPDATE volumes SET acquisition = json_set(acquisition, '$.why.sequence.against', json(?))", (against,)
        )
        connection.execute("UPDATE volumes SET acquisition = json_remove(acquisition, '$.why') WHERE id = 1")
        uid = connection.execute(
            "SELECT uid FROM studies WHERE id = (SELECT study_id FROM series WHERE id ="
            " (SELECT series_id FROM volumes WHERE id = 1))"
        ).fetchone()[0]
    connection.close()
    return home, uid


def test_facts_are_printed_with_their_rules_and_disputes(disputed: tuple[Path, str]) -> None:
    home, uid = disputed
    result = CliRunner().invoke(app, ["search", "series", uid, "--home", str(home)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "plane: axial  slice orientation, 99%" in result.output
    assert "timing says T2* [bold]" in result.output
    assert "unknown" not in result.output


def test_scripts_get_everything(disputed: tuple[Path, str]) -> None:
    home, uid = disputed
    result = CliRunner().invoke(app, ["search", "series", uid, "--home", str(home), "--json"])
    found = json.loads(result.stdout)
    assert found["study_uid"] == uid
    assert sum(one["why"] == {} for one in found["series"]) == 1
    for one in found["series"]:
        assert one["facts"]["sequence"] != "unknown"
        if one["why"]:
            assert one["why"]["sequence"]["against"] == [{"rule": "timing", "says": "T2* [bold]"}]


def test_a_study_that_there_is_not_is_said(disputed: tuple[Path, str]) -> None:
    result = CliRunner().invoke(app, ["search", "series", "1.2.3", "--home", str(disputed[0])])
    assert result.exit_code != 0
    assert "1.2.3" in result.output
