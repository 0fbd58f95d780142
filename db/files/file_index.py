"""The ledger of files: what lies where, what has been read of it, and what is still to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import String, and_, delete, distinct, func, or_, select, tuple_, type_coerce, update
from sqlalchemy.orm import Session

from spinecho.db.files.file_rows import insert_files, replace_files, row_of, set_companions
from spinecho.db.files.file_states import (
    SeriesKey,
    forget_empty_folders,
    forget_files,
    reopen_series,
    reopen_twins,
    set_pending,
)
from spinecho.db.people.followers import follow_studies
from spinecho.db.schema import clean
from spinecho.db.schema.chunks import CHUNK, chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import LOOK_AGAIN, Failure, File, Folder
from spinecho.db.store.file_outcomes import failure_row, keep_digests, reject_in
from spinecho.db.store.removal import remove_reports_of_files
from spinecho.db.values import Changes, FileRecord, Listing, Rejection, Scanned, Stat


def compare(
    database: Database,
    *,
    root: str,
    run: int,
    listings: Sequence[Listing],
    retry: bool = False,
    again: bool = False,
) -> Changes:
    """Hold folder listings against what is stored, and mark those folders as seen by this run.

    With `retry`, rejected files that could be mended count as fresh; with `again`, every file does.
    """
    fresh: list[tuple[str, Stat]] = []
    missing: list[str] = []
    unchanged = 0
    with database.begin() as session:
        known_folders = _folders(session, [listing.path for listing in listings])
        stored = _stored(session, list(known_folders.values()), retry=retry)
        for listing in listings:
            before = stored.get(known_folders.get(listing.path, -1), {})
            here = {stat.name for stat in listing.files}
            if not listing.partial:
                missing += [str(Path(listing.path) / name) for name in before if name not in here]
            for stat in listing.files:
                if before.get(stat.name) == (stat.size, stat.mtime_ns, stat.companion) and not again:
                    unchanged += 1
                else:
                    fresh.append((listing.path, stat))
        new = [
            {"root": root, "path": p, "seen_run": run}
            for p in dict.fromkeys(_paths(listings))
            if p not in known_folders
        ]
        if new:
            session.execute(Folder.__table__.insert(), new)  # type: ignore[attr-defined]
        for ids in chunks(list(known_folders.values())):
            session.execute(update(Folder).where(Folder.id.in_(ids)).values(seen_run=run, root=root))
    return Changes(tuple(fresh), unchanged, tuple(missing))


def keep_seen(database: Database, folders: Sequence[str], *, root: str, run: int) -> None:
    """Mark these folders and all below them as seen by this run, without a look into them."""
    with database.begin() as session:
        for folder in folders:
            session.execute(update(Folder).where(_under(folder)).values(seen_run=run, root=root))


def folders_to_look_into(database: Database, root: str, *, retry: bool = False) -> list[str]:
    """Folders below the root with a file that waits to be looked at again; with `retry`, a rejected one to mend too."""
    again = File.mtime_ns == LOOK_AGAIN
    if retry:
        again = or_(again, File.id.in_(select(Failure.file_id).where(Failure.ignorable.is_(False))))
    query = select(Folder.path).join(File, File.folder_id == Folder.id).where(_under(root), again).distinct()
    with database.begin() as session:
        return list(session.scalars(query))


def vanished(database: Database, *, root: str, run: int) -> tuple[str, ...]:
    """Paths of stored files whose whole folder was not found by this run under `root`."""
    query = select(Folder.path, File.name).join(File).where(_under(root), Folder.seen_run != run)
    with database.begin() as session:
        return tuple(str(Path(folder) / name) for folder, name in session.execute(query))


def record(database: Database, run: int, items: Sequence[Scanned], *, again: bool = False) -> None:
    """Store scanned files: pending with a header, or rejected with a reason. Replaces what was known of each path.

    A file that is in, and was scanned only because something beside it changed, stays in where that changed nothing of
    its header; not with `again`. Files that had lost their SOP Instance UID to one of these are settled anew. Of a path
    that is there twice the rows are as of one file after the other.
    """
    for some in _each_path_once(items):
        _record(database, run, some, again=again)


def _each_path_once(items: Sequence[Scanned]) -> Iterator[Sequence[Scanned]]:
    """The files in their order, a new part where a path comes again."""
    begin, seen = 0, set[tuple[str, str]]()
    for at, item in enumerate(items):
        if (item.folder, item.stat.name) in seen:
            yield items[begin:at]
            begin, seen = at, set()
        seen.add((item.folder, item.stat.name))
    yield items[begin:]


def _record(database: Database, run: int, items: Sequence[Scanned], *, again: bool) -> None:
    with database.begin() as session:
        folders = _folders(session, sorted({item.folder for item in items}))
        known: dict[tuple[int, str], Any] = {}
        wanted = [(folders[item.folder], item.stat.name) for item in items]
        columns = (File.folder_id, File.name, File.id, File.study_uid, File.series_uid, File.sop_uid)
        query = select(*columns, File.size, File.mtime_ns, File.state, File.header)
        for keys in chunks(wanted, CHUNK // 2):
            for one in session.execute(query.where(tuple_(File.folder_id, File.name).in_(keys))):
                known[one.folder_id, one.name] = one
        same = {} if again else {key: known[key].id for key, item in zip(wanted, items, strict=True)
                                 if key in known and _says_the_same(known[key], item)}  # fmt: skip
        stale = [row.id for key, row in known.items() if key not in same]
        for ids in chunks(stale):
            session.execute(delete(Failure).where(Failure.file_id.in_(ids)))
        remove_reports_of_files(session, stale)
        moved: set[SeriesKey] = set()
        renamed: dict[str, str] = {}
        fresh: list[dict[str, Any]] = []
        changed: list[tuple[int, dict[str, Any]]] = []
        for key, item in zip(wanted, items, strict=True):
            if key in same:
                continue
            if key not in known:
                fresh.append(row_of(item, key[0]))
                continue
            file, study, series = known[key].id, known[key].study_uid, known[key].series_uid
            if study and series and (study, series) != (item.study_uid, item.series_uid):
                moved.add((study, series))
            if study and item.study_uid and study != item.study_uid:
                renamed[study] = item.study_uid
            changed.append((file, row_of(item, key[0])))
        as_before = [(same[key], item) for key, item in zip(wanted, items, strict=True) if key in same]
        replace_files(session, changed)
        set_companions(session, [(file, item.stat.companion) for file, item in as_before])
        file_ids = {key: row.id for key, row in known.items()} | insert_files(session, fresh)
        session.add_all(
            failure_row(file_ids[key], item.failure, run)
            for key, item in zip(wanted, items, strict=True)
            if item.failure and key not in same
        )
        reopen_twins(session, [row.sop_uid for key, row in known.items() if row.sop_uid and key not in same])
        reopen_series(session, moved)
        follow_studies(session, renamed)


def remove_files(database: Database, paths: Sequence[str]) -> int:
    """Forget files that are gone from the disk; their series are read again, or removed where nothing is left."""
    removed = 0
    with database.begin() as session:
        for some in chunks(sorted(paths), CHUNK // 2):
            pairs = [(str(Path(path).parent), Path(path).name) for path in some]
            query = select(File.id).join(Folder).where(tuple_(Folder.path, File.name).in_(pairs))
            ids = list(session.scalars(query))
            forget_files(session, ids)
            removed += len(ids)
        forget_empty_folders(session)
    return removed


def colliding_files(database: Database) -> Iterator[tuple[FileRecord, ...]]:
    """Groups of files that claim one SOP Instance UID, at least one of them pending; the rightful owner first.

    The owner is the one already indexed, else the first by folder and name; a short name before a longer one, since
    copies are called 'name(1)' and 'copy of name'.
    """
    with database.begin() as session:
        pending = select(File.sop_uid).where(File.state == "pending", File.sop_uid.is_not(None))
        query = (
            select(File.sop_uid)
            .where(File.sop_uid.in_(pending), File.state != "rejected")
            .group_by(File.sop_uid)
            .having(func.count(distinct(File.id)) > 1)
        )
        uids = list(session.scalars(query))
    for uid in uids:
        with database.begin() as session:
            records = _records(session, File.sop_uid == uid, File.state != "rejected")
        yield tuple(sorted(records, key=_rightful))


def _rightful(record: FileRecord) -> tuple[bool, str, int, str]:
    path = Path(record.path)
    return record.state != "indexed", str(path.parent), len(path.name), path.name


def reopen_orphans(database: Database, *, reasons: Sequence[str]) -> int:
    """Make files pending again that were rejected for these reasons in favour of a file that is itself not in.

    Returns how many. `reasons` are those by which a file loses its SOP Instance UID to another.
    """
    owners = select(File.sop_uid).where(File.state != "rejected", File.sop_uid.is_not(None))
    losers = select(Failure.file_id).where(Failure.reason.in_(reasons))
    query = select(File.id).where(File.id.in_(losers), File.sop_uid.is_not(None), File.sop_uid.not_in(owners))
    with database.begin() as session:
        files = list(session.scalars(query))
        set_pending(session, files)
        return len(files)


def reopen_rejected(database: Database, *, reason: str, message: str) -> int:
    """Make files pending again that were rejected for this reason with a message that contains this; how many."""
    same = Failure.message.contains(message, autoescape=True)
    query = select(File.id).join(Failure, Failure.file_id == File.id)
    query = query.where(Failure.reason == reason, same, File.header.is_not(None))
    with database.begin() as session:
        files = list(session.scalars(query))
        set_pending(session, files)
        return len(files)


def reject(database: Database, run: int, rejections: Mapping[int, Rejection]) -> None:
    """Mark files, by id, as rejected with their reasons."""
    with database.begin() as session:
        reject_in(session, run, rejections)


def pending_series(database: Database, *, page: int = 500) -> Iterator[SeriesKey]:
    """Every series with a file still to store, in the order of its UIDs, a page at a time."""
    last: SeriesKey = ("", "")
    pair = tuple_(File.study_uid, File.series_uid)
    while True:
        query = select(File.study_uid, File.series_uid).where(File.state == "pending", pair > last)
        query = query.group_by(File.study_uid, File.series_uid).order_by(File.study_uid, File.series_uid)
        with database.begin() as session:
            found = [(study or "", series or "") for study, series in session.execute(query.limit(page))]
        if not found:
            return
        yield from found
        last = found[-1]


def count_pending_series(database: Database) -> int:
    """How many series `pending_series` will give."""
    pairs = select(File.study_uid, File.series_uid).where(File.state == "pending", File.series_uid.is_not(None))
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(pairs.distinct().subquery())) or 0


def series_files(database: Database, key: SeriesKey) -> tuple[FileRecord, ...]:
    """Every file of a series that is not rejected, by path."""
    with database.begin() as session:
        same = and_(File.study_uid == key[0], File.series_uid == key[1], File.state != "rejected")
        return tuple(sorted(_records(session, same), key=lambda record: record.path))


def digests_below(
    database: Database, root: str, *, page: int = 2000
) -> Iterator[list[tuple[int, str, int, str | None]]]:
    """(id, path, size, digest) of every file below the root that is in the index, in pages."""
    query = select(File.id, Folder.path, File.name, File.size, File.digest).join(Folder)
    query = query.where(_under(root), File.state == "indexed").order_by(File.id).limit(page)
    last = 0
    while True:
        with database.begin() as session:
            rows = session.execute(query.where(File.id > last)).all()
        if not rows:
            return
        yield [(row.id, str(Path(row.path) / row.name), row.size, row.digest) for row in rows]
        last = rows[-1].id


def settle_digests(database: Database, fresh: Mapping[int, str], changed: Sequence[int]) -> None:
    """Keep digests that were not known, by file id; have files that have changed looked at again."""
    with database.begin() as session:
        keep_digests(session, fresh)
        for ids in chunks(changed):
            session.execute(update(File).where(File.id.in_(ids)).values(mtime_ns=LOOK_AGAIN))


def still_known(database: Database, paths: Sequence[str], *, indexed: bool = False, settled: bool = False) -> list[str]:
    """Those of these paths that there is a row of; `indexed`: one that was not rejected, `settled`: nor is pending."""
    query = select(Folder.path, File.name).join(File, File.folder_id == Folder.id)
    query = query.where(File.state != "rejected") if indexed else query
    query = query.where(File.state != "pending") if settled else query
    with database.begin() as session:
        found: list[str] = []
        for some in chunks(sorted(paths), CHUNK // 2):
            pairs = [(str(Path(path).parent), Path(path).name) for path in some]
            rows = session.execute(query.where(tuple_(Folder.path, File.name).in_(pairs)))
            found += [str(Path(folder) / name) for folder, name in rows]
        return found


def forget_rejected(database: Database, paths: Sequence[str]) -> int:
    """Forget those of these files, which are gone, that were rejected: nothing of them is in the index. How many.

    A series of which other files are gone as well stays as it is stored: it cannot be read again from what is left.
    """
    with database.begin() as session:
        ids: list[int] = []
        torn: set[SeriesKey] = set()
        for some in chunks(sorted(paths)):
            pairs = [(str(Path(path).parent), Path(path).name) for path in some]
            query = select(File.id, File.state, File.study_uid, File.series_uid).join(Folder)
            for row in session.execute(query.where(tuple_(Folder.path, File.name).in_(pairs))):
                if row.state == "rejected":
                    ids.append(row.id)
                elif row.study_uid is not None and row.series_uid is not None:
                    torn.add((row.study_uid, row.series_uid))
        forget_files(session, ids, stored=torn)
        forget_empty_folders(session)
        return len(ids)


def count_below(database: Database, root: str) -> int:
    """How many files are known below the root."""
    query = select(func.count(File.id)).join(Folder, Folder.id == File.folder_id).where(_under(root))
    with database.begin() as session:
        return session.scalar(query) or 0


def is_pending(database: Database, file: int) -> bool:
    """Whether the file, by its id, is still to be read."""
    with database.begin() as session:
        return session.scalar(select(File.state).where(File.id == file)) == "pending"


def pending_reports(database: Database) -> tuple[FileRecord, ...]:
    """Report files still to read."""
    with database.begin() as session:
        return _records(session, File.state == "pending", File.kind == "report")


def _folders(session: Session, paths: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunks(paths):
        query = select(Folder.path, Folder.id).where(Folder.path.in_(some))
        found.update((path, folder) for path, folder in session.execute(query))
    return found


_NAME = type_coerce(File.name, String)
"""As it is stored: forty thousand names are not to cost a call each."""
_Known: TypeAlias = tuple[int, int, str]
"""(size, time, companion)"""


def _stored(session: Session, folders: Sequence[int], *, retry: bool) -> dict[int, dict[str, _Known]]:
    """What is known by folder and name. A file to be retried is given a size that no file has."""
    stored: dict[int, dict[str, _Known]] = defaultdict(dict)
    for some in chunks(folders):
        query = select(File.folder_id, _NAME, File.size, File.mtime_ns, File.companion)
        query = query.where(File.folder_id.in_(some))
        for folder, name, size, mtime, companion in session.execute(query):
            real = clean.real_path(name) if "\\x" in name else name
            stored[folder][real] = (size, mtime, companion or "")  # not known: as if there had been none
        if retry:
            again = query.where(File.id.in_(select(Failure.file_id).where(Failure.ignorable.is_(False))))
            for folder, name, _, mtime, _ in session.execute(again):
                stored[folder][clean.real_path(name)] = (-1, mtime, "")
    return stored


def _says_the_same(known: Any, item: Scanned) -> bool:
    """Whether a file that is in the index is as it was, its header included."""
    as_it_was = (known.size, known.mtime_ns, known.state) == (item.stat.size, item.stat.mtime_ns, "indexed")
    uids = (known.study_uid, known.series_uid, known.sop_uid) == (item.study_uid, item.series_uid, item.sop_uid)
    return as_it_was and uids and item.header is not None and known.header == item.header


def _records(session: Session, *where: Any) -> tuple[FileRecord, ...]:
    query = select(File.id, Folder.path, File.name, File.header, File.state, File.digest).join(Folder).where(*where)
    return tuple(
        FileRecord(file, str(Path(folder) / name), header or "", state, digest)
        for file, folder, name, header, state, digest in session.execute(query)
    )


def _under(root: str) -> Any:
    """The folder and all below it, by the letter: LIKE would take A for a. '0' is what follows '/'."""
    above = root.rstrip("/")
    return or_(Folder.path == root, and_(Folder.path > f"{above}/", Folder.path < f"{above}0"))


def _paths(listings: Sequence[Listing]) -> list[str]:
    return [listing.path for listing in listings]
