"""A fake encoder whose features carry what is planted in a volume, and caches made with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spinecho.encoders.heads.fitting.features import FeatureCache
from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.encoders.preparing.preparation import BlockPreparation, Prepared
from spinecho.encoders.space import Space
from spinecho.encoders.training.data.examples import Example, Facts

WIDTH, GRID = 6, 4
SPACE = Space("fake", "a" * 64, "b" * 64, WIDTH)
CELLS = np.array(
    [[*(n / GRID for n in place), *((n + 1) / GRID for n in place)] for place in np.ndindex(GRID, GRID, GRID)],
    np.float32,
)


class FakeEncoder:
    """Tokens are 4 x 4 x 4 cells of a block of 8: mean, spread, and four fixed mixtures of both; pooled, their means.

    `calls` counts described volumes, `fail_after` raises once so many are done.
    """

    batch = 1

    def __init__(self, space: Space = SPACE, *, fail_after: int | None = None) -> None:
        self.space, self.preparation = space, BlockPreparation((8, 8, 8))
        self.calls, self.fail_after = 0, fail_after

    def describe(self, items: Sequence[Prepared], /) -> list[Described]:
        self.calls += len(items)
        if self.fail_after is not None and self.calls > self.fail_after:
            raise KeyboardInterrupt
        return [described(item.pixels.astype(np.float32) / 255) for item in items]


def described(block: np.ndarray[Any, Any]) -> Described:
    cells = block.reshape(GRID, 2, GRID, 2, GRID, 2).transpose(0, 2, 4, 1, 3, 5).reshape(GRID**3, 8)
    mean, spread = cells.mean(axis=1), cells.std(axis=1)
    tokens = np.stack(
        [mean, spread, mean**2, mean * spread, np.abs(mean - 0.5), np.full_like(mean, 0.3)], axis=1
    ).astype(np.float32)
    pooled = np.concatenate([tokens.mean(axis=0), tokens.std(axis=0)]).astype(np.float32)
    weights = np.full(len(tokens), 1 / len(tokens), np.float32)
    vector = weights @ tokens
    return Described(vector / np.linalg.norm(vector), tokens, pooled, tokens, weights, CELLS)


def facts(number: int, **known: Any) -> Facts:
    """Two volumes a patient."""
    return Facts(f"{number:04d}", f"s{number // 2}", f"p{number // 2}", "made", **known)


def planted(number: int, share: float, *, spot: tuple[int, ...] | None = None, **known: Any) -> Example:
    """A block of which a share is grey and the rest dark; with a bright spot of 2 x 2 x 2 voxels at a cell."""
    random = np.random.default_rng(number)
    grey = np.where(random.random((8, 8, 8)) < share, 130.0, 40.0) + random.normal(0, 8, (8, 8, 8))
    if spot is not None:
        i, j, k = (2 * n for n in spot)
        grey[i : i + 2, j : j + 2, k : k + 2] = random.normal(235, 8, (2, 2, 2))
    grey[0, 0, :2], grey[0, 0, 2:4] = 0, 255  # so that every volume's grey window is the same
    return Example(np.clip(grey, 0, 255).astype(np.uint8), (1.0, 1.0, 1.0), facts(number, **known))


Make = Callable[[Sequence[Example]], FeatureCache]
