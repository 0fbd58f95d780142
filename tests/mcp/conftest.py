"""A demonstration archive, indexed once, and a copy of its home for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives import copy_of_home
from made_once import four_studies, made_once


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_home(made_once("four", four_studies) / "home", tmp_path_factory.mktemp("assistants") / "home")


@pytest.fixture
def home(demo: Path, tmp_path: Path) -> Path:
    return copy_of_home(demo, tmp_path / "home")
