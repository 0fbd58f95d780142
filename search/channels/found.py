"""What a channel found, before anything is ranked or shown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from spinecho.search.answers.hits import PassageHit, RegionHit


@dataclass
class Evidence:
    """What was found for one study or report, by whichever channel."""

    passages: list[PassageHit] = field(default_factory=list)
    series: dict[int, float | None] = field(default_factory=dict)
    """By series id: its best likeness to the query's scans, None where words led to it."""
    regions: dict[int, RegionHit] = field(default_factory=dict)
    """By series id: the cell of it that fits best, where that was asked for."""
    channels: dict[str, float] = field(default_factory=dict)
    fits: bool = True
    """Whether any of it says what was asked for; see `search.answers.fold`."""

    def note(self, channel: str, similarity: float) -> None:
        """Keep the channel's best similarity."""
        self.channels[channel] = max(similarity, self.channels.get(channel, -1.0))

    def locate(self, series: int, region: RegionHit) -> None:
        """Keep the series' best cell."""
        if series not in self.regions or region.similarity > self.regions[series].similarity:
            self.regions[series] = region


@dataclass
class Found:
    """Scores and evidence by study id, or by report id where reports are wanted; `searched` vectors were allowed."""

    scores: dict[int, float] = field(default_factory=dict)
    evidence: dict[int, Evidence] = field(default_factory=lambda: defaultdict(Evidence))
    searched: int = 0
    decimals: int = 3
    """Of a score: fp16 vectors cannot tell more apart."""
    nothing: bool = False
    """Whether none of it is relevant."""
    unknown: int = 0
    """Volumes that could not be compared by their parts, which are not stored."""
