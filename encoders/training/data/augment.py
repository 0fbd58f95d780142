"""MR images as another coil, another protocol or another day would give them: grey values changed, anatomy kept.

Each is a pure function of (volume, generator, strength): the volume is (across the acquired slices, in plane, in
plane), uint8 or float32 in 0..1, and comes back as a new array of its own shape, type and range. Strength 0 changes
nothing, 1 is strong but seen in practice.

Nothing here flips unless it is asked to, and never left and right by default: a body's sides look alike, and side is
part of what a report says. `remap_freely` turns one contrast into another (T1-like into T2-like), so a network trained
with it forgets the sequence: it is off by default, as are flips.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spinecho.encoders.preparing.preparation import resized

Voxels: TypeAlias = NDArray[Any]
"""uint8, or float32 in 0..1."""
_Floats: TypeAlias = NDArray[np.float32]
P = ParamSpec("P")
Inner: TypeAlias = Callable[Concatenate[_Floats, np.random.Generator, float, P], _Floats]
Augmentation: TypeAlias = Callable[Concatenate[Voxels, np.random.Generator, float, P], Voxels]


def _kept(inner: Inner[P]) -> Augmentation[P]:
    """`inner` on float32 in 0..1, with the volume's own type and range given back."""

    @wraps(inner)
    def outer(volume: Voxels, rng: np.random.Generator, strength: float, *args: P.args, **kwargs: P.kwargs) -> Voxels:
        if strength <= 0:
            return volume.copy()
        whole = volume.dtype == np.uint8
        values = volume.astype(np.float32) / 255.0 if whole else volume.astype(np.float32)
        changed = np.clip(np.nan_to_num(inner(values, rng, strength, *args, **kwargs)), 0.0, 1.0)
        return (changed * 255.0 + 0.5).astype(np.uint8) if whole else changed.astype(np.float32)

    return cast("Augmentation[P]", outer)


@_kept
def bias_field(volume: _Floats, rng: np.random.Generator, strength: float) -> _Floats:
    """A coil's shading: the exponential of a few smooth waves along the axes, up to twice as bright at strength 1."""
    total = np.zeros(volume.shape, np.float32)
    for _ in range(3):
        wave = np.ones((1, 1, 1), np.float32)
        for axis, n in enumerate(volume.shape):
            steps = np.linspace(0, 1, n, dtype=np.float32) * rng.uniform(0, 1.5) * np.pi + rng.uniform(0, 2 * np.pi)
            wave = wave * np.cos(steps).reshape([-1 if axis == other else 1 for other in range(3)])
        total += wave * np.float32(rng.normal(0, 0.3 * strength))
    return volume * np.exp(np.clip(total, -1, 1))


@_kept
def gamma(volume: _Floats, rng: np.random.Generator, strength: float) -> _Floats:
    """Contrast by a power between about 1/2 and 2."""
    changed: _Floats = volume ** np.float32(np.exp(np.clip(rng.normal(0, 0.35 * strength), -0.8, 0.8)))
    return changed


@_kept
def remap(volume: _Floats, rng: np.random.Generator, strength: float) -> _Floats:
    """Tissues get other greys in the same order: rising straight pieces between 0 and 1."""
    steps = rng.dirichlet(np.full(6, 4.0))
    return _through(volume, np.concatenate([[0.0], np.cumsum(steps)]), strength)


@_kept
def remap_freely(volume: _Floats, rng: np.random.Generator, strength: float) -> _Floats:
    """Tissues get other greys in any order, air stays black. It hides the sequence: see above."""
    return _through(volume, np.concatenate([[0.0], rng.random(6)]), strength)


def _through(volume: _Floats, knots: NDArray[np.float64], strength: float) -> _Floats:
    plain = np.linspace(0, 1, len(knots))
    mixed = plain + (knots - plain) * min(1.0, strength)
    table = np.interp(np.linspace(0, 1, 1024), plain, mixed).astype(np.float32)
    changed: _Floats = table[(volume * 1023).astype(np.int16)]
    return changed


@_kept
def noise(volume: _Floats, rng: np.random.Generator, strength: float) -> _Floats:
    """Rician: the magnitude of a signal with noise in both its parts (Gudbjartsson & Patz 1995)."""
    sigma = np.float32(0.08 * strength * rng.random())
    parts = rng.standard_normal((2, *volume.shape), dtype=np.float32) * sigma
    magnitude: _Floats = np.hypot(volume + parts[0], parts[1])
    return magnitude


