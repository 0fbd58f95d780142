"""A series by its UID, and what its files were when they were indexed."""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from spinecho.db.filters.algebra import ALL
from spinecho.db.queries.lookup import series_cards
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Folder, Series, Study
from spinecho.db.values import SeriesCard


def series_card(database: Database, uid: str) -> SeriesCard | None:
    """The series, None for one that is not here or has no volume."""
    with database.begin() as session:
        study = session.scalars(select(Series.study_id).where(Series.uid == uid)).first()
    if study is None:
        return None
    return next((one for one in series_cards(database, [study], ALL).get(study, ()) if one.uid == uid), None)


def files_state(database: Database, series_id: int) -> str:
    """A digest of paths, sizes and times of a series' files as they were indexed: another one where any has changed."""
    query = (
        select(Folder.path, File.name, File.size, File.mtime_ns, File.companion)
        .join(Folder, Folder.id == File.folder_id)
        .join(Series, Series.uid == File.series_uid)
        .join(Study, (Study.id == Series.study_id) & (Study.uid == File.study_uid))
        .where(Series.id == series_id, File.state == "indexed")
        .order_by(Folder.path, File.name)
    )
    with database.begin() as session:
        rows = [tuple(row) for row in session.execute(query)]
    return hashlib.sha256(repr(rows).encode("utf-8", "backslashreplace")).hexdigest()[:32]
