"""Running what a training config says: training, evaluation, export."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spinecho.encoders.training.data.shards import Part
from spinecho.encoders.training.loop.loop import Fitted, Progress, fit, seed
from spinecho.encoders.training.model_card import ModelCard, write_card
from spinecho.encoders.training.run_config import TrainError
from spinecho.training_runs.train_jobs import JOBS, Job
from spinecho.training_runs.train_plan import FitPlan, HeadsPlan, counts, open_data, text_kinds
from spinecho.training_runs.train_values import Metrics, Note

LIMITS = (
    "Measured on held-out patients of the same sources: other scanners and hospitals may do worse.",
    "Vectors may tell who a patient is; treat them as the scans themselves.",
)


def describe(plan: FitPlan | HeadsPlan) -> Metrics:
    """What a run would do, for --dry-run: nothing is read but facts, nothing written."""
    with open_data(plan.data, kind=plan.kind) as (train, held):
        return _described(plan, train, held)


def _described(plan: FitPlan | HeadsPlan, train: Part, held: Part) -> Metrics:
    found: Metrics = {
        "kind": plan.kind,
        "output": str(plan.output),
        "train": counts(train.facts),
        "held_out": counts(held.facts),
        "texts": text_kinds(train.facts),
    }
    if isinstance(plan, HeadsPlan):
        return found | {"encoder": plan.head.encoder, "tasks": list(plan.head.tasks)}
    job = _job(plan, train)
    trained = sum(parameter.numel() for parameter in job.objective.parameters() if parameter.requires_grad)
    a_step = plan.sampling.batch * plan.train.accumulate
    return found | {
        "parameters_trained": trained,
        "examples_a_step": a_step,
        "steps": plan.train.steps,
        "batches_an_epoch": len(job.data.sampler.batches(0)),
        "epochs": round(plan.train.steps * plan.train.accumulate / max(1, len(job.data.sampler.batches(0))), 2),
    }


def _job(plan: FitPlan, train: Part) -> Job:
    seed(plan.train.seed)
    try:
        return next(jobs[plan.kind] for jobs in JOBS.values() if plan.kind in jobs)(plan, train)
    except ValueError as error:
        raise TrainError(f"this config cannot be: {error}") from error


def run_fit(
    plan: FitPlan,
    *,
    progress: Callable[[Progress], None],
    stop: Callable[[], bool] = lambda: False,
    note: Note = lambda _: None,
) -> Metrics:
    """Train, or go on with it; when done, export to `export/` in the run's folder."""
    with open_data(plan.data, kind=plan.kind) as (train, held):
        return _fitted(plan, train, held, progress, stop, note)


def _fitted(
    plan: FitPlan,
    train: Part,
    held: Part,
    progress: Callable[[Progress], None],
    stop: Callable[[], bool],
    note: Note,
) -> Metrics:
    job = _job(plan, train)
    job.prepare(note)
    figures: Metrics = {}

    def evaluate(objective: nn.Module, _: int) -> Mapping[str, float]:
        figures.clear()
        figures.update(job.evaluate(objective, held))
        return {name: float(figure["value"]) for name, figure in figures.items() if figure["value"] is not None}

    fitted = fit(
        job.objective,
        job.data,
        plan.train,
        plan.output,
        evaluate=evaluate if len(held) else None,
        progress=progress,
        stop=stop,
    )
    summary: Metrics = {"finished": fitted.finished, **asdict(fitted.position), "metrics": figures or fitted.metrics}
    if fitted.finished:
        if len(held) and not figures:  # it was finished before, and is exported anew
            job.objective.eval()
            with torch.no_grad():
                figures.update(job.evaluate(job.objective, held))
        summary["export"] = str(_exported(plan, job, fitted, figures, train, held))
    return summary


def _exported(plan: FitPlan, job: Job, fitted: Fitted, figures: Metrics, train: Part, held: Part) -> Path:
    folder = plan.output / "export"
    job.save(folder)
    card = ModelCard(
        name=f"{plan.kind}, {plan.output.name}",
        about=job.about,
        command=shlex.join(["spinecho", *sys.argv[1:]]),
        data=counts(train.facts),
        held_out=counts(held.facts),
        texts=text_kinds(train.facts),
        licence=plan.data.licence,
        config=asdict(plan),
        metrics=figures,
        limits=LIMITS,
        record=asdict(fitted.position),
    )
    write_card(folder, card)
    return folder


def run_heads(plan: HeadsPlan, *, device: str, progress: Callable[[int], None]) -> Metrics:
    """Cache features of every example, then train and save a head for each task, with its card."""
    from spinecho.encoders.heads.fitting.features import cache_features  # noqa: PLC0415
    from spinecho.encoders.heads.fitting.fit import fit_head  # noqa: PLC0415
    from spinecho.encoders.heads.targets import task_named  # noqa: PLC0415
    from spinecho.encoders.networks.parts_of_volumes import Describing  # noqa: PLC0415
    from spinecho.encoders.registry import open_encoder  # noqa: PLC0415

    tasks = [task_named(name) for name in plan.head.tasks]
    image: Any = open_encoder(plan.head.encoder, device=device).image
    if not isinstance(image, Describing):
        raise TrainError(
            f"the encoder {plan.head.encoder!r} does not tell parts apart, so no head can be trained on it"
        )
    encoder: Any = image
    with open_data(plan.data) as (train, held):
        # Heads split patients by themselves; what is held out here stays out of their reach.
        examples = (train[number] for number in range(len(train)))
        features = cache_features(encoder, examples, plan.output / "features", progress=progress)
    summary: Metrics = {"heads": {}, "volumes": len(features), "held_out": len(held)}
    for task in tasks:
        head, card = fit_head(task, features, options=plan.head.fit, device=device)
        head.save(plan.output / "heads" / task.name)
        summary["heads"][task.name] = [asdict(figure) for figure in card.figures]
    return summary
