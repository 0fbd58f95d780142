"""From a volume to what an image network takes: the one way that archive and query both go.

Runs in reading processes, so nothing here imports torch.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.image.volume import Volume

Prepared: TypeAlias = NDArray[np.uint8]

_FLAT = 1e-30
"""Volumes whose values differ by less are of one grey; below, float32 cannot hold the scale."""


class Preparation(Protocol):
    """Turns a volume into the 8-bit array that its network takes. Equal specs give equal arrays, bit for bit."""

    @property
    def spec(self) -> dict[str, Any]:
        """Plain JSON from which `preparation_from` makes the same preparation in another process."""
        ...

    def __call__(self, volume: Volume, /) -> Prepared:
        """The array; its shape is the preparation's own."""
        ...


def digest(preparation: Preparation) -> str:
    """sha256 of the spec: the `preprocessing` of a Space."""
    return hashlib.sha256(json.dumps(preparation.spec, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SlicePreparation:
    """A few slices across each plane, in true proportions, for a network that sees 2D pictures.

    Gives (n, size, size) uint8: `per_plane` slices of the acquired plane, then those of the other two. A plane that
    would show the volume thinner than `thinnest_mm` or `fewest` voxels is left out, so one slice gives itself.
    """

    size: int = 224
    per_plane: int = 3
    thinnest_mm: float = 24.0
    fewest: int = 8

    @property
    def spec(self) -> dict[str, Any]:
        """Kind, version (raised when the code changes what comes out) and parameters."""
        return {"kind": "slices", "version": 1, **asdict(self)}

    def __call__(self, volume: Volume, /) -> Prepared:
        """(n, size, size) uint8."""
        grey = to_grey(volume.voxels)
        first, last = extent(grey)
        spacing = volume.spacing_mm
        thin = [n < self.fewest or n * mm < self.thinnest_mm for n, mm in zip(grey.shape, spacing, strict=True)]
        acquired = volume.slice_axis
        planes = [
            [
                picture(grey, spacing, axis=axis, index=index, size=self.size)
                for index in positions(first[axis], last[axis], self.per_plane)
            ]
            for axis in sorted(range(3), key=lambda axis: axis != acquired)
            if axis == acquired or not any(thin[other] for other in range(3) if other != axis)
        ]
        if len(planes) > 1:  # the network tells the acquired plane by its place: the first `per_plane` pictures
            planes[0] += planes[0][-1:] * (self.per_plane - len(planes[0]))
        pictures = [drawn for plane in planes for drawn in plane]
        return np.stack(pictures)


@dataclass(frozen=True, slots=True)
class BlockPreparation:
    """The whole volume in one block of cubic voxels, for a network that sees in 3D.

    Gives `size` uint8 in RAS+. The volume is scaled, in true proportions, until it just fits, and centred: 0 is
    padding, 1..255 the volume, so the array itself says where it holds nothing. How large a voxel is in millimetres
    is not kept. Whole-number arithmetic (Pillow's antialiased bilinear), so equal on every machine.
    """

    size: tuple[int, int, int] = (96, 96, 96)

    def __post_init__(self) -> None:
        if len(self.size) != 3 or not all(type(n) is int and 1 <= n <= 1024 for n in self.size):
            raise ValueError(f"a block has three sizes from 1 to 1024, not {self.size}")
        object.__setattr__(self, "size", tuple(self.size))  # JSON knows lists only

    @property
    def spec(self) -> dict[str, Any]:
        """Kind, version (raised when the code changes what comes out) and parameters."""
        return {"kind": "block", "version": 1, "size": list(self.size)}

    def __call__(self, volume: Volume, /) -> Prepared:
        """`size` uint8."""
        grey = to_grey(volume.voxels)
        lengths = [n * mm for n, mm in zip(grey.shape, volume.spacing_mm, strict=True)]
        voxel = max(length / n for length, n in zip(lengths, self.size, strict=True))
        fitted = [min(n, max(1, round(length / voxel))) for length, n in zip(lengths, self.size, strict=True)]
        for axis in sorted(range(3), key=lambda axis: fitted[axis] / grey.shape[axis]):  # what shrinks most, first
            grey = _resized(grey, axis, fitted[axis])
        block = np.zeros(self.size, dtype=np.uint8)
        block[tuple(slice((n - m) // 2, (n - m) // 2 + m) for n, m in zip(self.size, fitted, strict=True))] = (
            np.maximum(grey, 1)
        )
        return block


def preparation_from(spec: dict[str, Any]) -> Preparation:
    """The preparation that `spec` describes; ValueError for one that this version does not know."""
    kinds: dict[Any, Callable[..., Preparation]] = {"slices": SlicePreparation, "block": BlockPreparation}
    values = {name: value for name, value in spec.items() if name not in {"kind", "version"}}
    try:
        made = kinds[spec["kind"]](**values)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"unknown preparation {spec}") from error
    if made.spec != spec:
        raise ValueError(f"unknown preparation {spec}")
    return made


def to_grey(voxels: NDArray[np.float32], *, low: float = 0.5, high: float = 99.5) -> Prepared:
    """Voxels to 0..255 between two percentiles of the foreground (what is above the lowest value)."""
    sample = voxels[:: max(1, voxels.shape[0] // 64), :: max(1, voxels.shape[1] // 64)]
    inside = sample[sample > sample.min()]
    if inside.size < 16:
        inside = sample.ravel()
    bottom, top = (float(value) for value in np.percentile(inside, [low, high]))
    if top <= bottom:
        bottom, top = float(voxels.min()), float(voxels.max())
    scale = 255.0 / (top - bottom) if top - bottom > _FLAT else 0.0
    with np.errstate(over="ignore"):  # what lies too far out for float32 is clipped all the same
        grey: Prepared = np.clip((voxels - bottom) * scale, 0, 255).astype(np.uint8)
    return grey


def extent(grey: Prepared, *, above: int = 25) -> tuple[list[int], list[int]]:
    """First and last index along each axis with something brighter than background."""
    first, last = [], []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        share = (grey > above).mean(axis=others)
        filled = np.flatnonzero(share > 0.02)
        first.append(int(filled[0]) if filled.size else 0)
        last.append(int(filled[-1]) if filled.size else grey.shape[axis] - 1)
    return first, last


def positions(first: int, last: int, count: int) -> list[int]:
    """`count` indices spread over the inside of first..last, without repeats where it is too short."""
    steps = [(place + 1) / (count + 1) for place in range(count)]
    return sorted({first + round((last - first) * step) for step in steps})


def picture(grey: Prepared, spacing: tuple[float, float, float], *, axis: int, index: int, size: int) -> Prepared:
    """One slice as (size, size): superior or anterior up, right or anterior on the viewer's left, true proportions."""
    plane = np.take(grey, index, axis=axis)
    across, up = [spacing[other] for other in range(3) if other != axis]
    flat = plane.T[::-1, ::-1]  # rows grow downwards on a screen; right and anterior go to the viewer's left
    height, width = flat.shape[0] * up, flat.shape[1] * across
    scale = size / max(height, width)
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = Image.fromarray(np.ascontiguousarray(flat)).resize(shape, Image.Resampling.BILINEAR)
    canvas = np.zeros((size, size), dtype=np.uint8)
    top, left = (size - shape[1]) // 2, (size - shape[0]) // 2
    canvas[top : top + shape[1], left : left + shape[0]] = np.asarray(small)
    return canvas


def _resized(grey: Prepared, axis: int, count: int) -> Prepared:
    """`grey` with `count` voxels along one axis; Pillow averages over what a new voxel covers."""
    rows = np.moveaxis(grey, axis, 0)
    others = rows.shape[1:]
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    small = Image.fromarray(flat).resize((flat.shape[1], count), Image.Resampling.BILINEAR)
    return np.moveaxis(np.asarray(small).reshape(count, *others), 0, axis)


def thumbnail(volume: Volume, *, size: int = 160) -> bytes:
    """The middle acquired slice as a PNG."""
    grey = to_grey(volume.voxels)
    axis = volume.slice_axis
    first, last = extent(grey)
    drawn = picture(grey, volume.spacing_mm, axis=axis, index=(first[axis] + last[axis]) // 2, size=size)
    out = io.BytesIO()
    Image.fromarray(drawn).save(out, "PNG")
    return out.getvalue()
