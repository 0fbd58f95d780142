"""The other studies of a study's patient: how many days before or after, and whether of the same part of the body."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spinecho.db.values import SeriesCard, StudyCard


@dataclass(frozen=True, slots=True)
class OtherStudy:
    """days: from the study that was opened to this one, negative before it; None where a date is not known.

    regions: the body regions of its scans, most scans first; same_region: whether one is of the opened study too.
    """

    card: StudyCard
    series: tuple[SeriesCard, ...]
    days: int | None
    regions: tuple[str, ...]
    same_region: bool


def others_in_order(
    card: StudyCard, mine: Sequence[SeriesCard], others: Iterable[tuple[StudyCard, Sequence[SeriesCard]]]
) -> tuple[OtherStudy, ...]:
    """Those of the same body region first, of these the nearest in time; where a date is missing, last."""
    regions = set(_regions(mine))
    found = []
    for other, series in others:
        days = None if card.date is None or other.date is None else (other.date - card.date).days
        theirs = _regions(series)
        found.append(OtherStudy(other, tuple(series), days, theirs, not regions.isdisjoint(theirs)))
    return tuple(
        sorted(found, key=lambda one: (not one.same_region, one.days is None, abs(one.days or 0), one.card.uid))
    )


def _regions(series: Sequence[SeriesCard]) -> tuple[str, ...]:
    shown = [one.body_region for one in series if one.sequence != "localizer"] or [one.body_region for one in series]
    known = [region for region in shown if region and region != "unknown"]
    return tuple(sorted(set(known), key=lambda region: (-known.count(region), region)))
