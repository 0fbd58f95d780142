"""How much scans count here: the weights that ship, moved by what a self-test measured on this archive.

A self-test tells how often a report's own scan lies before another patient's: 1 where the encoder knows them all, a
half by chance. Only what is certain counts: the end of the 95 % interval that is nearer to chance. `lean` is the cube
of how far that lies from chance towards the end of the scale. The cube, because a channel counts by rank: what it
gives to the right study above the others grows slowly first (docs/search.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from spinecho.encoders.measuring.figures import Figure
from spinecho.search.fusion import Weights

LEAST = 200
"""Pairs below which nothing is concluded."""
SCANS, FINDINGS = "scans", "finding_scans"
"""Figures of a self-test, by the weights that they decide: among all scans; among those of one region and sequence."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """Weights in force, where they come from ("shipped", "self-test" or "home"), and why, in a sentence."""

    weights: Weights
    source: str
    why: str

    def scans(self, *, finding: bool) -> float:
        """What scans count, where a finding is asked for or not."""
        return self.weights.scans * (self.weights.finding_scans if finding else 1.0)

    def to_json(self, *, finding: bool) -> dict[str, Any]:
        """What counted in an answer."""
        weights = self.weights
        return {
            "kind": "finding" if finding else "acquisition or anatomy",
            "scans": round(self.scans(finding=finding), 4),
            "sentences": weights.sentences, "words": weights.words, "named": weights.named, "like": weights.like,
            "from": self.source, "why": self.why,
        }  # fmt: skip


def lean(figure: Figure | None) -> float:
    """-1..1: how much more, or less, a channel is known to tell than chance; 0 where that is not certain."""
    if figure is None or figure.queries < LEAST or figure.ci95 is None:
        return 0.0
    low, high = figure.ci95
    if low > figure.chance:
        return float(((low - figure.chance) / (1.0 - figure.chance)) ** 3)
    if high < figure.chance:
        return -float(((figure.chance - high) / figure.chance) ** 3)
    return 0.0


def moved(shipped: Weights, figures: Mapping[str, Figure]) -> Weights:
    """The weights with those of scans moved by the figures of a self-test.

    scans: between nothing and twice what ships, by `lean` among all scans. Where a finding is asked for: between
    nothing and what ships for other questions, by `lean` among scans of one region and sequence, and never more than
    scans count for other questions here.
    """
    scans = shipped.scans * (1.0 + lean(figures.get(SCANS)))
    least, most, by = shipped.scans * shipped.finding_scans, shipped.scans, lean(figures.get(FINDINGS))
    finding = least + (most - least) * by if by > 0 else least * (1.0 + by)
    if scans == shipped.scans and finding == least:
        return shipped
    return replace(shipped, scans=scans, finding_scans=min(1.0, finding / scans) if scans > 0 else 0.0)
