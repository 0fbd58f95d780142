"""Comparing volumes by their parts: late interaction on the nearest ones, and finding a spot again.

Max-sim is ColBERT's (Khattab and Zaharia 2020, arXiv 2004.12832) with cells of a volume in place of tokens of a text;
as the mean over the query's tokens, so that it lies on the scale of a cosine. That only the nearest by the whole volume
are compared, that a query's words are one token, and the mixture with the cosine of the whole are our choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from spinecho.db.schema.database import Database
from spinecho.db.store.part_vectors import StoredRegions, stored_regions
from spinecho.db.values import SpaceRecord, VolumeCard
from spinecho.db.vectors.indexes.protocol import Neighbours, Rows
from spinecho.encoders.networks.parts_of_volumes import Floats, overlap
from spinecho.search.channels.found import RegionHit
from spinecho.search.query import Box

RERANKED, _FEWEST = 200, 20
"""Volumes compared by parts; a query of several volumes shares them out, each having so many at least."""
_PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True)
class Look:
    """How volumes are compared by their parts.

    tokens: for each of the query's volumes (or its words) (t, dim) unit rows; rows of zeros do not count.
    weight: of max-sim against the cosine. At 1 parts alone decide, and volumes whose parts are not stored are left out.
    channel: what hits call the similarity.
    locate: hits tell their best cell where it is at least so similar; None for never.
    """

    tokens: Sequence[Rows]
    weight: float
    channel: str = "regions"
    locate: float | None = None


@dataclass(frozen=True)
class Compared:
    """What came of it, for the rows of the `Neighbours` that were compared.

    ranks: (q, m) what orders the volumes in place of their similarities; -inf for those left out.
    parts: by (row, vector id), of those whose parts were compared: max-sim, and the cell that fits best.
    unknown: volumes among the nearest whose parts are not stored.
    """

    ranks: NDArray[np.float32]
    parts: Mapping[tuple[int, int], tuple[float, RegionHit]] = field(default_factory=dict)
    unknown: int = 0


def by_parts(
    database: Database, space: SpaceRecord, nearest: Neighbours, cards: Mapping[int, VolumeCard], look: Look
) -> Compared:
    """Compare the nearest volumes by their parts: one query to the database, one product of matrices a query volume.

    cards: by vector id. A volume without stored parts keeps its cosine. What lies too far down to be compared stays
    below what was.
    """
    heads = nearest.ids[:, : max(_FEWEST, RERANKED // max(1, len(nearest.ids)))]
    volumes = {cards[key].volume_id: None for key in heads.ravel().tolist() if key in cards}
    stored = stored_regions(database, space, list(volumes))
    ranks = nearest.similarities.copy()
    parts: dict[tuple[int, int], tuple[float, RegionHit]] = {}
    for row, (ids, tokens) in enumerate(zip(heads.tolist(), look.tokens, strict=True)):
        places = [at for at, key in enumerate(ids) if key in cards and cards[key].volume_id in stored]
        regions = [stored[cards[ids[at]].volume_id] for at in places]
        values, cells = max_sim(tokens, regions)
        done = np.isfinite(values)
        if look.weight >= 1.0:
            ranks[row] = -np.inf
        for at, value, cell, region in zip(places, values.tolist(), cells.tolist(), regions, strict=True):
            if not np.isfinite(value):
                continue
            whole = float(nearest.similarities[row, at])
            ranks[row, at] = look.weight * value + (1.0 - look.weight) * whole
            volume = cards[ids[at]].volume_id
            parts[row, ids[at]] = (value, RegionHit(volume, cell_box(region.grid, cell), {}, value))
        if done.any() and look.weight < 1.0:
            _keep_below(ranks[row], len(ids))
    return Compared(ranks, parts, len(volumes) - len(stored))


def max_sim(tokens: Rows, regions: Sequence[StoredRegions]) -> tuple[Floats, NDArray[np.int64]]:
    """For each volume (max-sim, the cell nearest to any token), -inf and 0 where either side holds nothing.

    tokens: (t, dim). Max-sim is the mean over tokens of the best cosine with a cell; zero rows count on neither side.
    """
    asked = tokens[np.any(tokens != 0, axis=1)]
    if not regions or not len(asked):
        return np.full(len(regions), -np.inf, np.float32), np.zeros(len(regions), np.int64)
    most = max(len(region.rows) for region in regions)
    cells = np.zeros((len(regions), most, tokens.shape[1]), np.float32)
    for place, region in enumerate(regions):
        cells[place, : len(region.rows)] = region.rows
    filled = np.any(cells != 0, axis=2)
    cosines = np.einsum("ncd,td->nct", cells, asked, optimize=True)
    cosines = np.where(filled[:, :, None], cosines, -np.inf)
    values: Floats = cosines.max(axis=1).mean(axis=1).astype(np.float32)
    return values, cosines.max(axis=2).argmax(axis=1).astype(np.int64)


def cell_box(grid: tuple[int, int, int], cell: int) -> Box:
    """The box of a cell, as fractions of the volume."""
    i, j, k = (int(at) for at in np.unravel_index(cell, grid))
    across, along, up = grid
    return i / across, j / along, k / up, (i + 1) / across, (j + 1) / along, (k + 1) / up


def stored_box_vector(regions: StoredRegions, box: Box) -> Floats:
    """(dim,) unit vector of a box from stored cells, each by the share of it that the box holds; zeros for nothing.

    Coarser than `parts_of_volumes.box_vector`: a cell does not tell which of its parts lie in the box, nor how
    much it weighed in the volume.
    """
    boxes = np.array([cell_box(regions.grid, cell) for cell in range(len(regions.rows))], np.float32)
    total = overlap(boxes, box) @ regions.rows
    length = float(np.linalg.norm(total))
    unit: Floats = (total / length if length > 1e-12 else np.zeros_like(total)).astype(np.float32)
    return unit


def slices_in(box: Box, shape: tuple[int, int, int]) -> dict[str, tuple[int, int]]:
    """By plane, the first and last slice (both inside, from 0) that a box of a volume of this shape touches."""
    found: dict[str, tuple[int, int]] = {}
    for plane, low, high, n in zip(_PLANES, box[:3], box[3:], shape, strict=True):
        first = min(floor(low * n + 1e-6), n - 1)
        found[plane] = (first, max(first, min(ceil(high * n - 1e-6), n) - 1))
    return found


def _keep_below(ranks: NDArray[np.float32], compared: int) -> None:
    """Move what was not compared below what was, in its own order."""
    head, tail = ranks[:compared], ranks[compared:]
    if tail.size and np.isfinite(tail[0]):
        lowest = float(head[np.isfinite(head)].min())
        tail -= max(0.0, float(tail[0]) - lowest)
