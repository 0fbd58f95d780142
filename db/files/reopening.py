"""Having reports read again, of people of whom more is known than when they were read."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import select

from spinecho.db.files.file_states import set_pending
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Folder, Report


def reopen_reports(database: Database, codes: Collection[str] | None, *, there: Callable[[str], bool]) -> int:
    """Make report files pending that name one of these patients, exams or studies (None for all); how many.

    there: whether a file is still at its path: what is gone keeps what is stored of it.
    """
    query = select(File.id, Folder.path, File.name).join(Folder, Folder.id == File.folder_id)
    query = query.join(Report, Report.file_id == File.id).where(File.state == "indexed").distinct()
    keys = (Report.patient_id, Report.accession_number, Report.study_uid)
    with database.begin() as session:
        if codes is None:
            found = session.execute(query).all()
        else:
            found = [
                row
                for some in chunks(sorted(codes))
                for key in keys
                for row in session.execute(query.where(key.in_(some)))
            ]
        files = sorted({file for file, folder, name in found if there(f"{folder}/{name}")})
        set_pending(session, files)
        return len(files)
