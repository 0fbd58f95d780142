"""Volumes of any shapes as one batch: patches in rows, as long as the longest, with a mask.

Rows were chosen over one long row with block-diagonal attention: PyTorch's attention over jagged rows runs on CUDA
alone, and batches sorted by length are nearly full anyway. A batch whose rows are all full has no mask, which lets
SDPA take its fastest kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinecho.encoders.preparing.patch_grid import patch_places, volume_facts
from spinecho.encoders.preparing.preparation import Prepared


class Packed(NamedTuple):
    """n volumes of at most t patches.

    patches (n, t, voxels) uint8; centres (n, t, 3) float32, mm from the volume's centre along R, A, S; facts (n, 6)
    float32, see `volume_facts`; filled (n, t) bool, false behind the end of a row; full: whether it is never false.
    """

    patches: Tensor
    centres: Tensor
    facts: Tensor
    filled: Tensor
    full: bool

    def to(self, device: torch.device | str) -> Packed:
        """The same on another device."""
        patches, centres, facts, filled = (part.to(device, non_blocking=True) for part in self[:4])
        return Packed(patches, centres, facts, filled, self.full)


def pack(
    items: Sequence[Prepared], patch: tuple[int, int, int], *, keep: Sequence[NDArray[Any] | None] | None = None
) -> Packed:
    """One batch of what `BlockPreparation` gives; `keep` names the patches of each to take, None for all of them.

    Raises ValueError for a block that patches do not tile, and for no blocks at all.
    """
    if not items:
        raise ValueError("a batch needs at least one volume")
    rows, places = [], []
    for number, item in enumerate(items):
        row, centres = in_patches(item.pixels, patch), patch_places(item.geometry, patch)[0]
        kept = None if keep is None else keep[number]
        rows.append(row if kept is None else row[kept])
        places.append(centres if kept is None else centres[kept])
    longest = max(map(len, rows))
    patches = np.zeros((len(rows), longest, rows[0].shape[1]), np.uint8)
    centres = np.zeros((len(rows), longest, 3), np.float32)
    filled = np.zeros((len(rows), longest), np.bool_)
    for number, (row, place) in enumerate(zip(rows, places, strict=True)):
        patches[number, : len(row)], centres[number, : len(row)] = row, place
        filled[number, : len(row)] = True
    facts = torch.from_numpy(np.stack([volume_facts(item.geometry) for item in items]))
    return Packed(
        torch.from_numpy(patches), torch.from_numpy(centres), facts, torch.from_numpy(filled), bool(filled.all())
    )


def in_patches(block: NDArray[np.uint8], patch: tuple[int, int, int]) -> NDArray[np.uint8]:
    """(d, h, w) to (t, voxels), the last axis fastest in both."""
    if block.ndim != 3 or any(n < p or n % p for n, p in zip(block.shape, patch, strict=True)):
        raise ValueError(f"a block of {block.shape} voxels cannot be tiled with patches of {patch}")
    (d, h, w), (e, i, j) = (n // p for n, p in zip(block.shape, patch, strict=True)), patch
    return block.reshape(d, e, h, i, w, j).transpose(0, 2, 4, 1, 3, 5).reshape(d * h * w, e * i * j)


def tokens_of(item: Prepared, patch: tuple[int, int, int]) -> int:
    """How many patches a block has."""
    return int(item.pixels.size // np.prod(patch))


def by_length(lengths: Sequence[int], *, most: int, rows: int) -> Iterator[list[int]]:
    """Indices in groups of like lengths: no more than `rows` of them, and `most` tokens with the padding.

    A single row may be longer than `most`.
    """
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda at: (-lengths[at], at)):  # the first of a group is its longest
        if group and (len(group) == rows or (len(group) + 1) * lengths[group[0]] > most):
            yield group
            group = []
        group.append(index)
    if group:
        yield group
