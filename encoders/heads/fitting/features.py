"""What a frozen encoder says of many volumes, kept on disk once: heads are trained from it in minutes.

A shard is one safetensors file: tokens and pooled features in fp16, boxes in fp32, and the facts as JSON. It appears
complete or not at all, so writing that was cut off goes on where it stopped. A thousand tokens of width 384 are
0.8 MB a volume.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from spinecho.db.durable import durable_replace, make_folder
from spinecho.encoders.errors import SpaceMismatch
from spinecho.encoders.heads.predictions import HeadError
from spinecho.encoders.networks.parts_of_volumes import Described, Describing, Floats
from spinecho.encoders.preparing.preparation import Preparation
from spinecho.encoders.space import Space
from spinecho.encoders.training.data.examples import Example, Facts

_FORMAT = "spinecho-features-1"
_SHARD = 64
"""Volumes a shard: what is lost at most when writing is cut off."""
_LARGEST = float(np.finfo(np.float16).max)

Halves = NDArray[np.float16]


class DescribingEncoder(Describing, Protocol):
    """What features are made with: any image encoder that has `describe`."""

    @property
    def space(self) -> Space:
        """Goes into every shard, and into every head trained from it."""
        ...

    @property
    def preparation(self) -> Preparation:
        """What is done to a volume before the network."""
        ...

    @property
    def batch(self) -> int:
        """How many volumes to hand over at once."""
        ...


@dataclass(frozen=True, slots=True)
class _Shard:
    path: Path
    space: Space
    facts: tuple[Facts, ...]
    starts: NDArray[np.int64]
    """(n + 1,) where each volume's tokens begin."""
    file: Any


class FeatureCache:
    """Features of volumes, by number, in the order they were written. Tokens are read from disk when asked for."""

    def __init__(self, folder: Path) -> None:
        """Open a folder that `cache_features` wrote.

        Raises HeadError for one without features or with a damaged shard, SpaceMismatch for one of two encoders.
        """
        self.folder = folder
        self._shards = [_opened(path) for path in sorted(folder.glob("features-*.safetensors"))]
        if not self._shards:
            raise HeadError(f"{folder} holds no features; write them with cache_features")
        self.space = self._shards[0].space
        for shard in self._shards:
            _require(shard, self.space)
        self.facts: tuple[Facts, ...] = tuple(facts for shard in self._shards for facts in shard.facts)
        self._places = [(shard, row) for shard in self._shards for row in range(len(shard.facts))]

    def __len__(self) -> int:
        return len(self.facts)

    def pooled(self, numbers: Sequence[int] | None = None) -> Floats:
        """(n, p) float32: of these volumes, or of all."""
        every = np.concatenate([shard.file.get_tensor("pooled") for shard in self._shards]).astype(np.float32)
        return every if numbers is None else every[np.asarray(numbers, np.int64)]

    def tokens(self, number: int) -> tuple[Halves, Floats]:
        """(t, width) features and (t, 6) boxes of one volume."""
        shard, row = self._places[number]
        first, last = int(shard.starts[row]), int(shard.starts[row + 1])
        return shard.file.get_slice("tokens")[first:last], shard.file.get_slice("boxes")[first:last]

    @property
    def width(self) -> int:
        """Of a token."""
        return int(self._shards[0].file.get_slice("tokens").get_shape()[1])


def cache_features(
    encoder: DescribingEncoder,
    examples: Iterable[Example],
    folder: Path,
    *,
    shard: int = _SHARD,
    progress: Callable[[int], None] | None = None,
) -> FeatureCache:
    """Describe every example that the folder does not hold yet, and open it. `progress` hears how many are done.

    Examples are told by source and key, so more can be added later.
    Raises HeadError for a damaged shard, for features that are not numbers and where there are no examples, and
    SpaceMismatch for a folder that another encoder wrote into.
    """
    written = sorted(folder.glob("features-*.safetensors"))
    done: set[tuple[str, str]] = set()
    for path in written:
        opened = _opened(path)
        _require(opened, encoder.space)
        done |= {(facts.source, facts.key) for facts in opened.facts}
    number = 1 + max((int(path.stem.rpartition("-")[2]) for path in written), default=-1)
    waiting: list[tuple[Facts, Described]] = []
    batch: list[Example] = []
    for example in examples:
        name = (example.facts.source, example.facts.key)
        if name in done:
            continue
        done.add(name)
        batch.append(example)
        if len(batch) >= max(1, encoder.batch):
            waiting += _described(encoder, batch)
            batch = []
        if len(waiting) >= shard:
            _write(folder / f"features-{number:05d}.safetensors", waiting, encoder.space)
            waiting, number = [], number + 1
        if progress is not None:
            progress(len(done))
    waiting += _described(encoder, batch)
    if waiting:
        _write(folder / f"features-{number:05d}.safetensors", waiting, encoder.space)
    if not done:
        raise HeadError(f"no examples to describe for {folder}; name a folder that holds shards of examples")
    return FeatureCache(folder)


def _described(encoder: DescribingEncoder, batch: Sequence[Example]) -> list[tuple[Facts, Described]]:
    if not batch:
        return []
    parts = encoder.describe([encoder.preparation(example.volume()) for example in batch])
    for example, described in zip(batch, parts, strict=True):
        if not (np.isfinite(described.tokens).all() and np.isfinite(described.pooled).all()):
            raise HeadError(
                f"{encoder.space.label} gave features that are not numbers for {example.facts.key}; leave it out, or "
                "take an earlier checkpoint"
            )
    return [(example.facts, described) for example, described in zip(batch, parts, strict=True)]


def _write(path: Path, rows: Sequence[tuple[Facts, Described]], space: Space) -> None:
    """All of it or nothing."""
    parts = [described for _, described in rows]
    tensors: dict[str, NDArray[Any]] = {
        "tokens": _half(np.concatenate([part.tokens for part in parts])),
        "boxes": np.concatenate([part.boxes for part in parts]).astype(np.float32),
        "pooled": _half(np.stack([part.pooled for part in parts])),
        "counts": np.array([len(part.tokens) for part in parts], np.int32),
    }
    facts = json.dumps([asdict(facts) for facts, _ in rows])
    metadata = {"format": _FORMAT, "space": json.dumps(asdict(space)), "facts": facts}
    make_folder(path.parent)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        whole = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
        unfinished.write_bytes(safetensors.numpy.save(whole, metadata=metadata))
        durable_replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _half(values: Floats) -> Halves:
    return np.clip(values, -_LARGEST, _LARGEST).astype(np.float16)


def _opened(path: Path) -> _Shard:
    try:
        file: Any = safetensors.safe_open(path, framework="np")
        metadata = file.metadata() or {}
        if metadata.get("format") != _FORMAT:
            raise HeadError(f"{path} is not a shard of {_FORMAT}; write the features again in another folder")
        space = Space(**json.loads(metadata["space"]))
        values = json.loads(metadata["facts"])
        counts = file.get_tensor("counts")
    except (OSError, safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise HeadError(
            f"{path} is damaged or cut short ({error}); delete it and run again to write it anew"
        ) from error
    facts = tuple(Facts(**{**value, "texts": tuple((kind, text) for kind, text in value["texts"])}) for value in values)
    return _Shard(path, space, facts, np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), file)


def _require(shard: _Shard, space: Space) -> None:
    if shard.space != space:
        raise SpaceMismatch(
            f"{shard.path} holds features of {shard.space.label}, not of {space.label}; name another folder, or delete "
            "this one to write it anew"
        )
