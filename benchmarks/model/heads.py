"""Heads on the shipped encoder: those that ship, and those that are only measured, as they know generated scans alone.

python -m benchmarks.model.heads --work FOLDER --model FOLDER --out heads.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import machine
from benchmarks.model.data import NOT_SHIPPED, folders
from spinecho.encoders.heads.fitting.features import cache_features
from spinecho.encoders.heads.fitting.fit import fit_head
from spinecho.encoders.heads.fitting.probe_training import FitOptions
from spinecho.encoders.heads.targets import TASKS, TaskSpec
from spinecho.encoders.networks.image_tower import TowerEncoder, batch_of, described
from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.encoders.training.data.cell_cache import CellCache
from spinecho.encoders.training.data.examples import Facts
from spinecho.encoders.training.data.queries import family

SHIPPED = (TaskSpec("sequence", "single", lambda facts: family(facts.sequence) or None, least=6),)
"""Trained on real scans of several sources too. The others know generated heads alone, or a few of the regions."""
REGION = replace(TASKS["body_region"], least=6)
MEASURED = ("diagnosis", "lesion_side", "sex", "age", "contrast", "lesion_place")


@dataclass(frozen=True, slots=True)
class _Cached:
    """An example whose frozen features are at hand."""

    facts: Facts
    number: int

    def volume(self) -> int:
        return self.number


class FromCache:
    """The encoder, over cached features in place of volumes."""

    batch = 1

    def __init__(self, encoder: TowerEncoder, cache: CellCache) -> None:
        self.space, self._tower, self._cache = encoder.space, encoder._tower, cache

    def preparation(self, number: int) -> int:
        return number

    def describe(self, items: Sequence[int]) -> list[Described]:
        made = []
        for number in items:
            features, place = self._cache.cells(number)
            middle, half = (place[:, 3:6] + 1) / 2, place[:, 6:9] / place[:, 9:12].clamp_min(1e-6) / 2
            boxes = torch.cat([middle - half, middle + half], dim=1).clamp(0, 1).numpy().astype(np.float32)
            with torch.inference_mode():
                cells = batch_of([(features, place)])
                made.append(described(self._tower, cells, self._tower.read(cells), 0, boxes))
        return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="folder with image/; heads/ is written beside it")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--studies", type=int, default=400, help="generated studies, none of which the tower saw")
    given = parser.parse_args()
    cells = folders(given.work, "cells")
    encoder = TowerEncoder.load(given.model / "image")
    cache = CellCache([cells["real"], cells["phantom-test"]])
    source = FromCache(encoder, cache)

    def examples() -> Iterator[Any]:
        seen: set[str] = set()
        for number, facts in enumerate(cache.facts):
            seen.add(facts.study)
            if facts.source == "phantom" and len(seen) > given.studies + 120:
                return
            if facts.source not in NOT_SHIPPED:
                yield _Cached(facts, number)

    features = cache_features(source, examples(), given.work / "features" / encoder.space.revision[:12])  # type: ignore[arg-type]
    made: dict[str, Any] = {"machine": machine(), "volumes": len(features)}
    for task in (*SHIPPED, REGION, *(TASKS[name] for name in MEASURED)):
        quick = FitOptions(network="mlp") if task.kind != "place" else FitOptions(epochs=6, patience=3)
        head, card = fit_head(task, features, options=quick)
        if task in SHIPPED:
            head.save(given.model / "heads" / task.name)
        made[task.name] = {"figures": [asdict(figure) for figure in card.figures], "by_class": card.by_class}
        print(task.name, *(f"\n  {figure}" for figure in card.figures), flush=True)
    if given.out:
        given.out.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
