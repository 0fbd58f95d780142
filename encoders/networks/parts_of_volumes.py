"""What an image encoder says of the parts of a volume, beside its one vector: for heat maps, heads and region search.

Every token stands for a box of the volume, given in fractions 0..1 of its extent along R, A and S (low corner, then
high), so that whoever draws or searches needs to know neither patches nor slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.preparing.preparation import Prepared
from spinecho.encoders.space import Vectors

GRID = (3, 3, 3)
"""Region tokens of a volume: cells along R, A and S."""

FINE = (15, 15, 15)
"""Places of a volume of which maps are drawn; the middles of the cells of `GRID` are among them."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Described:
    """One volume in parts.

    vector: (dim,) the unit vector that `encode` gives.
    tokens: (t, width) features of the parts, for heads.
    pooled: (p,) features of the whole, for heads: before the projection into the shared space.
    aligned: (t, dim) the parts in the shared space, not of unit length; `weights @ aligned` points along `vector`.
    weights: (t,) how much each part counts in `vector`, at least 0, of sum 1.
    boxes: (t, 6) what each part covers, as fractions of the volume: low R, A, S, then high R, A, S.
    """

    vector: Floats
    tokens: Floats
    pooled: Floats
    aligned: Floats
    weights: Floats
    boxes: Floats


@runtime_checkable
class WithRegions(Protocol):
    """A `Described` that comes with the rows of its grid's cells."""

    @property
    def regions(self) -> Floats:
        """(cells, dim) unit rows; see `region_vectors`."""
        ...


@runtime_checkable
class Describing(Protocol):
    """An image encoder that can tell the parts of a volume apart."""

    def describe(self, items: Sequence[Prepared], /) -> list[Described]:
        """One for each prepared volume, in order; `vector` equals what `encode_prepared` gives, within rounding."""
        ...


def region_vectors(described: Described, grid: tuple[int, int, int] = GRID) -> Vectors:
    """(cells, dim) unit rows, R slowest: the parts in each cell of a grid, pooled by overlap and weight.

    A cell that no part touches holds zeros, which match nothing.
    """
    steps = [np.linspace(0.0, 1.0, n + 1) for n in grid]
    cells = [
        [*(float(step[at]) for step, at in zip(steps, place, strict=True)),
         *(float(step[at + 1]) for step, at in zip(steps, place, strict=True))]
        for place in np.ndindex(*grid)
    ]  # fmt: skip
    return np.stack([box_vector(described, cell) for cell in cells])


def box_vector(described: Described, box: Sequence[float]) -> Floats:
    """(dim,) unit vector of what lies in a box (low R, A, S, high R, A, S; fractions); zeros where no part does."""
    share = overlap(described.boxes, box) * described.weights
    total = share @ described.aligned
    length = float(np.linalg.norm(total))
    unit: Floats = (total / length if length > 1e-12 else np.zeros_like(total)).astype(np.float32)
    return unit


def overlap(boxes: Floats, box: Sequence[float]) -> Floats:
    """(t,) which share of each part lies in the box."""
    low = np.maximum(boxes[:, :3], np.asarray(box[:3], np.float32))
    high = np.minimum(boxes[:, 3:], np.asarray(box[3:], np.float32))
    size = np.maximum(boxes[:, 3:] - boxes[:, :3], 1e-9)
    shared: Floats = np.prod(np.clip(high - low, 0.0, None) / size, axis=1).astype(np.float32)
    return shared


def added_by(described: Described, fine: tuple[int, int, int] = GRID) -> Floats:
    """(cells, dim) for each place of a grid, R slowest, what lies around it adds to the volume's unit vector.

    A row's product with a unit vector of the same space is what that part adds to their cosine. Around each place a box
    of the size of a `GRID` cell is taken, cut off at the volume's edge; those of `GRID` itself add up to the vector.
    """
    shares = []
    for axis, (places, cells) in enumerate(zip(fine, GRID, strict=True)):
        centres = (np.arange(places, dtype=np.float32) + 0.5) / places
        low, high = described.boxes[:, axis], described.boxes[:, axis + 3]
        first, last = np.clip(centres - 0.5 / cells, 0.0, 1.0), np.clip(centres + 0.5 / cells, 0.0, 1.0)
        shared = np.minimum(last[:, None], high) - np.maximum(first[:, None], low)
        shares.append(np.clip(shared, 0.0, None) / np.maximum(high - low, 1e-9))
    across, along, up = shares
    whole = described.weights @ described.aligned
    weights = described.weights / max(float(np.linalg.norm(whole)), 1e-12)
    level = (along[:, None] * up[None]).reshape(-1, len(described.boxes)) * weights
    rows: Floats = np.concatenate([(level * one) @ described.aligned for one in across]).astype(np.float32)
    return rows


def added_by_stored(vector: Floats, regions: Floats) -> Floats:
    """The same of what the index holds: a volume's unit vector (dim,) and the unit rows of its cells (cells, dim).

    How much each cell adds is not stored. It follows from that all of them add up to the vector (non-negative least
    squares, Lawson and Hanson 1974).
    """
    from scipy.optimize import nnls  # noqa: PLC0415  (slow to import)

    rows = np.nan_to_num(regions, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float64)
    counts, _ = nnls(rows.T, np.nan_to_num(vector).astype(np.float64))
    added: Floats = (rows * counts[:, None]).astype(np.float32)
    return added


def likeness_to(described: Described, text: Floats) -> Floats:
    """(t,) how much each part adds to the cosine of the volume with a unit vector of the same space.

    Sums to that cosine: the share of each part, positive or negative, for a heat map.
    """
    whole = described.weights @ described.aligned
    length = max(float(np.linalg.norm(whole)), 1e-12)
    shares: Floats = (described.weights * (described.aligned @ text) / length).astype(np.float32)
    return shares
