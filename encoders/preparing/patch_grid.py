"""The arithmetic of blocks and patches in millimetres, without pixels and without torch.

A block's axes are (across the acquired slices, then the other two in the order of R, A, S); see `BlockPreparation`,
which says what the rows of a block's geometry are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def block_order(acquired: int) -> tuple[int, int, int]:
    """Which of R, A, S each axis of a block is, for the axis across the acquired slices."""
    first, second = (axis for axis in range(3) if axis != acquired)
    return acquired, first, second


def patch_grid(shape: Sequence[int], patch: Sequence[int]) -> tuple[int, int, int]:
    """How many patches cover so many voxels along each axis."""
    d, h, w = (-(-n // p) for n, p in zip(shape, patch, strict=True))
    return d, h, w


def fit_counts(
    shape: Sequence[int], lengths_mm: Sequence[float], *, patch: Sequence[int], tokens: int, ratio: float
) -> tuple[int, int, int]:
    """How many voxels a block may have along each axis: as many as the budget allows, never more than there are.

    The wanted voxel is s mm in plane and `ratio` * s across, with the smallest s whose patches are within the budget,
    found by halving. Only products, quotients and square roots are taken, which every machine rounds alike.
    """
    wanted = (ratio, 1.0, 1.0)

    def counts(s: float) -> tuple[int, int, int]:
        d, h, w = (
            min(n, max(1, math.ceil(length / (s * times))))
            for n, length, times in zip(shape, lengths_mm, wanted, strict=True)
        )
        return d, h, w

    low = min(length / n / times for n, length, times in zip(shape, lengths_mm, wanted, strict=True))
    high = max(length / times for length, times in zip(lengths_mm, wanted, strict=True))
    full = (shape[0], shape[1], shape[2])
    if math.prod(patch_grid(full, patch)) <= tokens:
        return full
    for _ in range(48):
        middle = math.sqrt(low * high)
        if math.prod(patch_grid(counts(middle), patch)) <= tokens:
            high = middle
        else:
            low = middle
    return counts(high)


def patch_places(geometry: Floats, patch: Sequence[int]) -> tuple[Floats, Floats]:
    """Where the patches of a block are, the last axis fastest, both along R, A, S.

    centres (t, 3): mm from the volume's centre. boxes (t, 6): low and high corner as fractions of the volume.
    """
    voxel_mm, first, count, axes = (row.astype(np.float64) for row in geometry)
    places = [int(axis) for axis in axes]
    grid = patch_grid([int(n) for n in first * 2 + count], patch)  # padding is as wide on both sides, within a voxel
    corners = np.stack(np.meshgrid(*[np.arange(n) for n in grid], indexing="ij"), axis=-1).reshape(-1, 3) * patch
    middles = (corners + np.asarray(patch) / 2 - first - count / 2) * voxel_mm
    low, high = np.clip((corners - first) / count, 0, 1), np.clip((corners + patch - first) / count, 0, 1)
    back = np.argsort(places)
    centres = middles[:, back].astype(np.float32)
    return centres, np.concatenate([low[:, back], high[:, back]], axis=1).astype(np.float32)


def volume_facts(geometry: Floats) -> Floats:
    """(6,) what a network is told of the whole: log of the voxel in mm along the block's axes, the acquired axis."""
    acquired = np.arange(3) == int(geometry[3, 0])
    return np.concatenate([np.log(np.clip(geometry[0], 1e-3, 1e3)), acquired]).astype(np.float32)
