"""What an evaluation says: numbers that never stand alone, and what can go wrong before there are any."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from spinecho.errors import QueryError

Resampled = Literal["patients", "queries"]


class EvaluationError(QueryError):
    """Nothing could be measured; the message names the value and the remedy."""


class EmptyPool(EvaluationError):
    """No query is left that has something to find and something to be told apart from."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number and what it takes to believe it."""

    value: float
    chance: float
    """What a random order of the same pools gives on average."""
    ci95: tuple[float, float] | None
    """Percentile bootstrap; None where there is a single unit to draw from."""
    pool: float
    """Candidates that a query was compared with, the mean over queries."""
    queries: int
    best: float = 1.0
    """What a perfect order gives: below 1 for P@10 where a class has fewer than ten members."""

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, None for what is not one."""
        return {
            "value": _number(self.value),
            "chance": _number(self.chance),
            "ci95": None if self.ci95 is None else [_number(bound) for bound in self.ci95],
            "pool": _number(self.pool),
            "queries": self.queries,
            "best": _number(self.best),
        }


Figures = Mapping[str, Figure]
"""By the measure's name, such as "P@10"."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One question put to one set of vectors."""

    figures: Figures
    units: int
    """Patients, or queries, that the intervals were drawn from."""
    resampled: Resampled = "patients"
    parts: Mapping[str, Figures] = field(default_factory=dict)
    """The same over a part of the queries: by class, by set."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Queries that were not asked, by reason."""

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return {
            "figures": _figures_json(self.figures),
            "units": self.units,
            "resampled": self.resampled,
            "parts": {name: _figures_json(figures) for name, figures in self.parts.items()},
            "left_out": dict(self.left_out),
        }


def _figures_json(figures: Figures) -> dict[str, Any]:
    return {name: figure.to_json() for name, figure in figures.items()}


def _number(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
