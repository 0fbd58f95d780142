"""What search asks of SQL: which vectors a filter allows, and what lies behind an id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import and_, func, select

from spinecho.db.errors import StoreError
from spinecho.db.filters.algebra import Filter, compile_filter
from spinecho.db.keys import accession_key, patient_key
from spinecho.db.people.masking import Count, masked_sizes, number
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import (
    File,
    Folder,
    Passage,
    Report,
    Series,
    Study,
    Thumbnail,
    Vector,
    Volume,
    VolumeFile,
)
from spinecho.db.store.patients import PERSON
from spinecho.db.values import ReportCard, SeriesCard, SpaceRecord, StudyCard, VolumeCard
from spinecho.db.vectors.indexes.protocol import Ids

_ADDENDA_LAST = (Report.standing.desc(), Report.dated)
"""stands before addendum, and each in the order of its dates."""


def allowed_volumes(database: Database, space: SpaceRecord, where: Filter) -> Ids:
    """Vector ids, sorted, of the volumes that pass the filter."""
    query = _volumes(select(Vector.id).join(Volume, Volume.id == Vector.volume_id), where)
    return _ids(database, query.where(Vector.space_id == space.id))


def allowed_passages(database: Database, space: SpaceRecord, where: Filter) -> Ids:
    """Vector ids, sorted, of the captions of volumes that pass, and of the reports of their studies."""
    captions = select(Vector.id).join(Passage, Passage.id == Vector.passage_id)
    captions = _volumes(captions.join(Volume, Volume.id == Passage.volume_id), where)
    studies = _volumes(select(Study.id).select_from(Volume), where)
    reports = (
        select(Vector.id)
        .join(Passage, Passage.id == Vector.passage_id)
        .join(Report, Report.id == Passage.report_id)
        .where(Report.study_id.in_(studies))
    )
    both = [_ids(database, query.where(Vector.space_id == space.id)) for query in (captions, reports)]
    return np.union1d(*both)


def volume_cards(database: Database, vector_ids: Sequence[int]) -> dict[int, VolumeCard]:
    """By vector id; ids that were deleted meanwhile are left out."""
    query = (
        select(Vector.id, Volume.id, Series.id, Series.study_id)
        .join(Volume, Volume.id == Vector.volume_id)
        .join(Series, Series.id == Volume.series_id)
    )
    return {row[0]: VolumeCard(*row) for row in _by_ids(database, query, Vector.id, vector_ids)}


def study_cards(database: Database, study_ids: Sequence[int]) -> dict[int, StudyCard]:
    """By study id. Within one moment none is read twice."""
    query = select(
        Study.id,
        Study.uid,
        Study.accession_number,
        Study.patient_id,
        Study.date,
        Study.description,
        Study.sex,
        Study.age_years,
    )
    known: dict[int, StudyCard | None] = database.remembered("study cards")
    fresh = [key for key in dict.fromkeys(study_ids) if key not in known]
    read = {row[0]: StudyCard(*row) for row in _by_ids(database, query, Study.id, fresh)}
    known.update((key, read.get(key)) for key in fresh)  # those that are not there are not asked for again either
    found = ((key, known[key]) for key in sorted(set(study_ids)))
    return {key: card for key, card in found if card is not None}


def study_ids_by_uid(database: Database, uids: Sequence[str]) -> dict[str, int]:
    """The ids of the studies with these UIDs; unknown UIDs are left out."""
    query = select(Study.uid, Study.id)
    return {row[0]: row[1] for row in _by_ids(database, query, Study.uid, uids)}


def studies_of_patient_of(database: Database, study_id: int) -> frozenset[int]:
    """Every study of the patient whose study this is, this one included."""
    patient = select(Study.patient).where(Study.id == study_id).scalar_subquery()
    query = select(Study.id).where(Study.patient == patient)
    with database.begin() as session:
        return frozenset(session.scalars(query)) | {study_id}


def other_studies(database: Database, study_ids: Sequence[int]) -> dict[int, list[StudyCard]]:
    """The other studies of each study's patient, oldest first; none where the patient is not named."""
    patients = {row[0]: row[1] for row in _by_ids(database, select(Study.id, Study.patient), Study.id, study_ids)}
    columns = (Study.id, Study.uid, Study.accession_number, Study.patient_id, Study.date, Study.description)
    query = select(*columns, Study.sex, Study.age_years, Study.patient).order_by(Study.date, Study.id)
    of_patient: dict[int, list[StudyCard]] = defaultdict(list)
    for *row, patient in _by_ids(database, query, Study.patient, [one for one in patients.values() if one is not None]):
        of_patient[patient].append(StudyCard(*row))
    return {
        study: others
        for study, patient in patients.items()
        if (others := [one for one in of_patient.get(patient, ()) if one.id != study])
    }


