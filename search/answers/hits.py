"""What comes back: plain frozen values, with the evidence that put each hit where it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from spinecho.db.store.predictions import UNKNOWN
from spinecho.db.values import ClauseCard, PassageCard, PredictedFact, ReportCard, SeriesCard, StudyCard
from spinecho.search.channels.background import Relevance
from spinecho.search.planning.query_plan import QueryPlan

_NEVER_PRESENT = {"indication": "uncertain", "technique": "uncertain", "comparison": "historical"}
"""What is affirmed there was not found by this report."""


@dataclass(frozen=True, slots=True)
class PassageHit:
    """A sentence that matched; `similarity` is the cosine in the text space, before any condition."""

    passage: PassageCard
    similarity: float | None
    """None where the sentence was not compared, only belongs to a report that was found."""
    contradicts: str = ""
    """Why this sentence does not count for the query, see `search.answers.clause_agreement`; '' where it counts."""
    words: float | None = None
    """0..1: BM25 beside that of the best sentence; None where full text did not find it."""
    highlights: tuple[tuple[int, int], ...] = ()
    """(start, stop) of the query's words in the sentence, in characters."""
    clause: ClauseCard | None = None
    """The clause of it that was compared: the one that holds most of what was asked."""
    about: bool = True
    """Whether that clause holds a finding that was asked for; where none was, any clause is about it."""
    holds: bool = True
    """Whether that clause holds every finding that was asked for: "lesion" alone is no ring-enhancing lesion."""
    covers: float = 0.0
    """0..1: how much of what is asked the sentence names, under whatever name."""
    unmeasured: bool = False
    """Whether a size is asked for that the sentence does not give."""

    @property
    def assertion(self) -> str:
        """What is said of what was asked, "" where no clause is about it; present only where a report finds it all."""
        if not self.about:
            return ""
        assertion_of_clause = self.clause.assertion if self.clause is not None else self.passage.assertion
        if assertion_of_clause != "present":
            return assertion_of_clause
        if not self.holds:
            return ""
        return _NEVER_PRESENT.get(self.passage.section, assertion_of_clause)


@dataclass(frozen=True, slots=True)
class RegionHit:
    """The cell of a stored volume that fits the query best: a region, not a slice, as coarse as the grid of cells.

    box: low R, A, S, then high R, A, S, as fractions of the volume.
    slices: by plane the first and last slice, both inside, from 0 in the order of R, A or S; empty where not known.
    similarity: the cosine of the cell with the query's words, or with the spot that was asked for.
    """

    volume_id: int
    box: tuple[float, float, float, float, float, float]
    slices: dict[str, tuple[int, int]]
    similarity: float


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
    def told(self) -> tuple[PredictedFact, ...]:
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
