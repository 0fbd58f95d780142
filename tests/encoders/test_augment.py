"""Changes of grey values keep shape, type and range; strength 0 changes nothing, 1 does; nothing flips by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinecho.encoders.training.data.augment import (
    CHANGES,
    Augmentation,
    Recipe,
    Voxels,
    augmented,
    bias_field,
    ghosts,
    noise,
    remap,
    remap_freely,
    thicker,
    turn,
)

ALL: dict[str, Augmentation[[]]] = {**CHANGES, "turn": turn}
some = settings(max_examples=25)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def smooth(shape: tuple[int, int, int] = (12, 32, 24)) -> Voxels:
    """A bright ball off the middle, in air."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
    squares = ((grid - np.array([0.2, -0.3, 0.1]).reshape(3, 1, 1, 1)) ** 2).sum(axis=0)
    return np.exp(-3 * squares).astype(np.float32) * (squares < 0.8)


@st.composite
def volumes(draw: st.DrawFn) -> Voxels:
    shape = draw(st.tuples(*[st.sampled_from([1, 2, 3, 9, 20])] * 3))
    kind = draw(st.sampled_from(["noise", "black", "white", "one voxel"]))
    values = generator(draw(st.integers(0, 9))).random(shape, dtype=np.float32)
    values = {
        "noise": values,
        "black": np.zeros_like(values),
        "white": np.ones_like(values),
        "one voxel": (values == values.max()).astype(np.float32),
    }[kind]
    return values if draw(st.booleans()) else (values * 255).astype(np.uint8)


@pytest.mark.parametrize("name", ALL)
@given(volume=volumes(), seed=st.integers(0, 99), strength=st.sampled_from([0.0, 0.3, 1.0, 2.0]))
@some
def test_shape_type_and_range_are_kept(name: str, volume: Voxels, seed: int, strength: float) -> None:
    before = volume.copy()
    changed = ALL[name](volume, generator(seed), strength)
    assert changed.shape == volume.shape
    assert changed.dtype == volume.dtype
    if volume.dtype == np.float32:
        assert np.isfinite(changed).all()
        assert changed.min() >= 0
        assert changed.max() <= 1
    np.testing.assert_array_equal(volume, before, "what was given is not touched")
    np.testing.assert_array_equal(ALL[name](volume, generator(seed), strength), changed, "chance is the generator's")
    assert not np.shares_memory(changed, volume)
    if strength == 0:
        np.testing.assert_array_equal(changed, volume)


@pytest.mark.parametrize("name", ALL)
def test_each_does_something_and_leaves_the_picture_alike(name: str) -> None:
    volume = smooth()
    differences = [np.abs(ALL[name](volume, generator(seed), 1.0) - volume).mean() for seed in range(8)]
    assert max(differences) > 1e-3
    if name != "remap_freely":
        assert max(differences) < 0.25


def test_a_monotone_remapping_keeps_the_order_of_tissues_and_a_free_one_need_not() -> None:
    greys = np.linspace(0, 1, 200, dtype=np.float32).reshape(1, 1, 200)
    assert all((np.diff(remap(greys, generator(seed), 1.0).ravel()) >= 0).all() for seed in range(20))
    free = [remap_freely(greys, generator(seed), 1.0).ravel() for seed in range(20)]
    assert any((np.diff(values) < -1e-3).any() for values in free)
    assert all(values[0] == 0 for values in free), "air stays black"


def test_noise_is_rician() -> None:
    """In air its mean is sigma * sqrt(pi / 2), above 0; in bright tissue it hardly moves the mean."""
    air, tissue = np.zeros((20, 40, 40), np.float32), np.full((20, 40, 40), 0.5, np.float32)
    in_air, in_tissue = noise(air, generator(3), 1.0), noise(tissue, generator(3), 1.0)
    sigma = in_tissue.std()
    assert sigma > 0.005
    assert in_air.mean() == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.05)
    assert in_tissue.mean() == pytest.approx(0.5, abs=0.01)


def test_ghosts_are_copies_along_one_axis_in_plane() -> None:
    volume = smooth()
    shown = [np.abs(ghosts(volume, generator(seed), 1.0) - volume) for seed in range(8)]
    assert max(difference[volume == 0].max() for difference in shown) > 0.02, "air is no longer empty"
    slices = ghosts(volume, generator(0), 1.0)
    alone = ghosts(volume[4:5], generator(0), 1.0)
    np.testing.assert_allclose(slices[4:5], alone, atol=1e-5)  # slices are acquired one by one


def test_thicker_slices_mix_across_alone() -> None:
    striped = np.zeros((16, 8, 8), np.float32)
    striped[::2] = 1.0
    striped[:, :4] = 0.0
    mixed = thicker(striped, generator(1), 1.0)
    assert np.abs(mixed[2:-2, 4:] - 0.5).mean() < 0.45
    assert not mixed[:, :4].any()


def test_shading_is_smooth() -> None:
    flat = np.full((16, 32, 32), 0.5, np.float32)
    shaded = bias_field(flat, generator(2), 1.0)
    assert shaded.std() > 0.01
    assert max(np.abs(np.diff(shaded, axis=axis)).max() for axis in range(3)) < 0.2


def test_turning_keeps_the_middle_and_the_millimetres() -> None:
    """A rod along the coarse axis turns by the same angle as one along the fine axis."""
    rod = np.zeros((3, 60, 30), np.float32)
    rod[:, 28:32] = 1.0
    cube = turn(rod, generator(5), 1.0, voxel_mm=(1.0, 1.0, 1.0))
    assert cube.sum() == pytest.approx(rod.sum(), rel=0.25)
    assert cube[1, 20:40, 10:20].max() > 0.5


def test_nothing_flips_unless_asked_to() -> None:
    assert Recipe().flips == ()
    assert Recipe().remap_freely == 0.0


def test_a_recipe_is_followed() -> None:
    volume = (smooth() * 255).astype(np.uint8)
    none = Recipe(**dict.fromkeys(CHANGES, 0.0))
    np.testing.assert_array_equal(augmented(volume, generator(), none), volume)
    changed = augmented(volume, generator(), Recipe(**dict.fromkeys(CHANGES, 1.0)))
    assert changed.dtype == np.uint8
    assert np.abs(changed.astype(int) - volume).mean() > 1
    for wrong in ({"noise": 1.5}, {"strength": -1.0}, {"flips": (3,)}):
        with pytest.raises(ValueError, match="must be"):
            Recipe(**wrong)
