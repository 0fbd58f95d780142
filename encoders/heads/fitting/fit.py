"""A head from cached features: labels, patients in three parts, a probe, its calibration, and what it is worth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import torch

from spinecho.encoders.heads.calibration import Calibration, fit_classes, fit_presence, fit_spread
from spinecho.encoders.heads.card import HeadCard
from spinecho.encoders.heads.familiar import learn
from spinecho.encoders.heads.fitting.features import FeatureCache
from spinecho.encoders.heads.fitting.head_figures import Answers, figures_of
from spinecho.encoders.heads.fitting.probe_training import (
    FitOptions,
    Loss,
    Target,
    class_loss,
    gather,
    label_loss,
    number_loss,
    place_loss,
    token_targets,
    trained,
)
from spinecho.encoders.heads.fitting.split import PARTS, Patient, patient_of, patients_by, split
from spinecho.encoders.heads.head import Head, in_units, top_logit
from spinecho.encoders.heads.predictions import HeadError
from spinecho.encoders.heads.probe import Probe
from spinecho.encoders.heads.probe_config import ProbeConfig, ProbeKind
from spinecho.encoders.heads.targets import Label, TaskSpec, classes_of
from spinecho.encoders.networks.parts_of_volumes import Floats

_HEAVIEST = 20.0
"""No class counts more than this times a volume of the commonest."""


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    patient: Patient
    label: Label


def fit_head(
    task: TaskSpec, features: FeatureCache, *, options: FitOptions | None = None, device: str = "cpu"
) -> tuple[Head, HeadCard]:
    """Train a head on six tenths of the patients, calibrate it on two and measure it on the last two.

    Equal features, task and options give an equal head on the same machine. Volumes whose label is not known are left
    out, as are classes with fewer patients than `task.least`; the card counts both.
    Raises HeadError where too little is left: no labels, one class, too few patients, or a label that is none.
    """
    options = options or FitOptions()
    labels = [task.label(facts) for facts in features.facts]
    rows = [
        _Row(number, patient_of(features.facts[number]), label)
        for number, label in enumerate(labels)
        if label is not None and not (isinstance(label, float | int) and not np.isfinite(label))
    ]
    if not rows:
        raise HeadError(f"{task.name}: not one of {len(features)} volumes has a label; name another task or archive")
    classes, left_out = _kept_classes(task, rows)
    if task.kind in ("single", "ordinal"):
        rows = [row for row in rows if row.label in classes]
    _require_patients(task, rows)
    parts = split([row.patient for row in rows], _strata(task, rows, classes), seed=options.seed)
    by_part = {part: [row for row in rows if parts[row.patient] == part] for part in PARTS}
    pooled = features.pooled()
    numbers = np.array([float(row.label) for row in by_part["train"] if isinstance(row.label, float | int)])
    mean, spread = (float(numbers.mean()), max(float(numbers.std()), 1e-6)) if len(numbers) else (0.0, 1.0)
    targets = {
        part: [Target(row.number, _values(row.label, classes, mean, spread)) for row in own]
        for part, own in by_part.items()
    }
    loss, shift = _loss_of(task, targets["train"], features, options)
    best: tuple[float, Probe] | None = None
    for config in _configs(task, len(classes), features, pooled, options):
        probe, value = trained(
            config, features, pooled, targets["train"], targets["calibration"], loss, options=options, device=device
        )
        if best is None or value < best[0]:
            best = value, probe
    assert best is not None  # noqa: S101
    probe = best[1]
    answers = {part: _answers(task, probe, features, pooled, by_part[part], classes) for part in PARTS[1:]}
    calibration = _calibrated(task, answers["calibration"], shift, mean, spread, options)
    train_numbers, held_out = ([row.number for row in by_part[part]] for part in PARTS[:2])
    familiar = learn(pooled[train_numbers], pooled[held_out], seed=options.seed)
    card = HeadCard(
        task=task.name,
        kind=task.kind,
        classes=classes,
        unit=task.unit,
        space=features.space,
        probe=probe.config,
        familiar=familiar.sizes,
        calibration=calibration,
        by_class=_counted(task, by_part["train"]),
        by_source=dict(Counter(features.facts[row.number].source for row in by_part["train"])),
        patients={part: len({row.patient for row in own}) for part, own in by_part.items()},
        left_out=left_out,
        figures=(),
        seed=options.seed,
    )
    far = familiar.distance(pooled[[row.number for row in by_part["test"]]]) > 1
    trained_on = [row.label for row in by_part["train"]]
    figures = figures_of(card, answers["test"], trained_on, far, resamples=options.resamples)
    card = replace(card, figures=figures)
    return Head(card, probe, familiar), card


def _kept_classes(task: TaskSpec, rows: list[_Row]) -> tuple[tuple[str, ...], dict[str, int]]:
    """(classes with enough patients, the others with how many patients they have)."""
    if task.kind in ("regression", "place"):
        return (), {}
    every = classes_of(task, [row.label for row in rows])
    having: dict[Patient, set[str]] = {}
    lacking: dict[Patient, set[str]] = {}
    for row in rows:
        own = row.label if isinstance(row.label, frozenset) else {str(row.label)}
        having.setdefault(row.patient, set()).update(own)
        lacking.setdefault(row.patient, set()).update(set(every) - own)
    counts, without = patients_by(having), patients_by(lacking)
    few = {
        name: counts[name]
        for name in every
        if counts[name] < task.least or (task.kind == "multi" and without[name] < task.least)
    }
    kept = tuple(name for name in every if name not in few)
    if len(kept) < (1 if task.kind == "multi" else 2):
        found = ", ".join(f"{name} {counts[name]}" for name in every) or "none"
        raise HeadError(
            f"{task.name}: {len(kept)} classes have {task.least} patients or more, too few to tell apart (patients by "
            f"class: {found}); add volumes of other classes, or lower the task's `least`"
        )
    return kept, few


def _require_patients(task: TaskSpec, rows: list[_Row]) -> None:
    patients = {row.patient for row in rows if task.kind != "place" or row.label}
    if len(patients) < task.least:
        what = "patients with a box" if task.kind == "place" else "patients with a label"
        raise HeadError(
            f"{task.name}: {len(patients)} {what}, and at least {task.least} are needed, to train on some and measure "
            "on others; add volumes of other patients"
        )
    numbers = {row.label for row in rows} if task.kind == "regression" else {0, 1}
    if len(numbers) < 2:
        raise HeadError(f"{task.name}: every volume has the label {numbers.pop()}; add volumes with other values")


def _strata(task: TaskSpec, rows: list[_Row], classes: tuple[str, ...]) -> list[str]:
    if task.kind == "regression":
        values = np.array([float(row.label) for row in rows if isinstance(row.label, float | int)])
        edges = np.quantile(values, [0.2, 0.4, 0.6, 0.8])
        return [str(place) for place in np.searchsorted(edges, values)]
    if task.kind == "place":
        return ["present" if row.label else "absent" for row in rows]
    if task.kind == "multi":
        counts = Counter(name for row in rows if isinstance(row.label, frozenset) for name in row.label)
        own = [sorted(row.label & set(classes)) for row in rows if isinstance(row.label, frozenset)]
        return [min(names, key=lambda name: counts[name]) if names else "" for names in own]
    return [str(row.label) for row in rows]


def _values(label: Label, classes: tuple[str, ...], mean: float, spread: float) -> Floats:
    """What a loss compares with: 0 and 1 for each class, a standardised number, or a box."""
    if isinstance(label, float | int):
        return np.array([(label - mean) / spread], np.float32)
    if isinstance(label, tuple):
        return np.array(label, np.float32)
    own = label if isinstance(label, frozenset) else {label}
    return np.array([name in own for name in classes], np.float32)


def _loss_of(
    task: TaskSpec, train: list[Target], features: FeatureCache, options: FitOptions
) -> tuple[Loss, tuple[float, ...]]:
    """(the loss, what its weights add to each logit)."""
    if task.kind == "regression":
        return number_loss, ()
    if task.kind == "place":
        inside, tokens = 0.0, 0
        for target in train[:: max(1, len(train) // 300)]:
            boxes = torch.from_numpy(features.tokens(target.number)[1])
            tokens += len(boxes)
            if len(target.values):
                inside += float(token_targets(boxes, torch.from_numpy(target.values)).sum())
        weight = 1.0 if options.weighting == "none" else (tokens - inside) / max(inside, 1e-6)
        return place_loss(float(np.clip(weight, 1.0, _HEAVIEST))), (0.0,)
    positive = np.maximum(np.stack([target.values for target in train]).sum(axis=0), 1.0)
    if task.kind == "multi":
        weights = np.clip(np.maximum(len(train) - positive, 1.0) / positive, 1 / _HEAVIEST, _HEAVIEST)
    else:
        weights = np.minimum(positive.max() / positive, _HEAVIEST)
    if options.weighting == "none":
        weights = np.ones_like(weights)
    weighted = torch.tensor(weights, dtype=torch.float32)
    loss = label_loss(weighted) if task.kind == "multi" else class_loss(weighted)
    return loss, tuple(float(value) for value in np.log(weights))


def _configs(
    task: TaskSpec, classes: int, features: FeatureCache, pooled: Floats, options: FitOptions
) -> list[ProbeConfig]:
    outputs = {"regression": 2, "place": 1}.get(task.kind, classes)
    kinds: list[ProbeKind] = ["mlp", "attention"] if options.network == "auto" else [options.network]
    if task.kind == "place":
        kinds = ["patch"]
    return [
        ProbeConfig(
            kind,
            pooled.shape[1] if kind == "mlp" else features.width,
            outputs,
            ordered=task.kind == "ordinal",
            hidden=options.hidden,
            dropout=options.dropout,
        )
        for kind in kinds
    ]


def _answers(
    task: TaskSpec,
    probe: Probe,
    features: FeatureCache,
    pooled: Floats,
    rows: list[_Row],
    classes: tuple[str, ...],
) -> Answers:
    """What the probe says of held-out volumes, one at a time as at prediction, before calibration."""
    logits, boxes = [], []
    with torch.inference_mode():
        for row in rows:
            batch = gather(features, pooled, [row.number], kind=probe.config.kind, most=None, random=None)
            logits.append(probe(batch)[0].double().numpy())
            boxes.append(features.tokens(row.number)[1] if task.kind == "place" else np.zeros((0, 6), np.float32))
    labels = [row.label for row in rows]
    return Answers(logits, labels, [row.patient for row in rows], boxes, classes)


def _calibrated(
    task: TaskSpec, answers: Answers, shift: tuple[float, ...], mean: float, spread: float, options: FitOptions
) -> Calibration:
    if task.kind == "place":
        tops = np.array([top_logit(logits) for logits in answers.logits])
        return fit_presence(tops, np.array([bool(label) for label in answers.labels]), precision=options.precision)
    logits = np.stack(answers.logits)
    if task.kind == "regression":
        found = in_units(logits, mean, spread)
        labels = np.array([float(label) for label in answers.labels if isinstance(label, float | int)])
        return fit_spread(found[:, 0], found[:, 1], labels, mean=mean, spread=spread, least=options.least_explained)
    return fit_classes(task.kind, logits, answers.targets, shift, precision=options.precision)


def _counted(task: TaskSpec, rows: list[_Row]) -> dict[str, int]:
    if task.kind == "regression":
        return {"all": len(rows)}
    if task.kind == "place":
        return dict(Counter("present" if row.label else "absent" for row in rows))
    if task.kind == "multi":
        return dict(Counter(name for row in rows if isinstance(row.label, frozenset) for name in row.label or {"none"}))
    return dict(Counter(str(row.label) for row in rows))
