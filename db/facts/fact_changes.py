"""Which studies something has happened to since a snapshot was made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from spinecho.db.facts.fact_table import FactTable, locate
from spinecho.db.facts.snapshots import State
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.models import Passage, Report, Series, Tombstone, Vector, Volume
from spinecho.db.vectors.indexes.protocol import Ids

_MOST = 20_000
"""Vectors stored or deleted since, above which nobody goes on counting."""


class TooMuch(Exception):
    """More has changed than is worth telling apart, or it can't be told which studies it was."""


@dataclass(frozen=True, eq=False)
class Looked:
    """What the last look at the database found. At first: the snapshot itself, and no study changed."""

    last_tombstone: int
    changed: Ids
    newer: FactTable | None = None
    """The changed studies as they were: knows vectors that came after the snapshot and may have gone."""


def changed_studies(session: Session, table: FactTable, made: State, looked: Looked) -> Ids:
    """Ids, sorted, of every study of which a filter might see something else than the snapshot has.

    Facts of a study and its volumes change only in a transaction that also stores or deletes a vector of the study;
    a report comes to a study with vectors, or by leaving the reports without one. Raises `TooMuch`.
    """
    new = _studies_of_new_vectors(session, made)
    gone = select(Tombstone.vector_id).where(Tombstone.id > looked.last_tombstone).limit(_MOST + 1)
    dead = np.unique(np.fromiter(session.scalars(gone), dtype=np.int64))
    if len(dead) > _MOST:
        raise TooMuch
    places, unknown = table.study_places_of_vectors(dead)
    changed = np.union1d(looked.changed, table.studies[places])
    if looked.newer is not None:
        places, unknown = looked.newer.study_places_of_vectors(unknown)
        changed = np.union1d(changed, looked.newer.studies[places])
    if np.any(unknown > made.highest_id):
        raise TooMuch
    changed = np.union1d(changed, new)
    return np.union1d(changed, _joined_since(session, table, changed))


def _studies_of_new_vectors(session: Session, since: State) -> Ids:
    volume, caption = aliased(Volume), aliased(Volume)
    of_volume, of_caption = aliased(Series), aliased(Series)
    query = (
        select(Vector.id, func.coalesce(of_volume.study_id, of_caption.study_id, Report.study_id))
        .where(Vector.id > since.highest_id)
        .outerjoin(volume, volume.id == Vector.volume_id)
        .outerjoin(of_volume, of_volume.id == volume.series_id)
        .outerjoin(Passage, Passage.id == Vector.passage_id)
        .outerjoin(caption, caption.id == Passage.volume_id)
        .outerjoin(of_caption, of_caption.id == caption.series_id)
        .outerjoin(Report, Report.id == Passage.report_id)
        .limit(_MOST + 1)
    )
    rows = session.execute(query).all()
    if len(rows) > _MOST:
        raise TooMuch
    return np.array(sorted({row[1] for row in rows if row[1] is not None}), dtype=np.int64)


def _joined_since(session: Session, table: FactTable, changed: Ids) -> Ids:
    """Studies that reports came to which had none, or which had one of the changed studies."""
    query = select(Report.id).where(Report.study_id.is_(None))
    now = np.fromiter(session.scalars(query), dtype=np.int64)
    at, found = locate(table.studies, changed)
    moved = np.isin(table.report_studies, at[found])
    moved[table.report_studies < 0] = True
    open_to_question = np.setdiff1d(table.reports[moved], now)
    studies: set[int] = set()
    for some in chunks(open_to_question.tolist()):
        ids = session.scalars(select(Report.study_id).where(Report.id.in_(some), Report.study_id.is_not(None)))
        studies.update(study for study in ids if study is not None)
    return np.array(sorted(studies), dtype=np.int64)