def same_exam(database: Database, study_ids: Sequence[int]) -> dict[int, list[StudyCard]]:
    """Studies that one examination left under several UIDs: of one patient, day and accession number; by UID.

    A console that was started anew does so, and de-identification that gives each series a study of its own.
    """
    cards = {key: card for key, card in study_cards(database, study_ids).items() if _exam(card) is not None}
    columns = (Study.id, Study.uid, Study.accession_number, Study.patient_id, Study.date, Study.description)
    query = select(*columns, Study.sex, Study.age_years).order_by(Study.uid)
    by_exam: dict[Any, list[StudyCard]] = defaultdict(list)
    for row in _by_ids(database, query, Study.accession_number, sorted({c.accession_number for c in cards.values()})):
        by_exam[_exam(StudyCard(*row))].append(StudyCard(*row))
    return {
        study: others
        for study, card in cards.items()
        if (others := [one for one in by_exam[_exam(card)] if one.id != study])
    }


def _exam(card: StudyCard) -> tuple[str, Any, str] | None:
    """What one examination has in common; None where a part of it is not known."""
    number, patient = accession_key(card.accession_number), patient_key(card.patient_id)
    return (patient, card.date, number) if number and patient and card.date is not None else None


def series_cards(database: Database, study_ids: Sequence[int], where: Filter) -> dict[int, list[SeriesCard]]:
    """The series with a volume that passes the filter, by study, in the order of series number and UID."""
    query = _volumes(
        select(
            Series.id,
            Series.study_id,
            Series.uid,
            Series.number,
            Series.description,
            Volume.sequence,
            Volume.plane,
            Volume.body_region,
            Volume.contrast,
            Volume.field_strength_t,
            Volume.vendor,
            Volume.derived,
            Volume.flags,
            Volume.id,
        ).select_from(Volume),
        where,
    ).order_by(Series.number.is_(None), Series.number, Series.uid, Volume.key, Volume.id)
    volumes: dict[int, list[Any]] = defaultdict(list)
    for row in _by_ids(database, query, Series.study_id, study_ids):
        volumes[row[0]].append(row)
    found: dict[int, list[SeriesCard]] = defaultdict(list)
    for rows in volumes.values():
        first = rows[0]
        facts = (*first[:12], tuple(first[12]), len(rows), first[13])
        found[first[1]].append(SeriesCard(*facts))
    return dict(found)


