"""Features on disk: written once, complete or not at all, of one encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planting import SPACE, FakeEncoder, planted

from spinecho.encoders.errors import SpaceMismatch
from spinecho.encoders.heads.fitting.features import FeatureCache, cache_features
from spinecho.encoders.heads.predictions import HeadError
from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.encoders.preparing.preparation import Prepared

MADE = [planted(number, 0.3, sequence="T1") for number in range(23)]


def test_what_is_written_is_what_the_encoder_gave(tmp_path: Path) -> None:
    features = cache_features(FakeEncoder(), MADE, tmp_path, shard=10)
    encoder = FakeEncoder()
    given = encoder.describe([encoder.preparation(example.volume()) for example in MADE])
    assert (len(features), features.space, features.width) == (23, SPACE, 6)
    assert features.facts == tuple(example.facts for example in MADE)
    for number in (0, 9, 10, 22):
        tokens, boxes = features.tokens(number)
        np.testing.assert_allclose(tokens, given[number].tokens, atol=1e-3)
        np.testing.assert_array_equal(boxes, given[number].boxes)
        np.testing.assert_allclose(features.pooled([number])[0], given[number].pooled, atol=1e-3)


def test_a_run_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        cache_features(FakeEncoder(fail_after=17), MADE, tmp_path, shard=5)
    encoder = FakeEncoder()
    features = cache_features(encoder, MADE, tmp_path, shard=5)
    assert encoder.calls == 23 - 15
    assert sorted(facts.key for facts in features.facts) == [example.facts.key for example in MADE]
    again = FakeEncoder()
    cache_features(again, MADE, tmp_path)
    assert again.calls == 0
    assert not list(tmp_path.glob(".*"))


def test_another_encoders_folder_is_refused(tmp_path: Path) -> None:
    cache_features(FakeEncoder(), MADE[:2], tmp_path)
    with pytest.raises(SpaceMismatch, match="name another folder"):
        cache_features(FakeEncoder(replace(SPACE, revision="d" * 64)), MADE, tmp_path)


@pytest.mark.parametrize("keep", [0, 30, -5])
def test_a_damaged_shard_is_named(tmp_path: Path, keep: int) -> None:
    cache_features(FakeEncoder(), MADE, tmp_path, shard=10)
    path = tmp_path / "features-00001.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    for attempt in (lambda: FeatureCache(tmp_path), lambda: cache_features(FakeEncoder(), MADE, tmp_path)):
        with pytest.raises(HeadError, match=r"features-00001\.safetensors is damaged"):
            attempt()
    path.unlink()
    assert len(cache_features(FakeEncoder(), MADE, tmp_path)) == 23


def test_nothing_to_describe(tmp_path: Path) -> None:
    with pytest.raises(HeadError, match="no examples"):
        cache_features(FakeEncoder(), [], tmp_path)
    with pytest.raises(HeadError, match="holds no features"):
        FeatureCache(tmp_path)


def test_features_that_are_not_numbers_are_named(tmp_path: Path) -> None:
    class Broken(FakeEncoder):
        def describe(self, items: list[Prepared], /) -> list[Described]:  # type: ignore[override]
            return [replace(one, pooled=one.pooled * np.nan) for one in super().describe(items)]

    with pytest.raises(HeadError, match="not numbers for 0000"):
        cache_features(Broken(), MADE, tmp_path)
    assert not list(tmp_path.iterdir())
