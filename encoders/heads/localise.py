"""Where in a volume something is: from a head's heat over tokens to a picture, a box and slices.

A heat over tokens becomes a field over the volume by normalised convolution (Knutsson and Westin 1993): each token
counts fully inside its box and ever less outside it, over a quarter of its own size, so gaps between thin slabs are
bridged and what no token covers fades to 0. All geometry is in fractions of the volume, so it holds for any grid.
Our choices: the fall-off, a field of 40 cells a side for boxes, and the level at which a box ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.heads.predictions import Box, HeadError, Localisation
from spinecho.encoders.networks.parts_of_volumes import Described, Floats

_FIELD = 40
_LEVEL = 0.62
"""Of the greatest heat: where the edge of a single hot token among cold ones lies."""


def located(described: Described, heat: Floats, *, score: float, axis: int = 2, slices: int = 1) -> Localisation:
    """A heat over tokens with its box and slices; none of them where there is no heat."""
    box = field_box(described.boxes, heat)
    return Localisation(heat, box, None if box is None else slice_range(box, axis=axis, slices=slices), score)


def field_box(boxes: Floats, heat: Floats) -> Box | None:
    """What the part around the hottest place covers, down to `_LEVEL` of its heat; None where there is no heat."""
    if not len(heat) or float(heat.max()) <= 0:
        return None
    field = _field(boxes, heat, (_FIELD, _FIELD, _FIELD))
    top = float(field.max())
    if top <= 0:  # the hottest token is thinner than a cell and drowned by others
        return _ordered(boxes[int(heat.argmax())])
    hot = _connected(field >= _LEVEL * top, int(field.argmax()))
    low, high = [], []
    for axis in range(3):
        filled = np.flatnonzero(hot.any(axis=tuple(other for other in range(3) if other != axis)))
        low.append(float(filled[0]) / _FIELD)
        high.append(float(filled[-1] + 1) / _FIELD)
    return low[0], low[1], low[2], high[0], high[1], high[2]


def slice_range(box: Box, *, axis: int, slices: int) -> tuple[int, int]:
    """First and last slice that a box touches, of `slices` along an axis (0 R, 1 A, 2 S), counted from 0 in RAS+.

    Raises HeadError for an axis or a number of slices that cannot be.
    """
    if axis not in (0, 1, 2) or slices < 1:
        raise HeadError(f"no volume has {slices} slices along axis {axis}; give an axis 0 to 2 and at least one slice")
    first = min(slices - 1, int(np.floor(box[axis] * slices + 1e-6)))
    last = min(slices - 1, int(np.ceil(box[axis + 3] * slices - 1e-6)) - 1)
    return first, max(first, last)


def box_overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    sides = [min(one[a + 3], other[a + 3]) - max(one[a], other[a]) for a in range(3)]
    shared = float(np.prod(np.maximum(sides, 0.0)))
    both = sum(float(np.prod([box[a + 3] - box[a] for a in range(3)])) for box in (one, other))
    return shared / max(both - shared, 1e-12)


def _field(boxes: Floats, heat: Floats, shape: tuple[int, ...]) -> Floats:
    """The heat in cells of a grid over the volume."""
    if not len(heat):
        return np.zeros(shape, np.float32)
    weights = []
    for axis, n in enumerate(shape):
        places = (np.arange(n, dtype=np.float32) + 0.5) / n
        low, high = boxes[:, axis, None], boxes[:, axis + 3, None]
        outside = np.maximum(np.maximum(low - places, places - high), 0.0)
        reach = np.maximum((high - low) / 4, 0.5 / n)
        weights.append(np.exp(-0.5 * (outside / reach) ** 2))
    i, j, k = weights
    plane = (i[:, :, None] * j[:, None, :]).reshape(len(heat), -1)
    total = plane.T @ k
    sums = plane.T @ (k * heat[:, None])
    # What is hardly reached by any token fades; the division keeps the rest within the heat's own range.
    share = np.where(total > 1e-6, sums / np.maximum(total, 1e-6), 0.0) * np.minimum(1.0, 20.0 * total)
    field: Floats = share.reshape(shape).astype(np.float32)
    return np.clip(field, min(0.0, float(heat.min())), max(0.0, float(heat.max())))


def _connected(mask: NDArray[np.bool_], start: int) -> NDArray[np.bool_]:
    """The part of a mask that hangs together with one cell, by faces."""
    found = np.zeros_like(mask)
    found.flat[start] = True
    while True:
        grown = found.copy()
        for axis in range(3):
            ahead, behind = np.moveaxis(grown, axis, 0), np.moveaxis(found, axis, 0)
            ahead[1:] |= behind[:-1]
            ahead[:-1] |= behind[1:]
        grown &= mask
        if np.array_equal(grown, found):
            return found
        found = grown


def _ordered(box: Floats) -> Box:
    a, b, c, d, e, f = (min(1.0, max(0.0, float(value))) for value in box)
    return a, b, c, d, e, f
