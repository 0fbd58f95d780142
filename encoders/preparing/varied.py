"""The same scan as another scanner, another day would give it: a grey volume changed at random, each change mildly.

Nothing here moves an organ to the other side: there are no flips.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.preparing.preparation import Grey, resized, to_grey
from spinecho.encoders.reading.volume import Volume


def varied_copy(volume: Volume, seed: int) -> Volume:
    """A copy of a volume that `varied` has changed, windowed to 0..255, equal for equal seeds on every machine.

    Its own grid's axes are taken for the patient's, as they are when it is prepared.
    """
    grey, spacing = varied(to_grey(volume.voxels), volume.spacing_mm, np.random.default_rng(seed))
    return Volume(grey.astype(np.float32), np.diag([*spacing, 1.0]))


def varied(
    grey: Grey, spacing_mm: tuple[float, float, float], rng: np.random.Generator
) -> tuple[Grey, tuple[float, float, float]]:
    """(grey, spacing in mm): shading, contrast, noise, field of view and resolution changed."""
    grey = _cropped(grey, rng)
    grey, spacing = _coarser(grey, spacing_mm, rng)
    values = grey.astype(np.float32) / 255.0
    values = np.clip(values * _shading(values.shape, rng), 0.0, 1.0) ** np.float32(np.exp(rng.normal(0.0, 0.25)))
    sigma = np.float32(rng.uniform(0.0, 0.04))
    noise = rng.standard_normal((2, *values.shape), dtype=np.float32) * sigma
    values = np.hypot(values + noise[0], noise[1])
    return (np.clip(values, 0.0, 1.0) * 255).astype(np.uint8), spacing


def _cropped(grey: Grey, rng: np.random.Generator) -> Grey:
    """Up to 8 % less at each end of each axis; short axes stay whole."""
    cut = [[int(n * rng.uniform(0, 0.08)) if n >= 12 else 0 for _ in range(2)] for n in grey.shape]
    return grey[tuple(slice(low, n - high) for (low, high), n in zip(cut, grey.shape, strict=True))]


def _coarser(
    grey: Grey, spacing: tuple[float, float, float], rng: np.random.Generator
) -> tuple[Grey, tuple[float, float, float]]:
    """Within the slices up to 1.6 times, across them up to twice as coarse, half of the time each."""
    across = int(np.argmax(spacing))
    factor = [float(rng.uniform(1.0, 1.6)) if rng.random() < 0.5 else 1.0] * 3
    factor[across] = float(rng.uniform(1.0, 2.0)) if rng.random() < 0.5 and grey.shape[across] >= 16 else 1.0
    wider = list(spacing)
    for axis in range(3):
        count = max(1, round(grey.shape[axis] / factor[axis]))
        if grey.shape[axis] >= 12 and count < grey.shape[axis]:
            wider[axis] = spacing[axis] * grey.shape[axis] / count
            grey = resized(np.ascontiguousarray(grey), axis, count)
    return grey, (wider[0], wider[1], wider[2])


def _shading(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """A smooth field of a coil's sensitivity: a quadratic in the three axes, 0.6 to 1.4."""
    at = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in shape), indexing="ij", sparse=True)
    field = np.ones(shape, np.float32)
    for one in range(3):
        field += np.float32(rng.normal(0, 0.12)) * at[one]
        for other in range(one, 3):
            field += np.float32(rng.normal(0, 0.08)) * at[one] * at[other]
    return np.clip(field, 0.6, 1.4)
