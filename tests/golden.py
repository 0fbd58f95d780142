"""Inputs whose vectors are stored in golden_vectors.npz, as PyTorch gave them before another runtime was used."""

from __future__ import annotations

import numpy as np

from spinecho.encoders.preparing.preparation import Prepared

SENTENCES = [
    "Acute infarct in the left MCA territory.",
    "No acute intracranial haemorrhage; the ventricles are of normal size, and the midline is not shifted.",
    "T2 FLAIR axial brain, ring-enhancing lesion 3.2 cm",
    "x",
]


def pictures(count: int) -> np.ndarray:
    """Discs of growing size with a bright spot and some noise: (count, 128, 128) uint8."""
    noise = np.random.RandomState(3).rand(count, 128, 128)
    rows, columns = np.mgrid[:128, :128]
    drawn = []
    for number in range(count):
        inside = np.hypot(rows - 64, columns - 60) < 20 + 2 * number
        spot = np.hypot(rows - 50, columns - 70) < 3 + number / 2
        drawn.append(np.where(spot & inside, 230, np.where(inside, 90 + 3 * number, 4)) + 20 * noise[number])
    return np.clip(drawn, 0, 255).astype(np.uint8)


def stack() -> Prepared:
    """As the default encoder's preparation gives it: twelve slabs of the acquired plane."""
    rows = [[2, n / 12, (n + 1) / 12, 0.9, 1.0, 240.0, 180.0, 1.0] for n in range(12)]
    return Prepared(pictures(12), np.array(rows, np.float32))


def nine() -> Prepared:
    """As the stand-in's preparation gives it: three slices of each plane."""
    return Prepared(pictures(9), np.zeros((0,), np.float32))
