"""One ranked list out of several channels: a weighted sum of what each is sure of.

What a channel says of a study is a number from 0 to 1. Sentences: by how much the best cosine lies above what
questions that have nothing to do with MR reach in this archive. Words: BM25 beside the best of the answer. What is
named: the share of what was asked that a sentence names, under whatever name. Scans and examples, whose cosines no two
encoders share, by rank alone, (weight + 1) / (weight + rank), and only where they lie above what unrelated questions
reach. Which weights answer best was measured by `benchmarks.answers`; they lie in `fusion.json`, which a home may
overrule with its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spinecho.db.as_written import as_written
from spinecho.encoders.errors import EncoderError
from spinecho.encoders.sandbox.limits import read_small
from spinecho.search.channels.found import Found, PassageHit

NAME = "fusion.json"
_CHANNELS = ("sentences", "scans", "words", "like")
_AGAINST = 0.25
"""What it counts that a sentence names something, where it says the contrary of it."""


class FusionError(EncoderError):
    """Weights that cannot be; the message names file, value and remedy."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each channel counts, at least 0 and not all 0.

    sentences: by meaning; scans: against the query's words; words: full text; like: scans against an example; named:
    what a sentence names of what was asked.
    """

    sentences: float
    scans: float
    words: float
    like: float = 2.0
    rank: float = 3.0
    """What is added to a rank: the less, the more the first places count."""
    named: float = 0.7
    finding_scans: float = 0.1
    """Share of its weight that scans have where a finding is asked for: what they are measured to know of findings."""
    regions: float = 0.0
    """0..1: share of max-sim over parts in how alike two scans, or words and a scan, are; the rest is the cosine."""

    def __post_init__(self) -> None:
        values = asdict(self)
        if any(type(value) not in (int, float) or not 0 <= value < math.inf for value in values.values()):
            raise FusionError(f"weights are numbers of at least 0: {values}")
        for name in ("regions", "finding_scans"):
            if values[name] > 1:
                raise FusionError(f"{name} is a share from 0 to 1, not {values[name]}")
        if not any(values[name] for name in _CHANNELS):
            raise FusionError(f"at least one weight must be above 0: {values}")

    @classmethod
    def load(cls, *places: Path) -> Weights:
        """From the first of these files that exists, else what ships. Raises `FusionError`."""
        own = next((place for place in places if place.is_file()), None)
        path = own or Path(__file__).parent / NAME
        try:
            read = partial(read_small, path, FusionError)
            data = read() if own is None else as_written(path, read, FusionError)
            values: dict[str, Any] = json.loads(data)["weights"]
            return cls(**values)
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            names = ", ".join(field.name for field in fields(cls))
            raise FusionError(f'{path}: write {{"weights": {{...}}}} with {names}; found {error}') from error


def fused(
    parts: Mapping[str, Found], weights: Weights, *, floors: Mapping[str, float] | None = None, finding: bool = False
) -> Found:
    """The channels' studies in one list, with the evidence of all; scores are from 0 to 1.

    floors: by channel the similarity that unrelated questions reach. finding: whether a finding is asked for. Studies
    whose scores cannot be told apart share a place, so that the order survives re-indexing. A channel that found
    nothing takes no part.
    """
    counts = {name: getattr(weights, name) for name in parts}
    if finding and "scans" in counts:
        counts["scans"] *= weights.finding_scans if len(counts) > 1 else 1.0
    counted = {name: part for name, part in parts.items() if part.scores and counts[name] > 0}
    named = weights.named if {"sentences", "words"} & counted.keys() else 0.0
    total = sum(counts[name] for name in counted) + named
    made = Found(
        searched=max((part.searched for part in parts.values()), default=0),
        unknown=max((part.unknown for part in parts.values()), default=0),
        decimals=6,
        complete=all(part.complete for part in parts.values()),
    )
    for name, part in counted.items():
        for key, value in _values(name, part, weights.rank, (floors or {}).get(name, 0.0)).items():
            made.scores[key] = made.scores.get(key, 0.0) + value * counts[name] / total
            evidence, own = made.evidence[key], part.evidence[key]
            both = [*evidence.passages, *own.passages]
            evidence.passages = merged(both) if evidence.passages and own.passages else both
            evidence.channels |= own.channels
            for series, likeness in own.series.items():
                evidence.series[series] = likeness if likeness is not None else evidence.series.get(series)
            evidence.regions |= own.regions
    if named:
        for key in made.scores:
            held = [one.nears * (_AGAINST if one.contradicts else 1.0) for one in made.evidence[key].passages]
            made.scores[key] += max(held, default=0.0) * named / total
    return made


def _values(name: str, part: Found, rank: float, floor: float) -> dict[int, float]:
    """What a channel says of each, from 0 to 1."""
    scores = {key: round(score, part.decimals) for key, score in part.scores.items()}
    if name == "sentences":
        floor = min(max(floor, 0.0), 0.95)
        return {key: min(1.0, max(0.0, (score - floor) / (1.0 - floor))) for key, score in scores.items()}
    if name == "words":
        return {key: min(1.0, max(0.0, score)) for key, score in scores.items()}
    values: dict[int, float] = {}
    place, before = 0, np.inf
    for number, key in enumerate(sorted(scores, key=lambda key: -scores[key]), start=1):
        place, before = (place, before) if scores[key] == before else (number, scores[key])
        values[key] = (rank + 1) / (rank + place) if scores[key] > floor or not floor else 0.0
    return values


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
