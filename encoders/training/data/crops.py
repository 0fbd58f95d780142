"""Parts of a volume in millimetres, each a block of its own, as self-supervision sees them.

A view keeps the grid it was acquired with: its box is drawn in voxels of the example, its place is counted from its
own centre, and its size in mm is told as it is, but for a small change of scale (bodies differ in size).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.preparing.patch_grid import patch_grid
from spinecho.encoders.preparing.preparation import BlockPreparation, Prepared
from spinecho.encoders.training.data.augment import Recipe, augmented, turn
from spinecho.encoders.training.data.examples import Example

Chosen: TypeAlias = NDArray[np.bool_]


class Views(NamedTuple):
    """What an objective sees of one volume. `masks`: for each of `whole`, which of its patches are hidden (t,)."""

    whole: tuple[Prepared, ...]
    local: tuple[Prepared, ...]
    masks: tuple[Chosen, ...]


@dataclass(frozen=True, slots=True)
class Crops:
    """Which parts of a volume to show. Shares are of the volume in mm3; tokens are budgets, as in BlockPreparation."""

    patch: tuple[int, int, int] = (4, 16, 16)
    whole: int = 2
    whole_share: tuple[float, float] = (0.4, 1.0)
    whole_tokens: int = 256
    local: int = 4
    local_share: tuple[float, float] = (0.05, 0.3)
    local_tokens: int = 48
    turned: float = 0.3
    """How often a view is turned and moved a little."""
    scale: float = 0.05
    """Standard deviation of the change of size, as a share."""
    masked: float = 0.5
    """How often a whole view has patches hidden."""
    mask_share: tuple[float, float] = (0.1, 0.5)
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        for low, high in (self.whole_share, self.local_share, self.mask_share):
            if not 0 < low <= high <= 1:
                raise ValueError(f"shares must rise within 0 to 1: {self}")
        if self.whole < 1 or self.local < 0:
            raise ValueError(f"there must be a view of the whole: {self}")

    def __call__(self, example: Example, generator: np.random.Generator) -> Views:
        """Views that are the same for the same example and generator."""
        whole = tuple(self._view(example, generator, self.whole_share, self.whole_tokens) for _ in range(self.whole))
        local = tuple(self._view(example, generator, self.local_share, self.local_tokens) for _ in range(self.local))
        masks = []
        for view in whole:
            grid = patch_grid(view.pixels.shape, self.patch)
            share = generator.uniform(*self.mask_share) if generator.random() < self.masked else 0.0
            masks.append(hidden(grid, share, generator))
        return Views(whole, local, tuple(masks))

    def _view(self, example: Example, rng: np.random.Generator, shares: tuple[float, float], tokens: int) -> Prepared:
        acquired = example.volume().slice_axis  # the whole volume's: a crop may be a cube
        grey = example.grey[box(example.grey.shape, rng.uniform(*shares), rng)]
        for axis in self.recipe.flips:
            grey = np.flip(grey, axis) if rng.random() < 0.5 else grey
        size = float(np.exp(rng.normal(0, self.scale)))
        blocks = BlockPreparation(self.patch, tokens)
        shown, voxel_mm = blocks.fit(grey, [mm * size for mm in example.spacing_mm], acquired)
        if rng.random() < self.turned:
            shown = turn(shown, rng, self.recipe.strength, voxel_mm=voxel_mm)
        return blocks.pad(augmented(shown, rng, self.recipe), voxel_mm, acquired)


def box(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> tuple[slice, ...]:
    """A part of about `share` of the volume, of about its proportions, anywhere; at least a voxel along each axis."""
    sides = share ** (1 / 3) * np.exp(rng.normal(0, 0.1, 3))
    counts = [int(np.clip(round(n * side), 1, n)) for n, side in zip(shape, sides, strict=True)]
    starts = [int(rng.integers(0, n - count + 1)) for n, count in zip(shape, counts, strict=True)]
    return tuple(slice(start, start + count) for start, count in zip(starts, counts, strict=True))


def hidden(grid: tuple[int, int, int], share: float, rng: np.random.Generator) -> Chosen:
    """(t,) which patches to hide: boxes (BEiT's blocks, arXiv 2106.08254) up to the share, never all of them."""
    chosen = np.zeros(grid, np.bool_)
    wanted = min(round(share * chosen.size), chosen.size - 1)
    for _ in range(20):
        left = wanted - int(chosen.sum())
        if left <= 0:
            break
        chosen[box(grid, min(0.5, rng.uniform(0.3, 1.0) * left / chosen.size), rng)] = True
    flat = chosen.ravel()
    for on in (True, False):  # too many or too few: single patches make up for it
        excess = int(flat.sum()) - wanted if on else wanted - int(flat.sum())
        if excess > 0:
            flat[rng.choice(np.flatnonzero(flat == on), excess, replace=False)] = not on
    return flat
