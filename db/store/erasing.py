"""What was replaced or removed leaves no trace: in the database's file, its log, and the full-text index.

SQLite overwrites what it deletes (`secure_delete`, set with every connection), but FTS5 keeps the words of deleted
rows until its parts are merged, and the log keeps pages as they were. Both are seen to when a run ends; a run that was
killed before that leaves it to the next. On PostgreSQL the rows are gone, and VACUUM is the server's.
"""

from __future__ import annotations

from sqlalchemy import func, select, text

from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Tombstone
from spinecho.db.store.watermarks import ERASED, number_of, set_number

_PATIENCE_MS = 500
"""For how long readers are waited for: most looks end sooner, and one that does not must not hold up whoever writes."""


def erase_traces(database: Database) -> bool:
    """See to it; whether all of it could be done. A reader in the midst of a look holds the log up until the next run.

    Merging the full-text index takes about a second for a million sentences; only done where some were removed.
    """
    if database.engine.dialect.name != "sqlite":
        return True
    with database.begin() as session:
        last = session.scalar(select(func.max(Tombstone.id))) or 0
        if last != number_of(session, ERASED):
            for table in ("passages_fts", "clauses_fts"):
                session.execute(text(f"INSERT INTO {table}({table}) VALUES ('optimize')"))  # noqa: S608
            set_number(session, ERASED, last)
    with database.engine.connect() as connection:
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_PATIENCE_MS}")  # meanwhile nobody else can write
        try:
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience}")
    return not busy
