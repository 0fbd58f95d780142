"""What scans count here, and why: told beside every answer, by `spinecho status` and on the archive page alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pages import DemoHome, ask, calm, listed, opened, page_of, private_home
from typer.testing import CliRunner

from spinecho.db.queries.learning.self_tests import Holdings, KeptTest, put_self_test
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.setup.settings import read_settings
from spinecho.ui.cli.app import app

SURE = {"value": 0.97, "chance": 0.5, "ci95": [0.95, 0.99], "pool": 249.0, "queries": 250}


@pytest.fixture
def home(demo_home: DemoHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return private_home(demo_home.home, tmp_path, monkeypatch)


def keep(home: Path, test: KeptTest) -> None:
    database = Database.open(read_settings(home=home).database)
    space = storing.serving(database, "image")
    assert space is not None
    put_self_test(database, space, test)
    database.close()


def on_the_archive_page() -> list[str]:
    page = calm(page_of("archive").run())
    page = calm(page.button_group(key="archive-view").set_value("Encoders and builds").run())
    return [one.value for one in page.caption if one.value.startswith("Weights of channels")]


def by_status(home: Path) -> str:
    told = json.loads(CliRunner().invoke(app, ["status", "--json", "--home", str(home)]).stdout)
    return str(told["self_test"]["why"])


def test_weights_that_ship_are_told_with_the_reason(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(home, KeptTest("1", "TOO_FEW", 3, Holdings(3, 9)))
    why = by_status(home)
    assert why.startswith("the weights that ship: 3 patients have a scan and a report")
    assert on_the_archive_page() == [f"Weights of channels: {why}"]
    shown = listed(ask(opened(home, monkeypatch), "haemorrhage"))
    assert shown["weighed"] == why
    assert "scans count 0.07 (shipped)" in shown["said"]


def test_weights_that_a_self_test_moved_are_told_with_its_figures(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(home, KeptTest("1", "", 250, Holdings(250, 900), figures={"scans": SURE, "finding_scans": SURE}))
    why = by_status(home)
    assert why.startswith("scans count 1.73 times what ships")
    assert "97 % of comparisons (95 to 99; chance 50; 250 pairs, pool 249)" in why
    assert on_the_archive_page() == [f"Weights of channels: {why}"]
    shown = listed(ask(opened(home, monkeypatch), "axial FLAIR of the brain, dark ventricles"))
    assert shown["weighed"] == why
    assert "(self-test)" in shown["said"]


def test_a_list_that_compares_nothing_tells_no_weights(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = listed(ask(opened(home, monkeypatch), "no haemorrhage"))
    assert not shown["weighed"]
    assert "scans count" not in shown["said"]