def series_paths(database: Database, series_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Paths of the files that hold each series, sorted."""
    query = (
        select(Volume.series_id, Folder.path, File.name)
        .select_from(VolumeFile)
        .join(Volume, Volume.id == VolumeFile.volume_id)
        .join(File, File.id == VolumeFile.file_id)
        .join(Folder, Folder.id == File.folder_id)
    )
    found: dict[int, set[str]] = defaultdict(set)
    for series, folder, name in _by_ids(database, query, Volume.series_id, series_ids):
        found[series].add(f"{folder}/{name}")
    return {series: tuple(sorted(paths)) for series, paths in found.items()}


def volume_source(database: Database, volume_id: int) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """(series UID, volume key, (path, header) of each file of the series): what it takes to read a volume again.

    Raises `StoreError` for a volume that was removed meanwhile.
    """
    query = (
        select(Series.uid, Study.uid, Volume.key)
        .join(Series, Series.id == Volume.series_id)
        .join(Study, Study.id == Series.study_id)
        .where(Volume.id == volume_id)
    )
    with database.begin() as session:
        found = session.execute(query).first()
        if found is None:
            raise StoreError("this volume is no longer in the index; search again")
        series, study, key = found
        files = session.execute(
            select(Folder.path, File.name, File.header)
            .join(Folder, Folder.id == File.folder_id)
            .where(and_(File.series_uid == series, File.study_uid == study, File.state == "indexed"))
            .order_by(Folder.path, File.name)
        )
        return series, key, tuple((f"{folder}/{name}", header or "") for folder, name, header in files)


def volume_keys(database: Database, series_id: int) -> tuple[str, ...]:
    """The keys of a series' stored volumes, in the order in which `series_cards` takes its first."""
    query = select(Volume.key).where(Volume.series_id == series_id).order_by(Volume.key, Volume.id)
    with database.begin() as session:
        return tuple(session.scalars(query))


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """What a point of the map can be coloured by."""

    study_uid: str
    sequence: str
    plane: str
    body_region: str
    contrast: str
    vendor: str
    field_strength_t: float | None
    sex: str | None
    age_years: float | None
    patient: int
    """A number of the study's patient."""


def volume_facts(database: Database, vector_ids: Sequence[int]) -> dict[int, VolumeFacts]:
    """By vector id; ids that were deleted meanwhile are left out."""
    columns = (
        Volume.sequence,
        Volume.plane,
        Volume.body_region,
        Volume.contrast,
        Volume.vendor,
        Volume.field_strength_t,
    )
    query = (
        select(Vector.id, Study.uid, *columns, Study.sex, Study.age_years, PERSON)
        .join(Volume, Volume.id == Vector.volume_id)
        .join(Series, Series.id == Volume.series_id)
        .join(Study, Study.id == Series.study_id)
    )
    return {row[0]: VolumeFacts(*row[1:]) for row in _by_ids(database, query, Vector.id, vector_ids)}


def acquisition_of(database: Database, volume_id: int) -> dict[str, Any]:
    """Every fact that the reader gave of a volume; empty for one that was removed meanwhile."""
    with database.begin() as session:
        found = session.scalar(select(Volume.acquisition).where(Volume.id == volume_id))
    return dict(found or {})


def thumbnails(database: Database, volume_ids: Sequence[int]) -> dict[int, bytes]:
    """PNG bytes by volume id."""
    query = select(Thumbnail.volume_id, Thumbnail.png)
    return {row[0]: row[1] for row in _by_ids(database, query, Thumbnail.volume_id, volume_ids)}


def reports_of(database: Database, study_ids: Sequence[int]) -> dict[int, list[ReportCard]]:
    """Reports by study."""
    query = select(Report.id, Report.study_id, Report.accession_number, Report.match, Report.text)
    found: dict[int, list[ReportCard]] = defaultdict(list)
    for row in _by_ids(database, query.order_by(*_ADDENDA_LAST, Report.id), Report.study_id, study_ids):
        found[row[1]].append(ReportCard(*row))
    return dict(found)


def report_cards(database: Database, report_ids: Sequence[int]) -> dict[int, ReportCard]:
    """By report id."""
    query = select(Report.id, Report.study_id, Report.accession_number, Report.match, Report.text)
    return {row[0]: ReportCard(*row) for row in _by_ids(database, query, Report.id, report_ids)}


def facets(database: Database, fields: Sequence[str], *, smallest: int = 0) -> Mapping[str, dict[str, Count]]:
    """Studies by value for volume columns such as sequence or body_region; masked, also where few patients have many.

    Ordered by what is told, most frequent first, equals by value.
    """
    found: dict[str, dict[str, Count]] = {}
    with database.begin() as session:
        for field in fields:
            column = getattr(Volume, field)
            query = select(column, func.count(Series.study_id.distinct()), func.count(PERSON.distinct()))
            query = query.select_from(Volume).join(Series, Series.id == Volume.series_id)
            rows = session.execute(query.join(Study, Study.id == Series.study_id).group_by(column))
            counted = [(str(value), masked_sizes(studies, people, smallest)[0]) for value, studies, people in rows]
            found[field] = dict(sorted(counted, key=lambda one: (-number(one[1]), one[0])))
    return found


def _volumes(query: Any, where: Filter) -> Any:
    joined = query.join(Series, Series.id == Volume.series_id).join(Study, Study.id == Series.study_id)
    return joined.where(compile_filter(where))


def _ids(database: Database, query: Any) -> Ids:
    with database.begin() as session:
        return np.sort(np.fromiter(session.scalars(query), dtype=np.int64))


def _by_ids(database: Database, query: Any, column: Any, ids: Sequence[int] | Sequence[str]) -> Iterator[Any]:
    unique = list(dict.fromkeys(ids))
    if not unique:
        return
    with database.begin() as session:
        for some in chunks(unique):
            yield from session.execute(query.where(column.in_(some)))
