"""One contract over every image tower."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from spinecho.encoders.dual import DualEncoder, ImageEncoder
from spinecho.encoders.networks.image_tower import TowerEncoder
from spinecho.encoders.networks.slices import SliceEncoder
from spinecho.encoders.networks.vit.encoder import VisionTransformer, VitConfig, VitEncoder, save_vit
from spinecho.encoders.preparing.preparation import BlockPreparation, SlicePreparation, preparation_from
from spinecho.encoders.reading.files import read_path
from spinecho.encoders.reading.headers import VolumeRead
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.registry import WEIGHTS


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums in one order, whatever else the machine does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vit")
    torch.manual_seed(0)
    config = VitConfig(width=96, depth=2, heads=3, patch=(8, 8, 8), projection=64)
    save_vit(folder, VisionTransformer(config), BlockPreparation((8, 8, 8), tokens=64))
    return folder


@pytest.fixture(scope="module", params=["slices", "vit", "tower"])
def encoder(request: pytest.FixtureRequest, checkpoint: Path) -> ImageEncoder:
    makers: dict[str, Callable[[], ImageEncoder]] = {
        "slices": SliceEncoder,
        "vit": lambda: VitEncoder.load(checkpoint),
        "tower": lambda: TowerEncoder.load(WEIGHTS / "image"),
    }
    return makers[request.param]()


def volume(seed: int, shape: tuple[int, int, int] = (40, 48, 20)) -> Volume:
    """Smooth blobs, others for each seed."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
    random = np.random.default_rng(seed)
    blobs = [
        np.exp(-10 * ((grid - random.uniform(-0.7, 0.7, size=(3, 1, 1, 1))) ** 2).sum(axis=0)) * random.uniform(50, 400)
        for _ in range(4)
    ]
    return Volume(np.sum(blobs, axis=0).astype(np.float32), np.diag([1.0, 1.0, 3.0, 1.0]))


MIXED = [volume(0), volume(1, (64, 64, 1)), volume(2, (2, 90, 70)), volume(3, (30, 30, 30))]


def test_unit_float32_rows(encoder: ImageEncoder) -> None:
    vectors = encoder.encode(MIXED)
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, encoder.space.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_rows_are_in_order_and_tell_volumes_apart(encoder: ImageEncoder) -> None:
    vectors = encoder.encode(MIXED)
    np.testing.assert_array_equal(encoder.encode(MIXED[::-1]), vectors[::-1])
    assert (vectors @ vectors.T)[np.triu_indices(4, 1)].max() < 1 - 1e-4


def test_none_gives_no_rows(encoder: ImageEncoder) -> None:
    for vectors in (encoder.encode([]), encoder.encode_prepared([])):
        assert vectors.shape == (0, encoder.space.dim)
        assert vectors.dtype == np.float32


def test_a_volume_has_one_vector_whatever_its_batch(encoder: ImageEncoder) -> None:
    alone = np.concatenate([encoder.encode([item]) for item in MIXED])
    np.testing.assert_array_equal(encoder.encode(MIXED), alone)


def test_preparing_elsewhere_changes_nothing(encoder: ImageEncoder) -> None:
    """A reading process knows only the spec, and its arrays come back read-only."""
    prepare = preparation_from(encoder.preparation.spec)
    prepared = [prepare(item) for item in MIXED]
    for item in prepared:
        item.pixels.setflags(write=False)
    np.testing.assert_array_equal(encoder.encode_prepared(prepared), encoder.encode(MIXED))


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_flat_volume_still_has_a_unit_vector(encoder: ImageEncoder, value: float) -> None:
    flat = Volume(np.full((20, 20, 20), value, dtype=np.float32), np.eye(4))
    vectors = encoder.encode([flat])
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-5)


def test_the_space_is_the_same_for_the_same_encoder_alone(checkpoint: Path) -> None:
    spaces = {SliceEncoder().space, SliceEncoder().space, VitEncoder.load(checkpoint).space}
    assert spaces == {SliceEncoder().space, VitEncoder.load(checkpoint).space}
    assert len(spaces) == 2


def test_another_preparation_alone_makes_another_space(checkpoint: Path, tmp_path: Path) -> None:
    before = VitEncoder.load(checkpoint)
    torch.manual_seed(0)
    save_vit(
        tmp_path, VisionTransformer(VitConfig(96, 2, 3, (8, 8, 8), projection=64)), BlockPreparation((8, 8, 8), 65)
    )
    after = VitEncoder.load(tmp_path)
    assert after.space.revision == before.space.revision
    assert after.space != before.space
    slices = SliceEncoder()
    slices.preparation = SlicePreparation(per_plane=2)
    assert slices.space.revision == SliceEncoder().space.revision
    assert slices.space != SliceEncoder().space


def test_towers_of_two_spaces_are_no_aligned_pair(checkpoint: Path) -> None:
    from spinecho.encoders.networks.sentence_encoder import SentenceEncoder  # noqa: PLC0415

    text = SentenceEncoder.default()
    with pytest.raises(ValueError, match="cannot be aligned"):
        DualEncoder("mixed", VitEncoder.load(checkpoint), text, aligned_text=text)
    assert not DualEncoder("apart", VitEncoder.load(checkpoint), text).aligned


def test_a_noisy_copy_is_nearer_than_another_body_region(encoder: ImageEncoder, testdata: Path) -> None:
    """Random weights do for this; it says that the way from file to vector is a continuous one."""
    brain = real(testdata / "dicom/fnndsc_sag_anon/anon_3y/sag_mprage")
    sarcoma = real(testdata / "dicom/tcia_soft_tissue_sarcoma/STS_001_full/axial_se_t1")
    noise = np.random.default_rng(0).normal(size=brain.voxels.shape) * 0.02 * brain.voxels.std()
    noisy = Volume((brain.voxels + noise).astype(np.float32), brain.affine)
    vectors = encoder.encode([brain, noisy, sarcoma])
    assert vectors[0] @ vectors[1] > 0.95
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.01


def real(path: Path) -> Volume:
    if not path.exists():
        pytest.skip(f"{path.name} is not among the real data here")
    return next(item.volume for item in read_path(path) if isinstance(item, VolumeRead))
