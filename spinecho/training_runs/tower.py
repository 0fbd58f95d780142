"""Alignment of the 2.5D tower from a config: frozen features are computed once, then trained on many times."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray

from spinecho.db.durable import durable_replace, make_folder
from spinecho.encoders.checkpoint import load_checkpoint
from spinecho.encoders.networks.cells import FrozenCells
from spinecho.encoders.networks.image_tower import Tower, save_tower
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.networks.text_chunks import TextTowerConfig
from spinecho.encoders.networks.text_tower import TextTower, load_text_tower, save_text_tower
from spinecho.encoders.networks.tower_config import KIND as IMAGE_KIND
from spinecho.encoders.networks.tower_config import TowerConfig
from spinecho.encoders.preparing.preparation import StackPreparation
from spinecho.encoders.registry import WEIGHTS, pick_device
from spinecho.encoders.training.data.cell_cache import CellCache, cache_cells, fit_components, fit_likeness
from spinecho.encoders.training.data.shards import Part
from spinecho.encoders.training.data.vary import vary
from spinecho.encoders.training.objectives.align_tower import Alignment, Batch, StateBank, Studies, View, study_members
from spinecho.encoders.training.run_config import TrainError
from spinecho.training_runs.measures import by_tower
from spinecho.training_runs.train_plan import FitPlan
from spinecho.training_runs.train_values import Metrics, Note

_SAMPLED = 150
"""Volumes that the principal components of a fresh tower are fitted on."""


class TowerRun:
    """One run: towers, features, measures, export."""

    def __init__(self, plan: FitPlan, train: Part) -> None:
        """Raises TrainError and CheckpointError."""
        self._plan, self._train = plan, train
        self.members = study_members(train.facts)
        """Numbers of each study's volumes."""
        device = "cpu" if plan.train.accelerator == "cpu" else pick_device("auto")
        model = plan.text.model
        frozen = SentenceEncoder.from_name(model, device=device) if model else SentenceEncoder.default(device=device)
        self._frozen, self._bank, self._device = frozen, StateBank(frozen), device
        self._preparation = StackPreparation()
        self.objective = Alignment(*self._towers(), plan.tower.loss)
        self._studies: Studies | None = None

    def _towers(self) -> tuple[Tower, TextTower]:
        plan = self._plan.tower
        if plan.fresh:
            image = Tower(TowerConfig(width=plan.width, rounds=plan.rounds, heads=plan.heads, dim=plan.dim))
            sizes = {name: getattr(self._plan.text, name) for name in ("width", "depth", "heads")}
            return image, TextTower(TextTowerConfig(states=self._frozen.width, dim=plan.dim, **sizes))
        start = plan.start or WEIGHTS
        stored = load_checkpoint(start / "image", kind=IMAGE_KIND)
        image = Tower(TowerConfig(**stored.card.config))
        stored.put_into(image)
        text = load_text_tower(start / "text")
        for tower in (image, text):
            tower.train().requires_grad_(True)
        if text.config.states != self._frozen.width:
            raise TrainError(
                f"[text] model gives states of {self._frozen.width}, the text tower in {start} was trained on "
                f"{text.config.states}; leave model out, or set tower.fresh = true"
            )
        return image, text

    def prepare(self, note: Note) -> None:
        """Compute what features are missing, and for a fresh tower the basis that they are reduced to."""
        image = self.objective.image
        if self._plan.tower.fresh:
            note("principal components")
            mean, components = self._basis()
            image.mean.copy_(torch.from_numpy(mean))
            image.components.copy_(torch.from_numpy(components))
        cache = self._cells("train", self._train, self._plan.tower.variants, note)
        self._studies = Studies(cache, self._bank, self.objective.text, self._plan.tower.loss)

    def views(self, study: list[int], generator: np.random.Generator) -> View:
        """A study as it is seen once."""
        return self._ready.views(study, generator)

    def collate(self, views: list[View]) -> Batch:
        """What the objective takes."""
        return self._ready.collate(views)

    def evaluate(self, held: Part) -> Metrics:
        """Held-out patients' scans against their reports, and among each other."""
        return by_tower(self.objective, self._bank, self._cells("held-out", held, 1), self._plan.evaluate_most)

    def save(self, folder: Path) -> None:
        """As `tower:FOLDER` opens it. A fresh tower learns here how much a volume may differ from itself."""
        image = self.objective.image
        if self._plan.tower.fresh and self._plan.tower.variants > 1:
            centre, whiten = fit_likeness(self._ready.cache, range(len(self._ready.cache)), count=image.config.reduced)
            image.centre.copy_(torch.from_numpy(centre))
            image.whiten.copy_(torch.from_numpy(whiten))
        save_tower(folder / "image", image, self._preparation)
        save_text_tower(folder / "text", self.objective.text, self._frozen.space)

    @property
    def _ready(self) -> Studies:
        if self._studies is None:
            raise TrainError("the features have not been computed; call prepare first")
        return self._studies

    def _basis(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Fitted once, as features are named by it."""
        path = self._plan.output / "components.safetensors"
        if not path.exists():
            cells, volumes = FrozenCells(device=self._device), min(_SAMPLED, len(self._train))
            count = self.objective.image.config.reduced
            mean, components = fit_components([self._train], self._preparation, cells, count=count, volumes=volumes)
            make_folder(path.parent)
            unfinished = path.with_name(f".{path.name}.{os.getpid()}")
            safetensors.numpy.save_file({"mean": mean, "components": components}, unfinished)
            durable_replace(unfinished, path)
        found = safetensors.numpy.load_file(path)
        return found["mean"], found["components"]

    def _cells(self, name: str, part: Part, variants: int, note: Note = lambda _: None) -> CellCache:
        image = self.objective.image
        return cache_cells(
            part, self._plan.output / "features" / name, self._preparation, FrozenCells(device=self._device),
            image.mean.cpu().numpy(), image.components.cpu().numpy(), variants=variants, augment=vary,
            progress=lambda done, of: note(f"features {done}/{of}"),
        )  # fmt: skip
