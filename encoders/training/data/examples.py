"""What training reads: small 8-bit volumes with what is known of them, in shards.

A volume is kept at 128 voxels a side within its acquired slices and 48 across them, at most: half a megabyte, enough
for every preparation that training uses, and small enough to carry an archive's worth to another machine. A shard is
one safetensors file, so it holds nothing that can run, and appears complete or not at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from spinecho.db.durable import durable_replace, make_folder
from spinecho.encoders.errors import EncoderError
from spinecho.encoders.preparing.preparation import CompactPreparation, Grey
from spinecho.encoders.reading.volume import Volume

_FORMAT = "spinecho-examples-1"


class ShardError(EncoderError):
    """A shard cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a volume. Empty strings and None stand for what is not."""

    key: str
    """Names the volume in its source, stable over runs."""
    study: str
    patient: str
    source: str
    """The data set or archive that it comes from."""
    region: str = ""
    sequence: str = ""
    plane: str = ""
    contrast: str = ""
    sex: str = ""
    age_years: float | None = None
    texts: tuple[tuple[str, str], ...] = ()
    """(kind, text): "report" for one that was written about the study, "facts" for acquisition put into words."""
    labels: dict[str, Any] = field(default_factory=dict)
    """Plain JSON: whatever a head may be trained on."""


@dataclass(frozen=True, slots=True)
class Example:
    """grey: (i, j, k) uint8 in RAS+, windowed; spacing_mm between its voxels."""

    grey: Grey
    spacing_mm: tuple[float, float, float]
    facts: Facts

    def volume(self) -> Volume:
        """The same as a `Volume`, with its own grid's axes as the patient's."""
        return Volume(self.grey.astype(np.float32), np.diag([*self.spacing_mm, 1.0]))


def compact(volume: Volume) -> tuple[Grey, tuple[float, float, float]]:
    """(grey, spacing in mm): the volume as examples keep it."""
    grey, geometry = CompactPreparation()(volume)
    i, j, k = (float(mm) for mm in geometry)
    return grey, (i, j, k)


def write_shard(path: Path, examples: Sequence[Example]) -> None:
    """Write all of them into one file, which appears complete or not at all."""
    facts = [asdict(example.facts) | {"spacing_mm": example.spacing_mm} for example in examples]
    tensors = {f"{number:05d}": np.ascontiguousarray(example.grey) for number, example in enumerate(examples)}
    content = safetensors.numpy.save(tensors, metadata={"format": _FORMAT, "facts": json.dumps(facts)})
    make_folder(path.parent)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    durable_replace(unfinished, path)


class Shard:
    """One file of examples, mapped: facts are read at once, voxels when asked for. Raises ShardError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            opened: Any = safetensors.safe_open(path, framework="np")
            metadata = opened.metadata() or {}
        except (OSError, safetensors.SafetensorError) as error:
            raise ShardError(f"{path} is no shard that can be read ({error}); make it again") from error
        if metadata.get("format") != _FORMAT:
            raise ShardError(f"{path} is not a shard of {_FORMAT}; make it again")
        self._file = opened
        values = json.loads(metadata["facts"])
        self._spacings = [tuple(value.pop("spacing_mm")) for value in values]
        self.facts = tuple(
            Facts(**{**value, "texts": tuple((kind, text) for kind, text in value["texts"])}) for value in values
        )

    def __len__(self) -> int:
        return len(self.facts)

    def __getitem__(self, number: int) -> Example:
        i, j, k = self._spacings[number]
        return Example(self._file.get_tensor(f"{number:05d}"), (i, j, k), self.facts[number])


def shards(folder: Path) -> list[Path]:
    """The shards in a folder, in order of name."""
    return sorted(folder.glob("*.safetensors"))


def examples(folder: Path) -> Iterator[Example]:
    """Every example of a folder, shard by shard."""
    for path in shards(folder):
        shard = Shard(path)
        for number in range(len(shard)):
            yield shard[number]
