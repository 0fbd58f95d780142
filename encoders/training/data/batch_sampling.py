"""In what order examples are seen: batches of one region and source, whose members are hard to tell apart.

A batch that mixes knees and heads teaches a contrastive loss to tell knees from heads and then no more; Decipher-MR
(arXiv 2509.21249) therefore samples by body part. Our choices: a share of batches stays mixed, so that regions are told
apart too; batches hold one source where it has enough, so that a scanner's look does not give a text away; several
series of a study come together, as positives of one report; each epoch takes every study once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from spinecho.encoders.training.data.examples import Facts
from spinecho.encoders.training.run_config import TrainError


@dataclass(frozen=True, slots=True)
class ShuffledBatches:
    """`count` examples in a new order each epoch, `size` at a time; what is left over waits for another epoch."""

    count: int
    size: int
    seed: int = 0

    def batches(self, epoch: int, /) -> list[list[int]]:
        """As `BatchSampler` has it."""
        order = np.random.default_rng([self.seed, epoch]).permutation(self.count).tolist()
        return [order[at : at + self.size] for at in range(0, self.count - self.size + 1, self.size)]


class StudyBatches:
    """Batches of `size` examples, study by study, mostly of one region and source each."""

    def __init__(
        self, facts: Sequence[Facts], size: int, *, series_per_study: int = 2, mixed: float = 0.25, seed: int = 0
    ) -> None:
        """mixed: the share of studies, 0..1, that go into batches of every region. Raises TrainError."""
        if size < 1 or series_per_study < 1 or not 0 <= mixed <= 1:
            raise TrainError(
                f"size {size} and series_per_study {series_per_study} must be at least 1, mixed {mixed} from 0 to 1"
            )
        self._size, self._series, self._mixed, self._seed = size, series_per_study, mixed, seed
        members: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, one in enumerate(facts):
            members[one.source, one.study].append(number)
        self._studies = [members[study] for study in sorted(members)]
        self._kinds = [_kind([facts[number] for number in study]) for study in self._studies]

    def batches(self, epoch: int, /) -> list[list[int]]:
        """As `BatchSampler` has it. What fills no batch of its kind goes into the mixed ones."""
        random = np.random.default_rng([self._seed, epoch])
        pools: dict[Hashable, list[list[int]]] = defaultdict(list)
        rest: list[list[int]] = []
        for at in random.permutation(len(self._studies)).tolist():
            series = self._studies[at]
            chosen = sorted(random.permutation(len(series))[: self._series].tolist())
            apart = random.random() >= self._mixed
            (pools[self._kinds[at]] if apart else rest).append([series[place] for place in chosen])
        found: list[list[int]] = []
        for kind in sorted(pools, key=str):
            full, left = self._filled(pools[kind])
            found += full
            rest += left
        random.shuffle(rest)  # whole studies, in place
        found += self._filled(rest)[0]
        return [found[at] for at in random.permutation(len(found)).tolist()]

    def _filled(self, studies: Sequence[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
        """Full batches, and the studies of the last one that is not; a study that does not fit gives what does."""
        full: list[list[int]] = []
        batch: list[int] = []
        first = 0
        for at, study in enumerate(studies):
            batch += study
            if len(batch) >= self._size:
                full.append(batch[: self._size])
                batch, first = [], at + 1
        return full, list(studies[first:])


def _kind(facts: Sequence[Facts]) -> tuple[str, str]:
    """(region, source) of a study: the region of most of its series, the first by name among equals."""
    regions = sorted(one.region for one in facts)
    return max(regions, key=regions.count), facts[0].source
