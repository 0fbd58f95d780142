"""One ranked list out of several channels: weighted reciprocal rank fusion.

Cormack et al. 2009 (doi 10.1145/1571941.1572114) give the sum of 1 / (60 + rank). Ours: weights, and 3 for 60, as
the tail of a channel that has run out of studies that fit must not outweigh the head of another. Both were learned on a
validation list by `benchmarks/fusion.py` and lie in `fusion.json`, which a home may overrule with its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from encoders.errors import EncoderError
from encoders.limits import read_small
from search.found import Found
from search.hits import PassageHit

NAME = "fusion.json"


class FusionError(EncoderError):
    """Weights that cannot be; the message names file, value and remedy."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each channel counts, at least 0 and not all 0.

    sentences: by meaning; scans: against the query's words; words: full text; like: scans against an example.
    """

    sentences: float
    scans: float
    words: float
    like: float = 2.0
    rank: float = 3.0
    """What is added to a rank: the less, the more the first places count."""
    regions: float = 0.0
    """0..1: share of max-sim over parts in how alike two scans, or words and a scan, are; the rest is the cosine."""

    def __post_init__(self) -> None:
        values = asdict(self)
        if any(type(value) not in (int, float) or not 0 <= value < math.inf for value in values.values()):
            raise FusionError(f"weights are numbers of at least 0: {values}")
        if self.regions > 1:
            raise FusionError(f"regions is a share from 0 to 1, not {self.regions}")
        if not any(value for name, value in values.items() if name not in {"rank", "regions"}):
            raise FusionError(f"at least one weight must be above 0: {values}")

    @classmethod
    def load(cls, *places: Path) -> Weights:
        """From the first of these files that exists, else what ships. Raises `FusionError`."""
        path = next((place for place in places if place.is_file()), Path(__file__).parent / NAME)
        try:
            values: dict[str, Any] = json.loads(read_small(path, FusionError))["weights"]
            return cls(**values)
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            names = ", ".join(field.name for field in fields(cls))
            raise FusionError(f'{path}: write {{"weights": {{...}}}} with {names}; found {error}') from error


def fused(parts: Mapping[str, Found], weights: Weights) -> Found:
    """The channels' studies in one list, with the evidence of all; scaled so that 1 is first in every channel.

    Studies whose scores cannot be told apart share a place, so that the order survives re-indexing. A channel that
    found nothing takes no part.
    """
    told = {name: part for name, part in parts.items() if part.scores and getattr(weights, name) > 0}
    total = sum(getattr(weights, name) for name in told)
    made = Found(
        searched=max((part.searched for part in parts.values()), default=0),
        unknown=max((part.unknown for part in parts.values()), default=0),
        decimals=6,
    )
    for name, part in told.items():
        weight = getattr(weights, name) / total
        place, before = 0, np.inf
        for number, key in enumerate(sorted(part.scores, key=lambda key: -part.scores[key]), start=1):
            score = round(part.scores[key], part.decimals)
            place, before = (place, before) if score == before else (number, score)
            made.scores[key] = made.scores.get(key, 0.0) + weight * (weights.rank + 1) / (weights.rank + place)
            evidence, own = made.evidence[key], part.evidence[key]
            both = [*evidence.passages, *own.passages]
            evidence.passages = merged(both) if evidence.passages and own.passages else both
            evidence.channels |= own.channels
            for series, likeness in own.series.items():
                evidence.series[series] = likeness if likeness is not None else evidence.series.get(series)
            evidence.regions |= own.regions
    return made


def merged(passages: list[PassageHit]) -> list[PassageHit]:
    """Each sentence once, with what every channel said of it."""
    kept: dict[tuple[int, str], PassageHit] = {}
    for found in passages:
        key = (found.passage.vector_id, found.passage.text)
        other = kept.get(key)
        if other is None:
            kept[key] = found
            continue
        kept[key] = replace(
            other,
            similarity=other.similarity if other.similarity is not None else found.similarity,
            words=other.words if other.words is not None else found.words,
        )
    return list(kept.values())
