"""A tiny encoder that tells the parts of a volume apart, with heads and words in its space, and scans to try it on.

A part is a block of voxels, its feature the histogram of their greys: so "bright" lies where there are bright voxels,
and everything that comes out can be worked out by hand.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.heads.predictions import UNKNOWN, Prediction
from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.encoders.preparing.preparation import CompactPreparation, Prepared, digest
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.space import Space, Vectors

BINS, PART = 8, 4
SHAPE = (24, 24, 12)
_EDGES = np.linspace(1, 256, BINS + 1)


class PartsEncoder:
    """An image encoder that implements `Describing`."""

    batch = 1

    def __init__(self) -> None:
        self.preparation = CompactPreparation()
        self.space = Space("parts", "1", digest(self.preparation), BINS)

    def encode(self, items: Sequence[Volume], /) -> Vectors:
        return self.encode_prepared([self.preparation(volume) for volume in items])

    def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
        return np.array([one.vector for one in self.describe(items)], np.float32).reshape(-1, BINS)

    def describe(self, items: Sequence[Prepared], /) -> list[Described]:
        return [_describe(item) for item in items]


def _describe(item: Prepared) -> Described:
    shape = np.array(item.pixels.shape)
    places = np.array(list(np.ndindex(*-(-shape // PART)))) * PART
    blocks = [item.pixels[i : i + PART, j : j + PART, k : k + PART] for i, j, k in places]
    counts = np.array([np.histogram(block, bins=_EDGES)[0] for block in blocks], np.float32)
    filled = counts.sum(axis=1)
    aligned = counts**2  # rare greys of a part fade, so that one grey speaks for it
    boxes = np.concatenate([places / shape, np.minimum(places + PART, shape) / shape], axis=1)
    weights = (filled / filled.sum()).astype(np.float32)
    whole = weights @ aligned
    features = aligned.astype(np.float32)
    vector = (whole / np.linalg.norm(whole)).astype(np.float32)
    return Described(vector, features, vector[None], features, weights, boxes.astype(np.float32))


class Words:
    """A text encoder: hashed words."""

    space = Space("words", "1", "1", 64)

    def encode(self, items: Sequence[str], /) -> Vectors:
        rows = np.full((len(items), 64), 0.05, np.float32)
        for row, text in zip(rows, items, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.strip(".,;").encode()) % 64] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@dataclass
class Greys:
    """Words in the image encoder's space: "bright" is the highest bin, "dark" the lowest."""

    space: Space

    def encode(self, items: Sequence[str], /) -> Vectors:
        known = {"bright": BINS - 1, "dark": 0}
        rows = np.full((len(items), BINS), 1e-3, np.float32)
        for row, text in zip(rows, items, strict=True):
            for word in text.lower().split():
                row[known.get(word, BINS // 2)] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@dataclass
class Heads:
    """Heads that say how bright a volume is, guess an age from it, and will not always say what ails it."""

    space: Space
    revisions: dict[str, str] = field(default_factory=lambda: {"brightness": "a", "age": "a", "finding": "a"})

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.revisions)

    def predict(self, items: Sequence[Described]) -> list[tuple[Prediction, ...]]:
        return [tuple(self._say(task, item) for task in self.tasks) for item in items]

    def _say(self, task: str, item: Described) -> Prediction:
        share = float(item.weights @ (item.aligned[:, -1] > 0))
        if task == "age":
            return Prediction("age", f"{100 * share:.1f}", 0.7, 100 * share, {"unit": "years"})
        if task == "finding":
            known = share > 0.1
            return Prediction(task, "cyst, 50%_mass" if known else UNKNOWN, 0.9 if known else 0.4)
        return Prediction(task, "bright" if share > 0.1 else "dim", min(1.0, 0.5 + share))


def parts_dual(*, aligned: bool = True, heads: bool = True) -> DualEncoder:
    image = PartsEncoder()
    return DualEncoder(
        "parts",
        image,
        Words(),
        Greys(image.space) if aligned else None,
        Heads(image.space) if heads else None,
    )


def plain_dual() -> DualEncoder:
    """The same vectors from an encoder that tells nothing of parts."""

    class Plain:
        batch = 1

        def __init__(self) -> None:
            self._inner = PartsEncoder()
            self.preparation, self.space = self._inner.preparation, self._inner.space

        def encode(self, items: Sequence[Volume], /) -> Vectors:
            return self._inner.encode(items)

        def encode_prepared(self, items: Sequence[Prepared], /) -> Vectors:
            return self._inner.encode_prepared(items)

    return DualEncoder("parts", Plain(), Words())


def brain(seed: int, *, bright: tuple[slice, slice, slice] | None = None, dark: Any = None) -> np.ndarray:
    """Voxels of middling greys, with a bright box and a dark one; two rows at an edge fix the window."""
    voxels = np.random.default_rng(seed).uniform(440, 560, SHAPE).astype(np.float32)
    voxels[:, :2, 0], voxels[:, 2:4, 0], voxels[0, 0, 0] = 1000, 20, 0
    if dark is not None:
        voxels[dark] = 80
    if bright is not None:
        voxels[bright] = 1000
    return voxels


def write_nifti(path: Path, voxels: np.ndarray) -> Path:
    """In RAS+, 1 x 1 x 2 mm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 1.0, 2.0, 1.0])), path)
    return path
