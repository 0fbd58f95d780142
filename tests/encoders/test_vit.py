"""The 3D network: sizes, positions in millimetres, batches of other shapes, parts, and what its checkpoints refuse."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from spinecho.encoders.checkpoint import CheckpointError
from spinecho.encoders.dual import ImageEncoder
from spinecho.encoders.networks.parts_of_volumes import Describing, box_vector, likeness_to
from spinecho.encoders.networks.vit.encoder import BASE, SMALL, TINY, VisionTransformer, VitConfig, VitEncoder, save_vit
from spinecho.encoders.networks.vit.packing import Packed, by_length, pack
from spinecho.encoders.preparing.preparation import BlockPreparation, Prepared, SlicePreparation
from spinecho.encoders.reading.volume import Volume

MINI = VitConfig(width=48, depth=2, heads=4, patch=(2, 8, 8), registers=2, projection=20)
BLOCKS = BlockPreparation(patch=(2, 8, 8), tokens=60)
SHAPES = [(24, 24, 6), (40, 12, 5), (8, 8, 1), (5, 30, 33)]


def network(config: VitConfig = MINI, *, seed: int = 0) -> VisionTransformer:
    torch.manual_seed(seed)
    return VisionTransformer(config).eval()


def volume(
    shape: tuple[int, int, int], spacing: tuple[float, float, float] = (1.0, 1.0, 4.0), *, seed: int = 0
) -> Volume:
    voxels = np.random.default_rng(seed).random(shape, dtype=np.float32)
    return Volume(voxels, np.diag([*spacing, 1.0]))


def prepared(*shapes: tuple[int, int, int], blocks: BlockPreparation = BLOCKS) -> list[Prepared]:
    return [blocks(volume(shape, seed=number)) for number, shape in enumerate(shapes or SHAPES)]


def batch(*shapes: tuple[int, int, int]) -> Packed:
    return pack(prepared(*shapes), MINI.patch)


@pytest.mark.parametrize(("config", "millions"), [(TINY, 5.8), (SMALL, 22.3), (BASE, 87.5)])
def test_sizes(config: VitConfig, millions: float) -> None:
    with torch.device("meta"):
        made = VisionTransformer(config)
    assert sum(value.numel() for value in made.parameters()) / 1e6 == pytest.approx(millions, abs=0.2)


@pytest.mark.parametrize(
    "values",
    [
        {"width": 50},
        {"width": 0},
        {"width": 48.0},
        {"heads": 5},
        {"heads": 12},
        {"heads": 16},
        {"depth": 10**9},
        {"depth": True},
        {"patch": (8, 8)},
        {"patch": (8, 8, 0)},
        {"registers": -1},
        {"most_tokens": 10**9},
        {"drop_path": 1.0},
        {"layer_scale": 0.0},
    ],
)
def test_sizes_that_cannot_be(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|reason"):
        dataclasses.replace(MINI, **values)


@torch.inference_mode()
def test_volumes_of_any_shapes_go_together_and_do_not_see_each_other() -> None:
    made = network()
    together = made(batch())
    assert together.shape == (4, 20)
    for number, item in enumerate(prepared()):
        alone = made(pack([item], MINI.patch))[0]
        torch.testing.assert_close(together[number], alone, atol=1e-5, rtol=1e-4)
    lengths = batch().filled.sum(dim=1).tolist()
    assert len(set(lengths)) > 2, "the shapes are not mixed"
    features = made.features(batch())
    weights = made.pool(features)[1]
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(4))
    assert not weights[~features.filled].any()


@torch.inference_mode()
def test_a_neighbour_may_hold_anything() -> None:
    made, packed = network(), batch()
    packed.patches[2:] = 255
    torch.testing.assert_close(made(packed)[:2], made(batch())[:2], atol=1e-6, rtol=1e-5)


def test_what_cannot_be_packed() -> None:
    item = prepared()[0]
    with pytest.raises(ValueError, match="cannot be tiled"):
        pack([item], (2, 8, 7))
    with pytest.raises(ValueError, match="cannot be tiled"):
        pack([item._replace(pixels=item.pixels[0])], MINI.patch)
    with pytest.raises(ValueError, match="at least one"):
        pack([], MINI.patch)
    with pytest.raises(ValueError, match="128 voxels, the network takes 64"):
        network(dataclasses.replace(MINI, patch=(1, 8, 8)))(batch())
    with pytest.raises(ValueError, match="more than 4"):
        network(dataclasses.replace(MINI, most_tokens=4))(batch())


def test_groups_of_like_lengths() -> None:
    lengths = [5, 100, 7, 90, 6, 300]
    groups = list(by_length(lengths, most=200, rows=3))
    assert groups == [[5], [1, 3], [2, 4, 0]]
    assert list(by_length([], most=9, rows=9)) == []


@torch.inference_mode()
def test_size_place_and_plane_are_known() -> None:
    """The same grey values with other millimetres, another acquired axis or turned about are other volumes."""
    rising = np.linspace(0, 1, 16 * 16 * 4, dtype=np.float32).reshape(16, 16, 4)
    variants = [
        Volume(rising, np.diag([1.0, 1, 4, 1])),
        Volume(rising, np.diag([2.0, 2, 8, 1])),
        Volume(rising, np.diag([1.0, 1, 8, 1])),
        Volume(rising[::-1], np.diag([1.0, 1, 4, 1])),
        Volume(rising.transpose(2, 0, 1), np.diag([4.0, 1, 1, 1])),
        Volume(rising.transpose(0, 2, 1), np.diag([1.0, 4, 1, 1])),
    ]
    vectors = functional.normalize(network()(pack([BLOCKS(item) for item in variants], MINI.patch)), dim=1)
    assert torch.pdist(vectors).min() > 1e-3


def test_every_weight_learns_with_checkpointing_as_without() -> None:
    made = network(dataclasses.replace(MINI, drop_path=0.2)).train()
    gradients = []
    for checkpointing in (False, True):
        made.checkpointing = checkpointing
        made.zero_grad()
        torch.manual_seed(0)
        made(batch()).square().sum().backward()
        for name, value in made.named_parameters():
            assert value.grad is not None, name
            assert torch.isfinite(value.grad).all(), name
            assert value.grad.abs().sum() > 0, name
        gradients.append([value.grad.clone() for value in made.parameters() if value.grad is not None])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_drop_path_is_for_training_alone() -> None:
    made = network(dataclasses.replace(MINI, drop_path=0.5))
    packed = batch()
    with torch.no_grad():
        torch.testing.assert_close(made(packed), made(packed), atol=0, rtol=0)
        torch.testing.assert_close(made(packed), network()(packed))
        made.train()
        assert not torch.allclose(made(packed), made(packed))


def test_the_whole_forward_pass_is_one_graph() -> None:
    made = network()
    compiled = torch.compile(made, backend="eager", fullgraph=True)
    with torch.no_grad():
        for packed in (batch(), batch(SHAPES[0], SHAPES[0])):
            torch.testing.assert_close(compiled(packed), made(packed))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1024, 1024, 1), (3, 3, 300), (64, 64, 64), (1, 500, 3)])
@pytest.mark.parametrize("spacing", [(0.01, 50.0, 50.0), (50.0, 50.0, 0.01), (1.0, 1.0, 1.0), (1e4, 1e-4, 1.0)])
def test_any_shape_and_spacing_has_a_vector(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> None:
    vectors = VitEncoder(network(), BLOCKS, revision="a").encode([volume(shape, spacing)])
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -np.inf])
def test_volumes_that_hold_nothing(value: float) -> None:
    voxels = np.full((9, 9, 9), value, np.float32)
    whole, part = Volume(voxels, np.eye(4)), Volume(voxels.copy(), np.eye(4))
    part.voxels[3:6] = np.arange(3 * 81).reshape(3, 9, 9)
    vectors = VitEncoder(network(), BLOCKS, revision="a").encode([whole, part])
    assert np.isfinite(vectors).all()
    assert vectors[0] @ vectors[1] < 1 - 1e-4


def test_an_encoder_tells_the_parts_of_a_volume() -> None:
    encoder: ImageEncoder = VitEncoder(network(), BLOCKS, revision="a")
    assert isinstance(encoder, Describing)
    items = prepared()
    vectors = encoder.encode_prepared(items)
    text = np.random.default_rng(0).normal(size=20).astype(np.float32)
    for described, vector, item in zip(encoder.describe(items), vectors, items, strict=True):
        t = item.pixels.size // 128
        assert described.tokens.shape == (t, 48)
        assert described.pooled.shape == (96,)
        assert described.aligned.shape == (t, 20)
        assert described.weights.sum() == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(described.vector, vector, atol=1e-6)
        np.testing.assert_allclose(box_vector(described, (0, 0, 0, 1, 1, 1)), vector, atol=1e-5)
        assert likeness_to(described, text).sum() == pytest.approx(float(vector @ text), abs=1e-5)
        sizes = np.prod(described.boxes[:, 3:] - described.boxes[:, :3], axis=1)
        assert (sizes > 0).all()
        assert sizes.sum() == pytest.approx(1, abs=1e-5), "the parts cover the volume once"


def test_boxes_lie_where_the_voxels_are() -> None:
    """Bright in the corner that is left, anterior, superior: the brightest patch says so, whatever was acquired."""
    for order in ((1.0, 1.0, 4.0), (4.0, 1.0, 1.0), (1.0, 4.0, 1.0)):
        voxels = np.zeros((32, 32, 32), np.float32)
        voxels[:6, 26:, 26:] = 1.0
        item = BLOCKS(Volume(voxels, np.diag([*order, 1.0])))
        described = VitEncoder(network(), BLOCKS, revision="a").describe([item])[0]
        brightest = int(pack([item], MINI.patch).patches[0].float().mean(dim=1).argmax())
        low, high = described.boxes[brightest, :3], described.boxes[brightest, 3:]
        assert low[0] < 0.25, order
        assert (high[1:] > 0.75).all(), order


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_vit(tmp_path / "vit", network(), BLOCKS)
    return tmp_path / "vit"


def change(folder: Path, part: str | None = None, **values: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    config.pop("config_sha256", None)  # as by a version that wrote none
    (config if part is None else config[part]).update(values)
    (folder / "config.json").write_text(json.dumps(config))


def test_a_checkpoint_gives_the_same_vectors(folder: Path) -> None:
    items = prepared()
    before = VitEncoder(network(), BLOCKS, revision="unsaved")
    after = VitEncoder.load(folder)
    np.testing.assert_array_equal(after.encode_prepared(items), before.encode_prepared(items))
    assert after.space.revision == json.loads((folder / "config.json").read_text())["sha256"]
    assert after.space.model == "vit3d-2-48x2x4"
    assert after.space != before.space


def test_weights_in_half_precision_are_read(tmp_path: Path) -> None:
    save_vit(tmp_path, network().bfloat16(), BLOCKS)
    vectors = VitEncoder.load(tmp_path).encode_prepared(prepared())
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


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
        ("config", {"patch": [4, 8, 8]}, "do not fit"),
        ("config", {"patch": [8, 8, 2]}, "another preparation"),
        ("config", {"registers": 3}, "do not fit"),
        ("config", {"width": 65520, "heads": 1}, "do not fit"),
        ("config", {"width": 10**12}, "another version"),
        ("config", {"width": "48"}, "another version"),
        ("config", {"patch": 8}, "another version"),
        ("config", {"patch": [8, 8]}, "another version"),
        ("config", {"rotary": True}, "another version"),
        ("config", {"most_tokens": 4}, "another preparation"),
        ("preparation", {"version": 9}, "another version"),
        ("preparation", {"version": 1}, "another version"),
        ("preparation", {"patch": [8, 8, 2]}, "another preparation"),
        (None, {"preparation": SlicePreparation().spec}, "contradict"),
        (None, {"dim": 21}, "contradict"),
        (None, {"kind": "resnet"}, "'resnet'"),
        (None, {"kind": "vit3d"}, "'vit3d'"),
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
    items = prepared(*SHAPES, *SHAPES)
    on_card = VitEncoder(network(), BLOCKS, revision="a", device="cuda").encode_prepared(items)
    on_cpu = VitEncoder(network(), BLOCKS, revision="a").encode_prepared(items)
    assert (on_card * on_cpu).sum(axis=1).min() > 0.999
