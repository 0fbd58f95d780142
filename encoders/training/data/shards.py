"""Folders of shards as one list of examples, and which patients are held out of training."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

from spinecho.encoders.measuring.held_out import is_held_out
from spinecho.encoders.training.data.examples import Example, Facts, Shard, shards
from spinecho.encoders.training.run_config import TrainError


class ShardExamples:
    """Every example of some folders, in the order of folders and shards. Raises TrainError where there are none."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._shards = [Shard(path) for folder in folders for path in shards(folder)]
        self._ends: list[int] = []
        for shard in self._shards:
            self._ends.append(len(shard) + (self._ends[-1] if self._ends else 0))
        self.facts: tuple[Facts, ...] = tuple(facts for shard in self._shards for facts in shard.facts)
        if not self.facts:
            raise TrainError(f"no shard in {', '.join(map(str, folders))}; name folders with *.safetensors of examples")

    def __len__(self) -> int:
        return len(self.facts)

    def __getitem__(self, number: int) -> Example:
        if not 0 <= number < len(self):
            raise IndexError(number)
        at = bisect_right(self._ends, number)
        return self._shards[at][number - (self._ends[at - 1] if at else 0)]


class Part:
    """Some of a source's examples."""

    def __init__(self, whole: Callable[[int], Example], facts: Sequence[Facts], numbers: Sequence[int]) -> None:
        self._whole, self._numbers = whole, tuple(numbers)
        self.facts: tuple[Facts, ...] = tuple(facts[number] for number in numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, number: int) -> Example:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self._whole(self._numbers[number])


def held_out(facts: Facts, share: float) -> bool:
    """Whether a patient is kept from training: by the digest by which all is measured, so the same in every run."""
    return is_held_out(facts.patient or facts.study, share)
