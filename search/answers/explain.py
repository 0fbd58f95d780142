"""From ids and scores to hits that a person can check: the study, its series, the sentences that matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from spinecho.db.filters.algebra import Filter
from spinecho.db.queries import lookup
from spinecho.db.schema.database import Database
from spinecho.db.store import part_vectors, predictions
from spinecho.db.values import ReportCard, SeriesCard
from spinecho.search.answers.hits import Hit, SeriesHit
from spinecho.search.channels.clause_agreement import weight
from spinecho.search.channels.found import Evidence, PassageHit, RegionHit
from spinecho.search.channels.lexical import NO_WORDS, Words, spans
from spinecho.search.channels.regions import slices_in
from spinecho.search.query import Kind

_SENTENCES = 3
Ranked = tuple[int, float, Evidence]
"""(study or report id, score, evidence)"""


def explain(
    database: Database, ranked: Sequence[Ranked], *, want: Kind, where: Filter, words: Words = NO_WORDS
) -> tuple[Hit, ...]:
    """Hits in the order given; ids that were deleted meanwhile are left out.

    words: what is marked in the sentences that are shown.
    """
    reports: dict[int, ReportCard] = {}
    if want is Kind.REPORT:
        reports = lookup.report_cards(database, [key for key, _, _ in ranked])
    studies_of = {key: reports[key].study_id if key in reports else key for key, _, _ in ranked}
    study_ids = [study for study in studies_of.values() if study is not None]
    studies = lookup.study_cards(database, study_ids)
    series = lookup.series_cards(database, study_ids, where)
    paths = lookup.series_paths(database, [card.id for cards in series.values() for card in cards])
    predicted = predictions.predictions_of(database, [card.volume_id for cards in series.values() for card in cards])
    exams = lookup.same_exam(database, study_ids)
    located = [region.volume_id for _, _, evidence in ranked for region in evidence.regions.values()]
    shapes = part_vectors.volume_shapes(database, located)
    hits: list[Hit] = []
    for key, score, evidence in ranked:
        study = studies.get(studies_of[key] or 0)
        if study is None and key not in reports:
            continue
        cards = series.get(study.id, []) if study else []
        shown = tuple(replace(one, highlights=spans(words, one.passage.text)) for one in _sentences(evidence.passages))
        hits.append(
            Hit(
                rank=len(hits) + 1,
                score=score,
                study=study,
                series=tuple(
                    SeriesHit(
                        card,
                        paths.get(card.id, ()),
                        evidence.series.get(card.id),
                        _with_slices(evidence.regions.get(card.id), shapes),
                        predicted.get(card.volume_id, ()),
                    )
                    for card in _best_first(cards, evidence, shown)
                ),
                passages=shown,
                channels=dict(evidence.channels),
                report=reports.get(key),
                fits=evidence.fits,
                same_exam=tuple(one.uid for one in exams.get(study.id, ())) if study else (),
            )
        )
    return tuple(hits)


def _with_slices(region: RegionHit | None, shapes: Mapping[int, tuple[int, int, int]]) -> RegionHit | None:
    if region is None or region.volume_id not in shapes:
        return region
    return replace(region, slices=slices_in(region.box, shapes[region.volume_id]))


def _sentences(passages: Sequence[PassageHit]) -> tuple[PassageHit, ...]:
    """The best few that agree with the query; those that contradict it only where nothing else was found."""
    agreeing = [found for found in passages if not found.contradicts] or list(passages)
    unique: dict[str, PassageHit] = {}
    for found in sorted(agreeing, key=lambda found: -weight(found)):
        unique.setdefault(found.passage.text, found)
    return tuple(unique.values())[:_SENTENCES]


def _best_first(cards: Sequence[SeriesCard], evidence: Evidence, shown: Sequence[PassageHit]) -> list[SeriesCard]:
    named = {found.passage.series_id for found in shown}
    return sorted(cards, key=lambda card: (-(evidence.series.get(card.id) or -1.0), card.id not in named))
