"""Tiny random checkpoints under exactly the names that others publish, from lists taken from their own modules.

A list lies in `tests/encoders/published`; its first lines say of which module and version. Numbers come from NumPy's
old generator by a tensor's name, so that other programs make the same weights.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

LISTS = Path(__file__).parent / "encoders" / "published"


def published(name: str) -> dict[str, tuple[tuple[int, ...], int]]:
    """By the name of a tensor ("*" for a layer's number): its shape, and how many layers have it."""
    found = {}
    for line in (LISTS / f"{name}.txt").read_text().splitlines():
        if not line.startswith("#"):
            tensor, shape, count = line.split()
            found[tensor] = (() if shape == "-" else tuple(map(int, shape.split("x"))), int(count))
    return found


def whole(name: str) -> dict[str, tuple[int, ...]]:
    """Every tensor of the published checkpoint with its shape."""
    return tiny(name, {}, layers=None)


def tiny(name: str, sizes: Mapping[int, int], *, layers: int | None) -> dict[str, tuple[int, ...]]:
    """The same tensors with other sizes and fewer layers. layers: None for all."""
    found = {}
    for tensor, (shape, count) in published(name).items():
        small = tuple(sizes.get(size, size) for size in shape)
        for layer in range(count if layers is None or "*" not in tensor else layers):
            found[tensor.replace("*", str(layer))] = small
    return found


def weights_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Random weights far from zero; what scales a norm lies around one."""
    made = {}
    for name, shape in shapes.items():
        values = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape) * 0.2
        if name.endswith("weight") and len(shape) == 1:
            values = 1 + values
        made[name] = torch.from_numpy(np.asarray(values, np.float32))
    return made


def pictures(count: int, side: int) -> torch.Tensor:
    """(count, 3, side, side) float32, the same everywhere."""
    random = np.random.RandomState(5).standard_normal((count, 3, side, side))
    return torch.from_numpy(random.astype(np.float32))
