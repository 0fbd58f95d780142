"""What training asks of SQL: every volume with its facts and its study's reports. Nothing here writes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Report, Series, Study, Volume, VolumeFile


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A stored volume. `reports` were matched with its study; '' and None stand for what is not known."""

    volume_id: int
    study_uid: str
    series_uid: str
    key: str
    patient_id: str
    sex: str
    age_years: float | None
    description: str
    region: str
    sequence: str
    plane: str
    contrast: str
    derived: bool
    acquisition: dict[str, Any]
    stored: int
    """How many volumes of the series are stored."""
    stamp: str
    """Changes with the volume's files: their number, bytes and newest change."""
    reports: tuple[str, ...]


def training_rows(database: Database, *, derived: bool = False) -> tuple[TrainingRow, ...]:
    """Every volume, by study, series and key; computed ones (ADC, MIP) only with `derived`."""
    stored = select(Volume.series_id, func.count().label("n")).group_by(Volume.series_id).subquery()
    files = (
        select(
            VolumeFile.volume_id,
            func.count().label("n"),
            func.sum(File.size).label("size"),
            func.max(File.mtime_ns).label("newest"),
        )
        .join(File, File.id == VolumeFile.file_id)
        .group_by(VolumeFile.volume_id)
        .subquery()
    )
    query = (
        select(Volume, Series, Study, stored.c.n, files.c.n, files.c.size, files.c.newest)
        .join(Series, Series.id == Volume.series_id)
        .join(Study, Study.id == Series.study_id)
        .join(stored, stored.c.series_id == Volume.series_id)
        .join(files, files.c.volume_id == Volume.id)
        .order_by(Study.uid, Series.uid, Volume.key)
    )
    if not derived:
        query = query.where(Volume.derived.is_(False))
    with database.begin() as session:
        reports: dict[int, list[str]] = defaultdict(list)
        matched = select(Report.study_id, Report.text).where(Report.match == "matched")
        for study_id, text in session.execute(matched.order_by(Report.id)):
            if study_id is not None:
                reports[study_id].append(text)
        kept = {study: tuple(texts) for study, texts in reports.items()}
        return tuple(
            TrainingRow(
                volume_id=volume.id,
                study_uid=study.uid,
                series_uid=series.uid,
                key=volume.key,
                patient_id=study.patient_id,
                sex=study.sex or "",
                age_years=study.age_years,
                description=series.description,
                region=volume.body_region,
                sequence=volume.sequence,
                plane=volume.plane,
                contrast=volume.contrast,
                derived=volume.derived,
                acquisition=volume.acquisition,
                stored=count,
                stamp=f"{number}-{size}-{newest}",
                reports=kept.get(study.id, ()),
            )
            for volume, series, study, count, number, size, newest in session.execute(query)
        )
