"""What is wanted of an index, what was chosen for it, and what that was measured to give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FLAT = "flat fp16"
FLAT_UP_TO = 20_000
"""Vectors up to which everything is compared. `benchmarks/search.py --only flat` measures it: there a whole
comparison takes about 1 ms, under a fiftieth of a query, and nothing is ever missed."""

RECIPES: dict[str, str] = {
    "ivf rabitq": "RR{dim},IVF{lists},RaBitQ",
    "ivf rabitq2": "RR{dim},IVF{lists},RaBitQ2",
    "ivf sq8": "IVF{lists},SQ8",
    "hnsw sq8": "HNSW32_SQ8",
}
"""FAISS's factory string of each kind that only proposes candidates; more bits a vector, fewer candidates needed.

RaBitQ's error is what its authors say only where no number of a vector counts more than another, hence the random
rotation (RR). Without it, vectors of unequal numbers took eight times the candidates.
"""
KINDS = (FLAT, *RECIPES)
"""Every kind of index."""

_NEARLY = 0.9
"""A share this near the last measured one counts as measured."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an index should give. The recall is measured at `k` on held-out vectors of the space's own."""

    recall: float = 0.99
    bytes_per_vector: int = 200
    """Resident memory of index and ids; the fp16 vectors lie in a mapped file, which the system may drop at will."""
    megabytes: int = 256
    """Inverted lists of more bytes a vector fit too where the whole index takes no more than this."""
    flat_up_to: int = FLAT_UP_TO
    kind: str | None = None
    """A kind to take whatever is measured; None chooses."""

    def flat(self, count: int) -> bool:
        """Whether so many vectors are to be compared whole, without anything being measured."""
        return self.kind == FLAT or (self.kind is None and count <= self.flat_up_to)

    def __post_init__(self) -> None:
        if not 0.5 <= self.recall < 1.0:
            raise ValueError(f"a recall of {self.recall} cannot be aimed at; give one from 0.5 to 0.999")


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to look for k neighbours where a share of all vectors is allowed, and what that was measured to give."""

    share: float
    k: int
    breadth: int
    """Inverted lists looked into, or HNSW's efSearch."""
    candidates: int
    """Compared exactly, in fp16."""
    recall: float
    p50_ms: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A kind with the efforts that reach the wish; a flat index has none.

    Efforts of the smallest k come first, by falling share; the last one is of the largest k.
    """

    kind: str = FLAT
    lists: int = 0
    efforts: tuple[Effort, ...] = ()
    exact_up_to: int = 10_000
    """Allowed vectors up to which a filtered search compares every one of them; so it does below the last share."""
    bytes_per_vector: float = 0.0
    sample: int = 0
    """Vectors that were held out of the index and asked for their neighbours."""
    seconds: float = 0.0
    """To train and fill."""
    note: str = ""
    rough_scale: float = 0.0
    rough_error: float = 0.0
    """Of the rows in one byte a number (`scattered.Rough`); 0 where there are none."""

    def effort(self, *, share: float, k: int, widest: int) -> Effort:
        """How hard to look; a measured effort, or one worked out from those beside it.

        Between two measured shares, breadth and candidates are linear in 1 / share. For larger k both grow as they did
        between the two k that were measured.
        """
        base = [effort for effort in self.efforts if effort.k == self.efforts[0].k]
        looser = min((effort for effort in base if effort.share >= share), key=lambda e: e.share, default=base[0])
        tighter = max((effort for effort in base if effort.share <= share), key=lambda e: e.share, default=None)
        breadth, candidates = float(looser.breadth), float(looser.candidates)
        if tighter is not None and looser.share > tighter.share:
            part = (looser.share / share - 1) / (looser.share / tighter.share - 1)
            breadth += part * (tighter.breadth - looser.breadth)
            candidates += part * (tighter.candidates - looser.candidates)
        first, last = base[0], self.efforts[-1]
        if k > first.k:
            part = (min(k, last.k) - first.k) / max(1, last.k - first.k)
            beyond = max(1.0, k / last.k)
            breadth *= (1 + part * (last.breadth / first.breadth - 1)) * beyond**0.5
            candidates *= (1 + part * (last.candidates / first.candidates - 1)) * beyond
        many = max(2 * k, round(candidates))
        return Effort(share, k, max(1, min(widest, round(breadth))), many, looser.recall, looser.p50_ms)

    def exact(self, *, n_allowed: int, share: float) -> bool:
        """Whether a filtered search is to compare everything that is allowed."""
        least = min((effort.share for effort in self.efforts), default=1.0)
        return n_allowed <= self.exact_up_to or share < _NEARLY * least

    def to_json(self) -> dict[str, Any]:
        """Plain values, as the manifest keeps them."""
        return asdict(self) | {"efforts": [asdict(effort) for effort in self.efforts]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Plan:
        """The inverse of `to_json`. Raises TypeError or KeyError for anything else."""
        return cls(**{**values, "efforts": tuple(Effort(**effort) for effort in values["efforts"])})
