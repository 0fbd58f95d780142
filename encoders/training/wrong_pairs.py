"""Which reports seem not to belong to their scans, and the targets of the ridges that tell it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.training.adapting import Material, fit_ridge

WRONG = 0.1
"""Share of pairs that are wrong from which it is said, and those that look so are left out."""
_FARTHER, _FARTHEST, _SURE = 0.5, 0.25, 0.1
"""A pair looks wrong whose own report lies in the farther half, where the median lies among the nearest tenth. How many
are wrong is told by the farthest quarter: reports of other scans lie there as often as anywhere, and their own,
which a ridge from few patients often puts in the middle, hardly ever.
"""
_MOST_WHOLE = 6_000
"""Scans up to which the search for wrong pairs reads their regions too: past it that takes gigabytes."""
Floats = NDArray[np.float64]
Both = tuple[Floats, Floats]
"""Vectors of the scans of some studies, and of their texts."""


def targets(material: Material, studies: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, t) the mean of what is read of a report's clauses, of unit length."""
    rows = np.stack([material.sentences[material.affirmed[one]].mean(axis=0) for one in studies.tolist()])
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def units(both: tuple[Any, Any]) -> Both:
    """(n, d) each, their rows made of unit length."""
    scans, texts = (np.asarray(one, np.float64) for one in both)
    unit = [one / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-12) for one in (scans, texts)]
    return unit[0], unit[1]


@dataclass(frozen=True, eq=False)
class WrongPairs:
    """look_so: (n,) which pairs look wrong, of which some are sound; share: about how many of all pairs are wrong."""

    look_so: NDArray[np.bool_]
    share: float


def wrong_pairs(material: Material, studies: NDArray[np.int64], patients: Sequence[str]) -> WrongPairs | None:
    """By five ridges of which none has seen the pair that it is asked about; None where that cannot be told."""
    fold = np.array([hashlib.sha256(patient.encode("utf-8", "surrogatepass")).digest()[0] % 5 for patient in patients])
    of_scan = np.full(len(material.affirmed), -1)
    of_scan[studies] = np.arange(len(studies))
    scans = np.flatnonzero(of_scan[material.study] >= 0)
    owner = of_scan[material.study[scans]]
    rows = material.scans[scans, 0] if len(scans) > _MOST_WHOLE else material.scans[scans].reshape(len(scans), -1)
    x, y = rows.astype(np.float32), targets(material, studies)
    place = np.ones(len(studies))
    for one in range(5):
        inside = fold == one
        if inside.sum() < 2 or inside.all():
            return None
        weights, mean_x, mean_y = fit_ridge(x[~inside[owner]], y[owner][~inside[owner]], strength=0.3)
        mine = inside[owner]
        guess = np.zeros((len(studies), y.shape[1]))
        np.add.at(guess, owner[mine], (x[mine] - mean_x) @ weights)
        near = units((guess[inside], y[inside] - mean_y))
        scores = near[0] @ near[1].T
        own = np.diagonal(scores)
        place[inside] = (scores > own[:, None]).sum(axis=1) / max(int(inside.sum()) - 1, 1)
    if float(np.median(place)) >= _SURE:
        return None
    return WrongPairs(place > _FARTHER, float((place > 1.0 - _FARTHEST).mean() / _FARTHEST))
