"""From logits to probabilities that mean what they say, and when to say nothing.

Temperature scaling is Guo et al.'s (arXiv 1706.04599), on patients that were not trained on, with Platt's (1999)
smoothed targets so that few volumes cannot make a head certain; for regressions it is the scale of the spread (Levi et
al., arXiv 1905.11659). Class weights are taken out again first, as they stand for classes equally common. The threshold
under which a head abstains follows Geifman and El-Yaniv (arXiv 1705.08500), with Laplace's rule for the small numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.heads.targets import Kind

Reals = NDArray[np.float64]

_TEMPERATURES = np.geomspace(0.05, 20.0, 300)
NEVER = 2.0
"""A threshold that no probability reaches."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """temperature divides logits (classes) or is the slope of a logistic (place), or multiplies a spread (regression).

    shift: what class weights added to each logit; for a place, the logistic's intercept.
    threshold: the score under which the head abstains; `NEVER` where no score was right often enough.
    mean, spread: of the labels in training (regression), else 0 and 1.
    """

    temperature: float
    shift: tuple[float, ...]
    threshold: float
    mean: float = 0.0
    spread: float = 1.0


def probabilities(kind: Kind, logits: Reals, calibration: Calibration) -> Reals:
    """(n, classes) of (n, classes) logits: rows of sum 1, or one probability a label for a multi-label task."""
    scaled = logits / calibration.temperature - np.array(calibration.shift)
    if kind == "multi":
        return sigmoid(scaled)
    exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    out: Reals = exponents / exponents.sum(axis=1, keepdims=True)
    return out


def fit_classes(
    kind: Kind, logits: Reals, targets: Reals, shift: tuple[float, ...], *, precision: float
) -> Calibration:
    """From held-out logits and (n, classes) targets of 0 and 1."""
    doubt = 1.0 / (len(targets) + 2.0)
    even = 0.5 if kind == "multi" else 1.0 / len(shift)
    smoothed = targets * (1 - 2 * doubt) + 2 * doubt * even
    tried = [Calibration(float(temperature), shift, 0.0) for temperature in _TEMPERATURES]
    best = min(tried, key=lambda one: log_loss(kind, probabilities(kind, logits, one), smoothed))
    found = probabilities(kind, logits, best)
    if kind == "multi":
        scores, right = np.maximum(found, 1 - found).ravel(), ((found >= 0.5) == (targets > 0.5)).ravel()
    else:
        scores, right = found.max(axis=1), found.argmax(axis=1) == targets.argmax(axis=1)
    return Calibration(best.temperature, shift, threshold(scores, right, precision=precision))


def log_loss(kind: Kind, found: Reals, targets: Reals) -> float:
    """Mean negative log-likelihood; targets may be soft."""
    kept = np.clip(found, 1e-9, 1.0)
    gain = targets * np.log(kept)
    if kind == "multi":
        gain = gain + (1 - targets) * np.log(np.clip(1 - found, 1e-9, 1.0))
    return float(-gain.sum(axis=1).mean())


def threshold(scores: Reals, right: NDArray[Any], *, precision: float) -> float:
    """The lowest score from which on the share that is right, (right + 1) / (n + 2), is at least `precision`."""
    order = np.argsort(-scores, kind="stable")
    share = (np.cumsum(right[order]) + 1.0) / (np.arange(len(order)) + 3.0)
    last = np.append(scores[order][1:] < scores[order][:-1], [True])  # equal scores are kept or dropped together
    enough = np.flatnonzero((share >= precision) & last)
    return float(scores[order][enough[-1]]) if len(enough) else NEVER


def fit_spread(means: Reals, spreads: Reals, labels: Reals, *, mean: float, spread: float, least: float) -> Calibration:
    """From held-out predictions, all in the unit of the labels; abstains below `least` of the variance explained."""
    squares = ((labels - means) / spreads) ** 2
    scale = float(np.sqrt((squares.sum() + 1.0) / (len(squares) + 1.0)))
    return Calibration(scale, (), least, mean, spread)


def fit_presence(tops: Reals, present: NDArray[Any], *, precision: float) -> Calibration:
    """Platt's logistic of the highest logits; without volumes of both kinds, the logit as it is."""
    if present.all() or not present.any():
        return Calibration(1.0, (0.0,), 0.0)
    n, positive = len(present), int(present.sum())
    targets = np.where(present, (positive + 1) / (positive + 2), 1 / (n - positive + 2))
    centre, width = float(tops.mean()), max(float(tops.std()), 1e-6)
    inputs = (tops - centre) / width
    slope, shift = 0.0, float(np.log(positive / (n - positive)))
    for _ in range(100):  # Newton's method on a convex loss with a little ridge
        p = sigmoid(slope * inputs + shift)
        gradient = np.array([((p - targets) * inputs).sum() + 1e-2 * slope, (p - targets).sum()])
        w = np.maximum(p * (1 - p), 1e-6)
        curve = np.array([[(w * inputs**2).sum() + 1e-2, (w * inputs).sum()], [(w * inputs).sum(), w.sum()]])
        step = np.linalg.solve(curve, gradient)
        slope, shift = slope - float(step[0]), shift - float(step[1])
        if float(np.abs(step).max()) < 1e-9:
            break
    slope = max(slope, 1e-3)  # a head that is wrong way round knows nothing
    made = Calibration(width / slope, (centre * slope / width - shift,), 0.0)
    p = presence(tops, made)
    return Calibration(
        made.temperature,
        made.shift,
        threshold(np.maximum(p, 1 - p), (p >= 0.5) == present, precision=precision),
    )


def presence(tops: Reals, calibration: Calibration) -> Reals:
    """(n,) probability that a structure is there, from the highest logits."""
    return sigmoid(tops / calibration.temperature - calibration.shift[0])


def sigmoid(values: Reals) -> Reals:
    """Without overflow."""
    out: Reals = 0.5 * (1.0 + np.tanh(0.5 * values))
    return out
