"""What can be trained: one literal table of objectives, each with its data, its measures and its export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from spinecho.encoders.training.data.batch_sampling import ShuffledBatches, StudyBatches
from spinecho.encoders.training.data.shards import Part
from spinecho.encoders.training.loop.data import Data
from spinecho.encoders.training.run_config import TrainError
from spinecho.training_runs.train_plan import FitPlan, vit_of
from spinecho.training_runs.train_values import Metrics, Note

if TYPE_CHECKING:
    from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
    from spinecho.encoders.networks.text_tower import TextTower


@dataclass(frozen=True)
class Job:
    """An objective with its examples and their order, what is measured of it and how it is exported."""

    objective: nn.Module
    data: Data
    evaluate: Callable[[nn.Module, Part], Metrics]
    save: Callable[[Path], None]
    about: str
    prepare: Callable[[Note], None] = lambda _: None
    """Whatever must be computed before the first step; a dry run leaves it out."""


def _selfsup(plan: FitPlan, train: Part) -> Job:
    from spinecho.encoders.training.data.crops import Crops  # noqa: PLC0415
    from spinecho.encoders.training.objectives.selfsup import SelfSupervision, SelfSupervisionConfig  # noqa: PLC0415

    network = vit_of(plan.network)
    values = asdict(plan.selfsup)
    crops = Crops(patch=network.config.patch, **values.pop("crops"))
    objective = SelfSupervision(network, SelfSupervisionConfig(crops=crops, **values))
    return _pretrained(plan, train, objective, crops.whole_tokens, "self-supervision (DINO, iBOT, KoLeo)")


def _masked(plan: FitPlan, train: Part) -> Job:
    from spinecho.encoders.training.objectives.masked import MaskedAutoencoding, MaskedConfig  # noqa: PLC0415

    network = vit_of(plan.network)
    objective = MaskedAutoencoding(network, MaskedConfig(patch=network.config.patch, **asdict(plan.masked)))
    return _pretrained(plan, train, objective, plan.masked.tokens, "masked autoencoding")


def _pretrained(plan: FitPlan, train: Part, objective: Any, tokens: int, how: str) -> Job:
    from spinecho.encoders.networks.vit.encoder import save_vit  # noqa: PLC0415
    from spinecho.encoders.preparing.preparation import BlockPreparation  # noqa: PLC0415
    from spinecho.training_runs.measures import by_neighbours  # noqa: PLC0415

    preparation = BlockPreparation(patch=objective.encoder.config.patch, tokens=tokens)
    return Job(
        objective,
        Data(train, ShuffledBatches(len(train), plan.sampling.batch, plan.train.seed)),
        lambda found, held: by_neighbours(found.encoder, preparation, held, plan.evaluate_most),  # type: ignore[arg-type]
        lambda folder: (save_vit(folder / "image", objective.encoder, preparation), None)[1],
        f"A 3D vision transformer after {how}. Not aligned with text: it is what alignment begins from.",
    )


def _vit(plan: FitPlan, train: Part) -> Job:
    from spinecho.encoders.networks.sentence_encoder import SentenceEncoder  # noqa: PLC0415
    from spinecho.encoders.networks.text_chunks import TextTowerConfig  # noqa: PLC0415
    from spinecho.encoders.networks.text_tower import TextTower  # noqa: PLC0415
    from spinecho.encoders.training.objectives.align_tower import StateBank  # noqa: PLC0415
    from spinecho.encoders.training.objectives.align_vit import VitAlignment  # noqa: PLC0415
    from spinecho.training_runs.measures import by_texts  # noqa: PLC0415

    image = vit_of(plan.network)
    frozen = SentenceEncoder.from_name(plan.text.model) if plan.text.model else SentenceEncoder.default()
    sizes = {"width": plan.text.width, "depth": plan.text.depth, "heads": plan.text.heads}
    text = TextTower(TextTowerConfig(states=frozen.width, dim=image.config.projection, **sizes))
    if plan.text.start is not None:
        text = _text_from(plan.text.start, frozen)
    elif plan.align.text == "locked":
        raise TrainError('align.text = "locked" needs a text tower to begin from: set text.start, or train it')
    objective = VitAlignment(image, text, StateBank(frozen), plan.align)
    sampling = plan.sampling
    return Job(
        objective,
        Data(
            train,
            StudyBatches(
                train.facts, sampling.batch, series_per_study=sampling.series_per_study, mixed=sampling.mixed,
                seed=plan.train.seed,
            ),
        ),
        lambda found, held: by_texts(found, held, plan.evaluate_most),  # type: ignore[arg-type]
        lambda folder: objective.save(folder, frozen.space),
        "A 3D vision transformer and a text tower in one space, aligned by reports and facts.",
    )  # fmt: skip


def _text_from(folder: Path, frozen: SentenceEncoder) -> TextTower:
    """A text tower to begin from. Raises CheckpointError, also for one that reads another sentence encoder's states."""
    from spinecho.encoders.checkpoint import checked_card  # noqa: PLC0415
    from spinecho.encoders.networks.text_chunks import KIND  # noqa: PLC0415
    from spinecho.encoders.networks.text_tower import load_text_tower  # noqa: PLC0415
    from spinecho.encoders.networks.text_tower_encoder import TextTowerEncoder  # noqa: PLC0415
    from spinecho.encoders.space import Space  # noqa: PLC0415

    TextTowerEncoder.load(folder, frozen, space=Space("", "", "", checked_card(folder, kind=KIND).dim))
    return load_text_tower(folder).train().requires_grad_(True)


