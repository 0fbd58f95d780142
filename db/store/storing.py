"""Storing what was read: a series or a report file is one transaction, vectors included."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from spinecho.db.keys import text_digest
from spinecho.db.reports import study_matching
from spinecho.db.reports.clauses import add_clauses_of_many
from spinecho.db.schema import clean
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.claims import store_in_turn
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import (
    Failure,
    File,
    Passage,
    Prediction,
    RegionVector,
    Report,
    Series,
    Serving,
    SpaceRow,
    Study,
    Thumbnail,
    Vector,
    Volume,
    VolumeFile,
)
from spinecho.db.store.file_outcomes import failure_row, keep_digests, reject_in
from spinecho.db.store.part_vectors import add_regions
from spinecho.db.store.predictions import add_predictions
from spinecho.db.store.removal import remove_reports_of_files, remove_series, remove_volumes
from spinecho.db.store.study_facts import kept_facts, refresh_study, study_id
from spinecho.db.values import (
    NewPassage,
    NewReport,
    NewSeries,
    NewVolume,
    Rejection,
    Role,
    SpaceRecord,
    UnmatchedReport,
)

_FACTS_OF_VOLUMES = ("sequence", "plane", "body_region", "contrast", "field_strength_t", "vendor", "model", "derived")


def serving(database: Database, role: Role) -> SpaceRecord | None:
    """The space that answers for a role now, None before anything was indexed."""
    query = select(SpaceRow, Serving.encoder).join(Serving).where(Serving.role == role)
    with database.begin() as session:
        found = session.execute(query).first()
        if found is None:
            return None
        row, encoder = found
        return SpaceRecord(row.id, row.model, row.revision, row.preprocessing, row.dim, encoder)


def serve(
    database: Database, role: Role, *, model: str, revision: str, preprocessing: str, dim: int, encoder: str
) -> SpaceRecord:
    """Make this space answer for the role, adding it when it is new."""
    values = {"model": model, "revision": revision, "preprocessing": preprocessing, "dim": dim}
    with database.begin() as session:
        row = session.scalars(select(SpaceRow).filter_by(**values)).first()
        if row is None:
            row = SpaceRow(**values)
            session.add(row)
            session.flush()
        session.merge(Serving(role=role, space_id=row.id, encoder=encoder))
        return SpaceRecord(row.id, model, revision, preprocessing, dim, encoder)


def store_series(database: Database, run: int, new: NewSeries, *, image_space: int, text_space: int) -> None:
    """Replace what is stored of a series, and mark its files as indexed or rejected. Raises `Unstorable`."""
    with clean.storable(), database.begin() as session:
        store_in_turn(session)
        reject_in(session, run, new.rejected)
        if not new.volumes:
            remove_series(session, new.study["uid"], new.series["uid"])
            return
        study = study_id(session, new.study["uid"])
        series, stored_before = _store_facts(session, study, new)
        if stored_before:
            remove_volumes(session, series)
        rows = [_volume_row(series, volume) for volume in new.volumes]
        session.add_all(rows)
        session.flush()  # of all at once: each flush is a round trip to a server
        for row, volume in zip(rows, new.volumes, strict=True):
            session.add(Thumbnail(volume_id=row.id, png=volume.thumbnail))
            session.add_all(VolumeFile(volume_id=row.id, file_id=file) for file in volume.file_ids)
            session.add(Vector(space_id=image_space, volume_id=row.id, data=volume.vector))
            add_regions(session, row.id, image_space, volume.regions, fresh=True)
            add_predictions(session, row.id, volume.predicted, fresh=True)
        captions = [
            _passage_row(volume.caption, volume_id=row.id) for row, volume in zip(rows, new.volumes, strict=True)
        ]
        _add_with_vectors(session, captions, [volume.caption for volume in new.volumes], text_space)
        files = sorted({file for volume in new.volumes for file in volume.file_ids})
        for some in chunks(files):
            session.execute(delete(Failure).where(Failure.file_id.in_(some)))
            session.execute(update(File).where(File.id.in_(some)).values(state="indexed"))
        keep_digests(session, new.digests)
        refresh_study(session, study)


def store_reports(
    database: Database,
    run: int,
    file: int,
    reports: Sequence[NewReport],
    rejections: Sequence[Rejection],
    *,
    text_space: int,
    first: bool,
    last: bool,
    digest: str | None = None,
) -> None:
    """Store a part of a report file: `first` drops what it held before, `last` marks it as done, with its `digest`.

    A file that gave nothing but rejections is rejected itself. Raises `Unstorable`.
    """
    with clean.storable(), database.begin() as session:
        store_in_turn(session)
        if first:
            remove_reports_of_files(session, [file])
            session.execute(delete(Failure).where(Failure.file_id == file))
        for rejection in rejections:
            session.add(failure_row(file, rejection, run))
        rows = [_report_row(file, new) for new in reports]
        session.add_all(rows)
        session.flush()
        passages = [(row.id, passage) for row, new in zip(rows, reports, strict=True) for passage in new.passages]
        sentences = [_passage_row(passage, report_id=report) for report, passage in passages]
        _add_with_vectors(session, sentences, [passage for _, passage in passages], text_space)
        add_clauses_of_many(
            session,
            [
                (row.id, {passage.ordinal: passage.clauses for passage in new.passages})
                for row, new in zip(rows, reports, strict=True)
            ],
        )
        if last:
            session.flush()
            any_report = session.scalar(select(Report.id).where(Report.file_id == file).limit(1))
            state = "rejected" if any_report is None else "indexed"
            session.execute(update(File).where(File.id == file).values(state=state, digest=digest))


def unmatched_reports(database: Database) -> tuple[UnmatchedReport, ...]:
    """Reports without a study, with the keys that were tried and why there is none."""
    return study_matching.unmatched_reports(database)


def archive_counts(database: Database) -> dict[str, int]:
    """Studies, series, volumes, reports, passages, vectors, regions and predictions that are stored."""
    tables: Mapping[str, Any] = {
        "studies": Study,
        "series": Series,
        "volumes": Volume,
        "reports": Report,
        "passages": Passage,
        "vectors": Vector,
        "volumes_with_regions": RegionVector,
        "predictions": Prediction,
    }
    with database.begin() as session:
        counts = {name: session.scalar(select(func.count()).select_from(t)) or 0 for name, t in tables.items()}
    return counts | study_matching.report_counts(database)


def _volume_row(series: int, volume: NewVolume) -> Volume:
    return Volume(
        series_id=series,
        key=volume.key,
        acquisition=dict(volume.acquisition),
        shape=list(volume.shape),
        flags=list(volume.flags),
        notes=dict(volume.notes),
        **columns_of_facts(volume.acquisition),
    )


def columns_of_facts(acquisition: Mapping[str, Any]) -> dict[str, Any]:
    """What a volume's row says in columns of its own of the facts that it holds."""
    return {
        **clean.facts({name: acquisition[name] for name in _FACTS_OF_VOLUMES}),
        "side": acquisition.get("side") or "",
        "technique": tuple(acquisition.get("technique") or ("",)),
        "b_value": _whole_b_value(acquisition.get("b_value")),
        **{name: acquisition.get(name) or "" for name in ("dixon", "component", "computed")},
    }


