"""A demonstration archive, indexed once, and a copy of its home for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives import copy_of_home

import spinecho
from spinecho.indexer.phantom import write_archive


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assistants")
    write_archive(folder / "archive", studies=4)
    with spinecho.open(folder / "home", create=True, device="cpu") as archive:
        archive.index(folder / "archive")
    return folder / "home"


@pytest.fixture
def home(demo: Path, tmp_path: Path) -> Path:
    return copy_of_home(demo, tmp_path / "home")
