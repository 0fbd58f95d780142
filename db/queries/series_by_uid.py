"""A series by its UID."""

from __future__ import annotations

from sqlalchemy import select

from spinecho.db.filters.algebra import ALL
from spinecho.db.queries.lookup import series_cards
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Series
from spinecho.db.values import SeriesCard


def series_card(database: Database, uid: str) -> SeriesCard | None:
    """The series, None for one that is not here or has no volume."""
    with database.begin() as session:
        study = session.scalars(select(Series.study_id).where(Series.uid == uid)).first()
    if study is None:
        return None
    return next((one for one in series_cards(database, [study], ALL).get(study, ()) if one.uid == uid), None)
