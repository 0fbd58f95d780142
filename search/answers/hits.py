"""What comes back: plain frozen values, with the evidence that put each hit where it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from spinecho.db.store.predictions import UNKNOWN
from spinecho.db.values import PredictedFact, ReportCard, SeriesCard, StudyCard
from spinecho.search.channels.background import Relevance
from spinecho.search.channels.found import PassageHit, RegionHit
from spinecho.search.planning.query_plan import QueryPlan


@dataclass(frozen=True, slots=True)
class SeriesHit:
    """A series of a hit; `similarity` where the image channel compared it, of its best cell where a spot was sought."""

    card: SeriesCard
    paths: tuple[str, ...]
    similarity: float | None = None
    region: RegionHit | None = None
    """Where in the series the words or the spot fit best, where its parts are stored and were compared."""
    predicted: tuple[PredictedFact, ...] = ()
    """What heads say of the volume that is shown: from pixels, never recorded."""

    @property
    def predicted_facts(self) -> tuple[PredictedFact, ...]:
        """The predictions that a head was sure enough to make."""
        return tuple(fact for fact in self.predicted if fact.value != UNKNOWN)


@dataclass(frozen=True, slots=True)
class Hit:
    """One place in the ranked list. `study` is None for a report that belongs to none."""

    rank: int
    score: float
    study: StudyCard | None
    series: tuple[SeriesHit, ...]
    passages: tuple[PassageHit, ...]
    channels: dict[str, float]
    """By channel the best similarity that it found: image, regions (max-sim of parts), spot, report, header, words."""
    report: ReportCard | None = None
    """The report, where reports were asked for."""
    fits: bool = True
    """Whether a piece of evidence says what was asked for; what does not is merely alike."""
    same_exam: tuple[str, ...] = ()
    """UIDs of other studies that hold parts of the same examination."""


@dataclass(frozen=True, slots=True)
class Results:
    """Hits, best first, and what they were found with."""

    query: dict[str, Any]
    hits: tuple[Hit, ...]
    encoder: dict[str, Any]
    build: dict[str, Any]
    searched: int
    """Vectors that the filter allowed."""
    warnings: tuple[str, ...] = ()
    relevance: tuple[Relevance, ...] = ()
    """For words: how the best of each channel compares with questions that nothing answers."""
    seconds: dict[str, float] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    """What each channel counted and why, see `search.channel_weights`; empty where channels were not put together."""
    plan: QueryPlan | None = None
    """Of words: how they were understood; `query` holds the same as JSON."""
    snapshot: str = ""
    """Which moment of the archive answered: the same name, the same answer."""
    more: bool = False
    """Whether other hits may follow, were more asked for."""


def results_json(results: Results) -> dict[str, Any]:
    """One plain object, for scripts."""
    return {
        "query": results.query,
        "encoder": results.encoder,
        "build": results.build,
        "snapshot": results.snapshot,
        "searched": results.searched,
        "warnings": list(results.warnings),
        "relevance": [asdict(one) for one in results.relevance],
        "weights": results.weights,
        "seconds": results.seconds,
        "hits": [_hit_json(hit) for hit in results.hits],
    }


def _hit_json(hit: Hit) -> dict[str, Any]:
    study = hit.study
    return {
        "rank": hit.rank,
        "fits": hit.fits,
        "study_uid": study.uid if study else None,
        "report_id": hit.report.id if hit.report else None,
        "accession_number": study.accession_number if study else (hit.report.accession_number if hit.report else ""),
        "date": study.date.isoformat() if study and study.date else None,
        "same_exam": list(hit.same_exam),
        "series": [
            {
                "series_uid": series.card.uid,
                "description": series.card.description,
                "paths": list(series.paths),
                "sequence": series.card.sequence,
                "plane": series.card.plane,
                "body_region": series.card.body_region,
                "contrast": series.card.contrast,
                "flags": list(series.card.flags),
                "similarity": _rounded(series.similarity),
                "region": _region_json(series.region),
                "predicted": [
                    {
                        "task": fact.task,
                        "value": fact.value,
                        "score": _rounded(fact.score),
                        "number": fact.number,
                        "head": fact.head,
                        "head_revision": fact.head_revision,
                    }
                    for fact in series.predicted
                ],
            }
            for series in hit.series
        ],
        "score": _rounded(hit.score),
        "channels": {channel: _rounded(value) for channel, value in hit.channels.items()},
        "passages": [
            {
                "text": found.passage.text,
                "assertion": found.assertion,
                "clause": [found.clause.start, found.clause.stop] if found.clause else None,
                "decided_by": found.clause.cue if found.clause else "",
                "report_id": found.passage.report_id,
                "section": found.passage.section,
                "sides": sorted(found.passage.sides),
                "similarity": _rounded(found.similarity),
                "words": _rounded(found.words),
                "highlights": [list(span) for span in found.highlights],
                "contradicts": found.contradicts,
            }
            for found in hit.passages
        ],
    }


def _region_json(region: RegionHit | None) -> dict[str, Any] | None:
    if region is None:
        return None
    return {
        "box": [_rounded(value) for value in region.box],
        "slices": {plane: list(ends) for plane, ends in region.slices.items()},
        "similarity": _rounded(region.similarity),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
