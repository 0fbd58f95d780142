"""The scale on which parts of scans are compared with words: one for every study of an archive.

A cosine of a part with some words means nothing by itself: every part of a brain is nearer to "infarct" than to "knee".
So 0 is what these words give to the parts of this archive on average, or nothing where that is less, and 1 the spread
of what words give that have nothing to do with MR. Such words reach some way up too: `floor` is what the hottest part
of a scan reaches for one in twenty of them. Below it nothing stands out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LEVELS = (1.0, 1.5)
"""Where outlines are drawn, in multiples of the floor."""
_REACHED = 0.95
_ROUNDED = 7


@dataclass(frozen=True, slots=True)
class Scale:
    """usual: (dim,) the mean part of this archive. spread: of what unrelated words give to parts, around what is usual
    for these. floor: below it nothing stands out. parts, questions: what it was measured on.
    """

    usual: Floats
    spread: float
    floor: float
    parts: int = 0
    questions: int = 0

    def scores(self, rows: Floats, vector: Floats) -> Floats:
        """(n,) for (n, dim) rows of parts and the unit vector of some words."""
        found: Floats = ((rows @ vector - self._zero(vector)) / self.spread).astype(np.float32)
        return found

    def least(self, vector: Floats) -> float:
        """The product with the unit vector of some words from which on a part stands out."""
        return self._zero(vector) + self.floor * self.spread

    def _zero(self, vector: Floats) -> float:
        return max(float(self.usual @ vector), 0.0)

    @property
    def levels(self) -> tuple[float, ...]:
        """Where outlines are drawn."""
        return tuple(self.floor * one for one in LEVELS)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, rounded far below what fp16 vectors tell."""
        return {
            "usual": [round(float(one), _ROUNDED) for one in self.usual], "spread": round(self.spread, 9),
            "floor": round(self.floor, 4), "parts": self.parts, "questions": self.questions,
        }  # fmt: skip


def scale_of(plain: Mapping[str, Any]) -> Scale:
    """A scale from its JSON. Raises `KeyError`, `TypeError` and `ValueError` for what is none."""
    usual = np.asarray(plain["usual"], np.float32)
    spread, floor = float(plain["spread"]), float(plain["floor"])
    if usual.ndim != 1 or not (spread > 0 and np.isfinite([spread, floor]).all() and np.isfinite(usual).all()):
        raise ValueError("no scale of parts")
    return Scale(usual, spread, floor, int(plain["parts"]), int(plain["questions"]))


def measured(volumes: Sequence[Floats], unrelated: Floats) -> Scale | None:
    """The scale by the parts of some volumes, each (cells, dim), and (questions, dim) unit vectors of unrelated words.

    Rows of zeros, which hold nothing, do not count. None where parts do not differ, so that nothing can be told from
    them.
    """
    filled = [rows[np.any(rows != 0, axis=1)] for rows in volumes]
    filled = [rows for rows in filled if len(rows)]
    if not filled or not len(unrelated):
        return None
    every = np.concatenate(filled)
    usual = every.mean(axis=0, dtype=np.float64).astype(np.float32)
    given, average = every @ unrelated.T, unrelated @ usual
    spread = float(np.sqrt(np.mean((given - average).astype(np.float64) ** 2)))
    if not np.isfinite(spread) or spread < 1e-7:
        return None
    starts = np.cumsum([0, *(len(rows) for rows in filled[:-1])])
    hottest = np.maximum.reduceat((given - np.maximum(average, 0.0)) / spread, starts, axis=0)
    return Scale(usual, spread, float(np.quantile(hottest, _REACHED)), len(every), len(unrelated))
