"""What becomes of files within a transaction already begun: pending again or forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.models import Failure, File, Folder, VolumeFile
from spinecho.db.store.removal import remove_reports_of_files, remove_series

LOST_UID = ("DUPLICATE", "CONFLICT")
"""Reasons by which a file loses its SOP Instance UID to another; the reader's codes."""
SeriesKey = tuple[str, str]
"""(study UID, series UID)"""


def forget_files(session: Session, ids: Sequence[int], *, stored: Collection[SeriesKey] = ()) -> None:
    """Forget files by id within a transaction already begun. Their series are read again, or go where nothing is left;
    those that are named by `stored` stay as they are. Files that had lost a SOP Instance UID to one of them are pending
    again.
    """
    for some in chunks(ids):
        query = select(File.study_uid, File.series_uid, File.sop_uid, File.state).where(File.id.in_(some))
        rows = session.execute(query).all()
        session.execute(delete(VolumeFile).where(VolumeFile.file_id.in_(some)))
        session.execute(delete(Failure).where(Failure.file_id.in_(some)))
        remove_reports_of_files(session, some)
        session.execute(delete(File).where(File.id.in_(some)))
        reopen_twins(session, [row.sop_uid for row in rows if row.sop_uid])
        series = {(row.study_uid, row.series_uid) for row in rows if row.series_uid}
        reopen_series(session, series.difference(stored))


def forget_empty_folders(session: Session) -> None:
    """Forget folders without a file; an archive has them by the thousand once it was moved."""
    orphans = select(Folder.id).outerjoin(File).group_by(Folder.id).having(func.count(File.id) == 0)
    session.execute(delete(Folder).where(Folder.id.in_(orphans)))


def reopen_twins(session: Session, sops: Sequence[str]) -> None:
    """Files that were rejected because another has their SOP Instance UID are pending again: the other has changed."""
    for some in chunks(sorted(set(sops))):
        lost = select(Failure.file_id).where(Failure.reason.in_(LOST_UID))
        twins = select(File.id).where(File.sop_uid.in_(some), File.state == "rejected", File.id.in_(lost))
        set_pending(session, list(session.scalars(twins)))


def reopen_series(session: Session, keys: Iterable[SeriesKey]) -> None:
    """Have series that lost a file read again; drop those that have none left."""
    for study, series in keys:
        files = select(File.id).where(File.study_uid == study, File.series_uid == series)
        left = list(session.scalars(files.where(File.state != "rejected")))
        set_pending(session, left)
        if not left:
            remove_series(session, study, series)


def set_pending(session: Session, files: Sequence[int]) -> None:
    """Have files, by id, read again, whatever they were rejected for."""
    for ids in chunks(files):
        session.execute(delete(Failure).where(Failure.file_id.in_(ids)))
        session.execute(update(File).where(File.id.in_(ids)).values(state="pending"))
