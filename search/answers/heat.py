"""Which slices of a scan speak for a sentence, or for another scan: what each part adds to their cosine.

The encoder's vector is a weighted sum over parts, so a cosine splits into shares that add up to it; see
`parts_of_volumes.likeness_to`. A share is spread evenly over its part's box. It says what the encoder compared,
never where a lesion ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinecho.encoders.networks.parts_of_volumes import Described, Floats, likeness_to

_MOST = 48
"""Cells of the map along an axis; parts are coarser than that."""


@dataclass(frozen=True)
class Heat:
    """cells: (r, a, s) share of the cosine in each cell of the volume's extent; sums to `cosine` less what the boxes of
    parts leave uncovered.
    """

    cells: Floats
    cosine: float

    def plane(self, axis: int, fraction: float) -> Floats:
        """(two other axes, in order) the map on a slice at a fraction of `axis`, 1 at the hottest cell."""
        at = min(int(fraction * self.cells.shape[axis]), self.cells.shape[axis] - 1)
        hottest = max(float(self.cells.max()), 1e-12)
        shown: Floats = np.clip(np.take(self.cells, at, axis=axis) / hottest, 0.0, 1.0).astype(np.float32)
        return shown

    def along(self, axis: int, slices: int) -> Floats:
        """(slices,) what each slice adds, as a share of all that speaks for it (0..1); no negative shares."""
        other = tuple(number for number in range(3) if number != axis)
        hot = np.clip(self.cells, 0.0, None).sum(axis=other)
        edges = np.linspace(0, len(hot), slices + 1)
        total = np.concatenate([[0.0], np.cumsum(hot)])
        added = np.diff(np.interp(edges, np.arange(len(hot) + 1), total))
        shares: Floats = (added / max(float(added.sum()), 1e-12)).astype(np.float32)
        return shares


def heat_map(described: Described, vector: Floats, shape: Sequence[int]) -> Heat:
    """What every place of a volume of `shape` (i, j, k voxels) adds to its cosine with a unit vector (dim,)."""
    size = tuple(min(_MOST, max(1, int(count))) for count in shape)
    cells = np.zeros(size, np.float64)
    for share, box in zip(likeness_to(described, vector), described.boxes, strict=True):
        spans = [_covered(low, high, count) for low, high, count in zip(box[:3], box[3:], size, strict=True)]
        part = np.einsum("i,j,k->ijk", *(weight for _, weight in spans))
        place = tuple(slice(at, at + len(weight)) for at, weight in spans)
        cells[place] += float(share) * part / max(float(part.sum()), 1e-12)
    cells = np.nan_to_num(cells, nan=0.0, posinf=0.0, neginf=0.0)  # an encoder's slip speaks for nothing
    return Heat(cells.astype(np.float32), float(described.vector @ vector))


def _covered(low: float, high: float, count: int) -> tuple[int, Floats]:
    """(first cell, how much of each cell from there on lies between two fractions)."""
    start, stop = float(np.clip(low, 0, 1)) * count, float(np.clip(high, 0, 1)) * count
    first = min(int(start), count - 1)
    last = max(first + 1, min(count, int(np.ceil(stop))))
    edges = np.arange(first, last + 1, dtype=np.float64)
    covered = np.minimum(edges[1:], stop) - np.maximum(edges[:-1], start)
    weights: Floats = np.maximum(covered, 1e-6).astype(np.float32)
    return first, weights
