"""Predicted facts: what heads say of volumes, kept apart from what files recorded, counted and filtered by."""

from __future__ import annotations

import difflib
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, delete, exists, false, func, not_, or_, select
from sqlalchemy.orm import Session

from spinecho.db.errors import FilterError
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Prediction, RegionVector, Series, Study, Vector, Volume
from spinecho.db.store.part_vectors import add_regions
from spinecho.db.values import NewRegions, PredictedFact, SpaceRecord

UNKNOWN = "unknown"
"""The value of a prediction that a head would rather not make; it passes no condition."""
Head = tuple[str, str, str]
"""(task, head, revision)"""
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Lacking:
    """A series with volumes that lack predictions or regions. volumes: (volume id, fp16 vector) by volume key."""

    series_id: int
    study_uid: str
    series_uid: str
    stored: int
    """Volumes of the series that are stored."""
    sampled: bool
    """Whether the series holds more volumes than were stored."""
    volumes: dict[str, tuple[int, bytes]]


def add_predictions(session: Session, volume: int, facts: Sequence[PredictedFact], *, fresh: bool = False) -> None:
    """Store what heads said of a volume, in place of what was stored for those tasks, in a transaction begun.

    fresh: the volume was added in this transaction, so that nothing is stored of it.
    """
    tasks = [fact.task for fact in facts]
    if not tasks:
        return
    if not fresh:
        session.execute(delete(Prediction).where(Prediction.volume_id == volume, Prediction.task.in_(tasks)))
    session.add_all(
        Prediction(
            volume_id=volume,
            task=fact.task,
            value=fact.value,
            score=fact.score,
            number=fact.number,
            details=dict(fact.details),
            head=fact.head,
            head_revision=fact.head_revision,
        )
        for fact in facts
    )


def store_parts(
    database: Database, space: SpaceRecord, items: Sequence[tuple[int, NewRegions | None, Sequence[PredictedFact]]]
) -> None:
    """Add to volumes that are stored, by id, their regions and predictions: one transaction."""
    with database.begin() as session:
        known: set[int] = set()
        for some in chunks([volume for volume, _, _ in items]):
            known.update(session.scalars(select(Volume.id).where(Volume.id.in_(some))))
        for volume, regions, facts in items:
            if volume in known:
                add_regions(session, volume, space.id, regions)
                add_predictions(session, volume, facts)


def predictions_of(database: Database, volume_ids: Sequence[int]) -> dict[int, tuple[PredictedFact, ...]]:
    """By volume id, in order of task."""
    unique = list(dict.fromkeys(volume_ids))
    found: dict[int, list[PredictedFact]] = defaultdict(list)
    query = select(Prediction).order_by(Prediction.volume_id, Prediction.task)
    with database.begin() as session:
        for part in chunks(unique):
            some = Prediction.volume_id.in_(part)
            for row in session.scalars(query.where(some)):
                found[row.volume_id].append(
                    PredictedFact(row.task, row.value, row.score, row.number, row.details, row.head, row.head_revision)
                )
    return {volume: tuple(facts) for volume, facts in found.items()}


def prediction_counts(database: Database) -> dict[str, dict[str, int]]:
    """By task: volumes asked about, and those of which the head was sure enough to say something."""
    known = func.sum(case((Prediction.value != UNKNOWN, 1), else_=0))
    query = select(Prediction.task, func.count(), known).group_by(Prediction.task).order_by(Prediction.task)
    with database.begin() as session:
        return {task: {"volumes": n, "known": int(sure or 0)} for task, n, sure in session.execute(query)}


def require_tasks(database: Database, tasks: Sequence[str]) -> None:
    """Raise `FilterError` for a task that nothing was predicted for, naming the nearest one that is."""
    with database.begin() as session:
        for task in tasks:
            if session.scalar(select(Prediction.task).where(Prediction.task == task).limit(1)) is not None:
                continue
            known = list(session.scalars(select(Prediction.task).distinct().order_by(Prediction.task)))
            near = difflib.get_close_matches(task, known, n=1)
            if near:
                hint = f"did you mean 'predicted.{near[0]}'?"
            elif known:
                hint = f"predicted here: {', '.join(known)}"
            else:
                hint = "an encoder with heads and 'spinecho predict' add predicted facts"
            raise FilterError(f"nothing in this index has a predicted {task!r}; {hint}")


