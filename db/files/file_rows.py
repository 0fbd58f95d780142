"""Rows of files, written many at a time: an archive has them by the hundred thousand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Table, bindparam
from sqlalchemy.orm import Session

from spinecho.db.schema.checksums import with_checksum
from spinecho.db.schema.models import File
from spinecho.db.values import Scanned

_FILES = cast(Table, File.__table__)


def row_of(item: Scanned, folder: int) -> dict[str, Any]:
    """The columns of a scanned file: pending with a header, or rejected. `folder`: id of its folder."""
    return {
        "folder_id": folder,
        "name": item.stat.name,
        "size": item.stat.size,
        "mtime_ns": item.stat.mtime_ns,
        "kind": item.kind,
        "state": "rejected" if item.failure else "pending",
        "study_uid": item.study_uid,
        "series_uid": item.series_uid,
        "sop_uid": item.sop_uid,
        "header": item.header,
        "digest": None,
        "companion": item.stat.companion,
    }


def insert_files(session: Session, rows: Sequence[dict[str, Any]]) -> dict[tuple[int, str], int]:
    """Add rows of files; the id of each by its folder's id and its name. Ids are in the order of the rows."""
    files = [File(**row) for row in rows]
    session.add_all(files)
    session.flush()
    return {(file.folder_id, file.name): file.id for file in files}


def replace_files(session: Session, rows: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """Write whole rows over those of files, by id. Raises `Unstorable` for a value that no column takes."""
    _update(session, [{**with_checksum(_FILES, row), "at": file} for file, row in rows])


def set_companions(session: Session, companions: Sequence[tuple[int, str]]) -> None:
    """Keep the size and time of the sidecars that files were read with, by id of the file."""
    _update(session, [{"at": file, "companion": companion} for file, companion in companions])


def _update(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(_FILES.update().where(_FILES.c.id == bindparam("at")), rows)
