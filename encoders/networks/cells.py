"""Frozen features of the cells of a stack of pictures: what the 2.5D tower reads.

Each picture of a `StackPreparation` is divided into 8 x 8 cells. A cell is told by three stages of EfficientNet-Lite2
(Tan & Le 2019, arXiv 1905.11946; weights trained on ImageNet, never on MR): fine texture (stride 8), parts (stride 16)
and what surrounds it (stride 32); and by its own grey values in 4 x 4 means. Cells that show only air are left out.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from spinecho.encoders.networks.backbone_weights import DEEP, backbone_revision, backbone_weights
from spinecho.encoders.networks.slice_network import normalised, slice_network, stages_of
from spinecho.encoders.preparing.preparation import Prepared

CELLS = 8
"""Cells along each side of a picture."""
GREY = 17
"""Numbers a cell beside the DEEP ones: 16 means of grey values and their spread."""
PLACE = 16
"""Numbers that tell where a cell lies; see `places`."""
_AIR = 20
"""A cell is air when nothing in it is brighter (0..255)."""
_BATCH = 64


def _upsampling(count: int) -> NDArray[np.float32]:
    """(8, count): bilinear weights from so many cells to eight, by their centres."""
    at = np.clip((np.arange(CELLS) + 0.5) * count / CELLS - 0.5, 0.0, count - 1.0)
    return np.maximum(1.0 - np.abs(at[:, None] - np.arange(count)), 0.0).astype(np.float32)


class CellFeatures(NamedTuple):
    """One volume. deep (t, 568), grey (t, 17), place (t, 16) float32; boxes (t, 6) as in `describe`."""

    deep: NDArray[np.float32]
    grey: NDArray[np.float32]
    place: NDArray[np.float32]
    boxes: NDArray[np.float32]


class FrozenCells:
    """Pictures to features of their cells. On a CPU each volume is its own batch."""

    def __init__(self, *, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.revision = backbone_revision()
        self._frozen = slice_network("stages", backbone, lambda: self.revision)
        keep_freed_memory()

    def __call__(self, items: Sequence[Prepared], /) -> list[CellFeatures]:
        """One for each prepared volume, in order."""
        return [self._one(item) for item in items]

    def _one(self, item: Prepared) -> CellFeatures:
        kept = (_tiles(item.pixels).max(axis=(2, 4)) > _AIR).reshape(-1)
        if not kept.any():
            kept[:] = True
        deep = self._deep(item.pixels).reshape(len(kept), DEEP)[kept]
        place, boxes = places(item.geometry)
        return CellFeatures(deep, _grey(item.pixels).reshape(len(kept), GREY)[kept], place[kept], boxes[kept])

    def _deep(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, 8, 8, 568)"""
        if self.device.type != "cpu":
            return self._deep_there(torch.tensor(pixels)).numpy()
        parts = []
        for start in range(0, len(pixels), _BATCH):
            fine, middle, coarse = self._frozen({"pictures": pixels[start : start + _BATCH]})
            tiles, wide = _tiles(fine), _upsampling(coarse.shape[2])
            maps = [tiles.max(axis=(3, 5)), tiles.mean(axis=(3, 5)), middle, wide @ coarse @ wide.T]
            parts.append(np.concatenate(maps, axis=1).transpose(0, 2, 3, 1))
        return np.ascontiguousarray(np.concatenate(parts), dtype=np.float32)

    def _deep_there(self, pixels: Tensor) -> Tensor:
        """The same on another device than the CPU."""
        mixed = torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")
        parts = []
        with torch.inference_mode(), mixed:
            for start in range(0, len(pixels), _BATCH):
                fine, middle, coarse = stages_of(
                    self._network, normalised(pixels[start : start + _BATCH].to(self.device))
                )
                step = fine.shape[2] // CELLS
                maps = [
                    functional.max_pool2d(fine, step),
                    functional.avg_pool2d(fine, step),
                    middle,
                    functional.interpolate(coarse, size=(CELLS, CELLS), mode="bilinear", align_corners=False),
                ]
                parts.append(torch.cat([part.float() for part in maps], dim=1).permute(0, 2, 3, 1).cpu())
        return torch.cat(parts)

    @cached_property
    def _network(self) -> Any:
        return backbone().to(self.device, memory_format=torch.channels_last)


