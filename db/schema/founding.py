"""Whether what lies in the place of a database is one of ours, and making one where nothing lies."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from spinecho.db.durable import make_folder, sync_file, sync_folder
from spinecho.db.errors import Damaged, SchemaUnknown, StorageFailure
from spinecho.db.schema.access import Access
from spinecho.db.schema.engines import Location, make_engine, shown
from spinecho.db.schema.trouble import REMEDY, error_of

_OURS = {"files", "studies", "series", "volumes", "vectors"}
"""Tables that every schema of ours has."""
_VERSION = "alembic_version"
COPYING = "copying"
"""What the schema of a copy is called until it has come to its end."""
_MAGIC, _LEAST = b"SQLite format 3\0", 512
"""How every SQLite file begins, and the size of the smallest page."""


def is_there(path: Path) -> bool:
    """Whether the file exists. Raises `StorageFailure` where that cannot be seen."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StorageFailure(f"the database {path} cannot be reached: {error.strerror}") from error
    return True


def make_file(path: Path, fill: Callable[[Path], None]) -> None:
    """Make a database file under another name and give it its own when it is whole; whoever was first stays.

    So that a file without tables is always somebody else's, or damaged. Raises `StorageFailure`, and `Damaged` where
    the log of a database lies there without it.
    """
    for log in (Path(f"{path}-wal"), Path(f"{path}-journal")):
        if log.exists() and log.stat().st_size:
            raise Damaged(
                f"{path} is gone and its log {log.name} is still there: put the database back beside it, or remove the "
                "log too and index anew"
            )
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        make_folder(path.parent)
        fill(unfinished)
        sync_file(unfinished)
        _name(unfinished, path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageFailure(f"cannot open the database {path}: {error.strerror}; look at its folder") from error
    finally:
        for left in path.parent.glob(f"{unfinished.name}*") if path.parent.is_dir() else ():
            left.unlink(missing_ok=True)


def refuse_empty(path: Path) -> None:
    """Raise `Damaged` for a file of 0 bytes, and for what is no file: nobody makes such a one but by a fault."""
    if not path.is_file():
        raise Damaged(f"{path} is no file; name another home with --home, or remove it and index anew")
    if not path.stat().st_size:
        raise Damaged(
            f"{path} is empty (0 bytes): it was cut off, or is no database of Spinecho's. Put a copy back "
            "('spinecho db copies' lists them), or remove it and index anew: spinecho index FOLDER"
        )


def require_file_of_ours(path: Path) -> None:
    """Look at a file before it is opened for writing, which would change what is none of ours.

    Raises `Damaged` and `SchemaUnknown` as `refuse_empty` and `require_ours` do. What is in WAL mode, as ours are, is
    left to them.
    """
    refuse_empty(path)
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise StorageFailure(f"the database {path} cannot be read: {error.strerror}; look at its rights") from error
    if len(head) < 100 or not head.startswith(_MAGIC) or path.stat().st_size < _LEAST:
        fault = "file is not a database, or its first page is damaged"
        raise Damaged(f"cannot open the database {path}: {fault}. {REMEDY}")
    if head[18:20] == b"\x02\x02":
        return
    engine = make_engine(path, access=Access.SHARED)
    try:
        with engine.connect() as connection:
            require_ours(path, *revision_of(connection))
    except DBAPIError as error:
        raise error_of(error, path) or error from error
    finally:
        engine.dispose()


def revision_of(connection: Connection) -> tuple[str | None, frozenset[str]]:
    """(the schema's number, None where none is told; the other tables)."""
    tables = set(inspect(connection).get_table_names())
    revision = (
        connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if _VERSION in tables else None
    )
    if revision is None and _VERSION in tables:
        tables.add("")  # one that lost its number, or was never filled
    return None if revision is None else str(revision), frozenset(tables - {_VERSION})


def require_ours(location: Location, revision: str | None, tables: frozenset[str]) -> None:
    """Raise `SchemaUnknown` for another program's database, `Damaged` for one of ours that lost tables."""
    where, held = shown(location), tables - {""}
    if revision == COPYING:
        raise SchemaUnknown(f"the copy into {where} has not come to its end: 'spinecho db copy' goes on with it")
    if held and not held & _OURS:
        raise SchemaUnknown(f"{where} is a database, but not one of Spinecho's; name another home with --home")
    if held and not held >= _OURS:
        if revision is None:
            raise SchemaUnknown(f"{where} is a database, but not one of Spinecho's; name another home with --home")
        raise Damaged(f"{where} lacks the tables {', '.join(sorted(_OURS - held))}. {REMEDY}")
    if held and revision is None:
        raise Damaged(f"{where} does not tell its schema. {REMEDY}")
    if not tables and revision is None:
        raise Damaged(
            f"{where} is a database without any table: Spinecho makes none such. Put a copy back ('spinecho db copies' "
            "lists them), or remove it and index anew: spinecho index FOLDER"
        )
    if revision is not None and not re.fullmatch(r"\d{4}", revision):
        raise SchemaUnknown(f"{where} has schema {revision!r}, which is none of Spinecho's; name another home")


def _name(unfinished: Path, path: Path) -> None:
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            unfinished.rename(path)
