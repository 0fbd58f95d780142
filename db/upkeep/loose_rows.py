"""Rows that lack what they should have beside them, and files that are indexed and gone: whole, and yet not found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select

from spinecho.db.schema import clean
from spinecho.db.schema.damage import Finding
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import (
    Archive,
    File,
    Folder,
    Passage,
    Report,
    Series,
    Serving,
    SpaceRow,
    Study,
    Vector,
    Volume,
    VolumeFile,
)

_AGAIN = "'spinecho index --no-resume' reads the files again and stores this anew"
_MOST, _PAGE = 5, 5000


def loose_rows(database: Database) -> tuple[Finding, ...]:
    """Studies without series, series without volumes, volumes and sentences without a vector in what serves."""
    found: list[Finding] = []
    with database.reading() as session:
        serving = {row.role: int(row.space_id) for row in session.execute(select(Serving.role, Serving.space_id))}
        for what, key, lacks in _lacking(serving):
            some = list(session.scalars(select(key).where(lacks).limit(_MOST)))
            if some:
                count = int(session.scalar(select(func.count()).where(lacks).select_from(key.class_)) or 0)
                named = tuple(f"{key.class_.__tablename__} {one}" for one in some)
                found.append(Finding(what, count, named, _AGAIN, "rows"))
    return tuple(found)


def _lacking(serving: dict[str, int]) -> Iterator[tuple[str, Any, ColumnElement[bool]]]:
    yield "studies have no series and no report", Study.id, (
        ~exists().where(Series.study_id == Study.id) & ~exists().where(Report.study_id == Study.id)
    )  # fmt: skip
    yield "series have no volumes", Series.id, ~exists().where(Volume.series_id == Series.id)
    yield "volumes have no files", Volume.id, ~exists().where(VolumeFile.volume_id == Volume.id)
    if "image" in serving:
        mine = Vector.space_id == serving["image"]
        yield "volumes have no vector", Volume.id, ~exists().where(Vector.volume_id == Volume.id, mine)
    if "text" in serving:
        mine = Vector.space_id == serving["text"]
        yield "sentences have no vector", Passage.id, ~exists().where(Vector.passage_id == Passage.id, mine)


def gone_files(database: Database, is_there: Callable[[str], bool]) -> tuple[list[str], Counter[str]]:
    """(archives whose folder is not there, how many indexed files below each other archive are gone)."""
    with database.begin() as session:
        roots = list(session.scalars(select(Archive.path).order_by(Archive.id)))
        absent = [root for root in roots if session.scalar(_first_below(root)) is not None and not Path(root).is_dir()]
    gone: Counter[str] = Counter()
    query = select(File.id, Folder.path, File.name).join(Folder).where(File.state == "indexed").order_by(File.id)
    last = 0
    while True:
        with database.begin() as session:
            rows = session.execute(query.where(File.id > last).limit(_PAGE)).all()
        for _, folder, name in rows:
            root = next((one for one in roots if folder == one or folder.startswith(f"{one.rstrip('/')}/")), folder)
            if root not in absent and not is_there(str(Path(folder) / name)):
                gone[clean.stored_path(root)] += 1
        if len(rows) < _PAGE:
            return [clean.stored_path(root) for root in absent], gone
        last = rows[-1][0]


def _first_below(root: str) -> Any:
    below = (Folder.path == root) | ((Folder.path > f"{root.rstrip('/')}/") & (Folder.path < f"{root.rstrip('/')}0"))
    return select(File.id).join(Folder).where(below, File.state == "indexed").limit(1)


def space_ids(database: Database) -> frozenset[int]:
    """The spaces that there are."""
    with database.begin() as session:
        return frozenset(session.scalars(select(SpaceRow.id)))


def unserved_vectors(database: Database) -> int:
    """Vectors of spaces that no longer answer."""
    serves = select(Serving.space_id)
    with database.begin() as session:
        return int(session.scalar(select(func.count()).select_from(Vector).where(Vector.space_id.not_in(serves))) or 0)
