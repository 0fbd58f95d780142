"""Fixtures of the heads' tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from planting import FakeEncoder, Make

from spinecho.encoders.heads.fitting.features import cache_features


@pytest.fixture
def cached(tmp_path: Path) -> Make:
    """Examples to features."""
    return lambda examples: cache_features(FakeEncoder(), examples, tmp_path / "features", shard=50)
