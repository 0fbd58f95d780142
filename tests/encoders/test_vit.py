"""The 3D network: sizes, positions, padding, and what its checkpoints refuse."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from encoders.checkpoint import CheckpointError
from encoders.image.preparation import BlockPreparation, Prepared, SlicePreparation
from encoders.image.vit import BASE, SMALL, TINY, VisionTransformer, VitConfig, VitEncoder, positions, save_vit

MINI = VitConfig(width=48, depth=2, heads=4, patch=(8, 8, 4), registers=2, projection=20)


def network(config: VitConfig = MINI, *, seed: int = 0) -> VisionTransformer:
    torch.manual_seed(seed)
    return VisionTransformer(config).eval()


def blocks(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, 256, shape, generator=generator, dtype=torch.uint8)


def prepared(n: int) -> list[Prepared]:
    return [Prepared(block, np.ones((3, 3), np.float32)) for block in blocks(n, 16, 16, 16).numpy()]


@pytest.mark.parametrize(("config", "millions"), [(TINY, 5.9), (SMALL, 22.3), (BASE, 87.1)])
def test_sizes(config: VitConfig, millions: float) -> None:
    with torch.device("meta"):
        made = VisionTransformer(config)
    assert sum(value.numel() for value in made.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)


@pytest.mark.parametrize(
    "values",
    [
        {"width": 50},
        {"width": 0},
        {"width": 48.0},
        {"heads": 5},
        {"depth": 10**9},
        {"depth": True},
        {"patch": (8, 8)},
        {"patch": (8, 8, 0)},
        {"registers": -1},
        {"most_tokens": 10**9},
    ],
)
def test_sizes_that_cannot_be(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|reason"):
        dataclasses.replace(MINI, **values)


@pytest.mark.parametrize("shape", [(8, 8, 4), (16, 8, 12), (32, 32, 16), (8, 8, 64)])
@torch.inference_mode()
def test_any_grid(shape: tuple[int, int, int]) -> None:
    made = network()
    features = made.features(blocks(3, *shape))
    tokens = math.prod(n // p for n, p in zip(shape, MINI.patch, strict=True))
    assert features.cls.shape == (3, 48)
    assert features.patches.shape == (3, tokens, 48)
    assert features.filled.shape == (3, tokens)
    assert features.filled.all()
    assert made(blocks(3, *shape)).shape == (3, 20)


def test_a_block_that_patches_do_not_tile_or_with_too_many() -> None:
    made = network(dataclasses.replace(MINI, most_tokens=8))
    with pytest.raises(ValueError, match="cannot be tiled"):
        made(blocks(1, 16, 16, 9))
    with pytest.raises(ValueError, match="cannot be tiled"):
        made(blocks(1, 16, 16, 0))
    with pytest.raises(ValueError, match="cannot be tiled"):
        made(blocks(1, 16, 16))
    made(blocks(1, 16, 16, 8))
    with pytest.raises(ValueError, match="more than 8"):
        made(blocks(1, 16, 16, 12))


def test_positions_are_distances_from_the_centre() -> None:
    """So a patch of voxels has the same position in a smaller grid, and each has its own."""
    large = positions((6, 4, 8), (16, 16, 8), 48).reshape(6, 4, 8, 48)
    small = positions((4, 2, 4), (16, 16, 8), 48).reshape(4, 2, 4, 48)
    torch.testing.assert_close(large[1:5, 1:3, 2:6], small)
    assert torch.cdist(large.reshape(-1, 48), large.reshape(-1, 48)).fill_diagonal_(9).min() > 0.1
    halved = positions((4, 4, 4), (8, 8, 8), 48).reshape(4, 4, 4, 48)
    torch.testing.assert_close(halved[:, 0, 0].mean(), halved[0, :, 0].mean())
    assert positions((1, 1, 1), (16, 16, 8), 48).reshape(3, 2, 8).tolist() == [[[0.0] * 8, [1.0] * 8]] * 3


def test_the_axes_are_told_apart() -> None:
    block = torch.full((1, 16, 16, 16), 10, dtype=torch.uint8)
    block[:, 12:, :, :] = 250
    made = network(dataclasses.replace(MINI, patch=(4, 4, 4)))
    turned = torch.cat([block, block.permute(0, 2, 1, 3), block.permute(0, 2, 3, 1), block.flip(1)])
    with torch.inference_mode():
        vectors = torch.nn.functional.normalize(made(turned), dim=1)
    assert torch.pdist(vectors).min() > 1e-3


@torch.inference_mode()
def test_padding_is_not_seen() -> None:
    """A volume in the middle of a larger block has the vector that it has alone."""
    made = network()
    alone = blocks(2, 16, 16, 8)
    padded = torch.nn.functional.pad(alone, (4, 4, 8, 8, 8, 8))
    torch.testing.assert_close(made(padded), made(alone), atol=1e-5, rtol=1e-5)
    filled = made.features(padded).filled.reshape(2, 4, 4, 4)
    assert filled[:, 1:3, 1:3, 1:3].all()
    assert filled.sum() == 2 * 8


def test_every_weight_learns_and_an_empty_block_gives_no_nan() -> None:
    made = network().train()
    batch = blocks(2, 16, 16, 8)
    batch[1] = 0
    with torch.inference_mode():
        made(batch)  # positions that were first made here must serve training too
    made(batch).square().sum().backward()
    for name, value in made.named_parameters():
        assert value.grad is not None, name
        assert torch.isfinite(value.grad).all(), name
        assert value.grad.abs().sum() > 0, name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_vit(tmp_path / "vit", network(), BlockPreparation(size=(16, 16, 16)))
    return tmp_path / "vit"


def change(folder: Path, part: str | None = None, **values: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (config if part is None else config[part]).update(values)
    (folder / "config.json").write_text(json.dumps(config))


def test_a_checkpoint_gives_the_same_vectors(folder: Path) -> None:
    items = prepared(2)
    before = VitEncoder(network(), BlockPreparation(size=(16, 16, 16)), revision="unsaved")
    after = VitEncoder.load(folder)
    np.testing.assert_array_equal(after.encode_prepared(items), before.encode_prepared(items))
    assert after.space.revision == json.loads((folder / "config.json").read_text())["sha256"]
    assert after.space.model == "vit3d-48x2x4"
    assert after.space != before.space


def test_weights_in_half_precision_are_read(tmp_path: Path) -> None:
    save_vit(tmp_path, network().bfloat16(), BlockPreparation(size=(16, 16, 16)))
    vectors = VitEncoder.load(tmp_path).encode_prepared(prepared(1))
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-5)


def test_the_number_of_heads_makes_another_space(folder: Path) -> None:
    """The weights, and so their digest, are the same; the vectors are not."""
    before = VitEncoder.load(folder)
    change(folder, "config", heads=2)
    after = VitEncoder.load(folder)
    assert after.space.revision == before.space.revision
    assert after.space != before.space


@pytest.mark.parametrize(
    ("part", "values", "says"),
    [
        ("config", {"width": 96}, "do not fit"),
        ("config", {"depth": 3}, "do not fit"),
        ("config", {"depth": 1}, "do not fit"),
        ("config", {"patch": [8, 4, 8]}, "do not fit"),
        ("config", {"registers": 3}, "do not fit"),
        ("config", {"width": 65520, "heads": 1}, "do not fit"),
        ("config", {"width": 10**12}, "another version"),
        ("config", {"width": "48"}, "another version"),
        ("config", {"patch": 8}, "another version"),
        ("config", {"patch": [8, 8]}, "another version"),
        ("config", {"rotary": True}, "another version"),
        ("config", {"most_tokens": 4}, "another preparation"),
        ("preparation", {"version": 9}, "another version"),
        ("preparation", {"size": [16, 16, 18]}, "another preparation"),
        (None, {"preparation": SlicePreparation().spec}, "contradict"),
        (None, {"dim": 21}, "contradict"),
        (None, {"kind": "resnet"}, "'resnet'"),
    ],
)
def test_a_config_that_does_not_go_with_the_weights(
    folder: Path, part: str | None, values: dict[str, Any], says: str
) -> None:
    change(folder, part, **values)
    with pytest.raises(CheckpointError, match=says) as caught:
        VitEncoder.load(folder)
    assert str(folder) in str(caught.value)


def test_a_device_that_is_a_card() -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no GPU")
    items = prepared(20)
    preparation = BlockPreparation(size=(16, 16, 16))
    on_card = VitEncoder(network(), preparation, revision="a", device="cuda").encode_prepared(items)
    on_cpu = VitEncoder(network(), preparation, revision="a").encode_prepared(items)
    assert (on_card * on_cpu).sum(axis=1).min() > 0.999
