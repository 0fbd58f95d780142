"""Deleting: what goes takes its vectors along, and every vector that goes leaves a tombstone.

Everything here runs inside a transaction that its caller has begun.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.models import (
    Clause,
    Passage,
    Prediction,
    RegionVector,
    Report,
    Series,
    Study,
    Thumbnail,
    Vector,
    Volume,
    VolumeFile,
    WithdrawnPassage,
)
from spinecho.db.store.patients import forget_patients
from spinecho.db.store.study_facts import refresh_study
from spinecho.db.vectors.tombstones import remove_vectors


def remove_series(session: Session, study_uid: str, series_uid: str) -> None:
    """Remove a series, and its study where nothing else is in it; else the study's facts are those of what is left.

    Unknown UIDs are no error.
    """
    found = session.execute(
        select(Series.id, Series.study_id).join(Study).where(Study.uid == study_uid, Series.uid == series_uid)
    ).first()
    if found is None:
        return
    series, study = found
    remove_volumes(session, series)
    session.execute(delete(Series).where(Series.id == series))
    if session.scalar(select(Series.id).where(Series.study_id == study).limit(1)) is None:
        lost = {"study_id": None, "match": "unmatched", "reason": "no_study"}  # until reports are matched anew
        session.execute(update(Report).where(Report.study_id == study).values(**lost))
        patient = session.scalar(select(Study.patient).where(Study.id == study))
        session.execute(update(Report).where(Report.named_study_id == study).values(named_study_id=None))
        session.execute(delete(Study).where(Study.id == study))
        forget_patients(session, [patient])
    else:
        refresh_study(session, study)


def remove_volumes(session: Session, series: int) -> None:
    """Remove every volume of a series (by its id) with thumbnails, captions, vectors, regions and predictions."""
    volumes = select(Volume.id).where(Volume.series_id == series)
    passages = select(Passage.id).where(Passage.volume_id.in_(volumes))
    remove_vectors(session, Vector.volume_id.in_(volumes) | Vector.passage_id.in_(passages))
    session.execute(delete(Passage).where(Passage.volume_id.in_(volumes)))
    for table in (Thumbnail, RegionVector, Prediction):
        session.execute(delete(table).where(table.volume_id.in_(volumes)))
    session.execute(delete(VolumeFile).where(VolumeFile.volume_id.in_(volumes)))
    session.execute(delete(Volume).where(Volume.series_id == series))


def remove_reports_of_files(session: Session, files: Sequence[int]) -> None:
    """Remove every report that was read from these files, with sentences and vectors."""
    for some in chunks(files):
        reports = select(Report.id).where(Report.file_id.in_(some))
        passages = select(Passage.id).where(Passage.report_id.in_(reports))
        remove_vectors(session, Vector.passage_id.in_(passages))
        session.execute(delete(Passage).where(Passage.report_id.in_(reports)))
        session.execute(delete(Clause).where(Clause.report_id.in_(reports)))
        session.execute(delete(WithdrawnPassage).where(WithdrawnPassage.report_id.in_(reports)))
        session.execute(delete(Report).where(Report.file_id.in_(some)))