def backbone() -> Any:
    """EfficientNet-Lite2 with its ImageNet weights, in eval mode."""
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415  (slow to import)

    network = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(backbone_weights(), map_location="cpu", weights_only=True))
    return network.eval()


def places(geometry: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where the cells of a stack lie: place (n * 64, 16) and boxes (n * 64, 6), pictures slowest, then rows.

    place: centre in units of 100 mm from the volume's centre along R, A, S; centre as a fraction of the volume, -1..1;
    size of the cell in units of 100 mm; size of the volume, likewise; axis across the picture (one of three); 1 in the
    acquired plane. Boxes are clipped to the volume.
    """
    parts = [_picture_places(row) for row in np.asarray(geometry, np.float64)]
    return (
        np.concatenate([place for place, _ in parts]).astype(np.float32),
        np.concatenate([boxes for _, boxes in parts]).astype(np.float32),
    )


def _picture_places(row: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    axis, low, high, wide, tall, side, length, acquired = row
    across, up = (other for other in range(3) if other != int(axis))
    cells = (CELLS, CELLS)
    rows, columns = np.meshgrid(np.arange(CELLS), np.arange(CELLS), indexing="ij")
    grid = np.empty((*cells, 6))
    grid[..., int(axis)], grid[..., 3 + int(axis)] = low, high
    for other, at, share in ((across, columns, wide), (up, rows, tall)):  # both count against their axis
        filled = max(share, 1e-6)
        grid[..., other] = 0.5 - ((at + 1) / CELLS - 0.5) / filled
        grid[..., 3 + other] = 0.5 - (at / CELLS - 0.5) / filled
    boxes = grid.reshape(-1, 6)
    extent = np.empty(3)
    extent[int(axis)] = length
    extent[across], extent[up] = side * wide, side * tall
    middle = (boxes[:, :3] + boxes[:, 3:]) - 1.0
    size = (boxes[:, 3:] - boxes[:, :3]) * extent
    place = np.concatenate(
        [
            middle * extent / 2 / 100.0,
            middle,
            size / 100.0,
            np.broadcast_to(extent / 100.0, (len(boxes), 3)),
            np.broadcast_to(np.eye(3)[int(axis)], (len(boxes), 3)),
            np.full((len(boxes), 1), acquired),
        ],
        axis=1,
    )
    return np.clip(place, -20.0, 20.0), np.clip(boxes, 0.0, 1.0)


def _tiles(pictures: NDArray[Any]) -> NDArray[Any]:
    """(..., side, side) to (..., 8, side / 8, 8, side / 8): the cells and what is in each."""
    rows, columns = (side // CELLS for side in pictures.shape[-2:])
    return pictures.reshape(*pictures.shape[:-2], CELLS, rows, CELLS, columns)


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 8, 8, 17): 4 x 4 means of each cell, and its spread."""
    values = pixels.astype(np.float32) / 128.0 - 1.0
    step = pixels.shape[1] // (4 * CELLS)
    tiles = values.reshape(len(pixels), CELLS, 4, step, CELLS, 4, step).mean(axis=(3, 6))
    means = tiles.transpose(0, 1, 3, 2, 4).reshape(len(pixels), CELLS, CELLS, 16)
    square = _tiles(values**2).mean(axis=(2, 4))
    spread = np.sqrt(np.maximum(square - means.mean(axis=3) ** 2, 0.0))
    return np.concatenate([means, spread[..., None]], axis=3)


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Have the C library keep freed activations for the next volume: a third less time a volume (glibc only)."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD
