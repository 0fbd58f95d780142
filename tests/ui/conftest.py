"""A small archive, indexed once for every test of this folder."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from archives import copy_of_home
from made_once import made_once

from spinecho.db.schema.database import Database
from spinecho.indexer.phantom import write_archive
from spinecho.indexer.pipeline import index_archive
from spinecho.setup.settings import read_settings
from spinecho.setup.wiring import open_dual

HOSTILE_STUDY = "<script>alert(1)</script> :red[x] [l](http://a.b)"
HOSTILE_SERIES = ":material/search: **b** $x$ >= -- <img src=x>"
HOSTILE_SENTENCE = "Bright <b>lesion :smile: >= 5 mm in `code` [click](javascript:alert(1)) of the spleen."


@dataclass(frozen=True)
class DemoHome:
    """An archive of synthetic studies, one of them hostile, and the home that it is indexed in."""

    archive: Path
    home: Path
    hostile_study: str = HOSTILE_STUDY
    hostile_series: str = HOSTILE_SERIES
    hostile_sentence: str = HOSTILE_SENTENCE


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> DemoHome:
    once = made_once("hostile", _make_hostile)
    home = copy_of_home(once / "home", tmp_path_factory.mktemp("demo") / "home")
    return DemoHome(once / "archive", home)


@pytest.fixture
def home(demo_home: DemoHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the home that a test may change, named by the environment."""
    copy = tmp_path / "home"
    copy_of_home(demo_home.home, copy)
    monkeypatch.setenv("SPINECHO_HOME", str(copy))
    monkeypatch.setenv("SPINECHO_DEVICE", "cpu")
    return copy


def _make_hostile(folder: Path) -> None:
    """An archive with words that a page could stumble over in its last study, and the home that it is indexed in."""
    archive, home = folder / "archive", folder / "home"
    write_archive(archive, studies=3)
    patient = sorted((archive / "dicom").iterdir())[-1]
    number = ""
    for path in patient.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.StudyDescription, dataset.SeriesDescription = HOSTILE_STUDY, HOSTILE_SERIES
        number = str(dataset.AccessionNumber)
        dataset.save_as(path)
    with (archive / "reports" / "hostile.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("accession_number", "report"), (number, f"FINDINGS:\n{HOSTILE_SENTENCE}\n")])
    settings = read_settings(home=home, device="cpu", environment={})
    database = Database.open(settings.database)
    index_archive(database, settings.builds, [archive], lambda: open_dual(settings))
    database.close()
