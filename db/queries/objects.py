"""DICOM objects by what DICOM calls them: studies, series and files that DICOMweb tells of. NIfTI files are none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, exists, false, func, select

from spinecho.db.filters.algebra import ALL
from spinecho.db.queries.lookup import series_cards, study_cards
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Folder, Series, Study, Volume
from spinecho.db.values import SeriesCard, StudyCard

_ESCAPE = "\\"


@dataclass(frozen=True, slots=True)
class Match:
    """What studies have to be. Texts take * and ?; dates: first and last day, None for open; '' and () ask nothing."""

    study_uids: tuple[str, ...] = ()
    patient_id: str = ""
    accession_number: str = ""
    description: str = ""
    dates: tuple[date | None, date | None] = (None, None)
    nothing: bool = False
    """Whether something was asked for that no study here is, as another modality."""


@dataclass(frozen=True, slots=True)
class StudyObjects:
    """A study with how many series and files of DICOM it has."""

    card: StudyCard
    series: int
    instances: int


@dataclass(frozen=True, slots=True)
class SeriesObjects:
    """A series of it."""

    study: StudyCard
    card: SeriesCard
    instances: int


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """One DICOM file as it was when it was indexed. number, rows, columns: None where its header does not say."""

    study_uid: str
    series_uid: str
    sop_uid: str
    path: str
    size: int
    number: int | None
    rows: int | None
    columns: int | None
    frames: int


def matching_studies(database: Database, match: Match, *, limit: int, offset: int) -> list[StudyObjects]:
    """Studies with DICOM files, newest first."""
    query = _matched(select(Study.id), match).order_by(Study.date.is_(None), Study.date.desc(), Study.id)
    with database.begin() as session:
        ids = list(session.scalars(query.limit(limit).offset(offset)))
    cards = study_cards(database, ids)
    counts = _counts(database, [card.uid for card in cards.values()])
    found = []
    for number in ids:
        if (card := cards.get(number)) is not None:
            mine = [count for (study, _), count in counts.items() if study == card.uid]
            found.append(StudyObjects(card, len(mine), sum(mine)))
    return found


def matching_series(
    database: Database, match: Match, *, series_uids: Sequence[str] = (), number: int | None = None,
    limit: int, offset: int,
) -> list[SeriesObjects]:  # fmt: skip
    """Series with DICOM files of the studies that match, by study as above, then by number and UID."""
    query = (
        _matched(select(Study.id, Series.id).join(Series, Series.study_id == Study.id), match)
        .where(exists(_files(Series.uid)), exists(select(Volume.id).where(Volume.series_id == Series.id)))
        .order_by(Study.date.is_(None), Study.date.desc(), Study.id, Series.number.is_(None), Series.number, Series.uid)
    )
    if series_uids:
        query = query.where(Series.uid.in_(series_uids))
    if number is not None:
        query = query.where(Series.number == number)
    with database.begin() as session:
        rows = [(row[0], row[1]) for row in session.execute(query.limit(limit).offset(offset))]
    studies = study_cards(database, [study for study, _ in rows])
    cards = {
        card.id: card for some in series_cards(database, [study for study, _ in rows], ALL).values() for card in some
    }
    counts = _counts(database, [card.uid for card in studies.values()])
    return [
        SeriesObjects(studies[study], cards[series], counts.get((studies[study].uid, cards[series].uid), 0))
        for study, series in rows
        if study in studies and series in cards
    ]


def object_files(
    database: Database, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
) -> list[ObjectFile]:
    """The DICOM files of a study, of a series or of one object, each object once, by series and number."""
    query = (
        select(File.study_uid, File.series_uid, File.sop_uid, Folder.path, File.name, File.size, File.header)
        .join(Folder, Folder.id == File.folder_id)
        .where(File.study_uid == study_uid, File.state == "indexed", File.kind == "dicom", File.sop_uid.is_not(None))
        .order_by(File.series_uid, Folder.path, File.name)
    )
    if series_uid is not None:
        query = query.where(File.series_uid == series_uid)
    if sop_uid is not None:
        query = query.where(File.sop_uid == sop_uid)
    found: dict[tuple[str, str], ObjectFile] = {}
    with database.begin() as session:
        for row in session.execute(query):
            one = _file(row)
            found.setdefault((one.series_uid, one.sop_uid), one)
    return sorted(found.values(), key=lambda one: (one.series_uid, one.number is None, one.number or 0, one.sop_uid))


def has_study(database: Database, study_uid: str) -> bool:
    """Whether there is such a study, of whatever files."""
    with database.begin() as session:
        return session.scalar(select(Study.id).where(Study.uid == study_uid)) is not None


def _matched(query: Any, match: Match) -> Any:
    query = query.where(exists(_files(None)))
    if match.nothing:
        query = query.where(false())
    if match.study_uids:
        query = query.where(Study.uid.in_(match.study_uids))
    for column, text in (
        (Study.patient_id, match.patient_id), (Study.accession_number, match.accession_number),
        (Study.description, match.description),
    ):  # fmt: skip
        if text and ("*" in text or "?" in text):
            query = query.where(column.ilike(_like(text), escape=_ESCAPE))
        elif text:
            query = query.where(column == text)
    first, last = match.dates
    if first is not None:
        query = query.where(Study.date >= first)
    return query if last is None else query.where(Study.date <= last)


def _files(series: Any) -> Select[Any]:
    of_study = and_(File.study_uid == Study.uid, File.state == "indexed", File.kind == "dicom")
    query = select(File.id).where(of_study)
    query = query if series is None else query.where(File.series_uid == series)
    return query.correlate(Study, Series)


def _counts(database: Database, study_uids: Sequence[str]) -> dict[tuple[str, str], int]:
    query = select(File.study_uid, File.series_uid, func.count(File.sop_uid.distinct())).where(
        File.study_uid.in_(study_uids), File.state == "indexed", File.kind == "dicom"
    )
    with database.begin() as session:
        rows = session.execute(query.group_by(File.study_uid, File.series_uid))
        return {(str(study), str(series)): int(count) for study, series, count in rows}


def _like(text: str) -> str:
    for sign in (_ESCAPE, "%", "_"):
        text = text.replace(sign, _ESCAPE + sign)
    return text.replace("*", "%").replace("?", "_")


def _file(row: Any) -> ObjectFile:
    study, series, sop, folder, name, size, header = row
    detail = json.loads(header or "{}").get("detail", {})
    facts, pixels = detail.get("facts", {}), detail.get("pixels", {})
    number = facts.get("instance")
    return ObjectFile(
        study, series, sop, f"{folder}/{name}", size, number if isinstance(number, int) else None,
        pixels.get("rows"), pixels.get("columns"), int(pixels.get("frames") or 1),
    )  # fmt: skip
