"""A demonstration archive of three studies, indexed once, and a copy of its home for each test that changes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from archives import copy_of_home

import spinecho
from spinecho.indexer.phantom import write_archive


@dataclass(frozen=True)
class Indexed:
    """A folder of DICOM and reports, and the home that it was indexed into."""

    files: Path
    home: Path


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    folder = tmp_path_factory.mktemp("front")
    write_archive(folder / "archive", studies=4)
    with spinecho.open(folder / "home", create=True, device="cpu") as archive:
        outcome = archive.index(folder / "archive")
    assert outcome.counts["series"] > 0
    return Indexed(folder / "archive", folder / "home")


@pytest.fixture
def home(indexed: Indexed, tmp_path: Path) -> Path:
    copy_of_home(indexed.home, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="session")
def archive(indexed: Indexed) -> spinecho.Archive:
    return spinecho.open(indexed.home, device="cpu")
