"""From a volume to what an image network takes: the one way that archive and query both go.

Runs in reading processes, so nothing here imports torch.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.image.volume import Volume

Grey: TypeAlias = NDArray[np.uint8]

_FLAT = 1e-30
"""Volumes whose values differ by less are of one grey; below, float32 cannot hold the scale."""


class Prepared(NamedTuple):
    """What a network takes: 8-bit pixels, and their places in millimetres. Shapes are the preparation's own."""

    pixels: Grey
    geometry: NDArray[np.float32]


class Preparation(Protocol):
    """Turns a volume into what its network takes. Equal specs give equal arrays, bit for bit."""

    @property
    def spec(self) -> dict[str, Any]:
        """Plain JSON from which `preparation_from` makes the same preparation in another process."""
        ...

    def __call__(self, volume: Volume, /) -> Prepared:
        """Pixels and geometry; their shapes are the preparation's own."""
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
        """pixels (n, size, size) uint8; geometry is empty, as the network knows nothing of millimetres."""
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
        pictures = [shown for plane in planes for shown in plane]
        return Prepared(np.stack(pictures), np.empty(0, np.float32))


@dataclass(frozen=True, slots=True)
class BlockPreparation:
    """The whole volume in one block of cubic voxels, for a network that sees in 3D.

    Gives `size` uint8 in RAS+. The volume is scaled, in true proportions, until it just fits, and centred: 0 is
    padding, 1..255 the volume, so the array itself says where it holds nothing. Whole-number arithmetic
    (Pillow's antialiased bilinear), so equal on every machine.
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
        """pixels `size` uint8; geometry (3, 3): the voxel in mm, the first voxel that is volume, and how many are."""
        grey = to_grey(volume.voxels)
        lengths = [n * mm for n, mm in zip(grey.shape, volume.spacing_mm, strict=True)]
        voxel = max(length / n for length, n in zip(lengths, self.size, strict=True))
        fitted = [min(n, max(1, round(length / voxel))) for length, n in zip(lengths, self.size, strict=True)]
        for axis in sorted(range(3), key=lambda axis: fitted[axis] / grey.shape[axis]):  # what shrinks most, first
            grey = resized(grey, axis, fitted[axis])
        block = np.zeros(self.size, dtype=np.uint8)
        first = [(n - m) // 2 for n, m in zip(self.size, fitted, strict=True)]
        block[tuple(slice(at, at + m) for at, m in zip(first, fitted, strict=True))] = np.maximum(grey, 1)
        voxels = [length / m for length, m in zip(lengths, fitted, strict=True)]
        return Prepared(block, np.array([voxels, first, fitted], np.float32))


@dataclass(frozen=True, slots=True)
class StackPreparation:
    """The acquired plane as a stack of slabs, and a few slabs of the other two, with their places in millimetres.

    Gives pixels (n, size, size): `acquired` slabs of the acquired plane, then `others` of each other plane, which is
    left out where it would show the volume thinner than `thinnest_mm` or `fewest` voxels. A slab is the mean of the
    slices it covers, at most `slab_mm` thick, so thin slices hide nothing between two pictures and thick ones stay as
    they are. geometry (n, 8): axis across the picture; low and high end of the slab as fractions of the volume;
    shares of the picture's width and height that the volume fills; mm per pixel; mm of the volume along the axis; 1 for
    the acquired plane.
    """

    size: int = 128
    acquired: int = 12
    others: int = 2
    slab_mm: float = 6.0
    thinnest_mm: float = 24.0
    fewest: int = 8

    @property
    def spec(self) -> dict[str, Any]:
        """Kind, version (raised when the code changes what comes out) and parameters."""
        return {"kind": "stack", "version": 1, **asdict(self)}

    def __call__(self, volume: Volume, /) -> Prepared:
        """pixels (n, size, size) uint8, geometry (n, 8)."""
        grey = to_grey(volume.voxels)
        first, last = extent(grey)
        spacing = volume.spacing_mm
        thin = [n < self.fewest or n * mm < self.thinnest_mm for n, mm in zip(grey.shape, spacing, strict=True)]
        acquired = volume.slice_axis
        pictures, places = [], []
        for axis in sorted(range(3), key=lambda axis: axis != acquired):
            if axis != acquired and any(thin[other] for other in range(3) if other != axis):
                continue
            count, length = grey.shape[axis], grey.shape[axis] * spacing[axis]
            across, up = (grey.shape[other] * spacing[other] for other in range(3) if other != axis)
            for low, high in self._slabs(first[axis], last[axis], spacing[axis], axis == acquired):
                slab = np.moveaxis(grey, axis, 0)[low:high]
                plane = slab[0] if high - low == 1 else (slab.mean(axis=0) + 0.5).astype(np.uint8)
                pictures.append(drawn(plane, spacing, axis=axis, size=self.size))
                longest = max(across, up)
                place = (axis, low / count, high / count, across / longest, up / longest, longest / self.size, length)
                places.append((*place, float(axis == acquired)))
        return Prepared(np.stack(pictures), np.array(places, np.float32))

    def _slabs(self, first: int, last: int, mm: float, acquired: bool) -> list[tuple[int, int]]:
        """(first slice, one past the last) of each slab between two slices."""
        wanted, slices = self.acquired if acquired else self.others, last - first + 1
        if slices <= wanted:
            return [(at, at + 1) for at in range(first, last + 1)]
        step = slices / wanted
        thick = max(1.0, min(step, self.slab_mm / max(mm, 1e-6)))
        middles = [first + step * (place + 0.5) for place in range(wanted)]
        lows = [max(first, round(middle - thick / 2)) for middle in middles]
        return [(low, min(last + 1, max(low + 1, round(low + thick)))) for low in lows]


def preparation_from(spec: dict[str, Any]) -> Preparation:
    """The preparation that `spec` describes; ValueError for one that this version does not know."""
    kinds: dict[Any, Callable[..., Preparation]] = {
        "slices": SlicePreparation,
        "block": BlockPreparation,
        "stack": StackPreparation,
    }
    values = {name: value for name, value in spec.items() if name not in {"kind", "version"}}
    try:
        made = kinds[spec["kind"]](**values)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"unknown preparation {spec}") from error
    if made.spec != spec:
        raise ValueError(f"unknown preparation {spec}")
    return made


def to_grey(voxels: NDArray[np.float32], *, low: float = 0.5, high: float = 99.5) -> Grey:
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
        grey: Grey = np.clip((voxels - bottom) * scale, 0, 255).astype(np.uint8)
    return grey


def extent(grey: Grey, *, above: int = 25) -> tuple[list[int], list[int]]:
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


def picture(grey: Grey, spacing: tuple[float, float, float], *, axis: int, index: int, size: int) -> Grey:
    """One slice as (size, size); see `drawn`."""
    return drawn(np.take(grey, index, axis=axis), spacing, axis=axis, size=size)


def drawn(plane: Grey, spacing: tuple[float, float, float], *, axis: int, size: int) -> Grey:
    """A plane across `axis` as (size, size): superior or anterior up, right or anterior on the viewer's left.

    In true proportions, centred, with black around it. So column x shows the fraction 1 - x of its axis, row y 1 - y.
    """
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


def resized(grey: Grey, axis: int, count: int) -> Grey:
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
    shown = picture(grey, volume.spacing_mm, axis=axis, index=(first[axis] + last[axis]) // 2, size=size)
    out = io.BytesIO()
    Image.fromarray(shown).save(out, "PNG")
    return out.getvalue()
