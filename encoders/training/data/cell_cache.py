"""Frozen features of training examples, computed once: what the tower's trained part reads a hundred times.

A file holds features of some examples in every variant, fp16. Variant 0 is the volume as it is, the others are
augmented.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors
import safetensors.numpy
import torch
from numpy.typing import NDArray

from spinecho.db.durable import durable_replace, make_folder
from spinecho.encoders.networks.cells import FrozenCells
from spinecho.encoders.preparing.preparation import Preparation, digest
from spinecho.encoders.training.data.examples import Example, Facts, shards

Augment = Callable[[Example, np.random.Generator], Example]
_BLOCK = 64
"""Examples of one file."""
_SAMPLE = 60
"""Cells of a volume that the principal components are fitted on."""


class Listed(Protocol):
    """Examples by number, with their facts at hand."""

    @property
    def facts(self) -> tuple[Facts, ...]:
        """Of every example, in order."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Example:
        """One example."""
        ...


def fit_components(
    sources: Sequence[Listed], prepare: Preparation, cells: FrozenCells, *, count: int, volumes: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(mean (568,), components (568, count)): whitened principal components of a sample of each source's cells."""
    rng = np.random.default_rng(0)
    rows = []
    for source in sources:
        for number in range(volumes):
            low, high = (at * len(source) // volumes for at in (number, number + 1))
            chosen = int(rng.integers(low, max(low + 1, high)))
            deep = cells([prepare(source[chosen].volume())])[0].deep
            rows.append(deep[rng.permutation(len(deep))[:_SAMPLE]])
    sample = np.concatenate(rows).astype(np.float64)
    mean = sample.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(sample - mean, rowvar=False))
    kept = np.argsort(-values)[:count]
    floor = values[kept].max() * 1e-4
    # safetensors writes an array's memory as it lies, and LAPACK gives columns first: another order is another basis.
    found = (vectors[:, kept] / np.sqrt(values[kept] + floor)).astype(np.float32)
    return mean.astype(np.float32), np.ascontiguousarray(found)


def fit_likeness(
    cache: CellCache, volumes: Sequence[int], *, count: int, shrink: float = 0.3
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(centre (count,), whiten (count, count)) for `Tower.alike`, from volumes that have variants.

    The covariance of variants around their volume's mean is shrunk towards a sphere, as there are few of them.
    """
    means = np.stack(
        [
            np.stack(
                [
                    cache.cells(volume, variant)[0][:, :count].mean(dim=0).numpy()
                    for variant in range(cache.variants[volume])
                ]
            )
            for volume in volumes
        ]
    ).astype(np.float64)
    within = (means - means.mean(axis=1, keepdims=True)).reshape(-1, count)
    covariance = within.T @ within / len(within)
    covariance = (1.0 - shrink) * covariance + shrink * np.eye(count) * np.trace(covariance) / count
    values, vectors = np.linalg.eigh(covariance)
    whiten = (vectors / np.sqrt(values)) @ vectors.T
    return means.mean(axis=(0, 1)).astype(np.float32), whiten.astype(np.float32)


def cache_cells(
    source: Listed,
    folder: Path,
    prepare: Preparation,
    cells: FrozenCells,
    mean: NDArray[np.float32],
    components: NDArray[np.float32],
    *,
    variants: int = 1,
    augment: Augment | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CellCache:
    """The features of every example, `_BLOCK` to a file. Files that hold the same already are kept.

    A file's name is a digest of what went into it, so examples that came or changed are computed anew, and what is no
    longer asked for goes.
    """
    made = []
    basis = hashlib.sha256(mean.tobytes() + components.tobytes() + f"{digest(prepare)}{cells.revision}".encode())
    for start in range(0, len(source), _BLOCK):
        block = range(start, min(start + _BLOCK, len(source)))
        named = basis.copy()
        named.update(json.dumps([variants, *(asdict(source.facts[number]) for number in block)]).encode())
        target = folder / f"{start:08d}-{named.hexdigest()[:32]}.safetensors"
        if not target.exists():
            examples = [source[number] for number in block]
            _write(target, *_features(examples, prepare, cells, mean, components, variants, augment))
        made.append(target)
        if progress is not None:
            progress(block.stop, len(source))
    for path in set(shards(folder)) - set(made):
        path.unlink()
    return CellCache([folder])


def _features(
    examples: Sequence[Example],
    prepare: Preparation,
    cells: FrozenCells,
    mean: NDArray[np.float32],
    components: NDArray[np.float32],
    variants: int,
    augment: Augment | None,
) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    tensors: dict[str, NDArray[Any]] = {}
    facts = []
    for number, example in enumerate(examples):
        facts.append(asdict(example.facts))
        for variant in range(variants):
            seen = example
            if variant and augment is not None:
                seen = augment(example, np.random.default_rng((*example.facts.key.encode(), variant)))
            found = cells([prepare(seen.volume())])[0]
            values = np.concatenate([(found.deep - mean) @ components, found.grey, found.place], axis=1)
            tensors[f"{number:05d}.{variant}"] = np.ascontiguousarray(values, np.float16)
    return tensors, facts


def _write(path: Path, tensors: dict[str, NDArray[Any]], facts: list[dict[str, Any]]) -> None:
    content = safetensors.numpy.save(tensors, metadata={"facts": json.dumps(facts)})
    make_folder(path.parent)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    durable_replace(unfinished, path)


class CellCache:
    """Cached features of several folders, mapped. `facts[i]` belongs to volume i; `cells(i, variant)` are its cells."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.facts: list[Facts] = []
        self.variants: list[int] = []
        self._places: list[tuple[Any, int]] = []
        for path in (path for folder in folders for path in shards(folder)):
            opened: Any = safetensors.safe_open(path, framework="pt")
            values = json.loads(opened.metadata()["facts"])
            names = list(opened.keys())
            for number, value in enumerate(values):
                value["texts"] = tuple((kind, text) for kind, text in value["texts"])
                self.facts.append(Facts(**value))
                self.variants.append(sum(name.startswith(f"{number:05d}.") for name in names))
                self._places.append((opened, number))

    def __len__(self) -> int:
        return len(self.facts)

    def cells(self, volume: int, variant: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """(features (t, reduced + 17), place (t, 16)) float32."""
        opened, number = self._places[volume]
        values = opened.get_tensor(f"{number:05d}.{variant}").float()
        return values[:, :-16], values[:, -16:]
