"""The channels: sentences by meaning, scans by likeness. Each gives scored studies or reports with their evidence."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from db import lookup
from db.database import Database
from db.filters import ALL, Filter
from db.served import ServedSpace
from db.values import SpaceRecord
from db.vectors.protocol import Ids, Neighbours, Rows
from encoders.text.query import QueryText
from search.agreement import denies, judge, violates, weight
from search.hits import PassageHit, RegionHit
from search.query import Kind
from search.regions import Compared, Look, by_parts

_DEPTH = 10
"""Neighbours fetched for each hit wanted: several lie in one study."""
_LEAST = 200
_DEEPEST = 3200
"""Where the nearest sentences all contradict the query, this many are looked at before they are taken as they are."""
_REMEMBERED = 16
_SECOND = 0.1
"""What a study's second sentence adds to its best one."""


@dataclass
class Evidence:
    """What was found for one study or report, by whichever channel."""

    passages: list[PassageHit] = field(default_factory=list)
    series: dict[int, float | None] = field(default_factory=dict)
    """By series id: its best likeness to the query's scans, None where words led to it."""
    regions: dict[int, RegionHit] = field(default_factory=dict)
    """By series id: the cell of it that fits best, where that was asked for."""
    channels: dict[str, float] = field(default_factory=dict)

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
    unknown: int = 0
    """Volumes that could not be compared by their parts, which are not stored."""


class Retriever:
    """Both spaces of one database, with the id sets of recent filters remembered until something changes."""

    def __init__(self, database: Database, builds: Path, *, image: SpaceRecord, text: SpaceRecord) -> None:
        self.database = database
        self.image = ServedSpace(database, builds, image)
        self.text = ServedSpace(database, builds, text)
        self._remembered: OrderedDict[tuple[int, int, Filter], Ids] = OrderedDict()

    def refresh(self) -> None:
        """Take in what was stored or deleted since the last query."""
        self.image.refresh()
        self.text.refresh()

    def allowed(self, space: ServedSpace, where: Filter) -> Ids | None:
        """Ids that pass the filter; None for no condition."""
        if where == ALL:
            return None
        key = (space.space.id, self.image.generation + self.text.generation, where)
        if key not in self._remembered:
            resolve: Callable[[Database, SpaceRecord, Filter], Ids]
            resolve = lookup.allowed_volumes if space is self.image else lookup.allowed_passages
            self._remembered[key] = resolve(self.database, space.space, where)
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        self._remembered.move_to_end(key)
        return self._remembered[key]

    def sentences(self, vector: Rows, query: QueryText, *, want: Kind, k: int, where: Filter) -> Found:
        """Studies or reports by their best sentences; looks deeper until k agree with the query or nothing is left.

        vector: (1, dim), in the text space.
        """
        among = self.allowed(self.text, where) if want is Kind.STUDY or where != ALL else None
        searched = len(self.text) if among is None else len(among)
        depth = max(_LEAST, _DEPTH * k)
        found, judged = Found(searched=searched), set[int]()
        while True:
            if searched:
                nearest = self.text.nearest(vector, min(depth, searched), among=among)
                self._judge(nearest, query, want, found, judged)
            scores = {key: _score(evidence.passages) for key, evidence in found.evidence.items()}
            found.scores = self.permitted(query, scores, want=want, k=k)
            agreeing = sum(bool(found.evidence[key].channels) for key in found.scores)
            if agreeing >= k or depth >= searched or (depth >= _DEEPEST and len(found.scores) >= k):
                return found
            depth *= 4

    def scans(self, vectors: Rows, *, k: int, where: Filter, look: Look | None = None) -> Found:
        """Studies by likeness: over the query's volumes, the mean of each one's best match in the study.

        vectors: (n, dim), in the image space; with `look`, the nearest to each are compared by their parts too. A
        volume that matched nothing of a study near enough to be fetched counts with the worst that was fetched.
        """
        among = self.allowed(self.image, where)
        found = Found(searched=len(self.image) if among is None else len(among))
        if not len(vectors) or not found.searched:
            return found
        nearest = self.image.nearest(vectors, min(max(_LEAST, _DEPTH * k), found.searched), among=among)
        cards = lookup.volume_cards(self.database, _known(nearest))
        compared = Compared(nearest.similarities)
        if look is not None:
            compared = by_parts(self.database, self.image.space, nearest, cards, look)
            found.unknown = compared.unknown
        best: dict[int, dict[int, float]] = defaultdict(dict)
        for number, ids in enumerate(nearest.ids.tolist()):
            for at, vector_id in enumerate(ids):
                rank = float(compared.ranks[number, at])
                if vector_id not in cards or not np.isfinite(rank):
                    continue
                card, likeness = cards[vector_id], float(nearest.similarities[number, at])
                evidence = found.evidence[card.study_id]
                evidence.note("image", likeness)
                if look is not None and (number, vector_id) in compared.parts:
                    value, region = compared.parts[number, vector_id]
                    evidence.note(look.channel, value)
                    if look.locate:
                        evidence.locate(card.series_id, region)
                    if look.weight >= 1.0:
                        likeness = value
                evidence.series[card.series_id] = max(likeness, evidence.series.get(card.series_id) or -1.0)
                matched = best[card.study_id]
                matched[number] = max(rank, matched.get(number, -np.inf))
        floors = [float(row[np.isfinite(row)].min(initial=1.0)) for row in compared.ranks]
        found.scores = {
            study: float(np.mean([matched.get(number, floor) for number, floor in enumerate(floors)]))
            for study, matched in best.items()
        }
        return found

    def permitted(self, query: QueryText, scores: Mapping[int, float], *, want: Kind, k: int) -> dict[int, float]:
        """Leave out what affirms something unwanted; a query of nothing else wants it denied in so many words."""
        if not query.unwanted:
            return dict(scores)
        best = sorted(scores, key=lambda key: -scores[key])[: max(_LEAST, 3 * k)]
        sentences = lookup.report_passages(self.database, best, by_report=want is Kind.REPORT)
        kept = [key for key in best if not violates(query, sentences.get(key, ()))]
        if not query.wanted:
            kept = [key for key in kept if any(denies(query, card) for card in sentences.get(key, ()))]
        return {key: scores[key] for key in kept}

    def _judge(self, nearest: Neighbours, query: QueryText, want: Kind, found: Found, judged: set[int]) -> None:
        """Add the sentences that were not `judged` before to the evidence of what they belong to."""
        similarities = dict(zip(nearest.ids[0].tolist(), nearest.similarities[0].tolist(), strict=True))
        fresh = [vector_id for vector_id in similarities if vector_id > 0 and vector_id not in judged]
        judged.update(fresh)
        for vector_id, card in lookup.passage_cards(self.database, fresh).items():
            key = card.study_id if want is Kind.STUDY else card.report_id
            if key is None:
                continue
            evidence, passage = found.evidence[key], judge(query, card, similarities[vector_id])
            evidence.passages.append(passage)
            if not passage.contradicts:
                evidence.note("header" if card.report_id is None else "report", similarities[vector_id])
            if card.series_id is not None:
                evidence.series.setdefault(card.series_id, None)


def _score(passages: list[PassageHit]) -> float:
    first, *rest = sorted((weight(found) for found in passages), reverse=True)
    return first + _SECOND * rest[0] if rest else first


def _known(nearest: Neighbours) -> list[int]:
    return [int(value) for value in np.unique(nearest.ids) if value > 0]
