"""What an evaluation asks of SQL: every served vector, with what is known of what it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import func, select

from spinecho.db.filters.algebra import Filter, compile_filter
from spinecho.db.keys import patient_key
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Passage, Report, Series, Study, Vector, Volume
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.protocol import Ids, Rows
from spinecho.db.vectors.stored_rows import read_vectors, unpack


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """A volume that has a vector, and what its header says."""

    vector_id: int
    study_uid: str
    series_uid: str
    key: str
    patient_id: str
    """As `patient_key` has it."""
    body_region: str
    sequence: str
    plane: str
    volume_id: int = 0
    scanner: str = ""
    """Manufacturer, model and field strength, "" where the maker or the model is not known."""


@dataclass(frozen=True, slots=True)
class SentenceFacts:
    """A sentence that has a vector: of a report (`report_id`) that has a study, or of a volume's header."""

    vector_id: int
    study_uid: str
    patient_id: str
    """As `patient_key` has it."""
    report_id: int | None
    section: str
    text: str


def volume_facts(
    database: Database, space: SpaceRecord, where: Filter, study_uids: Sequence[str] | None = None
) -> tuple[tuple[VolumeFacts, ...], Rows]:
    """The volumes that pass the filter, in the order of their UIDs, which no re-indexing changes: (facts, (n, dim)).

    study_uids: of these studies alone.
    """
    query = (
        select(
            Vector.id,
            Study.uid,
            Series.uid,
            Volume.key,
            Study.patient_id,
            Volume.body_region,
            Volume.sequence,
            Volume.plane,
            Volume.id,
            Volume.vendor,
            Volume.model,
            Volume.field_strength_t,
            Vector.data,
        )
        .join(Volume, Volume.id == Vector.volume_id)
        .join(Series, Series.id == Volume.series_id)
        .join(Study, Study.id == Series.study_id)
        .where(Vector.space_id == space.id, compile_filter(where))
        .order_by(Study.uid, Series.uid, Volume.key)
    )
    if study_uids is not None:
        rows = list(_by_study(database, query, study_uids))
    else:
        with database.begin() as session:
            rows = list(session.execute(query))
    facts = tuple(_facts(row) for row in rows)
    return facts, unpack(b"".join(row[-1] for row in rows), space.dim)


def report_sentences(
    database: Database, space: SpaceRecord, study_uids: Sequence[str]
) -> tuple[tuple[SentenceFacts, ...], Rows]:
    """The sentences of the reports of these studies, by study, report and place in it: (facts, (n, dim))."""
    query = (
        select(Vector.id, Study.uid, Study.patient_id, Passage.report_id, Passage.section, Passage.text, Vector.data)
        .join(Passage, Passage.id == Vector.passage_id)
        .join(Report, Report.id == Passage.report_id)
        .join(Study, Study.id == Report.study_id)
        .where(Vector.space_id == space.id)
        .order_by(Study.uid, Report.id, Passage.ordinal)
    )
    return _sentences(_by_study(database, query, study_uids), space)


def header_sentences(
    database: Database, space: SpaceRecord, study_uids: Sequence[str], where: Filter
) -> tuple[tuple[SentenceFacts, ...], Rows]:
    """The header sentences of those volumes of these studies that pass the filter: (facts, (n, dim))."""
    query = (
        select(Vector.id, Study.uid, Study.patient_id, Passage.report_id, Passage.section, Passage.text, Vector.data)
        .join(Passage, Passage.id == Vector.passage_id)
        .join(Volume, Volume.id == Passage.volume_id)
        .join(Series, Series.id == Volume.series_id)
        .join(Study, Study.id == Series.study_id)
        .where(Vector.space_id == space.id, compile_filter(where))
        .order_by(Study.uid, Series.uid, Volume.key)
    )
    return _sentences(_by_study(database, query, study_uids), space)


def report_texts(database: Database, study_uids: Sequence[str]) -> dict[str, list[str]]:
    """The reports of these studies as they came, by study UID."""
    query = select(Study.uid, Report.text).join(Report, Report.study_id == Study.id).order_by(Report.id)
    found: dict[str, list[str]] = {}
    for uid, text in _by_study(database, query, study_uids):
        found.setdefault(uid, []).append(text)
    return found


def known_studies(database: Database, study_uids: Sequence[str]) -> dict[str, str]:
    """`patient_key` by UID of those of the studies that are stored."""
    return {row[0]: patient_key(row[1]) for row in _by_study(database, select(Study.uid, Study.patient_id), study_uids)}


def all_vectors(database: Database, space: SpaceRecord) -> tuple[Ids, Rows]:
    """Every vector of a space: (n,) ids, (n, dim) rows."""
    parts = list(read_vectors(database, space))
    ids = [np.empty(0, dtype=np.int64), *(ids for ids, _ in parts)]
    rows = [np.empty((0, space.dim), dtype=np.float32), *(rows for _, rows in parts)]
    return np.concatenate(ids), np.concatenate(rows)


def count_reports(database: Database) -> int:
    """Reports that have a study."""
    with database.begin() as session:
        return session.scalar(select(func.count()).where(Report.study_id.is_not(None))) or 0


def _facts(row: Any) -> VolumeFacts:
    vector, study, series, key, patient, region, sequence, plane, volume, vendor, model, tesla = row[:12]
    scanner = _scanner(vendor, model, tesla)
    return VolumeFacts(vector, study, series, key, patient_key(patient), region, sequence, plane, volume, scanner)


def _scanner(vendor: str, model: str, tesla: float | None) -> str:
    if vendor == "unknown" or not model.strip():
        return ""
    return f"{vendor} {' '.join(model.split()).casefold()} {'' if tesla is None else f'{tesla:.1f} T'}".strip()


def _by_study(database: Database, query: Any, study_uids: Sequence[str]) -> Iterator[Any]:
    unique = sorted(set(study_uids))
    with database.begin() as session:
        for some in chunks(unique):
            yield from session.execute(query.where(Study.uid.in_(some)))


def _sentences(rows: Iterator[Any], space: SpaceRecord) -> tuple[tuple[SentenceFacts, ...], Rows]:
    found = list(rows)
    facts = tuple(SentenceFacts(row[0], row[1], patient_key(row[2]), *row[3:-1]) for row in found)
    return facts, unpack(b"".join(row[-1] for row in found), space.dim)
