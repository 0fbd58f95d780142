"""What every preparation promises, over volumes of all shapes, and which way up a picture is."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from spinecho.encoders.preparing.preparation import (
    BlockPreparation,
    Preparation,
    Prepared,
    SlicePreparation,
    StackPreparation,
    digest,
    extent,
    picture,
    positions,
    preparation_from,
    thumbnail,
    to_grey,
)
from spinecho.encoders.reading.volume import Volume

BOTH = [SlicePreparation(size=48), BlockPreparation((2, 8, 8), tokens=24), StackPreparation(size=40, acquired=5)]
some = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def volume_of(voxels: object, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Volume:
    return Volume(np.asarray(voxels, dtype=np.float32), np.diag([*spacing, 1.0]))


@st.composite
def volumes(draw: st.DrawFn) -> Volume:
    """Few or many slices, thin or thick, empty, flat, noisy, sparse, tiny or huge values."""
    shape = draw(st.tuples(*[st.sampled_from([1, 2, 3, 7, 8, 24, 65])] * 3))
    spacing = draw(st.tuples(*[st.sampled_from([1e-3, 0.2, 0.9, 1.0, 5.0, 30.0, 1e4])] * 3))
    noise = np.random.default_rng(draw(st.integers(0, 9))).normal(size=shape)
    kind = draw(st.sampled_from(["noise", "zeros", "constant", "one voxel", "steps"]))
    scale = draw(st.sampled_from([1e-44, 1e-37, 1e-6, 1.0, 4095.0, 1e37, 3e38]))
    values = {
        "noise": np.clip(noise / 4, -1, 1),
        "zeros": np.zeros(shape),
        "constant": np.ones(shape),
        "one voxel": np.arange(noise.size).reshape(shape) == noise.size - 1,
        "steps": np.where(noise > 0, 1.0, -1.0),
    }[kind]
    return volume_of(values * scale, spacing)


def right_form(preparation: Preparation, prepared: Prepared) -> None:
    pixels, geometry = prepared
    assert pixels.dtype == np.uint8
    assert geometry.dtype == np.float32
    assert np.isfinite(geometry).all()
    match preparation:
        case SlicePreparation(size=size):
            assert 1 <= len(pixels) <= 3 * preparation.per_plane
            assert pixels.shape[1:] == (size, size)
        case BlockPreparation(patch=patch, tokens=tokens):
            assert not any(n % p for n, p in zip(pixels.shape, patch, strict=True))
            assert pixels.size <= tokens * np.prod(patch)
            first, count = geometry[1].astype(int), geometry[2].astype(int)
            inside = tuple(slice(at, at + n) for at, n in zip(first, count, strict=True))
            assert pixels[inside].all(), "the volume itself is never 0"
            assert (pixels > 0).sum() == count.prod(), "padding is 0"
        case StackPreparation(size=size):
            assert 1 <= len(pixels) <= preparation.acquired + 2 * preparation.others
            assert pixels.shape[1:] == (size, size)
            assert geometry.shape == (len(pixels), 8)
            assert (geometry[:, 1] < geometry[:, 2]).all()
            assert (geometry[:, 1:5] <= 1).all()


@pytest.mark.parametrize("preparation", BOTH)
@given(volume=volumes())
@some
def test_any_volume_is_prepared_the_same_way_each_time(preparation: Preparation, volume: Volume) -> None:
    voxels = volume.voxels.copy()
    prepared = preparation(volume)
    right_form(preparation, prepared)
    again = preparation_from(json.loads(json.dumps(preparation.spec)))
    for part, same in zip(again(volume), prepared, strict=True):
        np.testing.assert_array_equal(part, same)
    np.testing.assert_array_equal(volume.voxels, voxels)


@pytest.mark.parametrize("preparation", BOTH)
@pytest.mark.parametrize("shape", [(1024, 1024, 1), (1024, 1, 1024), (1, 1, 1), (1024, 700, 2), (2, 2, 300)])
def test_the_edges_of_what_scanners_give(preparation: Preparation, shape: tuple[int, int, int]) -> None:
    voxels = np.linspace(0, 4095, num=int(np.prod(shape)), dtype=np.float32).reshape(shape)
    right_form(preparation, preparation(volume_of(voxels, (0.25, 0.25, 6.0))))


@pytest.mark.parametrize("preparation", BOTH)
def test_layout_in_memory_changes_nothing(preparation: Preparation) -> None:
    voxels = np.random.default_rng(0).random((30, 40, 20), dtype=np.float32)
    same = preparation(volume_of(np.asfortranarray(voxels)))
    np.testing.assert_array_equal(preparation(volume_of(voxels)).pixels, same.pixels)


@pytest.mark.parametrize("preparation", [*BOTH, SlicePreparation(), BlockPreparation()])
def test_a_spec_goes_through_json_and_back(preparation: Preparation) -> None:
    again = preparation_from(json.loads(json.dumps(preparation.spec)))
    assert again == preparation
    assert digest(again) == digest(preparation)


def test_every_parameter_is_in_the_digest() -> None:
    assert (
        len({digest(made) for made in [*BOTH, SlicePreparation(), SlicePreparation(per_plane=2), BlockPreparation()]})
        == 6
    )


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"kind": "cubes", "version": 1},
        {"kind": ["slices"], "version": 1},
        {"kind": "slices"},
        {**SlicePreparation().spec, "version": 0},
        {**SlicePreparation().spec, "colour": True},
        {"kind": "slices", "version": 1, "size": 224},
        {**BlockPreparation().spec, "version": 1},
        {**BlockPreparation().spec, "patch": [16, 16]},
        {**BlockPreparation().spec, "patch": [16, 16, 0]},
        {**BlockPreparation().spec, "patch": [16, 16, 1e9]},
        {**BlockPreparation().spec, "patch": "big"},
        {**BlockPreparation().spec, "tokens": None},
        {**BlockPreparation().spec, "tokens": 0},
        {**BlockPreparation().spec, "ratio": float("nan")},
        {"kind": "block", "version": 1, "size": [96, 96, 96]},
        {**BlockPreparation().spec, "spacing_mm": 1.0},
    ],
)
def test_an_unknown_spec_is_refused(spec: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="unknown preparation"):
        preparation_from(spec)


def test_a_block_is_whole_patches_around_the_volume() -> None:
    """A plate of 60 x 30 x 10 mm, in voxels of 1 x 1 x 5 mm: small enough to stay as it is."""
    block, geometry = BlockPreparation((4, 16, 16), 64)(volume_of(np.ones((60, 30, 2)), (1.0, 1.0, 5.0)))
    assert block.shape == (4, 64, 32)
    across, i, j = (np.flatnonzero(block.any(axis=others)) for others in [(1, 2), (0, 2), (0, 1)])
    assert [(axis[0], axis[-1], len(axis)) for axis in (across, i, j)] == [(1, 2, 2), (2, 61, 60), (1, 30, 30)]
    assert geometry.tolist() == [[5, 1, 1], [1, 2, 1], [2, 60, 30], [2, 0, 1]]


@given(
    shape=st.tuples(*[st.integers(1, 90)] * 3),
    spacing=st.tuples(*[st.floats(0.2, 9)] * 3),
    tokens=st.integers(1, 200),
)
@some
def test_a_block_only_shrinks_and_keeps_its_millimetres(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], tokens: int
) -> None:
    made = BlockPreparation((2, 8, 8), tokens)
    volume = volume_of(np.random.default_rng(0).random(shape), spacing)
    voxel, _, count, axes = made(volume).geometry.astype(float)
    order = axes.astype(int)
    assert order[0] == volume.slice_axis
    assert (count <= np.array(shape)[order]).all()
    np.testing.assert_allclose(voxel * count, (np.array(shape) * spacing)[order], rtol=1e-5)


def test_a_block_fills_its_budget_at_one_scale() -> None:
    """256 x 256 x 180 mm at 1 mm shrinks to `ratio` times the pixel across; slices that are thick already stay."""
    thin = BlockPreparation(tokens=512).fit(np.ones((256, 256, 180), np.uint8), (1.0, 1.0, 1.0), 2)[1]
    np.testing.assert_allclose(thin, (2 * thin[1], thin[1], thin[1]), rtol=0.03)
    thick = BlockPreparation(tokens=512)(volume_of(np.ones((512, 512, 24)), (0.5, 0.5, 6.0)))
    assert thick.geometry[0].tolist() == pytest.approx([6.0, 256 / 144, 256 / 144], rel=0.01)
    assert 400 < thick.pixels.size / 1024 <= 512


def test_a_block_is_right_anterior_superior_and_unflipped() -> None:
    voxels = np.full((40, 40, 40), 10.0)
    voxels[30:, 20:30, :10] = 200.0
    block, geometry = BlockPreparation((2, 4, 4), 250, 1.0)(volume_of(voxels))
    assert geometry.tolist() == [[2, 2, 2], [0, 0, 0], [20, 20, 20], [0, 1, 2]]
    bright = np.argwhere(block > 128)
    assert (bright.min(axis=0).tolist(), bright.max(axis=0).tolist()) == ([15, 10, 0], [19, 14, 4])


def test_a_block_averages_what_it_shrinks() -> None:
    """A chequerboard finer than the block becomes grey; sampled without a filter it would stay black or white."""
    board = np.indices((128, 128, 128)).sum(axis=0) % 2
    inner = BlockPreparation((4, 8, 8), 16)(volume_of(board)).pixels[2:-2, 2:-2, 2:-2].astype(int)
    assert abs(inner - 128).max() < 16


@pytest.fixture
def marked() -> Volume:
    """Bright in the corner that is right, anterior, superior; half as bright in the opposite one."""
    voxels = np.zeros((20, 20, 20))
    voxels[15:, 15:, 15:] = 200
    voxels[:5, :5, :5] = 100
    return volume_of(voxels)


@pytest.mark.parametrize(("axis", "index", "plane"), [(2, 19, "axial"), (1, 19, "coronal"), (0, 19, "sagittal")])
def test_a_picture_has_right_or_anterior_on_the_left_and_superior_or_anterior_up(
    marked: Volume, axis: int, index: int, plane: str
) -> None:
    grey = marked.voxels.astype(np.uint8)
    drawn = picture(grey, (1.0, 1.0, 1.0), axis=axis, index=index, size=20)
    assert (drawn[:4, :4] == 200).all(), f"{plane}: right (sagittal: anterior) and up is the upper left"
    assert not drawn[10:].any()
    assert not drawn[:, 10:].any()
    opposite = picture(grey, (1.0, 1.0, 1.0), axis=axis, index=0, size=20)
    assert (opposite[-4:, -4:] == 100).all()
    assert not opposite[:10].any()


def test_a_picture_has_true_proportions() -> None:
    drawn = picture(np.full((50, 1, 10), 255, np.uint8), (1.0, 1.0, 2.5), axis=1, index=0, size=100)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert (len(rows), len(columns)) == (50, 100)
    assert (rows[0], rows[-1]) == (25, 74)


@given(volume=volumes())
@some
def test_a_thumbnail_is_a_png(volume: Volume) -> None:
    with Image.open(io.BytesIO(thumbnail(volume, size=40))) as opened:
        opened.load()
        assert (opened.format, opened.mode, opened.size) == ("PNG", "L", (40, 40))


def test_the_acquired_plane_comes_first() -> None:
    """Sagittal slices 5 mm apart."""
    volume = volume_of(np.random.default_rng(0).random((20, 100, 100)), (5.0, 1.0, 1.0))
    prepared = SlicePreparation(size=50)(volume)
    grey = to_grey(volume.voxels)
    acquired = [picture(grey, (5.0, 1.0, 1.0), axis=0, index=index, size=50) for index in positions(0, 19, 3)]
    assert len(prepared.pixels) == 9
    np.testing.assert_array_equal(prepared.pixels[:3], acquired)


def test_grey_is_between_percentiles_of_what_is_not_background() -> None:
    voxels = np.zeros((40, 40, 40), dtype=np.float32)
    voxels[10:30, 10:30, 10:30] = np.linspace(100, 300, 8000).reshape(20, 20, 20)
    voxels[20, 20, 20] = 1e6
    grey = to_grey(voxels)
    assert grey[0, 0, 0] == 0
    assert grey[29, 29, 29] == grey[20, 20, 20] == 255
    assert 100 < grey[20, 10, 10] < 150


@given(first=st.integers(0, 500), length=st.integers(0, 500), count=st.integers(1, 9))
def test_positions_are_inside_and_not_repeated(first: int, length: int, count: int) -> None:
    found = positions(first, first + length, count)
    assert 1 <= len(found) <= count
    assert found == sorted(set(found))
    assert first <= found[0]
    assert found[-1] <= first + length


def test_extent_is_where_something_is() -> None:
    grey = np.zeros((30, 30, 30), dtype=np.uint8)
    assert extent(grey) == ([0, 0, 0], [29, 29, 29])
    grey[5:25, 10:20, 3:28] = 200
    assert extent(grey) == ([5, 10, 3], [24, 19, 27])


def test_preparing_does_not_import_torch() -> None:
    code = "import sys, spinecho.encoders.preparing.preparation; assert not {'torch', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
