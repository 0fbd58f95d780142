"""The 2.5D tower: what it says of parts adds up, and bad checkpoints are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinecho.encoders.checkpoint import CheckpointError
from spinecho.encoders.networks.cells import CELLS, PLACE, FrozenCells, places
from spinecho.encoders.networks.image_tower import Tower, TowerEncoder, batch_of, save_tower
from spinecho.encoders.networks.parts_of_volumes import likeness_to, overlap, region_vectors
from spinecho.encoders.networks.tower_config import TowerConfig
from spinecho.encoders.preparing.preparation import BlockPreparation, StackPreparation
from spinecho.encoders.reading.volume import Volume

SMALL = TowerConfig(width=24, latents=3, rounds=1, heads=2, votes=2, reduced=8, dim=16)


def tower() -> Tower:
    torch.manual_seed(0)
    made = Tower(SMALL)
    made.components.normal_(std=0.1)
    return made.eval()


@pytest.fixture(scope="module")
def encoder() -> TowerEncoder:
    return TowerEncoder(tower(), StackPreparation(), revision="test")


def volume(shape: tuple[int, int, int] = (60, 60, 24), spacing: tuple[float, float, float] = (3.0, 3.0, 6.0)) -> Volume:
    values = np.random.default_rng(sum(shape)).random(shape).astype(np.float32)
    return Volume(values, np.diag([*spacing, 1.0]))


def test_votes_add_up_to_the_vector(encoder: TowerEncoder) -> None:
    found = encoder.describe([encoder.preparation(volume())])[0]
    whole = found.weights @ found.aligned
    np.testing.assert_allclose(whole / np.linalg.norm(whole), found.vector, atol=1e-5)
    assert found.weights.sum() == pytest.approx(1, abs=1e-5)
    text = np.random.default_rng(1).standard_normal(24).astype(np.float32)
    text /= np.linalg.norm(text)
    assert likeness_to(found, text).sum() == pytest.approx(float(found.vector @ text), abs=1e-5)


def test_regions_are_unit_rows_or_nothing(encoder: TowerEncoder) -> None:
    found = encoder.describe([encoder.preparation(volume())])[0]
    regions = region_vectors(found)
    assert regions.shape == (27, 24)
    np.testing.assert_allclose(np.linalg.norm(regions, axis=1), 1, atol=1e-5)


def test_a_bright_corner_lies_where_its_cells_say() -> None:
    """Right, posterior and inferior, whatever way the pictures are turned; edges blur by a voxel."""
    voxels = np.zeros((64, 64, 32), np.float32)
    voxels[48:60, 4:16, 2:8] = 1000.0
    prepared = StackPreparation()(Volume(voxels, np.diag([3.0, 3.0, 5.0, 1.0])))
    found = FrozenCells()([prepared])[0]
    assert len(found.boxes), "only cells that show something are kept"
    near = overlap(found.boxes, (47 / 64, 3 / 64, 1 / 32, 61 / 64, 17 / 64, 9 / 32))
    assert (near > 0).all()
    assert overlap(found.boxes, (48 / 64, 4 / 64, 2 / 32, 60 / 64, 16 / 64, 8 / 32)).max() > 0.9


@given(
    st.tuples(
        st.sampled_from([0.0, 1.0, 2.0]), st.floats(0, 0.5), st.floats(0.51, 1), st.floats(0.01, 1), st.floats(0.01, 1),
        st.floats(0.01, 5000), st.floats(0.01, 5000), st.sampled_from([0.0, 1.0]),
    )
)  # fmt: skip
@settings(max_examples=60)
def test_places_are_finite_and_boxes_lie_in_the_volume(row: tuple[float, ...]) -> None:
    place, boxes = places(np.array([row], np.float32))
    assert place.shape == (CELLS * CELLS, PLACE)
    assert np.isfinite(place).all()
    assert (boxes >= 0).all()
    assert (boxes <= 1).all()
    assert (boxes[:, :3] <= boxes[:, 3:]).all()


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [((64, 64, 1), (1.0, 1.0, 5.0)), ((1, 1, 1), (1.0, 1.0, 1.0)), ((1024, 1024, 2), (0.2, 0.2, 3.0)),
     ((20, 20, 20), (0.01, 0.01, 50.0)), ((3, 200, 200), (80.0, 1.0, 1.0))],
)  # fmt: skip
def test_odd_volumes_have_a_unit_vector(
    encoder: TowerEncoder, shape: tuple[int, int, int], spacing: tuple[float, float, float]
) -> None:
    vector = encoder.encode([volume(shape, spacing)])
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_padding_has_no_influence() -> None:
    network = tower()
    random = torch.Generator().manual_seed(0)
    items = [(torch.randn(n, 8 + 17, generator=random), torch.randn(n, PLACE, generator=random)) for n in (5, 40)]
    with torch.inference_mode():
        both = network(batch_of(items))
        alone = torch.cat([network(batch_of([item])) for item in items])
    torch.testing.assert_close(both, alone, atol=1e-5, rtol=1e-5)


def test_a_checkpoint_gives_the_same_vectors(tmp_path: Path, encoder: TowerEncoder) -> None:
    save_tower(tmp_path, tower(), StackPreparation())
    again = TowerEncoder.load(tmp_path)
    np.testing.assert_array_equal(again.encode([volume()]), encoder.encode([volume()]))
    assert again.space != encoder.space


def test_preparations_make_spaces(tmp_path: Path) -> None:
    save_tower(tmp_path / "a", tower(), StackPreparation())
    save_tower(tmp_path / "b", tower(), StackPreparation(acquired=10))
    one, other = TowerEncoder.load(tmp_path / "a").space, TowerEncoder.load(tmp_path / "b").space
    assert one.revision == other.revision
    assert one != other


def test_bad_checkpoints_are_refused(tmp_path: Path) -> None:
    save_tower(tmp_path, tower(), StackPreparation())
    config = json.loads((tmp_path / "config.json").read_text())
    del config["config_sha256"]  # as by a version that wrote none

    def refused(values: dict[str, object]) -> None:
        (tmp_path / "config.json").write_text(json.dumps(values))
        with pytest.raises(CheckpointError, match=str(tmp_path)):
            TowerEncoder.load(tmp_path)

    refused(config | {"kind": "vit3d"})
    refused(config | {"dim": 17})
    refused(config | {"preparation": BlockPreparation().spec})
    refused(config | {"config": config["config"] | {"width": 48}})
    refused(config | {"config": config["config"] | {"width": 25}})
    refused(config | {"config": config["config"] | {"likeness": 1.0}})
    (tmp_path / "config.json").write_text(json.dumps(config))
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"damaged|cut short"):
        TowerEncoder.load(tmp_path)
