"""A volume for a viewer: 12 bits of grey, so that a window can be narrowed far before steps show.

`encoders.preparing.preparation.to_grey` cuts at two percentiles and keeps 8 bits: narrowed to a quarter, that leaves 64
greys, which shows as bands. Here the range up to rare outliers is kept in 4096 steps, and windows are places in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.reading.files import read_series
from spinecho.encoders.reading.headers import Header, VolumeRead
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message

Deep: TypeAlias = NDArray[np.uint16]
Triple: TypeAlias = tuple[int, int, int]
TOP = 4095
WINDOWS = (
    ("usual", 0.5, 99.5),
    ("soft", 0.0, 90.0),
    ("bright", 20.0, 99.9),
    ("narrow", 25.0, 85.0),
    ("full", 0.0, 100.0),
)
"""(name, percentiles of the foreground) of the windows that a viewer offers."""
_OUTLIERS = 99.99
_MARGIN = 4
_FLAT = 1e-30


@dataclass(frozen=True, slots=True)
class Levels:
    """A volume cut to what is not air, in RAS+.

    levels: (i, j, k) uint16, 0..4095; in memory as the file had them (`memory_order`), turning them would take longer
    than reading them. first: where its corner lies in the whole volume, which has `shape` voxels.
    bottom, step: a level's value in the file's own units is bottom + step * level.
    windows: (name, lowest, highest level).
    """

    key: str
    levels: Deep
    first: Triple
    shape: Triple
    spacing_mm: tuple[float, float, float]
    slice_axis: int
    bottom: float
    step: float
    windows: tuple[tuple[str, float, float], ...]


def levels_of(volume: Volume, *, key: str = "") -> Levels:
    """Quantise a volume and cut its air off in the plane of its slices; slices are never left out.

    A voxel that is no finite number counts as 0, as in the readers.
    """
    voxels, axis = volume.voxels, volume.slice_axis
    if not (math.isfinite(float(voxels.min())) and math.isfinite(float(voxels.max()))):
        voxels = np.nan_to_num(voxels, nan=0.0, posinf=0.0, neginf=0.0)
    sample = voxels[:: max(1, voxels.shape[0] // 64), :: max(1, voxels.shape[1] // 64)]
    inside = sample[sample > sample.min()]
    if inside.size < 16:
        inside = sample.ravel()
    bottom, top = float(voxels.min()), float(np.percentile(inside, _OUTLIERS, method="higher"))
    if top <= bottom:
        top = float(voxels.max())
    span = top - bottom
    scale = TOP / span if span > _FLAT else 0.0
    levels = _quantised(voxels, bottom, scale)
    cuts = np.clip((np.percentile(inside, [end for _, *ends in WINDOWS for end in ends]) - bottom) * scale, 0, TOP)
    ends = [
        (name, float(low) if first > 0 else 0.0, float(high) if last < 100 else float(TOP))
        for (name, first, last), (low, high) in zip(WINDOWS, cuts.reshape(-1, 2), strict=True)
    ]
    windows = tuple((name, low, max(high, low + 1)) for name, low, high in ends)
    spans = _body(levels, axis, windows[0])
    kept = _own(levels[tuple(slice(low, high) for low, high in spans)])
    first, shape = (tuple(int(n) for n in numbers) for numbers in ([low for low, _ in spans], voxels.shape))
    spacing = volume.spacing_mm
    return Levels(
        key, kept, (first[0], first[1], first[2]), (shape[0], shape[1], shape[2]), spacing, axis,
        bottom=bottom, step=1 / scale if scale else 0.0, windows=windows,
    )  # fmt: skip


def levels_task(headers: Sequence[tuple[str, str]], *, key: str, seconds: float = 120.0) -> Task:
    """Read one volume of a series for a viewer; `headers` are (path, header as JSON)."""
    return Task("spinecho.encoders.preparing.grey_levels:read_levels", {"headers": list(headers), "key": key}, seconds)


def read_levels(arguments: dict[str, Any]) -> Iterator[Message]:
    """The volume with the key, alone; runs in a reading process."""
    headers = [Header.from_json(text, path=path) for path, text in arguments["headers"]]
    for item in read_series(headers, max_volumes=64):
        if isinstance(item, VolumeRead) and item.key == arguments["key"]:
            found = levels_of(item.volume, key=item.key)
            facts = {name: getattr(found, name) for name in Levels.__slots__ if name != "levels"}
            order = memory_order(found.levels)
            yield {**facts, "order": order, "cut": found.levels.shape}, (found.levels.transpose(order).tobytes(),)
            return


def unpack_levels(message: Message) -> Levels:
    """What `read_levels` said, typed again; its voxels are read-only."""
    value, buffers = message
    facts = {name: value[name] for name in Levels.__slots__ if name != "levels"}
    for name in ("first", "shape", "spacing_mm"):
        facts[name] = tuple(facts[name])
    facts["windows"] = tuple((name, low, high) for name, low, high in value["windows"])
    order: list[int] = value["order"]
    levels = np.frombuffer(buffers[0], dtype=np.uint16).reshape([value["cut"][axis] for axis in order])
    return Levels(levels=levels.transpose(np.argsort(order)), **facts)


def memory_order(levels: Deep | NDArray[np.float32]) -> Triple:
    """The axes, from the one whose neighbours lie furthest apart in memory to the one whose neighbours touch."""
    first, second, third = sorted(range(3), key=lambda axis: (-abs(levels.strides[axis]), axis))
    return first, second, third


def _own(levels: Deep) -> Deep:
    """A copy without gaps, its axes in the same order in memory."""
    order = memory_order(levels)
    copied: Deep = np.ascontiguousarray(levels.transpose(order)).transpose(np.argsort(order))
    return copied


def _quantised(voxels: NDArray[np.float32], bottom: float, scale: float) -> Deep:
    """(voxel - bottom) * scale, rounded, in 0..4095; slab by slab, since a whole volume's steps leave the cache."""
    order = memory_order(voxels)
    turned = voxels.transpose(order)
    levels: Deep = np.empty(turned.shape, np.uint16)
    with np.errstate(over="ignore"):
        for slab, out in zip(turned, levels, strict=True):
            grey = np.subtract(slab, bottom)
            grey *= scale
            grey += 0.5
            out[...] = np.clip(grey, 0, TOP, out=grey)
    return levels.transpose(np.argsort(order))


def _body(levels: Deep, axis: int, window: tuple[str, float, float]) -> list[tuple[int, int]]:
    """(first, one past the last) voxel of each axis within which something is brighter than air, with a margin."""
    above = levels > window[1] + 0.08 * (window[2] - window[1])
    spans = []
    for other in range(3):
        crossed = tuple(n for n in range(3) if n != other)
        filled = np.flatnonzero(above.mean(axis=crossed) > 0.01) if other != axis else np.empty(0)
        if not filled.size:
            spans.append((0, levels.shape[other]))
        else:
            spans.append((max(0, int(filled[0]) - _MARGIN), min(levels.shape[other], int(filled[-1]) + 1 + _MARGIN)))
    return spans
