"""Where in a scan the parts lie that stand out for some words, on the scale of `evidence.scale`.

A part is judged by what it adds to the cosine of the scan with the words: the encoder's vector is a sum over parts, so
a part that hardly counts in it hardly counts here. (Judged by their own direction alone, parts point at the lesions of
generated scans far less often: `benchmarks.pointing`.) The map says what the encoder compared, never where a lesion
ends: a part is a third of the volume along each axis, taken around each place of a fine grid. Whether anything stands
out is decided by the parts that the index holds, on which the scale was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinecho.encoders.networks.parts_of_volumes import (
    FINE,
    GRID,
    Described,
    Floats,
    WithRegions,
    added_by,
    added_by_stored,
)
from spinecho.search.evidence.scale import LEVELS, Scale


@dataclass(frozen=True)
class Heat:
    """cells: (r, a, s) score around each place of a grid over the volume's extent. cosine: of the whole with the words.

    hottest: the highest score of the volume's parts. floor: what it has to reach for anything to stand out.
    """

    cells: Floats
    cosine: float
    hottest: float
    floor: float

    @property
    def stands_out(self) -> bool:
        """Whether any part of the volume fits the words better than unrelated words fit the parts of this archive."""
        return self.hottest >= self.floor

    @property
    def levels(self) -> tuple[float, ...]:
        """Scores at which outlines are drawn."""
        return tuple(self.floor * one for one in LEVELS)

    def plane(self, axis: int, fraction: float) -> Floats:
        """(two other axes, in order) the scores on a slice at a fraction of `axis`."""
        count = self.cells.shape[axis]
        at = float(np.clip(fraction * count - 0.5, 0, count - 1))
        low = min(int(at), max(count - 2, 0))
        high, share = min(low + 1, count - 1), at - low
        between = (1 - share) * np.take(self.cells, low, axis=axis) + share * np.take(self.cells, high, axis=axis)
        shown: Floats = between.astype(np.float32)
        return shown

    def along(self, axis: int, slices: int) -> Floats:
        """(slices,) the highest score on each slice."""
        return np.array([self.plane(axis, (at + 0.5) / slices).max() for at in range(slices)], np.float32)


def heat_map(described: Described, vector: Floats, scale: Scale) -> Heat:
    """How far every place of a volume stands out for the words of a unit vector (dim,).

    An encoder that has the rows of its grid's cells (`WithRegions`) tells no finer places than these.
    """
    if isinstance(described, WithRegions):
        grid, parts = GRID, added_by_stored(described.vector, described.regions)
        places = parts
    else:
        grid, parts, places = FINE, added_by(described), added_by(described, FINE)
    cells = _finite(scale.scores(places, vector)).reshape(grid)
    hottest = float(_finite(scale.scores(parts, vector)).max())
    return Heat(cells, float(described.vector @ vector), hottest, scale.floor)


def _finite(scores: Floats) -> Floats:
    """An encoder's slip stands out for nothing."""
    return np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0)
