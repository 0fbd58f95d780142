"""Whether the hottest place of a map lies in a box, and ways to draw the map: for `benchmarks.pointing`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spinecho.encoders.networks.parts_of_volumes import FINE, GRID, Described, added_by, likeness_to, region_vectors
from spinecho.encoders.preparing.preparation import to_grey
from spinecho.encoders.reading.volume import Volume
from spinecho.search.evidence.scale import Scale

Box = tuple[float, ...]
Floats = NDArray[np.float32]
_TISSUE = 20


@dataclass(frozen=True)
class Pointed:
    """One query: whether it hit, and by chance."""

    study: str
    hit: float
    chance: float


def boxes_of(mask: NDArray[np.bool_]) -> tuple[Box, ...]:
    """Boxes of what hangs together, as fractions, the largest first; single voxels are left out where there is more."""
    labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    found = ndimage.find_objects(labels)
    kept = sorted((at for at in range(count) if sizes[at] > 2 or count == 1), key=lambda at: -sizes[at])
    return tuple(
        (*(part.start / n for part, n in zip(found[at], mask.shape, strict=True)),
         *(part.stop / n for part, n in zip(found[at], mask.shape, strict=True)))
        for at in kept
    )  # fmt: skip


def tissue_of(volume: Volume) -> NDArray[np.bool_]:
    """(15, 15, 15): places around which there is more than air."""
    grey = to_grey(volume.voxels) > _TISSUE
    found = np.zeros(FINE, bool)
    for place in np.ndindex(*FINE):
        part = tuple(
            slice(at * n // count, max((at + 1) * n // count, at * n // count + 1))
            for at, n, count in zip(place, grey.shape, FINE, strict=True)
        )
        found[place] = grey[part].mean() > 0.25
    return found


def hit_of(study: str, cells: Floats, boxes: Sequence[Box], tissue: NDArray[np.bool_]) -> Pointed:
    """Whether the hottest place lies in one of the boxes; by chance, of the places with tissue."""
    grid = cells.shape
    half = 0.5 / np.array(FINE)
    places = [(np.arange(n) + 0.5) / n for n in grid]
    centres = np.stack(np.meshgrid(*places, indexing="ij"), axis=-1)
    inside = np.zeros(grid, bool)
    for box in boxes:
        inside |= np.all((centres >= np.array(box[:3]) - half) & (centres <= np.array(box[3:]) + half), axis=-1)
    where = tissue if tissue.shape == grid and tissue.any() else np.ones(grid, bool)
    hottest = np.unravel_index(int(cells.argmax()), grid)
    return Pointed(study, float(inside[hottest]), float(inside[where].mean()))


def of_parts(described: Described, row: Floats, scale: Scale) -> Floats:
    """The map by the 27 parts alone."""
    return spread_out(scale.scores(added_by(described), row))


def direction(described: Described, row: Floats) -> Floats:
    """The same by the cosines of these parts, whatever they count."""
    return spread_out(region_vectors(described) @ row)


def spread_out(scores: Floats) -> Floats:
    """27 parts on the fine grid: the hottest place is the centre of one."""
    scores = scores.reshape(GRID)
    found = np.full(FINE, float(scores.min()) - 1.0, np.float32)
    found[2::5, 2::5, 2::5] = scores
    return found


def shares(described: Described, row: Floats) -> Floats:
    """What each place adds to the cosine: how maps were drawn until now."""
    centres = (np.arange(FINE[0], dtype=np.float32) + 0.5) / FINE[0]
    found = np.zeros(FINE, np.float32)
    size = np.maximum(np.prod(described.boxes[:, 3:] - described.boxes[:, :3], axis=1), 1e-9)
    for value, box in zip(likeness_to(described, row) / size, described.boxes, strict=True):
        inside = [np.flatnonzero((centres >= box[axis]) & (centres <= box[axis + 3])) for axis in range(3)]
        found[np.ix_(*inside)] += value
    return found
