"""The figures of each kind of head, from what it says of patients that it never saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.heads.calibration import Reals, presence, probabilities
from spinecho.encoders.heads.card import HeadCard
from spinecho.encoders.heads.fitting.split import Patient
from spinecho.encoders.heads.head import in_units, relative_heat, top_logit
from spinecho.encoders.heads.head_metrics import Figure, Ints, Pool, auroc, balanced_accuracy, calibration_error
from spinecho.encoders.heads.localise import box_overlap, field_box
from spinecho.encoders.heads.targets import Label
from spinecho.encoders.networks.parts_of_volumes import Floats, overlap

_Found = list[Figure | None]


@dataclass(frozen=True, slots=True)
class Answers:
    """Of each held-out volume: the probe's logits, the label, the patient, and for a place the tokens' boxes."""

    logits: list[Reals]
    labels: list[Label]
    patients: list[Patient]
    boxes: list[Floats]
    classes: tuple[str, ...] = ()

    @property
    def targets(self) -> Reals:
        """(n, classes) of 0 and 1."""
        own = [label if isinstance(label, frozenset) else {label} for label in self.labels]
        return np.array([[name in names for name in self.classes] for names in own], np.float64)


def figures_of(
    card: HeadCard, answers: Answers, trained_on: Sequence[Label], far: NDArray[np.bool_], *, resamples: int
) -> tuple[Figure, ...]:
    """trained_on: the labels of the training volumes, from which chance follows; far: test volumes held unfamiliar."""
    pool = Pool(answers.patients, resamples=resamples, seed=card.seed)
    if card.kind == "regression":
        found = _regression(card, answers, trained_on, pool)
    elif card.kind == "place":
        found = _place(card, answers, trained_on, pool)
    elif card.kind == "multi":
        found = _labels(card, answers, pool)
    else:
        found = _classes(card, answers, trained_on, far, pool)
    found.append(pool.of("held unfamiliar", lambda rows: float(far[rows].mean())))
    return tuple(figure for figure in found if figure is not None)


def _classes(
    card: HeadCard, answers: Answers, trained_on: Sequence[Label], far: NDArray[np.bool_], pool: Pool
) -> _Found:
    p = probabilities(card.kind, np.stack(answers.logits), card.calibration)
    truth: Ints = answers.targets.argmax(axis=1)
    predicted, scores = p.argmax(axis=1), p.max(axis=1)
    right = predicted == truth
    commonest = card.classes.index(str(Counter(trained_on).most_common(1)[0][0]))
    answered = (scores >= card.calibration.threshold) & ~far
    found = [
        pool.of("accuracy", lambda rows: float(right[rows].mean()), chance=float((truth == commonest).mean())),
        pool.of(
            "balanced accuracy",
            lambda rows: balanced_accuracy(right[rows], truth[rows]),
            chance=1.0 / len(np.unique(truth)),
        ),
        pool.of("calibration error", lambda rows: calibration_error(scores[rows], right[rows])),
        pool.of("answered", lambda rows: float(answered[rows].mean())),
        pool.of("accuracy where answered", lambda rows: float(right[rows].mean()), among=answered),
    ]
    if len(card.classes) == 2:
        found.append(pool.of("AUROC", lambda rows: auroc(p[rows, 1], truth[rows] == 1), chance=0.5))
    if card.kind == "ordinal":
        middle = round(float(np.median([card.classes.index(str(label)) for label in trained_on])))
        steps = np.abs(predicted - truth)
        found.append(
            pool.of(
                "mean error in steps",
                lambda rows: float(steps[rows].mean()),
                chance=float(np.abs(truth - middle).mean()),
            )
        )
    for place, name in enumerate(card.classes):
        found.append(pool.of(f"recall of {name}", lambda rows: float(right[rows].mean()), among=truth == place))
    return found


def _labels(card: HeadCard, answers: Answers, pool: Pool) -> _Found:
    p = probabilities("multi", np.stack(answers.logits), card.calibration)
    truth = answers.targets > 0.5
    counted = range(len(card.classes))

    def mean_auroc(rows: Ints) -> float:
        each = [auroc(p[rows, place], truth[rows, place]) for place in counted]
        finite = [value for value in each if np.isfinite(value)]
        return float(np.mean(finite)) if finite else float("nan")

    scores, right = np.maximum(p, 1 - p), (p >= 0.5) == truth
    found = [
        pool.of("mean AUROC", mean_auroc, chance=0.5),
        pool.of("calibration error", lambda rows: calibration_error(scores[rows].ravel(), right[rows].ravel())),
        pool.of("labels answered", lambda rows: float((scores[rows] >= card.calibration.threshold).mean())),
    ]
    for place, name in enumerate(card.classes):
        found.append(pool.of(f"AUROC of {name}", partial(_one_auroc, p[:, place], truth[:, place]), chance=0.5))
    return found


def _one_auroc(scores: Reals, positive: NDArray[np.bool_], rows: Ints) -> float:
    return auroc(scores[rows], positive[rows])


def _regression(card: HeadCard, answers: Answers, trained_on: Sequence[Label], pool: Pool) -> _Found:
    calibration = card.calibration
    predicted = in_units(np.stack(answers.logits), calibration.mean, calibration.spread)
    truth = np.array([float(label) for label in answers.labels if isinstance(label, float | int)])
    middle = float(np.median([float(label) for label in trained_on if isinstance(label, float | int)]))
    errors, spreads = np.abs(predicted[:, 0] - truth), predicted[:, 1] * calibration.temperature
    answered = 1 - (spreads / calibration.spread) ** 2 >= calibration.threshold

    def explained(rows: Ints) -> float:
        variance = float(truth[rows].var())
        return 1.0 - float((errors[rows] ** 2).mean()) / variance if variance > 0 else float("nan")

    return [
        pool.of(
            f"mean error in {card.unit or 'units'}",
            lambda rows: float(errors[rows].mean()),
            chance=float(np.abs(truth - middle).mean()),
        ),
        pool.of("R2", explained, chance=0.0),
        pool.of("inside the 95 % interval", lambda rows: float((errors[rows] <= 1.96 * spreads[rows]).mean())),
        pool.of("answered", lambda rows: float(answered[rows].mean())),
    ]


def _place(card: HeadCard, answers: Answers, trained_on: Sequence[Label], pool: Pool) -> _Found:
    present = np.array([bool(label) for label in answers.labels])
    p = presence(np.array([top_logit(logits) for logits in answers.logits]), card.calibration)
    boxes = [label for label in trained_on if isinstance(label, tuple) and len(label) == 6]
    middle = tuple(float(value) for value in np.mean(boxes, axis=0))
    hit, by_chance = np.zeros(len(p)), np.zeros(len(p))
    shared, usual = np.zeros(len(p)), np.zeros(len(p))
    for row, (logits, label, places) in enumerate(zip(answers.logits, answers.labels, answers.boxes, strict=True)):
        if isinstance(label, tuple) and len(label) == 6:
            touched = overlap(places, label) > 0
            hit[row], by_chance[row] = float(touched[int(logits.argmax())]), float(touched.mean())
            found = field_box(places, relative_heat(logits))
            shared[row] = box_overlap(found, label) if found else 0.0
            usual[row] = box_overlap((*middle[:3], *middle[3:]), label)  # type: ignore[arg-type]
    return [
        pool.of("AUROC of presence", lambda rows: auroc(p[rows], present[rows]), chance=0.5),
        pool.of(
            "hottest token touches the box",
            lambda rows: float(hit[rows].mean()),
            chance=float(by_chance[present].mean()) if present.any() else None,
            among=present,
        ),
        pool.of(
            "box overlap (IoU)",
            lambda rows: float(shared[rows].mean()),
            chance=float(usual[present].mean()) if present.any() else None,
            among=present,
        ),
    ]
