"""Bringing a database of an older version to this one's schema, and the record that it held into the record's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from spinecho.db.errors import SchemaUnknown, StorageFailure
from spinecho.db.people.record import Record
from spinecho.db.schema.access import Access, access_to
from spinecho.db.schema.copies import make_copy
from spinecho.db.schema.database import HEAD, migrate
from spinecho.db.schema.engines import Location, check_server, make_engine, shown
from spinecho.db.schema.founding import is_there, make_file, require_file_of_ours, require_ours, revision_of
from spinecho.db.schema.trouble import error_of
from spinecho.db.values import Carried


def upgrade(location: Location, *, record: Location | None = None) -> tuple[str | None, Path | None]:
    """Bring an older database to the newest schema, keeping a copy beside a file.

    record: where the record is that an older schema kept among its tables; None for the one beside a file.
    Returns the revision it had (None when new) and the copy's path: None when nothing had to change, and for
    PostgreSQL, where the whole change is one transaction and a backup is the server's.
    """
    if isinstance(location, Path):
        if not is_there(location):
            make_file(location, migrate)
            return None, None
        require_file_of_ours(location)
        if access_to(location) is not Access.WRITE:
            raise StorageFailure(f"{location} may only be read; give this account the right to write it and its folder")
    engine = make_engine(location)
    try:
        with engine.connect() as connection:
            check_server(connection)
            revision, tables = revision_of(connection)
    except (DBAPIError, OSError) as error:
        raise error_of(error, location) or error from error
    finally:
        engine.dispose()
    if revision == HEAD:
        return revision, None
    if revision is not None and revision > HEAD:
        raise SchemaUnknown(
            f"{shown(location)} has schema {revision}, newer than this Spinecho's {HEAD}: upgrade Spinecho"
        )
    if tables or isinstance(location, Path):
        require_ours(location, revision, tables)
    copy = make_copy(location, revision) if isinstance(location, Path) else None
    migrate(location, carry=lambda rows: _carry(rows, location, record))
    return revision, copy


def _carry(rows: Sequence[Carried], location: Location, record: Location | None) -> None:
    kept = Record.open(record) if record is not None else Record.beside(location)
    try:
        kept.carry(rows)
    finally:
        kept.close()
