"""Two encoders of scans that cost nothing: the greys of a coarse grid, fine for one and coarse for the other.

They are made of classes that are handed in, so that the code of the first schema can index with the same vectors.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

CELLS = {"coarse": 4, "fine": 6}
"""By the encoder's name: how many cells its grid has a side."""
_DIM = 64


class Words:
    """A text encoder: hashed words."""

    def __init__(self, space: Any) -> None:
        self.space = space

    def encode(self, items: Sequence[str], /) -> Any:
        rows = np.full((len(items), _DIM), 0.05, np.float32)
        for row, text in zip(rows, items, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.strip(".,;:").encode()) % _DIM] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Grid:
    """An image encoder: how bright each cell of the first picture of a volume is beside the others."""

    batch = 1

    def __init__(self, cells: int, space: Any, preparation: Any) -> None:
        self.space, self.preparation, self._cells = space, preparation, cells

    def encode(self, items: Sequence[Any], /) -> Any:
        return self.encode_prepared([self.preparation(volume) for volume in items])

    def encode_prepared(self, items: Sequence[Any], /) -> Any:
        rows = [self._of(one.pixels[0].astype(np.float32)) for one in items]
        return np.array(rows, np.float32).reshape(-1, self._cells**2)

    def _of(self, picture: Any) -> Any:
        n = self._cells
        side = picture.shape[0] // n
        cells = picture[: n * side, : n * side].reshape(n, side, n, side).mean(axis=(1, 3)).ravel()
        beside = cells - cells.mean() + 1e-3
        return beside / np.linalg.norm(beside)


def encoders(space: Any, preparation: Any, pair: Any) -> dict[str, Callable[[str], Any]]:
    """By name, as the registry has them; given the classes Space, SlicePreparation and DualEncoder."""

    def made(name: str) -> Callable[[str], Any]:
        cells = CELLS[name]
        image = Grid(cells, space(name, "1", "slices of 48", cells**2), preparation(size=48, per_plane=1))
        return lambda _: pair(name, image, Words(space("words", "1", "words", _DIM)))

    return {name: made(name) for name in CELLS}
