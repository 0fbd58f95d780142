"""Before series are read: those that came with one series UID a slice are put together again."""

from __future__ import annotations

from spinecho.db.files import torn
from spinecho.db.schema.database import Database
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.reading.torn import joined


def join_torn_series(database: Database) -> int:
    """Give the slices of torn series one series UID, see `encoders.reading.torn`; how many files were given one."""
    moved = 0
    for records in torn.lone_files(database):
        ids = {record.path: record.id for record in records}
        headers = [Header.from_json(record.header, path=record.path) for record in records]
        found = joined(headers, lambda study, series: torn.has_series(database, study, series))
        torn.move_files(database, [(ids[one.path], one.series_uid, one.to_json()) for one in found])
        moved += len(found)
    return moved
