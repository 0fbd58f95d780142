"""A concept from examples, over arrays alone: a ridge on frozen vectors, measured on patients that it did not see.

Nested cross-validation (Varma and Simon 2006, BMC Bioinformatics 7:91): the strength of the ridge is chosen within the
training part of every fold, and every figure is of the held-out parts. Whoever is of one patient, or nearly the same
picture, is in one fold. Probabilities are Platt's (1999) from held-out scores; the two thresholds of abstention follow
Geifman and El-Yaniv (arXiv 1705.08500), as those of `encoders.heads.calibration` do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.heads.calibration import Calibration, fit_presence, presence, threshold
from spinecho.encoders.heads.head_metrics import auroc, calibration_error

Reals = NDArray[np.float64]
Rows = NDArray[np.float32]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

ALIKE = 0.9
"""Cosine, the mean of all examples taken off, of what is read of two studies, from which on they are near-duplicates:
one group, never on both sides. Of 1,200 slices that were looked at, 96 in 100 of such pairs are one picture."""
LEAST = 5
"""Groups on each side, below which nothing is learned."""
MOST = 1_000
"""Examples a side, above which more of them change little: those with the lowest digests are taken."""
PRECISION = 0.9
"""Share of held-out answers that has to be right from a threshold on."""
_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_RANK, _FOLDS, _INNER, _RESAMPLES, _SHUFFLES = 512, 5, 3, 1000, 400
_FEW = 200
"""Examples below which the folds are drawn three times."""
_REFERENCES, _FAMILIAR, _MARGIN = 256, 0.01, 1.5


@dataclass(frozen=True, eq=False)
class Examples:
    """n studies. features: (n, width), what the head reads; whole: (n, dim) unit rows; patients: n numbers.

    unseen: those of patients whose reports the encoder did not learn from, all where it learned from none here.
    """

    features: Rows
    whole: Rows
    labels: Flags
    patients: Ints
    unseen: Flags | None = None


@dataclass(frozen=True, eq=False)
class Line:
    """A linear head: `features @ weights + bias`, and what its score means."""

    weights: Reals
    bias: float
    temperature: float
    shift: float
    yes: float
    no: float
    """The probability of it, and of its absence, from which on it answers; above 1 for never."""
    references: Rows
    familiar: float
    """The least cosine with the nearest of `references` of what it was taught from."""

    def probabilities(self, features: Rows) -> Reals:
        """(n,) of (n, width)."""
        scores = features.astype(np.float64) @ self.weights + self.bias
        return presence(scores, Calibration(self.temperature, (self.shift,), 0.0))

    def strange(self, whole: Rows) -> Flags:
        """(n,) of (n, dim) unit rows: unlike everything that it was taught from."""
        out: Flags = (whole @ self.references.T).max(axis=1) < self.familiar
        return out


@dataclass(frozen=True, slots=True)
class Known:
    """What held-out patients say of it. interval: 95 %, over groups. Shares: of held-out studies.

    brier_chance: of always saying the share of positives. answered: share that is not "unsure"; right: of those.
    """

    auroc: float
    interval: tuple[float, float]
    groups: int
    joined: int
    """Studies that have a near-duplicate of another patient, -1 where these cannot be told."""
    brier: float
    brier_chance: float
    calibration_error: float
    answered: float
    right: float
    strength: float
    share: float
    """Of positives among those that it was measured on."""
    asked: Flags
    """(n,) those: of patients whose reports the encoder did not learn from, where there are enough, else all."""
    unseen: bool
    """Whether the encoder learned from none of them."""
    by_chance: float
    """What shuffled labels reach in one of a hundred tries: heads of folds share errors, so that an interval that takes
    studies for independent is too narrow."""

    @property
    def learnable(self) -> bool:
        """Whether the interval lies above chance, and the figure above what shuffled labels reach."""
        return self.interval[0] > 0.5 and self.auroc > self.by_chance


@dataclass(frozen=True, eq=False)
class Learned:
    """The head of all examples, and what heads of parts of them knew of the rest. held_out: (n,) probabilities."""

    line: Line
    known: Known
    held_out: Reals


class TooFew(ValueError):
    """Fewer groups on a side than it takes. sides: how many with it, and without it."""

    def __init__(self, sides: tuple[int, int]) -> None:
        super().__init__(f"{sides[0]} with it and {sides[1]} without it, and it takes {LEAST} of each at least")
        self.sides = sides


def learn(examples: Examples, *, seed: int = 0, tell: Callable[[int, int], None] = lambda *_: None) -> Learned:
    """Learn it, and measure that. Raises `TooFew`."""
    labels = examples.labels
    groups, joined = grouped(examples.features, examples.patients)
    sides = [len(np.unique(groups[labels == side])) for side in (True, False)]
    if min(sides) < LEAST:
        raise TooFew((sides[0], sides[1]))
    asked = _asked(examples, groups)
    reduced, basis, mean = _components(examples.features)
    repeats = 3 if len(labels) < _FEW else 1
    scores, part = np.zeros(len(labels)), np.zeros(len(labels), np.int64)
    for repeat in range(repeats):
        part = _folds(groups, labels, min(_FOLDS, *sides), np.random.default_rng((seed, repeat)), asked)
        for fold in range(int(part.max()) + 1):
            tell(repeat * _FOLDS + fold, repeats * _FOLDS)
            train, test = part != fold, part == fold
            weights, bias, _ = _fitted(reduced[train], labels[train], groups[train], seed)
            scores[test] += (reduced[test] @ weights + bias) / repeats
    weights, bias, strength = _fitted(reduced, labels, groups, seed)
    calibration = fit_presence(scores[asked], labels[asked], precision=PRECISION)
    held_out = presence(scores, calibration)
    yes, no = _thresholds(held_out[asked], labels[asked])
    references, familiar = _familiar(examples.whole, groups, seed)
    whole_weights = basis @ weights
    line = Line(
        whole_weights, bias - float(mean @ whole_weights), calibration.temperature, calibration.shift[0], yes, no,
        references, familiar,
    )  # fmt: skip
    chance = _by_chance(reduced, labels, groups, part, asked, strength, seed)
    known = _known(
        scores[asked], labels[asked], groups[asked], part[asked], (yes, no), joined, strength=strength, asked=asked,
        unseen=examples.unseen is None or bool(examples.unseen[asked].all()), chance=chance, seed=seed,
    )  # fmt: skip
    return Learned(line, known, held_out)


def _asked(examples: Examples, groups: Ints) -> Flags:
    """Of whom figures are taken: an encoder that learned from a patient's report knows what the report would teach.

    Near-duplicates of such a patient are not asked about either. Everybody, where too few are left of a side.
    """
    labels, everybody = examples.labels, np.ones(len(examples.labels), bool)
    if examples.unseen is None or examples.unseen.all():
        return everybody
    out: Flags = ~np.isin(groups, groups[~examples.unseen])
    few = min(len(np.unique(groups[out & (labels == side)])) for side in (True, False)) < LEAST
    return everybody if few else out


def grouped(features: Rows, patients: Ints) -> tuple[Ints, int]:
    """(the group of each study: its patient and their near-duplicates; how many have one of somebody else).

    Where these would put more than a quarter of the examples into one group, the encoder does not tell one patient's
    picture from another's, and patients alone are groups: the number is -1 then.
    """
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    n = len(features)
    _, first, own = np.unique(patients, return_index=True, return_inverse=True)
    rows = features - features.mean(axis=0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    alike = (np.argwhere(rows[at : at + 512] @ rows.T > ALIKE) + np.array([at, 0]) for at in range(0, n, 512))
    left, right = np.concatenate([np.stack([np.arange(n), first[own]], axis=1), *alike]).T
    near = csr_matrix((np.ones(len(left)), (left, right)), shape=(n, n))
    _, groups = connected_components(near, directed=False)
    if np.bincount(groups).max() > max(4, n // 4, int(np.bincount(own).max())):
        return own.astype(np.int64), -1
    people = np.unique(np.stack([groups, own]), axis=1)[0]
    return groups.astype(np.int64), int(np.isin(groups, np.flatnonzero(np.bincount(people) > 1)).sum())


def interval(scores: Reals, labels: Flags, groups: Ints, *, seed: int = 0) -> tuple[float, float]:
    """95 % of the AUROC: the wider of a bootstrap over groups and of Hanley and McNeil (1982), as few examples that
    happen to be in order would else be certain.
    """
    order = np.argsort(scores, kind="stable")
    ranked, positive, unit = scores[order], labels[order], groups[order]
    _, unit = np.unique(unit, return_inverse=True)
    last = np.append(ranked[1:] > ranked[:-1], [True])
    step = np.cumsum(np.append([0], last[:-1]))
    random, n_units = np.random.default_rng((seed, 11)), int(unit.max()) + 1
    values = []
    for _ in range(_RESAMPLES):
        weight = np.bincount(random.integers(0, n_units, n_units), minlength=n_units)[unit]
        up = np.bincount(step, weights=weight * positive)
        down = np.bincount(step, weights=weight * ~positive)
        if up.sum() and down.sum():
            values.append(float((up * (np.cumsum(down) - 0.5 * down)).sum() / (up.sum() * down.sum())))
    low, high = np.quantile(values, [0.025, 0.975])
    sizes = [len(np.unique(groups[labels == side])) for side in (True, False)]
    value = (auroc(scores, labels) * sizes[0] * sizes[1] + 0.5) / (sizes[0] * sizes[1] + 1)
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    spread = value * (1 - value) + (sizes[0] - 1) * (q1 - value**2) + (sizes[1] - 1) * (q2 - value**2)
    half = 1.96 * float(np.sqrt(max(spread, 0.0) / (sizes[0] * sizes[1])))
    return max(0.0, min(float(low), value - half)), min(1.0, max(float(high), value + half))


def _components(features: Rows) -> tuple[Reals, Reals, Reals]:
    """(n, r) principal components, their basis (width, r) and the mean: all of them where examples are few."""
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean.astype(np.float32)
    n, width = centred.shape
    small = centred @ centred.T if n <= width else centred.T @ centred
    squares, vectors = _axes(small.astype(np.float64), most=_RANK)
    kept = squares > 1e-9 * max(float(squares[-1]), 1e-30)
    squares, vectors = squares[kept], vectors[:, kept]
    basis = (centred.T @ vectors.astype(np.float32)) / np.sqrt(squares) if n <= width else vectors
    basis = np.asarray(basis, np.float64)
    return np.asarray(centred @ basis.astype(np.float32), np.float64), basis, mean


def _axes(square: Reals, *, most: int | None = None) -> tuple[Reals, Reals]:
    """(eigenvalues, eigenvectors as columns) of a symmetric matrix, smallest first; of the largest `most` alone."""
    if most is None or most >= len(square):
        values, vectors = np.linalg.eigh(square)
    else:
        from scipy.linalg import eigh  # noqa: PLC0415

        values, vectors = eigh(square, subset_by_index=(len(square) - most, len(square) - 1))
    return np.asarray(values, np.float64), np.asarray(vectors, np.float64)


def _folds(
    groups: Ints, labels: Flags, count: int, random: np.random.Generator, asked: Flags | None = None
) -> Ints:  # fmt: skip
    """The fold of each study: whole groups, those with and those without positives dealt in turn; those that are asked
    about, where that is not everybody, by themselves, so that each fold has its share of them.
    """
    part = np.zeros(len(groups), np.int64)
    names = np.unique(groups)
    holding = np.isin(names, groups[labels])
    mine = np.ones(len(names), bool) if asked is None else np.isin(names, groups[asked])
    for some in (names[which] for which in (holding & mine, ~holding & mine, holding & ~mine, ~holding & ~mine)):
        for place, group in enumerate(random.permutation(some).tolist()):
            part[groups == group] = place % count
    return part


def _fitted(x: Reals, labels: Flags, groups: Ints, seed: int) -> tuple[Reals, float, float]:
    """(weights, bias, strength), the strength by cross-validation within."""
    sides = [len(np.unique(groups[labels == side])) for side in (True, False)]
    part = _folds(groups, labels, max(2, min(_INNER, *sides)), np.random.default_rng((seed, 5)))
    found = np.zeros((len(_STRENGTHS), len(labels)))
    for fold in range(int(part.max()) + 1):
        train, test = part != fold, part == fold
        if labels[train].all() or not labels[train].any():
            continue
        for place, (weights, bias) in enumerate(_ridges(x[train], labels[train])):
            found[place, test] = x[test] @ weights + bias
    best = int(np.argmax([auroc(one, labels) for one in found]))
    weights, bias = list(_ridges(x, labels))[best]
    return weights, bias, _STRENGTHS[best]


def _ridges(x: Reals, labels: Flags) -> Iterator[tuple[Reals, float]]:
    """A ridge of each strength, both sides counting the same however many they are."""
    weight = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())
    mean = weight @ x
    centred = x - mean
    values, axes = _axes((centred.T * weight) @ centred)
    target = axes.T @ (centred.T @ (weight * np.where(labels, 1.0, -1.0)))
    scale = float(weight @ (centred**2).sum(axis=1)) / len(labels)
    for strength in _STRENGTHS:
        weights = axes @ (target / (np.maximum(values, 0.0) + strength * scale + 1e-15))
        yield weights, -float(mean @ weights)


def _by_chance(
    x: Reals, labels: Flags, groups: Ints, part: Ints, asked: Flags, strength: float, seed: int
) -> float:  # fmt: skip
    """The 99 % quantile of the AUROC in the same folds over labels that are shuffled, whole groups together."""
    random, order = np.random.default_rng((seed, 13)), np.argsort(groups, kind="stable")
    blocks = np.split(labels[order], np.flatnonzero(np.diff(groups[order])) + 1)
    shuffled = np.empty((len(labels), _SHUFFLES))
    for column in range(_SHUFFLES):
        shuffled[order, column] = np.concatenate([blocks[one] for one in random.permutation(len(blocks))])
    found = np.empty_like(shuffled)
    for fold in range(int(part.max()) + 1):
        train, test = part != fold, part == fold
        mean = x[train].mean(axis=0)
        centred = x[train] - mean
        values, axes = _axes(centred.T @ centred)
        scale = strength * float((centred**2).sum(axis=1).mean())
        target = axes.T @ (centred.T @ (shuffled[train] - shuffled[train].mean(axis=0)))
        found[test] = (x[test] - mean) @ (axes @ (target / (np.maximum(values, 0.0) + scale + 1e-15)[:, None]))
        found[test] += shuffled[train].mean(axis=0)
    ranks, drawn = found[asked].argsort(axis=0).argsort(axis=0) + 1.0, shuffled[asked]
    n = drawn.sum(axis=0)
    both = (n > 0) & (n < len(drawn))
    ranks, drawn, n = ranks[:, both], drawn[:, both], n[both]
    reached = ((ranks * drawn).sum(axis=0) - n * (n + 1) / 2) / (n * (len(drawn) - n))
    return float(np.quantile(reached, 0.99))


def _thresholds(held_out: Reals, labels: Flags) -> tuple[float, float]:
    """From which probability of it, and of its absence, on it answers; they never overlap."""
    yes = threshold(held_out, labels, precision=PRECISION)
    no = threshold(1.0 - held_out, ~labels, precision=PRECISION)
    if yes < 1.0 - no:  # both are right often enough in between: even chances decide there
        middle = min(max(0.5, yes), 1.0 - no)
        return middle, 1.0 - middle + 1e-12
    return yes, no


def _known(
    scores: Reals, labels: Flags, groups: Ints, part: Ints, thresholds: tuple[float, float], joined: int, *,
    strength: float, asked: Flags, unseen: bool, chance: float, seed: int,
) -> Known:  # fmt: skip
    p = np.zeros(len(labels))
    for fold in range(int(part.max()) + 1):  # calibrated by the other folds alone
        rest = part != fold
        p[~rest] = presence(scores[~rest], fit_presence(scores[rest], labels[rest], precision=PRECISION))
    yes, no = p >= thresholds[0], 1.0 - p >= thresholds[1]
    answered = yes | no
    share = float(labels.mean())
    right = float((labels == yes)[answered].mean()) if answered.any() else float("nan")
    return Known(
        auroc(scores, labels), interval(scores, labels, groups, seed=seed), len(np.unique(groups)), joined,
        float(((p - labels) ** 2).mean()), share * (1 - share), calibration_error(p, labels),
        float(answered.mean()), right, strength, share, asked, unseen, chance,
    )  # fmt: skip


def _familiar(whole: Rows, groups: Ints, seed: int) -> tuple[Rows, float]:
    """(some examples, the cosine with the nearest of them that nearly all others have)."""
    chosen = np.sort(np.random.default_rng((seed, 7)).permutation(len(whole))[:_REFERENCES])
    cosines: Any = whole @ whole[chosen].T
    cosines[groups[:, None] == groups[chosen][None]] = -1.0
    low = float(np.quantile(cosines.max(axis=1), _FAMILIAR))
    return whole[chosen], 1.0 - _MARGIN * (1.0 - low)
