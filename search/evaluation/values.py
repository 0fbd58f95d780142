"""An evaluation as it is asked for and as it comes out: options, and questions with their figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

import numpy as np

from spinecho.db.filters.algebra import ALL, Filter
from spinecho.encoders.measuring.figures import EmptyPool, Measured
from spinecho.encoders.measuring.labels import Exclude
from spinecho.encoders.measuring.resampling import RESAMPLES
from spinecho.search.evaluation.headlines import Headline, headlines, summary

PROTOCOL = 2
"""Raised whenever the same archive would give other figures, or the questions change."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to evaluate."""

    where: Filter = ALL
    exclude: Exclude = "patient"
    queries: int = 1000
    """At most so many ask, drawn at random where there are more; everything is searched."""
    resamples: int = RESAMPLES
    seed: int = 0
    smallest: int = 0
    """Counts below it are hidden in warnings, see `db.people.masking`."""
    copies: int = 0
    """Scans that are read again and changed a little, to see whether the copy finds its original."""

    @property
    def draw(self) -> dict[str, Any]:
        """How intervals are drawn, as measures take it."""
        return {"resamples": self.resamples, "seed": self.seed}

    def chosen(self, n: int, most: int | None = None) -> list[int]:
        """At most `most` of n rows (`queries` where it is not given), in order, the same ones for the same seed."""
        most = self.queries if most is None else most
        if n <= most:
            return list(range(n))
        random = np.random.default_rng(self.seed)
        return [int(row) for row in np.sort(random.choice(n, most, replace=False))]

    def to_json(self) -> dict[str, Any]:
        """What two evaluations must share to be compared."""
        return {
            "exclude": self.exclude,
            "queries": self.queries,
            "resamples": self.resamples,
            "seed": self.seed,
            "copies": self.copies,
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was put; `why` says why it has no figures, where it has none."""

    name: str
    about: str
    measured: Measured | None
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        found = self.measured.to_json() if self.measured is not None else {"figures": {}}
        return {"name": self.name, "about": self.about, **found, "why": self.why}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every question, with what it was put to."""

    asked: tuple[Asked, ...]
    encoder: dict[str, Any]
    archive: dict[str, int]
    unknown_studies: tuple[str, ...] = ()
    """Named in the file that was given, and not in the index."""
    warnings: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    protocol: dict[str, Any] = field(default_factory=dict)
    """Name and version of how this was measured; of a public data set also which cases, with a digest of them."""

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """Its figures as sentences."""
        return headlines([one.to_json() for one in self.asked])

    @property
    def summary(self) -> str:
        """What a reader of one sentence should know, "" where nothing can be said."""
        return summary([one.to_json() for one in self.asked])

    def to_json(self) -> dict[str, Any]:
        """One plain object, for scripts and the model card."""
        return {
            "protocol": self.protocol,
            "summary": self.summary,
            "headlines": [asdict(one) for one in self.headlines],
            "encoder": self.encoder,
            "archive": self.archive,
            "settings": self.settings,
            "results": [one.to_json() for one in self.asked],
            "unknown_studies": list(self.unknown_studies),
            "warnings": list(self.warnings),
        }


Question: TypeAlias = tuple[str, str, Callable[[], Measured]]
"""(name, what it asks, how to measure it)"""


def ask(questions: Sequence[Question], progress: Callable[[str], None]) -> tuple[Asked, ...]:
    """Put each question; `progress` is given each name as it begins. Raises `EmptyPool` where none can be measured."""
    asked = []
    for name, about, measure in questions:
        progress(name)
        try:
            asked.append(Asked(name, about, measure()))
        except EmptyPool as error:
            asked.append(Asked(name, about, None, str(error)))
    if not any(one.measured is not None for one in asked):
        raise EmptyPool(f"nothing could be measured. {asked[0].name}: {asked[0].why}" if asked else "nothing was asked")
    return tuple(asked)