@_kept
def ghosts(volume: _Floats, rng: np.random.Generator, strength: float) -> _Floats:
    """Motion that repeats, as breathing does: the phase of k-space lines swings, so copies appear along one axis."""
    axis = int(rng.integers(1, 3))
    lines = np.arange(volume.shape[axis])
    swing = 0.5 * strength * rng.random() * np.sin(2 * np.pi * lines / rng.uniform(2, 8) + rng.uniform(0, 2 * np.pi))
    swing[0] = 0.0  # the mean stays where it is
    turn = np.exp(1j * swing).astype(np.complex64).reshape([-1 if axis == other else 1 for other in range(3)])
    moved: _Floats = np.abs(np.fft.ifft(np.fft.fft(volume, axis=axis) * turn, axis=axis)).astype(np.float32)
    return moved


@_kept
def coarser(volume: _Floats, rng: np.random.Generator, strength: float) -> _Floats:
    """Fewer pixels in plane: shrunk up to a half of their number along each axis, and drawn large again."""
    factor = 1 + strength * rng.random()
    return _regridded(_regridded(volume, 1, factor), 2, factor)


@_kept
def thicker(volume: _Floats, rng: np.random.Generator, strength: float) -> _Floats:
    """Thicker slices: shrunk up to a half of their number across, and drawn between again."""
    return _regridded(volume, 0, 1 + strength * rng.random())


def _regridded(volume: _Floats, axis: int, factor: float) -> _Floats:
    n = volume.shape[axis]
    fewer = max(1, round(n / factor))
    if fewer == n:
        return volume
    grey = (np.clip(volume, 0, 1) * 255 + 0.5).astype(np.uint8)
    return resized(resized(grey, axis, fewer), axis, n).astype(np.float32) / 255.0


@_kept
def turn(
    volume: _Floats, rng: np.random.Generator, strength: float, *, voxel_mm: tuple[float, ...] = (1.0, 1.0, 1.0)
) -> _Floats:
    """Turned by up to 10 degrees about each axis and moved by up to 3 %; air comes in at the edges.

    `voxel_mm` keeps it a rotation of the body where voxels are no cubes.
    """
    for axis in range(3):
        angle, rows = np.deg2rad(10 * strength * rng.uniform(-1, 1)), np.moveaxis(volume, axis, 0)
        height, width = rows.shape[1:]
        if min(height, width) < 3:
            continue
        up, across = (voxel_mm[other] for other in range(3) if other != axis)
        cosine, sine = float(np.cos(angle)), float(np.sin(angle))
        x, y = width / 2, height / 2
        dx, dy = (0.03 * strength * n * rng.uniform(-1, 1) for n in (width, height))
        # Pillow wants, for each pixel of the result, where it comes from: turned in millimetres, counted in pixels.
        a, b, d, e = cosine, sine * up / across, -sine * across / up, cosine
        matrix = (a, b, x - a * x - b * y + dx, d, e, y - d * x - e * y + dy)
        planes = [
            np.asarray(
                Image.fromarray(np.ascontiguousarray(plane)).transform(
                    (width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
                )
            )
            for plane in rows
        ]
        volume = np.moveaxis(np.stack(planes), 0, axis)
    return volume


@dataclass(frozen=True, slots=True)
class Recipe:
    """How often each change is made, and how strongly. `flips` are of R, A, S (0, 1, 2), done by `crops`: none,
    as side matters."""

    strength: float = 1.0
    bias_field: float = 0.5
    gamma: float = 0.5
    remap: float = 0.3
    remap_freely: float = 0.0
    noise: float = 0.4
    ghosts: float = 0.15
    coarser: float = 0.25
    thicker: float = 0.2
    flips: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "flips", tuple(self.flips))
        chances = [getattr(self, name) for name in CHANGES]
        if not all(0 <= chance <= 1 for chance in chances) or not 0 <= self.strength <= 2:
            raise ValueError(f"chances must be 0 to 1, strength 0 to 2: {self}")
        if not set(self.flips) <= {0, 1, 2}:
            raise ValueError(f"flips must be of 0, 1, 2 (R, A, S), not {self.flips}")


CHANGES: dict[str, Augmentation[[]]] = {
    "remap": remap,
    "remap_freely": remap_freely,
    "gamma": gamma,
    "bias_field": bias_field,
    "thicker": thicker,
    "coarser": coarser,
    "ghosts": ghosts,
    "noise": noise,
}
"""In the order in which a scan gets them: tissue, coil, sampling, noise."""


def augmented(volume: Voxels, rng: np.random.Generator, recipe: Recipe) -> Voxels:
    """The grey values of a volume changed at random, as the recipe says."""
    values = volume.astype(np.float32) / 255.0 if volume.dtype == np.uint8 else volume
    for name, change in CHANGES.items():
        if rng.random() < getattr(recipe, name):
            values = change(values, rng, recipe.strength)
    return (values * 255.0 + 0.5).astype(np.uint8) if volume.dtype == np.uint8 else values.copy()
