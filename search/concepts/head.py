"""A taught head as bytes, and what it answers of studies. No pickle: safetensors alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from spinecho.db.errors import Damaged
from spinecho.db.people.concepts import NO, YES
from spinecho.db.store.predictions import UNKNOWN
from spinecho.search.concepts.learning import Line, Rows

_NUMBERS = ("bias", "temperature", "shift", "yes", "no", "familiar")


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one study. value: yes, no, unknown; score: how sure it is, 0..1; abstained: unsure, unfamiliar, ''."""

    value: str
    score: float
    probability: float
    abstained: str = ""


@dataclass(frozen=True, eq=False)
class Head:
    """A line over what is stored of studies. reads: "regions" (the vectors of their parts) or "scans"."""

    reads: str
    line: Line

    def answers(self, features: Rows, whole: Rows) -> list[Answer]:
        """One for each of n studies: what the head reads of them, (n, width), and their unit rows, (n, dim)."""
        if not len(features):
            return []
        found, strange = self.line.probabilities(features), self.line.strange(whole)
        return [self._answer(p, odd) for p, odd in zip(found.tolist(), strange.tolist(), strict=True)]

    def _answer(self, p: float, odd: bool) -> Answer:
        sure = max(p, 1.0 - p)
        if odd:
            return Answer(UNKNOWN, sure, p, "unfamiliar")
        if p >= self.line.yes:
            return Answer(YES, p, p)
        if 1.0 - p >= self.line.no:
            return Answer(NO, 1.0 - p, p)
        return Answer(UNKNOWN, sure, p, "unsure")

    def to_bytes(self) -> bytes:
        """What is stored."""
        numbers = np.array([getattr(self.line, name) for name in _NUMBERS], np.float64)
        arrays = {"weights": self.line.weights, "numbers": numbers, "references": self.line.references}
        plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        made: bytes = safetensors.numpy.save(plain, metadata={"reads": self.reads})
        return made

    @classmethod
    def from_bytes(cls, data: bytes, *, reads: str) -> Head:
        """The inverse. Raises `Damaged`."""
        try:
            arrays = safetensors.numpy.load(data)
            numbers = dict(zip(_NUMBERS, arrays["numbers"].tolist(), strict=True))
            line = Line(
                arrays["weights"], numbers["bias"], numbers["temperature"], numbers["shift"], numbers["yes"],
                numbers["no"], arrays["references"], numbers["familiar"],
            )  # fmt: skip
        except (SafetensorError, KeyError, ValueError) as error:
            raise Damaged(f"a taught head cannot be read ({type(error).__name__}): teach it again") from error
        if not all(map(math.isfinite, numbers.values())) or not np.isfinite(line.weights).all():
            raise Damaged("a taught head holds numbers that are none: teach it again")
        return cls(reads, line)
