"""Fixtures that every suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The folder of real MR data, or a skip that says how to name one."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SPINECHO_TESTDATA", default))
    if not (folder / "manifest.csv").is_file():
        pytest.skip(f"no real MR data at {folder}; set SPINECHO_TESTDATA to a folder with a manifest.csv")
    return folder