def _whole_b_value(value: Any) -> float | None:
    """In whole s/mm2; None for what is no number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(round(value)) if is_number else None


def _report_row(file: int, new: NewReport) -> Report:
    return Report(
        file_id=file,
        ordinal=new.ordinal,
        study_id=None,
        match="unmatched",
        reason="no_study",
        standing="stands",
        accession_number=new.accession_number,
        study_uid=new.study_uid,
        text=new.text,
        patient_id=new.patient_id,
        status=new.status,
        dated=new.dated,
        version=new.version,
        exam=new.exam,
        charset=new.charset,
        digest=text_digest(new.text),
        read_by=new.read_by,
    )


def _store_facts(session: Session, study: int, new: NewSeries) -> tuple[int, bool]:
    """The series' row as its files have it now; its id, and whether it was there already."""
    row = session.scalars(select(Series).where(Series.study_id == study, Series.uid == new.series["uid"])).first()
    stored_before = row is not None
    if row is None:
        row = Series(study_id=study, uid=new.series["uid"], description="", protocol="")
        session.add(row)
    own = clean.facts(new.series)
    row.number = own.get("number")
    row.description = own.get("description") or ""
    row.protocol = own.get("protocol") or ""
    row.study_facts = kept_facts(new.study)
    session.flush()
    return row.id, stored_before


def add_passages(
    session: Session,
    passages: Sequence[NewPassage],
    space: int,
    *,
    report_id: int | None = None,
    volume_id: int | None = None,
) -> None:
    """Add sentences with their vectors in this space, and the clauses of a report's."""
    rows = [_passage_row(passage, report_id=report_id, volume_id=volume_id) for passage in passages]
    _add_with_vectors(session, rows, passages, space)
    if report_id is not None:
        add_clauses_of_many(session, [(report_id, {passage.ordinal: passage.clauses for passage in passages})])


def _passage_row(passage: NewPassage, *, report_id: int | None = None, volume_id: int | None = None) -> Passage:
    return Passage(
        report_id=report_id,
        volume_id=volume_id,
        section=passage.section,
        ordinal=passage.ordinal,
        start=passage.start,
        stop=passage.stop,
        text=passage.text,
        assertion=passage.assertion,
        sides=passage.sides,
    )


def _add_with_vectors(session: Session, rows: Sequence[Passage], passages: Sequence[NewPassage], space: int) -> None:
    session.add_all(rows)
    session.flush()
    session.add_all(
        Vector(space_id=space, passage_id=row.id, data=passage.vector)
        for row, passage in zip(rows, passages, strict=True)
    )
