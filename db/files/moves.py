"""Files that were moved: a row whose path is gone, and a pending one that holds the same object.

What is gone and what is equal is found out by `indexer.moves`; here the rows are brought together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import and_, delete, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from spinecho.db.files.file_states import forget_empty_folders, forget_files, reopen_twins
from spinecho.db.people.followers import follow_studies
from spinecho.db.schema.chunks import CHUNK, chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import LOOK_AGAIN, Failure, File, Folder, Report, Series, Study, VolumeFile
from spinecho.db.store.patients import forget_patients
from spinecho.db.store.study_facts import kept_facts, refresh_study, study_id
from spinecho.db.store.watermarks import facts_changed

_BY_CONTENT = ("nifti", "report")
"""Kinds whose files bring no SOP Instance UID of their own."""


@dataclass(frozen=True, slots=True)
class MovingFile:
    """A file's row, as much of it as tells whether it is the same file as another's."""

    id: int
    path: str
    kind: str
    size: int
    state: str
    study_uid: str | None
    series_uid: str | None
    sop_uid: str | None
    digest: str | None
    again: bool = False
    """It waits to be read again whatever its bytes."""


@dataclass(frozen=True, slots=True)
class Move:
    """From the row of a path that is gone to the one where its object is now.

    how: "same": all but the path is as it was; "joined": the same, and it was given a series UID for its own, which it
    keeps; "renamed": the UIDs have changed with the name, and nothing else; "read": the new one has to be read.
    study, series: what the file says now, for "renamed".
    """

    gone: MovingFile
    here: MovingFile
    how: str
    study: Mapping[str, Any] | None = None
    series: Mapping[str, Any] | None = None


def reopen_twins_of(database: Database, paths: Sequence[str]) -> None:
    """Files that were rejected in favour of one of these, which are gone, get their turn."""
    with database.begin() as session:
        for some in chunks(sorted(paths), CHUNK // 2):
            pairs = [(str(Path(path).parent), Path(path).name) for path in some]
            query = select(File.sop_uid).join(Folder).where(tuple_(Folder.path, File.name).in_(pairs))
            reopen_twins(session, [uid for uid in session.scalars(query) if uid])


def may_have_moved(database: Database) -> list[MovingFile]:
    """Files of which another row, a pending one, claims the SOP Instance UID, or may hold the same bytes."""
    with database.begin() as session:
        for state in (File.state == "pending", File.state != "pending"):  # nothing that came, or nothing that was here
            if session.scalar(select(File.id).where(state).limit(1)) is None:
                return []
        other = aliased(File)
        twin = and_(other.sop_uid == File.sop_uid, other.id != File.id, other.state == "pending")
        found = list(session.execute(_query().join(other, twin).distinct()))
        fresh = select(File.kind, File.size).where(File.state == "pending", File.kind.in_(_BY_CONTENT)).distinct()
        sizes = {tuple(row) for row in session.execute(fresh)}
        if sizes:
            known = _query().where(File.kind.in_(_BY_CONTENT), File.state != "pending", File.digest.is_not(None))
            found += [row for row in session.execute(known) if (row.kind, row.size) in sizes]
    return list({row.id: _moving(row) for row in found}.values())


def arrivals(database: Database, gone: Sequence[MovingFile]) -> list[MovingFile]:
    """Pending files, by path, that could be one of these."""
    uids = sorted({file.sop_uid for file in gone if file.sop_uid})
    sizes = sorted({(file.kind, file.size) for file in gone if file.kind in _BY_CONTENT and file.digest})
    mine = {file.id for file in gone}
    found: dict[int, MovingFile] = {}
    with database.begin() as session:
        for column, values in ((File.sop_uid, uids), (tuple_(File.kind, File.size), sizes)):
            for some in chunks(values):
                query = _query().where(File.state == "pending", column.in_(some))
                found.update((row.id, _moving(row)) for row in session.execute(query) if row.id not in mine)
    return sorted(found.values(), key=lambda file: file.path)


def headers(database: Database, files: Sequence[MovingFile]) -> dict[int, str]:
    """The scanned headers of files that have one, by id."""
    found: dict[int, str] = {}
    with database.begin() as session:
        for some in chunks([file.id for file in files]):
            query = select(File.id, File.header).where(File.id.in_(some), File.header.is_not(None))
            found.update((file, header or "") for file, header in session.execute(query))
    return found


def apply_moves(database: Database, moves: Sequence[Move]) -> int:
    """Bring rows together, whole or not at all; how many files need not be read again."""
    kept = 0
    with database.begin() as session:
        renamed: dict[str, str] = {}
        for move in moves:
            if move.how != "read" and _take_over(session, move):
                kept += 1
            else:
                forget_files(session, [move.gone.id])
            if move.gone.study_uid and move.here.study_uid and move.gone.study_uid != move.here.study_uid:
                renamed[move.gone.study_uid] = move.here.study_uid
        session.flush()
        reopen_twins(session, [uid for move in moves for uid in (move.gone.sop_uid, move.here.sop_uid) if uid])
        follow_studies(session, renamed)
        forget_empty_folders(session)
        if kept:
            facts_changed(session)  # volumes lie under another folder, and their UIDs may have changed
    return kept


def rejected_in(database: Database, folders: Iterable[str]) -> list[str]:
    """Paths of the files of these folders that were rejected."""
    with database.begin() as session:
        found: list[str] = []
        for some in chunks(sorted(folders)):
            query = select(Folder.path, File.name).join(File, File.folder_id == Folder.id)
            rows = session.execute(query.where(Folder.path.in_(some), File.state == "rejected"))
            found += [str(Path(folder) / name) for folder, name in rows]
        return found


def _take_over(session: Session, move: Move) -> bool:
    """Let the row of what is gone stand for what is here; False where that would hide something that is to be read."""
    session.flush()
    row = session.get(File, move.here.id)
    held = session.scalar(select(VolumeFile.volume_id).where(VolumeFile.file_id == move.here.id).limit(1))
    report = session.scalar(select(Report.id).where(Report.file_id == move.here.id).limit(1))
    if row is None or held is not None or report is not None:
        return False
    if move.how == "renamed" and not _rekey(session, move):
        return False
    names = ["folder_id", "name", "size", "mtime_ns", "companion", "study_uid", "sop_uid"]
    names += [] if move.how == "joined" else ["header", "series_uid"]
    values = {name: getattr(row, name) for name in names}
    session.execute(delete(Failure).where(Failure.file_id == row.id))
    session.execute(delete(File).where(File.id == row.id))
    session.expunge(row)
    session.execute(update(File).where(File.id == move.gone.id).values(**values))
    return True


def _rekey(session: Session, move: Move) -> bool:
    """Let the series go on under the UIDs that its file has now; False where these are taken."""
    of_study = select(Series).join(Study)
    mine = of_study.where(Study.uid == move.gone.study_uid, Series.uid == move.gone.series_uid)
    taken = of_study.where(Study.uid == move.here.study_uid, Series.uid == move.here.series_uid)
    row = session.scalars(mine).first()
    others = select(File.id).where(
        File.study_uid == move.gone.study_uid, File.series_uid == move.gone.series_uid, File.id != move.gone.id
    )
    if row is None or session.scalars(taken).first() is not None or session.scalar(others.limit(1)) is not None:
        return False
    before = row.study_id
    row.study_id = study_id(session, move.here.study_uid or "")
    series = move.series or {}
    row.uid, row.number = move.here.series_uid or "", series.get("number")
    row.description, row.protocol = series.get("description") or "", series.get("protocol") or ""
    row.study_facts = kept_facts(move.study or {})
    session.flush()
    refresh_study(session, row.study_id)
    if session.scalar(select(Series.id).where(Series.study_id == before).limit(1)) is not None:
        refresh_study(session, before)
        return True
    patient = session.scalar(select(Study.patient).where(Study.id == before))
    session.execute(update(Report).where(Report.study_id == before).values(study_id=None, match="unmatched"))
    session.execute(delete(Study).where(Study.id == before))
    forget_patients(session, [patient])
    return True


def _query() -> Any:
    columns = (File.id, Folder.path, File.name, File.kind, File.size, File.state)
    uids = (File.study_uid, File.series_uid, File.sop_uid)
    return (
        select(*columns, *uids, File.digest, File.mtime_ns == LOOK_AGAIN)
        .select_from(File)
        .join(Folder, Folder.id == File.folder_id)
    )


def _moving(row: Any) -> MovingFile:
    return MovingFile(row.id, str(Path(row.path) / row.name), *row[3:])
