"""What comes back: plain frozen values, with the evidence that put each hit where it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from db.values import PassageCard, ReportCard, SeriesCard, StudyCard


@dataclass(frozen=True, slots=True)
class PassageHit:
    """A sentence that matched; `similarity` is the cosine in the text space, before any condition."""

    passage: PassageCard
    similarity: float | None
    """None where the sentence was not compared, only belongs to a report that was found."""
    contradicts: str = ""
    """Why this sentence does not count for the query: 'absent', 'side' or 'opposite'; '' where it counts."""


@dataclass(frozen=True, slots=True)
class SeriesHit:
    """A series of a hit; `similarity` where the image channel compared it."""

    card: SeriesCard
    paths: tuple[str, ...]
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One place in the ranked list. `study` is None for a report that belongs to none."""

    rank: int
    score: float
    study: StudyCard | None
    series: tuple[SeriesHit, ...]
    passages: tuple[PassageHit, ...]
    channels: dict[str, float]
    """By channel (image, report, header): the best similarity that it found."""
    report: ReportCard | None = None
    """The report, where reports were asked for."""


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
    seconds: dict[str, float] = field(default_factory=dict)


def results_json(results: Results) -> dict[str, Any]:
    """One plain object, for scripts."""
    return {
        "query": results.query,
        "encoder": results.encoder,
        "build": results.build,
        "searched": results.searched,
        "warnings": list(results.warnings),
        "seconds": results.seconds,
        "hits": [_hit_json(hit) for hit in results.hits],
    }


def _hit_json(hit: Hit) -> dict[str, Any]:
    study = hit.study
    return {
        "rank": hit.rank,
        "study_uid": study.uid if study else None,
        "report_id": hit.report.id if hit.report else None,
        "accession_number": study.accession_number if study else (hit.report.accession_number if hit.report else ""),
        "date": study.date.isoformat() if study and study.date else None,
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
            }
            for series in hit.series
        ],
        "score": _rounded(hit.score),
        "channels": {channel: _rounded(value) for channel, value in hit.channels.items()},
        "passages": [
            {
                "text": found.passage.text,
                "assertion": found.passage.assertion,
                "report_id": found.passage.report_id,
                "section": found.passage.section,
                "sides": sorted(found.passage.sides),
                "similarity": _rounded(found.similarity),
                "contradicts": found.contradicts,
            }
            for found in hit.passages
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
