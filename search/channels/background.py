"""When nothing relevant was found: how near the nearest thing comes to a query that has nothing to do with MR.

A cosine means nothing by itself: 0.3 is near for one encoder and far for another, and the best of a million is nearer
than the best of ten. So the same archive is asked things that it cannot answer, and a query whose best similarity such
questions reach too has found nothing by that channel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spinecho.db.queries.learning.backgrounds import get_background, put_background
from spinecho.db.schema.database import Database
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.db.vectors.served import ServedSpace, SpaceView

UNRELATED: tuple[str, ...] = (
    "a recipe for apple pie with cinnamon", "the train to the coast was late again", "interest rates rose by a quarter",
    "how to repair a bicycle tyre", "the orchestra played a symphony by Mahler", "a contract of sale for a house",
    "football results of the second league", "tomatoes need water in the morning", "the parliament voted on the budget",
    "a poem about autumn leaves", "install the printer driver on a laptop", "cheap flights in the school holidays",
    "the castle was built in the twelfth century", "knitting pattern for a woollen hat", "rules of chess for beginners",
    "the volcano erupted on the island", "paint the kitchen walls in white", "a letter of complaint to the landlord",
    "stock prices of car makers fell", "how bees make honey", "the novel won a prize last year",
    "learn to play the guitar in a month", "wind and rain in the north tomorrow", "a dog that barks at night",
    "the museum opens at ten o'clock", "replace the battery of a telephone", "tax return for the self-employed",
    "a film about a bank robbery", "grow roses in a small garden", "the history of the steam engine",
    "a hotel room with a view of the lake", "bread with olives and rosemary", "the judge adjourned the trial",
    "solar panels on the roof", "a timetable for the ferry", "sailing across the ocean in a storm",
    "the price of coffee beans", "children's games for a birthday", "a password that is easy to remember",
    "translate a letter into French", "the mountain path is closed in winter", "a lecture on Roman law",
    "shoes that fit badly", "the election campaign begins", "a second-hand car with a new engine",
    "make soap at home", "the moons of Jupiter", "a job as a waiter in a café",
)  # fmt: skip
"""Questions that no archive of MR studies answers."""
_CHANGED = 0.2
"""Share of vectors by which a space has to grow or shrink for its background to be measured anew."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """How the best of a channel compares with questions that nothing answers.

    similarity: the best cosine found. usual: the 95th percentile of the best cosine of unrelated questions. beats: the
    share of these that came less near.
    """

    channel: str
    similarity: float
    usual: float
    beats: float
    questions: int


class Background:
    """Best similarities of unrelated questions, by channel."""

    def __init__(self, best: Mapping[str, Sequence[float]]) -> None:
        self._best = {channel: np.sort(np.asarray(values)) for channel, values in best.items() if len(values)}

    @cached_property
    def digest(self) -> str:
        """Tells these figures from others, in any process."""
        figures = {channel: values.tolist() for channel, values in sorted(self._best.items())}
        return hashlib.sha256(repr(figures).encode()).hexdigest()[:8]

    def usual(self, channel: str) -> float | None:
        """The 95th percentile of the best similarity of unrelated questions; None where that was not measured."""
        return float(np.quantile(self._best[channel], 0.95)) if channel in self._best else None

    def judge(self, channel: str, similarity: float) -> Relevance | None:
        """None for a channel that was not measured."""
        if channel not in self._best:
            return None
        known = self._best[channel]
        beats = float(np.searchsorted(known, similarity, side="left")) / len(known)
        return Relevance(channel, similarity, float(np.quantile(known, 0.95)), beats, len(known))


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of a channel. count: vectors that the space held then; best: of each question, ascending."""

    count: int
    best: Sequence[float]


def changed_much(before: int, now: int) -> bool:
    """Whether a space has grown or shrunk so much that its background is to be measured anew."""
    return abs(now - before) > _CHANGED * max(1, before)


def background_of(
    database: Database, channel: str, space: ServedSpace | SpaceView, encode: Callable[[Sequence[str]], Rows]
) -> Measured:
    """The stored figures of a channel, measured anew where there are none or the space has changed much."""
    stored = get_background(database, space.space, channel)
    if stored is not None and not changed_much(stored[0], len(space)):
        return Measured(stored[0], [float(value) for value in stored[1]["best"]])
    if not len(space):
        return Measured(0, [])
    nearest = space.nearest(encode(UNRELATED), 1)
    best = sorted(round(float(value), 5) for value in nearest.similarities[:, 0] if np.isfinite(value))
    put_background(database, space.space, channel, count=len(space), figures={"best": best})
    return Measured(len(space), best)