def lacking(database: Database, space: SpaceRecord, *, heads: Sequence[Head], regions: bool) -> Iterator[Lacking]:
    """Series with volumes that lack a prediction of one of these heads or, with `regions`, their parts; each once.

    Volumes of another space are not looked at.
    """
    wanting, last = _wanting(space, heads, regions), 0
    while wanting:
        page = _series_where(space, wanting).where(Volume.series_id > last).order_by(Volume.series_id).limit(_PAGE)
        with database.begin() as session:
            found = [_lacking(session, series, space, or_(*wanting)) for series in session.scalars(page).all()]
        if not found:
            return
        yield from found
        last = found[-1].series_id


def count_lacking(database: Database, space: SpaceRecord, *, heads: Sequence[Head], regions: bool) -> int:
    """How many series `lacking` will give."""
    wanting = _wanting(space, heads, regions)
    if not wanting:
        return 0
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(_series_where(space, wanting).subquery())) or 0


def _wanting(space: SpaceRecord, heads: Sequence[Head], regions: bool) -> list[ColumnElement[bool]]:
    wanting: list[ColumnElement[bool]] = [
        ~exists().where(
            Prediction.volume_id == Volume.id,
            Prediction.task == task,
            Prediction.head == head,
            Prediction.head_revision == revision,
        )
        for task, head, revision in heads
    ]
    if regions:
        wanting.append(~exists().where(RegionVector.volume_id == Volume.id, RegionVector.space_id == space.id))
    return wanting


def _series_where(space: SpaceRecord, wanting: Sequence[ColumnElement[bool]]) -> Any:
    here = select(Volume.series_id).join(Vector, Vector.volume_id == Volume.id).where(Vector.space_id == space.id)
    return here.where(or_(*wanting)).distinct()


def _lacking(session: Session, series: int, space: SpaceRecord, wanting: ColumnElement[bool]) -> Lacking:
    names = select(Study.uid, Series.uid).join(Series, Series.study_id == Study.id).where(Series.id == series)
    study_uid, series_uid = session.execute(names).one()
    stored = session.execute(select(Volume.id, Volume.flags).where(Volume.series_id == series)).all()
    query = select(Volume.key, Volume.id, Vector.data).join(Vector, Vector.volume_id == Volume.id)
    rows = session.execute(query.where(Volume.series_id == series, Vector.space_id == space.id, wanting))
    sampled = any("VOLUMES_SAMPLED" in flags for _, flags in stored)
    volumes = {key: (volume, data) for key, volume, data in rows}
    return Lacking(series, study_uid, series_uid, len(stored), sampled, volumes)


def predicted_is(task: str, words: Sequence[str], *, least: float | None) -> ColumnElement[bool]:
    """The head said one of these words of the volume, alone or among several, or one of these numbers; "": nothing."""
    value = func.lower(", " + Prediction.value + ", ")
    conditions: list[ColumnElement[bool]] = []
    for word in words:
        conditions.append(value.contains(f", {word.casefold()}, ", autoescape=True))
        number = _number(word)
        if number is not None:
            conditions.append(Prediction.number == number)
    found = _predicted(task, or_(false(), *conditions), least=least)
    return or_(found, not_(_predicted(task, least=least))) if "" in words else found


def predicted_between(task: str, low: float | None, high: float | None, *, least: float | None) -> ColumnElement[bool]:
    """The head gave a number between the bounds, both included."""
    parts: list[Any] = [Prediction.number.is_not(None)]
    parts += [Prediction.number >= low] if low is not None else []
    parts += [Prediction.number <= high] if high is not None else []
    return _predicted(task, *parts, least=least)


def predicted_contains(task: str, text: str, *, least: float | None) -> ColumnElement[bool]:
    """What the head said contains the text."""
    return _predicted(task, Prediction.value.icontains(text, autoescape=True), least=least)


def _predicted(task: str, *parts: Any, least: float | None) -> ColumnElement[bool]:
    """SQL over `volumes`: there is such a prediction of the volume, with at least that score."""
    sure = [Prediction.score >= least] if least is not None else []
    query = select(Prediction.volume_id).where(Prediction.task == task, Prediction.value != UNKNOWN, *parts, *sure)
    return Volume.id.in_(query)


def _number(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
