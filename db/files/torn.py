"""Files that are the only one of their series, and giving them a series that they share."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, exists, func, select, tuple_, update
from sqlalchemy.orm import aliased

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Folder
from spinecho.db.store.removal import remove_series
from spinecho.db.values import FileRecord


def lone_files(database: Database) -> list[tuple[FileRecord, ...]]:
    """By study, the DICOM files that are the only one of their series, of studies with a lone file still to store."""
    one = (
        select(File.study_uid, File.series_uid)
        .where(File.state != "rejected", File.kind == "dicom", File.series_uid.is_not(None))
        .group_by(File.study_uid, File.series_uid)
        .having(func.count() == 1)
    )
    with database.begin() as session:
        pending = select(File.id).where(File.state == "pending", File.kind == "dicom").limit(1)
        if session.scalar(pending) is None:
            return []
        touched = select(File.study_uid).where(File.state == "pending", File.kind == "dicom").distinct()
        singles = one.where(File.study_uid.in_(touched)).subquery()
        other = aliased(File)
        alone = and_(singles.c.study_uid == other.study_uid, singles.c.series_uid == other.series_uid)
        query = (
            select(other.study_uid, other.id, Folder.path, other.name, other.header, other.state)
            .join(Folder, Folder.id == other.folder_id)
            .join(singles, alone)
            .where(other.state != "rejected")
            .order_by(other.study_uid, Folder.path, other.name)
        )
        studies: dict[str, list[FileRecord]] = {}
        for study, file, folder, name, header, state in session.execute(query):
            record = FileRecord(file, f"{folder.rstrip('/')}/{name}", header or "", state)
            studies.setdefault(study or "", []).append(record)
    return [tuple(some) for some in studies.values() if any(record.state == "pending" for record in some)]


def has_series(database: Database, study_uid: str, series_uid: str) -> bool:
    """Whether any file belongs to this series."""
    with database.begin() as session:
        found = exists().where(File.study_uid == study_uid, File.series_uid == series_uid)
        return bool(session.scalar(select(found)))


def move_files(database: Database, moves: Sequence[tuple[int, str, str]]) -> None:
    """Give files, each (id, series UID, header as JSON), another series; what was stored of the old ones goes."""
    with database.begin() as session:
        for some in chunks(list(moves)):
            ids = [file for file, _, _ in some]
            old = session.execute(select(File.id, File.study_uid, File.series_uid).where(File.id.in_(ids))).all()
            studies = {file: study or "" for file, study, _ in old}
            for file, series, header in some:
                session.execute(
                    update(File).where(File.id == file).values(series_uid=series, header=header, state="pending")
                )
            for _, study, series_uid in old:
                remove_series(session, study or "", series_uid or "")
            pairs = {(studies[file], series) for file, series, _ in some}
            joined = tuple_(File.study_uid, File.series_uid).in_(sorted(pairs))
            session.execute(update(File).where(joined, File.state == "indexed").values(state="pending"))
