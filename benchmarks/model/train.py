"""Train the encoder that ships, from nothing but the generator and a table of labelled scans.

    python -m benchmarks.model.train --work FOLDER --manifest manifest.csv --minutes 40

Every step goes on where it stopped: shards, frozen features, and training itself.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch

from benchmarks.common import machine
from benchmarks.model.data import NOT_SHIPPED, TEST_SEED, TRAIN_SEED, folders, held_out
from spinecho.encoders.checkpoint import load_checkpoint
from spinecho.encoders.networks.cells import FrozenCells
from spinecho.encoders.networks.image_tower import Tower, save_tower
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.networks.text_chunks import KIND as TEXT_KIND
from spinecho.encoders.networks.text_chunks import TextTowerConfig
from spinecho.encoders.networks.text_tower import TextTower, save_text_tower
from spinecho.encoders.networks.tower_config import KIND as IMAGE_KIND
from spinecho.encoders.networks.tower_config import TowerConfig
from spinecho.encoders.preparing.preparation import StackPreparation
from spinecho.encoders.training.data.cell_cache import CellCache, cache_cells, fit_components, fit_likeness
from spinecho.encoders.training.data.shards import ShardExamples
from spinecho.encoders.training.data.vary import vary
from spinecho.encoders.training.loop.data import Data
from spinecho.encoders.training.loop.loop import fit
from spinecho.encoders.training.objectives.align_tower import AlignConfig, Alignment, StateBank, Studies
from spinecho.encoders.training.run_config import TrainConfig
from spinecho.indexer.corpus.from_manifest import read_manifest, write_manifest_shards
from spinecho.indexer.corpus.from_phantom import write_phantom_shards

IMAGE = TowerConfig(width=128, heads=4, rounds=1)
TEXT = TextTowerConfig(width=128, heads=4, most_tokens=256)
ALIGN = AlignConfig(series=2)
PHANTOMS, REAL = 18, 6
"""Studies of each kind in a batch."""


class Mixture:
    """Batches of so many generated and so many real studies; each epoch is one pass over the generated ones."""

    def __init__(self, phantoms: Sequence[int], real: Sequence[int], *, seed: int) -> None:
        self._phantoms, self._real, self._seed = np.array(phantoms), np.array(real), seed

    def batches(self, epoch: int, /) -> Sequence[Sequence[int]]:
        """Numbers of studies."""
        rng = np.random.default_rng((self._seed, epoch))
        order = rng.permutation(self._phantoms)
        made = []
        for start in range(0, len(order) - PHANTOMS + 1, PHANTOMS):
            some = [*order[start : start + PHANTOMS]]
            if len(self._real):
                some += [*rng.choice(self._real, size=min(REAL, len(self._real)), replace=False)]
            made.append([int(number) for number in some])
        return made


def shards(work: Path, manifest: Path, *, train: int, test: int) -> None:
    """Draw and read everything."""
    where = folders(work, "shards")
    write_phantom_shards(where["phantom-train"], seed=TRAIN_SEED, first=0, last=train)
    write_phantom_shards(where["phantom-test"], seed=TEST_SEED, first=0, last=test)
    rows = [
        row
        for row in read_manifest(manifest, skip=("msd_task04_hippocampus",))
        if "paired" not in row.path.relative_to(manifest.parent).parts
    ]
    for failure in write_manifest_shards(where["real"], rows):
        print(f"not read: {failure.path}: {failure.reason}")


def features(work: Path) -> None:
    """Frozen features of every example."""
    source, target, prepare, cells = folders(work, "shards"), folders(work, "cells"), StackPreparation(), FrozenCells()
    kept = work / "components.safetensors"
    if not kept.exists():
        mean, components = fit_components(
            [ShardExamples([source[part]]) for part in ("phantom-train", "real")], prepare, cells,
            count=IMAGE.reduced, volumes=70,
        )  # fmt: skip
        safetensors.numpy.save_file({"mean": mean, "components": components}, kept)
    basis = safetensors.numpy.load_file(kept)
    for part in source:
        variants = 8 if part == "real" else 1
        cache_cells(
            ShardExamples([source[part]]), target[part], prepare, cells, basis["mean"], basis["components"],
            variants=variants, augment=vary,
            progress=lambda done, all_, part=part: print(f"features of {part}: {done}/{all_}"),
        )  # fmt: skip


def new_towers(work: Path) -> tuple[Tower, TextTower]:
    """Both towers before training, the frozen basis filled in."""
    torch.manual_seed(0)
    basis = safetensors.numpy.load_file(work / "components.safetensors")
    image, text = Tower(IMAGE), TextTower(TEXT)
    image.mean.copy_(torch.from_numpy(basis["mean"]))
    image.components.copy_(torch.from_numpy(basis["components"]))
    return image, text


def train(
    work: Path, out: Path, *, minutes: float | None, steps: int, without: Sequence[str] = (), start: Path | None = None
) -> None:
    """Train and export; `without` names further sources that are held out."""
    image, text = new_towers(work)
    frozen = SentenceEncoder.default()
    if start is not None:
        load_checkpoint(start / "image", kind=IMAGE_KIND).put_into(image)
        load_checkpoint(start / "text", kind=TEXT_KIND).put_into(text)
        image.requires_grad_(True)
        text.requires_grad_(True)
    where = folders(work, "cells")
    cache = CellCache([where["phantom-train"], where["real"]])
    studies = Studies(cache, StateBank(frozen), text, ALIGN)
    real = [facts for facts in cache.facts if facts.source != "phantom"]
    barred = held_out(real) | {facts.patient for facts in real if facts.source in (*NOT_SHIPPED, *without)}
    first = [cache.facts[study[0]] for study in studies.studies]
    phantoms = [number for number, facts in enumerate(first) if facts.source == "phantom"]
    kept = [number for number, facts in enumerate(first) if facts.source != "phantom" and facts.patient not in barred]
    print(f"{len(phantoms)} generated and {len(kept)} real studies; {len(barred)} real subjects held out; {machine()}")
    objective = Alignment(image, text, ALIGN)
    config = TrainConfig(
        steps=steps,
        learning_rate=1e-3 if start is None else 7e-4,
        warmup=20,
        ema=0.99,
        log_every=20,
        save_every=100,
        minutes=minutes,
        seed=1,
    )
    data = Data(studies, Mixture(phantoms, kept, seed=1), views=studies.views, collate=studies.collate)
    done = fit(
        objective, data, config, out / "run",
        progress=lambda now: print(
            f"step {now.step}/{now.steps} loss {now.loss:.3f} {now.examples_per_s:.1f} studies/s "
            f"{now.left_s / 60:.0f} min",
            flush=True,
        ),
    )  # fmt: skip
    print(json.dumps({"finished": done.finished, "step": done.position.step}))
    objective.eval()
    variants = [n for n, facts in enumerate(cache.facts) if facts.source != "phantom" and facts.patient not in barred]
    centre, whiten = fit_likeness(cache, variants, count=IMAGE.reduced)
    objective.image.centre.copy_(torch.from_numpy(centre))
    objective.image.whiten.copy_(torch.from_numpy(whiten))
    save_tower(out / "image", objective.image, StackPreparation())
    save_text_tower(out / "text", objective.text, frozen.space)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for shards, features and training states")
    parser.add_argument("--manifest", type=Path, help="table of labelled scans; left out, shards must be there already")
    parser.add_argument("--out", type=Path, help="where the encoder goes (default: WORK/model)")
    parser.add_argument("--studies", type=int, default=2000, help="generated studies to train on")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--minutes", type=float, help="stop after so long; the same command goes on")
    parser.add_argument("--start", type=Path, help="folder with image/ and text/ to go on from, in a new --out")
    parser.add_argument("--without", nargs="*", default=[], help="sources to hold out as a whole")
    parser.add_argument("--only", choices=["shards", "features", "train"])
    given = parser.parse_args()
    if given.only in (None, "shards") and given.manifest is not None:
        shards(given.work, given.manifest, train=given.studies, test=2000)
    if given.only in (None, "features"):
        features(given.work)
    if given.only in (None, "train"):
        out = given.out or given.work / "model"
        train(given.work, out, minutes=given.minutes, steps=given.steps, without=given.without, start=given.start)


if __name__ == "__main__":
    main()
