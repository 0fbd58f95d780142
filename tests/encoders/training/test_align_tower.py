"""From examples to an aligned pair of towers, small: shards, cached features, alignment, checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from spinecho.encoders.networks.cells import FrozenCells
from spinecho.encoders.networks.image_tower import Tower, TowerEncoder, batch_of, described, save_tower
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.networks.text_chunks import TextTowerConfig
from spinecho.encoders.networks.text_tower import TextTower
from spinecho.encoders.networks.tower_config import TowerConfig
from spinecho.encoders.preparing.preparation import StackPreparation
from spinecho.encoders.training.data.cell_cache import CellCache, cache_cells, fit_components, fit_likeness
from spinecho.encoders.training.data.examples import Example, Facts, Shard, ShardError, shards, write_shard
from spinecho.encoders.training.data.shards import ShardExamples
from spinecho.encoders.training.data.vary import vary
from spinecho.encoders.training.objectives.align_tower import AlignConfig, Alignment, StateBank, Studies

PREPARE = StackPreparation(acquired=4, others=1)


def example(number: int) -> Example:
    """Stripes along one axis or the other, told apart by their report."""
    rng = np.random.default_rng(number)
    grid = np.indices((48, 48, 10))[number % 2]
    grey = (((grid // 6) % 2) * 200 + rng.integers(0, 40, grid.shape)).astype(np.uint8)
    words = ("left frontal infarct", "right occipital haemorrhage")[number % 2]
    facts = Facts(
        str(number), f"s{number}", f"p{number}", "made", region=("brain", "knee")[number % 2], sequence="T2",
        texts=(("report", f"FINDINGS: There is a {words}, case {number}."),),
    )  # fmt: skip
    return Example(grey, (3.0, 3.0, 6.0), facts)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> tuple[CellCache, np.ndarray, np.ndarray]:
    folder = tmp_path_factory.mktemp("align")
    for start in (0, 4):
        write_shard(folder / "shards" / f"{start}.safetensors", [example(n) for n in range(start, start + 4)])
    cells = FrozenCells()
    source = ShardExamples([folder / "shards"])
    mean, components = fit_components([source], PREPARE, cells, count=12, volumes=4)
    for _ in range(2):  # the second finds everything done
        found = cache_cells(source, folder / "cells", PREPARE, cells, mean, components, variants=2, augment=vary)
    return found, mean, components


def test_shards_hold_what_was_written(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.safetensors", [example(0), example(1)])
    shard = Shard(shards(tmp_path)[0])
    assert len(shard) == 2
    np.testing.assert_array_equal(shard[1].grey, example(1).grey)
    assert shard[1].facts == example(1).facts
    assert shard[1].spacing_mm == (3.0, 3.0, 6.0)
    content = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ShardError, match="make it again"):
        Shard(tmp_path / "a.safetensors")


def test_a_variant_is_the_same_patient_seen_otherwise() -> None:
    one = vary(example(0), np.random.default_rng(0))
    assert one.facts == example(0).facts
    assert one.grey.dtype == np.uint8
    assert one.grey.shape != example(0).grey.shape or (one.grey != example(0).grey).any()
    again = vary(example(0), np.random.default_rng(0))
    np.testing.assert_array_equal(one.grey, again.grey)


def test_features_are_cached_for_each_variant(cache: tuple[CellCache, np.ndarray, np.ndarray]) -> None:
    found = cache[0]
    assert len(found) == 8
    assert found.variants == [2] * 8
    features, place = found.cells(0)
    assert features.shape[1] == 12 + 17
    assert place.shape == (len(features), 16)
    centre, whiten = fit_likeness(found, range(8), count=12)
    assert np.isfinite(centre).all()
    np.testing.assert_allclose(whiten, whiten.T, atol=1e-4)


def test_what_was_trained_on_is_what_the_encoder_sees(
    cache: tuple[CellCache, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    """From a volume to its vector by the encoder's way, and by the cache's, with everything stored in between."""
    found, mean, components = cache
    safetensors.numpy.save_file({"mean": mean, "components": components}, tmp_path / "basis.safetensors")
    basis = safetensors.numpy.load_file(tmp_path / "basis.safetensors")
    torch.manual_seed(0)
    image = Tower(TowerConfig(width=24, latents=3, rounds=1, heads=2, votes=2, reduced=12, dim=16))
    image.mean.copy_(torch.from_numpy(basis["mean"]))
    image.components.copy_(torch.from_numpy(basis["components"]))
    save_tower(tmp_path / "image", image, PREPARE)
    live = TowerEncoder.load(tmp_path / "image").encode([example(n).volume() for n in range(8)])
    for number in range(8):
        cells = batch_of([found.cells(number)])
        with torch.no_grad():
            boxes = np.zeros((cells.filled.shape[1], 6), np.float32)
            cached = described(image.eval(), cells, image.read(cells), 0, boxes).vector
        assert float(live[number] @ cached) > 0.999


def test_alignment_learns_which_report_is_whose(cache: tuple[CellCache, np.ndarray, np.ndarray]) -> None:
    found, mean, components = cache
    torch.manual_seed(0)
    image = Tower(TowerConfig(width=24, latents=3, rounds=1, heads=2, votes=2, reduced=12, dim=16))
    image.mean.copy_(torch.from_numpy(mean))
    image.components.copy_(torch.from_numpy(components))
    text = TextTower(TextTowerConfig(width=24, depth=1, heads=2, dim=16))
    config = AlignConfig(series=2)
    studies = Studies(found, StateBank(SentenceEncoder.default()), text, config)
    assert len(studies) == 8
    objective = Alignment(image, text, config)
    optimizer = torch.optim.AdamW(objective.parameters(), lr=3e-3)
    losses = []
    for step in range(40):
        views = [studies.views(studies[n], np.random.default_rng((step, n))) for n in range(8)]
        told = objective.loss(studies.collate(views))
        optimizer.zero_grad()
        told["loss"].backward()
        optimizer.step()
        losses.append(float(told["loss"].detach()))
        assert set(told) == {"loss", "queries", "reports", "variants"}
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_views_follow_their_generator(cache: tuple[CellCache, np.ndarray, np.ndarray]) -> None:
    text = TextTower(TextTowerConfig(width=24, depth=1, heads=2, dim=16))
    studies = Studies(cache[0], StateBank(SentenceEncoder.default()), text, AlignConfig())
    one, same = (studies.views(studies[3], np.random.default_rng(5)) for _ in range(2))
    assert one.report == same.report
    assert [each.text for each in one.wanted] == [each.text for each in same.wanted]
    torch.testing.assert_close(one.cells[0][0], same.cells[0][0])
