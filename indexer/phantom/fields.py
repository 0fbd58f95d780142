"""Smooth fields on small grids, and their linear interpolation onto large ones by matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.floating[Any]]
"""Real values on a grid; float32 wherever it is large."""


def weights(coarse: int, fine: int, *, step: float) -> Field:
    """(fine, coarse) matrix of linear interpolation at 0, 1/step, 2/step ... of the coarse grid, clamped at its end."""
    at = np.minimum(np.arange(fine) / step, coarse - 1)
    low = np.minimum(at.astype(np.intp), max(coarse - 2, 0))
    matrix = np.zeros((fine, coarse), np.float32)
    rows = np.arange(fine)
    matrix[rows, low] = 1 - (at - low)
    if coarse > 1:
        matrix[rows, low + 1] += (at - low).astype(np.float32)
    return matrix


def enlarge(coarse: Field, shape: tuple[int, int, int], *, step: tuple[float, float, float]) -> Field:
    """A field (..., a, b, c) sampled every `step` voxels, onto all voxels: (..., *shape)."""
    out = coarse
    for axis in range(3):
        matrix = weights(out.shape[axis - 3], shape[axis], step=step[axis])
        moved = np.moveaxis(out, axis - 3, -2) if axis != 1 else out
        out = np.matmul(matrix, moved)
        out = np.moveaxis(out, -2, axis - 3) if axis != 1 else out
    return np.ascontiguousarray(out, dtype=np.float32)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int, int], *, width: float) -> Field:
    """Gaussian noise with correlation `width` (in samples), zero mean and unit variance."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, width, mode="wrap")
    return np.asarray((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6), np.float32)


def noise_on(rng: np.random.Generator, shape: tuple[int, int, int], *, every: float) -> Field:
    """Smooth unit noise on `shape` voxels whose knots lie `every` voxels apart."""
    coarse = (int(shape[0] / every) + 2, int(shape[1] / every) + 2, int(shape[2] / every) + 2)
    return enlarge(smooth_noise(rng, coarse, width=0.7), shape, step=(every, every, every))
