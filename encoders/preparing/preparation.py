"""From a volume to what an image network takes: the one way that archive and query both go.

Runs in reading processes, so nothing here imports torch.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spinecho.encoders.preparing.patch_grid import block_order, fit_counts
from spinecho.encoders.reading.volume import Volume

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
    """The whole volume in one block of patches, for a network that sees in 3D.

    Gives pixels (d, h, w) uint8: the acquired axis first, the other two in the order of R, A, S. 0 is padding to whole
    patches, all around; 1..255 is the volume. Voxels are fine within the acquired slices and coarse across them, as
    they are acquired: the volume is only ever shrunk, to one voxel size in plane and at most `ratio` times that across,
    the smallest for which no more than `tokens` patches are needed. An axis that is coarser already stays as it is.
    Nothing is distorted, as the geometry tells the size of a voxel along each axis.

    geometry (4, 3), columns in the block's order: the voxel in mm; the first voxel that is volume; how many are; and
    which axis it is of R, A, S (0, 1, 2). Pillow's antialiased bilinear works in whole numbers, so blocks are equal on
    every machine. NaN and infinity, which no reader gives, count as the lowest finite value.
    """

    patch: tuple[int, int, int] = (4, 16, 16)
    """Voxels across the acquired slices, then within them."""
    tokens: int = 512
    ratio: float = 2.0

    def __post_init__(self) -> None:
        if len(self.patch) != 3 or not all(type(n) is int and 1 <= n <= 256 for n in self.patch):
            raise ValueError(f"a patch has three sizes from 1 to 256, not {self.patch}")
        if type(self.tokens) is not int or not 1 <= self.tokens <= 65536:
            raise ValueError(f"the budget must be 1 to 65536 tokens, not {self.tokens}")
        if type(self.ratio) not in {int, float} or not 1 <= self.ratio <= 16:
            raise ValueError(f"the ratio must be 1 to 16, not {self.ratio}")
        object.__setattr__(self, "patch", tuple(self.patch))  # JSON knows lists only

    @property
    def spec(self) -> dict[str, Any]:
        """Kind, version (raised when the code changes what comes out) and parameters."""
        return {"kind": "block", "version": 2, **asdict(self), "patch": list(self.patch)}

    def __call__(self, volume: Volume, /) -> Prepared:
        """pixels (d, h, w) uint8, each a multiple of the patch; geometry (4, 3)."""
        voxels, sound = volume.voxels, np.isfinite(volume.voxels)
        if not sound.all():
            lowest = voxels.min(where=sound, initial=np.inf)
            voxels = np.where(sound, voxels, np.float32(lowest if np.isfinite(lowest) else 0.0))
        return self.pad(*self.fit(to_grey(voxels), volume.spacing_mm, volume.slice_axis), volume.slice_axis)

    def fit(self, grey: Grey, spacing_mm: Sequence[float], acquired: int) -> tuple[Grey, tuple[float, ...]]:
        """(i, j, k) in RAS+ to the same in the block's order, shrunk into the budget, and its voxel in mm."""
        order = block_order(acquired)
        shown = grey.transpose(order)
        lengths = [shown.shape[axis] * max(spacing_mm[of], 1e-6) for axis, of in enumerate(order)]
        fitted = fit_counts(shown.shape, lengths, patch=self.patch, tokens=self.tokens, ratio=self.ratio)
        for axis in sorted(range(3), key=lambda axis: fitted[axis] / shown.shape[axis]):  # what shrinks most, first
            if fitted[axis] != shown.shape[axis]:
                shown = resized(shown, axis, fitted[axis])
        return shown, tuple(length / n for length, n in zip(lengths, shown.shape, strict=True))

    def pad(self, shown: Grey, voxel_mm: Sequence[float], acquired: int) -> Prepared:
        """What `fit` gave, in whole patches and with its geometry."""
        size = [-(-n // p) * p for n, p in zip(shown.shape, self.patch, strict=True)]
        first = [(n - m) // 2 for n, m in zip(size, shown.shape, strict=True)]
        block = np.zeros(size, dtype=np.uint8)
        block[tuple(slice(at, at + n) for at, n in zip(first, shown.shape, strict=True))] = np.maximum(shown, 1)
        return Prepared(block, np.array([voxel_mm, first, shown.shape, block_order(acquired)], np.float32))


@dataclass(frozen=True, slots=True)
class StackPreparation:
    """The acquired plane as a stack of slabs, and a few slabs of the other two, with their places in millimetres.

    Gives pixels (n, size, size): `acquired` slabs of the acquired plane, then `others` of each other plane, which is
    left out where it would show the volume thinner than `thinnest_mm` or `fewest` voxels. A slab is the mean of the
    slices it covers, at most `slab_mm` thick, so thin slices hide nothing between two pictures and thick ones stay as
    they are. geometry (n, 8): axis across the picture; low and high end of the slab as fractions of the volume;
    shares of the picture's width and height that the volume fills; mm along a side of the picture; mm of the volume
    along the axis; 1 for the acquired plane.
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
                place = (axis, low / count, high / count, across / longest, up / longest, longest, length)
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


@dataclass(frozen=True, slots=True)
class CompactPreparation:
    """The whole volume with few voxels, on its own grid: what training keeps of it (`encoders.training.data.examples`).

    Within the acquired slices both axes shrink by one factor, so pixels keep their shape. pixels (i, j, k), never
    more than the volume has; geometry (3,): spacing in mm.
    """

    in_plane: int = 128
    across: int = 48

    @property
    def spec(self) -> dict[str, Any]:
        """Kind, version (raised when the code changes what comes out) and parameters."""
        return {"kind": "compact", "version": 1, **asdict(self)}

    def __call__(self, volume: Volume, /) -> Prepared:
        """pixels (i, j, k) uint8, geometry (3,)."""
        grey = to_grey(volume.voxels)
        axis = volume.slice_axis
        factor = max(1.0, *(n / self.in_plane for other, n in enumerate(grey.shape) if other != axis))
        counts = [
            min(n, self.across) if other == axis else max(1, round(n / factor)) for other, n in enumerate(grey.shape)
        ]
        spacing = [mm * n / m for mm, n, m in zip(volume.spacing_mm, grey.shape, counts, strict=True)]
        for other in sorted(range(3), key=lambda other: counts[other] / grey.shape[other]):
            if counts[other] != grey.shape[other]:
                grey = resized(grey, other, counts[other])
        return Prepared(np.ascontiguousarray(grey), np.array(spacing, np.float32))


@dataclass(frozen=True, slots=True)
class ScanPreparation:
    """A scan as HLIP takes it: so many slices of the acquired plane, each a square of `side` pixels.

    As github.com/Zch0414/hlip prepares brain MR: axes run to the right, posterior, inferior; grey from the 0.5th to the
    99.5th percentile of all voxels; padded to a square with black, 8/7 of the side by bilinear interpolation without
    smoothing, the middle of it cut out; of slices the nearest. pixels (slices, side, side) uint8; geometry is empty.
    """

    slices: int = 48
    side: int = 224

    @property
    def spec(self) -> dict[str, Any]:
        """Kind, version (raised when the code changes what comes out) and parameters."""
        return {"kind": "scan", "version": 1, **asdict(self)}

    def __call__(self, volume: Volume, /) -> Prepared:
        """pixels (slices, side, side) uint8."""
        voxels = np.nan_to_num(volume.voxels, nan=0.0, posinf=0.0, neginf=0.0)[:, ::-1, ::-1]
        shown = voxels.transpose({0: (0, 2, 1), 1: (1, 2, 0), 2: (2, 1, 0)}[volume.slice_axis])
        low, high = np.percentile(shown, (0.5, 99.5))
        nearest = np.minimum(((np.arange(self.slices) + 0.5) * len(shown) / self.slices).astype(int), len(shown) - 1)
        levels = (np.clip(shown[nearest], low, high) - low) / max(float(high - low), _FLAT)
        height, width = levels.shape[1:]
        most = max(height, width)
        up, left = (most - height) // 2, (most - width) // 2
        square = np.pad(levels, ((0, 0), (up, most - height - up), (left, most - width - left)))
        first, second, share = _between(most, round(self.side * 8 / 7), self.side)
        rows = square[:, first] * (1 - share)[:, None] + square[:, second] * share[:, None]
        both = rows[:, :, first] * (1 - share) + rows[:, :, second] * share
        return Prepared(np.round(np.clip(both, 0, 1) * 255).astype(np.uint8), np.empty(0, np.float32))


def _between(count: int, scaled: int, kept: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """For the `kept` middle ones of `scaled` places over `count`: the two places between which each lies, and where."""
    at = np.maximum((np.arange(scaled) + 0.5) * count / scaled - 0.5, 0.0)[(scaled - kept) // 2 :][:kept]
    first = np.minimum(at.astype(np.int64), count - 1)
    return first, np.minimum(first + 1, count - 1), at - first


def preparation_from(spec: dict[str, Any]) -> Preparation:
    """The preparation that `spec` describes; ValueError for one that this version does not know."""
    kinds: dict[Any, Callable[..., Preparation]] = {
        "slices": SlicePreparation,
        "block": BlockPreparation,
        "stack": StackPreparation,
        "compact": CompactPreparation,
        "scan": ScanPreparation,
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
    """Voxels to 0..255 between two percentiles of the foreground (what is above the lowest value).

    A voxel that is no finite number counts as 0, as in the readers.
    """
    if not math.isfinite(float(voxels.min())):
        voxels = np.nan_to_num(voxels, nan=0.0, posinf=0.0, neginf=0.0)
    sample = voxels[:: max(1, voxels.shape[0] // 64), :: max(1, voxels.shape[1] // 64)]
    inside = sample[sample > sample.min()]
    if inside.size < 16:
        inside = sample.ravel()
    bottom, top = (float(value) for value in np.percentile(inside.astype(np.float64), [low, high]))
    if top <= bottom:
        bottom, top = float(voxels.min()), float(voxels.max())
    if not math.isfinite(top):  # an infinite voxel is not below all others
        return to_grey(np.nan_to_num(voxels, nan=0.0, posinf=0.0, neginf=0.0), low=low, high=high)
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