def _tower(plan: FitPlan, train: Part) -> Job:
    from spinecho.training_runs.tower import TowerRun  # noqa: PLC0415

    run = TowerRun(plan, train)
    return Job(
        run.objective,
        Data(
            run.members, ShuffledBatches(len(run.members), plan.sampling.batch, plan.train.seed),
            views=run.views, collate=run.collate,
        ),
        lambda _, held: run.evaluate(held),
        run.save,
        "The 2.5D tower over frozen features of slices, and a text tower, in one space, aligned by reports and facts.",
        run.prepare,
    )  # fmt: skip


def _mlm(plan: FitPlan, train: Part) -> Job:
    from spinecho.encoders.training.objectives.mlm import MlmConfig, MlmObjective  # noqa: PLC0415
    from spinecho.training_runs.measures import by_guesses  # noqa: PLC0415

    if not plan.text.model:
        raise TrainError('[text] model = "..." must name the masked language model that reads on, by name or folder')
    objective = MlmObjective(plan.text.model, MlmConfig(**asdict(plan.mlm)), seed=plan.train.seed)
    reports = reports_of(train)
    if not reports:
        raise TrainError(f"none of {len(train)} volumes has a report to read; link reports to the archive first")
    return Job(
        objective,
        Data(reports, ShuffledBatches(len(reports), plan.sampling.batch, plan.train.seed)),
        lambda found, held: by_guesses(found, reports_of(held), plan.evaluate_most),  # type: ignore[arg-type]
        lambda folder: objective.save(folder / "text-model"),
        "A text network that read on in reports by guessing hidden words. Not aligned with scans.",
    )


def reports_of(part: Part) -> list[str]:
    """Each different report once, without those that hold no word."""
    found = dict.fromkeys(text for facts in part.facts for kind, text in facts.texts if kind == "report")
    return [text for text in found if any(letter.isalnum() for letter in text)]


JOBS: dict[str, dict[str, Callable[[FitPlan, Part], Job]]] = {
    "pretrain": {"selfsup": _selfsup, "masked": _masked, "mlm": _mlm},
    "align": {"tower": _tower, "vit": _vit},
}
"""By command and `kind`: from a plan and what is trained on to a job. Another objective is another line."""
