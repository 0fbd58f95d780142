"""Backups of a home while it is in use, and putting one back into a new home, checked by what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.access.people import open_access
from spinecho.db.durable import filled_folder
from spinecho.db.errors import BackupDamaged, StorageFailure, StoreError
from spinecho.db.files.same_folder import lies_in
from spinecho.maintaining.upkeep import Home, settings_of
from spinecho.search.access.persons import Role
from spinecho.setup.places import place_of
from spinecho.setup.private import private_files

if TYPE_CHECKING:
    from spinecho.db.backup.repository import Manifest, Repository
    from spinecho.setup.settings import Settings

__all__ = ["Backup", "Restored", "backup", "backups", "make_key", "restore", "verify"]

_DATABASE, _RECORD = "spinecho.sqlite", "record.sqlite"
OnStage = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup. size: bytes of what is put back; written: bytes that it added to the folder; made_at: UTC.

    warnings: what is lost or damaged in the folder, and what that means; it is seen without reading the packs.
    """

    name: str
    made_at: str
    size: int
    written: int
    files: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return asdict(self) | {"files": list(self.files), "warnings": list(self.warnings)}


@dataclass(frozen=True, slots=True)
class Restored:
    """A home that was put back. questions: how many were answered as they were when the backup was made."""

    home: Path
    backup: Backup
    questions: int


def make_key(path: str | Path) -> Path:
    """Write a new key file. Without it the backups that are made with it cannot be read: keep it somewhere else."""
    from spinecho.db.backup.sealing import make_key  # noqa: PLC0415

    place = place_of(path).absolute()
    make_key(place)
    return place


def backup(
    home: Home = None,
    folder: str | Path = "",
    *,
    key_file: str | Path | None,
    keep: int | None = None,
    on_stage: OnStage = lambda _: None,
) -> Backup:
    """Back up database, record and what people wrote, while others search and index. For managers.

    folder: of earlier backups, or new, and not within the home. key_file: of `make_key`; None writes everything as it
    is. keep: forget all but so many of the newest that can be put back. Only what changed since the newest backup is
    written, and what the folder has lost since. Raises `StoreError` for a database on a server, whose backups are its
    own; `Busy`, `StorageFailure`, `Damaged`.
    """
    from spinecho.db.backup.home_files import SMALL, as_of_now  # noqa: PLC0415
    from spinecho.db.backup.repository import Repository, sealer_of  # noqa: PLC0415
    from spinecho.db.schema.database import HEAD, Database  # noqa: PLC0415
    from spinecho.db.upkeep.probes import answers, as_json  # noqa: PLC0415

    settings, place = settings_of(home), place_of(folder).absolute()
    with private_files():
        open_access(settings).allow(Role.MANAGER, "back up the home", "backup", encrypted=key_file is not None)
        databases = _databases(settings)
        _require_apart(place, settings.home)
        repository = Repository.open(place, sealer_of(_key(key_file)), create=True)
        with repository.writing():
            lost = sorted({*repository.names()} - {*repository.fit()})
            on_stage("copying")
            with as_of_now(databases, settings.home) as copies:
                on_stage("asking")
                copy = Database.open(copies[_DATABASE], create=False)
                try:
                    facts = {"answers": as_json(answers(copy)), "schema": HEAD}
                finally:
                    copy.close()
                on_stage("writing")
                small = {name: settings.home / name for name in SMALL if (settings.home / name).is_file()}
                learned = (settings.home / "encoders").glob("[!.]*/**/*")  # encoders that were adapted, or fetched
                small |= {one.relative_to(settings.home).as_posix(): one for one in learned if one.is_file()}
                made = repository.add({**copies, **small}, facts, modes={})
            if keep is not None:
                repository.keep(max(keep, 1))
    return _backup(made, _of_lost(lost))


def backups(folder: str | Path, *, key_file: str | Path | None) -> tuple[Backup, ...]:
    """The backups in a folder, oldest first."""
    repository = _repository(folder, key_file)
    found = []
    for name in repository.names():
        manifest = repository.manifest(name)
        packs = ", ".join(f"{one}.pack" for one in repository.unfit(manifest))
        found.append(_backup(manifest, f"it cannot be put back whole: missing or damaged are {packs}" if packs else ""))
    return tuple(found)


def verify(folder: str | Path, *, key_file: str | Path | None, on_stage: OnStage = lambda _: None) -> tuple[str, ...]:
    """Read every piece of every backup; their names. Raises `BackupDamaged` where one is not whole.

    It says which are, and marks what is damaged: the next backup writes that anew.
    """
    repository = _repository(folder, key_file)
    names = repository.names()
    broken: dict[str, str] = {}
    pieces: dict[str, frozenset[tuple[str, int]]] = {}
    packs: set[str] = set()
    for name in names:
        on_stage(name)
        try:
            manifest = repository.manifest(name)
            packs |= manifest.ends().keys()
            if found := repository.damaged(manifest):
                pieces[name] = found
                broken[name] = ", ".join(sorted({f"{pack}.pack" for pack, _ in found}))
        except BackupDamaged:
            broken[name] = f"{name}.manifest"
        except StoreError:
            if name in repository.names():
                raise
    unmarked = ""
    try:
        with private_files():
            repository.mark(pieces, packs)
    except StorageFailure as error:
        unmarked = f"{error}: run --verify once more where the folder can be written, and then "
    there = {*repository.names()}  # another backup may have forgotten some while they were read, and what they needed
    names = [name for name in names if name in there]
    broken = {name: what for name, what in broken.items() if name in there}
    if broken:
        whole = [name for name in names if name not in broken]
        raise BackupDamaged(_of_broken(broken, whole, newest=names[-1], before=unmarked))
    return tuple(names)


def restore(
    folder: str | Path,
    home: str | Path,
    *,
    key_file: str | Path | None,
    name: str | None = None,
    on_stage: OnStage = lambda _: None,
) -> Restored:
    """Put a backup, without a name the newest, into a home that is not there yet: whole and checked, or not at all.

    Every byte is held against its digest, every row against its checksum, and the top ten of some questions against
    what they were (not in one of an older version); then the index is built. Raises `StoreError` for a home that holds
    something, `BackupDamaged`.
    """
    from spinecho.db.backup.home_files import put  # noqa: PLC0415

    place, repository = place_of(home).absolute(), _repository(folder, key_file)
    names = repository.names()
    if not names:
        raise StoreError(f"{folder} holds no backup yet")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise StoreError(f"{place} holds something already; name a home that is new or empty, and move it afterwards")
    _require_apart(repository.folder, place)
    manifest = repository.manifest(name or names[-1])
    try:
        with private_files(), filled_folder(place, prefix=".spinecho-restore-") as made:
            on_stage("writing")
            for held in manifest.files:
                put(made / held.path, repository.read(held), held.mode)
            questions = _require_same(made, manifest, on_stage)
    except OSError as error:
        raise StorageFailure(f"cannot write {place}: {error.strerror}; nothing was put back") from error
    return Restored(place, _backup(manifest), questions)


def _require_same(home: Path, manifest: Manifest, on_stage: OnStage) -> int:
    """See that what was written is what was backed up, and build its index; how many questions told so."""
    from spinecho.db.schema.copies import remove_copies  # noqa: PLC0415
    from spinecho.db.schema.database import HEAD, Database  # noqa: PLC0415
    from spinecho.db.upkeep.check import check_database  # noqa: PLC0415
    from spinecho.db.upkeep.kept_up import refresh_builds, refresh_snapshot  # noqa: PLC0415
    from spinecho.db.upkeep.probes import answers, as_json  # noqa: PLC0415
    from spinecho.db.upkeep.upgrading import upgrade  # noqa: PLC0415

    on_stage("checking")
    upgrade(home / _DATABASE)  # one of before this version; nothing happens to one of this
    remove_copies(home / _DATABASE)
    database = Database.open(home / _DATABASE, create=False)
    try:
        if found := check_database(database):
            message = f"the backup {manifest.name} was made of what was damaged"
            raise BackupDamaged(f"{message}: {found[0].what}. {found[0].remedy}")
        expected = manifest.facts["answers"] if manifest.facts["schema"] == HEAD else {}
        if expected and as_json(answers(database)) != expected:
            raise BackupDamaged(f"what was put back of {manifest.name} answers otherwise; take another backup")
        on_stage("building")
        refresh_builds(database, home / "builds")
        refresh_snapshot(database, home / "builds")
    finally:
        database.close()
    return sum(len(some) for some in expected.values())


def _databases(settings: Settings) -> dict[str, Path]:
    if not isinstance(settings.database, Path):
        raise StoreError(
            "the database is on a server, whose backups are its own (pg_dump, pg_basebackup, see docs/operations.md); "
            "'spinecho db copy' makes a home of it that can be backed up"
        )
    if not settings.database.is_file():
        raise StoreError(f"no database at {settings.database}; name its home with --home")
    record = settings.record
    kept = isinstance(record, Path) and record == settings.home / _RECORD and record.is_file()
    found = {_DATABASE: settings.database} | ({_RECORD: settings.home / _RECORD} if kept else {})
    if settings.identities.parent == settings.home and settings.identities.is_file():
        found[settings.identities.name] = settings.identities  # sealed: its key is kept elsewhere, as those of backups
    return found


def _repository(folder: str | Path, key_file: str | Path | None) -> Repository:
    from spinecho.db.backup.repository import Repository, sealer_of  # noqa: PLC0415

    return Repository.open(place_of(folder).absolute(), sealer_of(_key(key_file)))


def _key(key_file: str | Path | None) -> Path | None:
    return None if key_file is None else place_of(key_file).absolute()


def _backup(manifest: Manifest, warning: str = "") -> Backup:
    paths, warnings = tuple(one.path for one in manifest.files), (warning,) if warning else ()
    return Backup(manifest.name, manifest.made_at, manifest.size, manifest.written(), paths, warnings)


def _require_apart(folder: Path, home: Path) -> None:
    """Raise `StoreError` where a folder of backups lies in the home, or the home in it: one would be lost with the
    other.
    """
    for inner, outer in ((folder, home), (home, folder)):
        if lies_in(inner, outer):
            where = "in the home" if inner is folder else "around the home"
            message = f"{folder} lies {where} {home}: what takes the one away takes the other with it"
            raise StoreError(f"{message}; name a folder of backups elsewhere, best on another disk")


def _of_lost(lost: Sequence[str]) -> str:
    """What to say of backups that were no longer whole when the next one was written."""
    if not lost:
        return ""
    count = "1 earlier backup" if len(lost) == 1 else f"{len(lost):,} earlier backups"
    return (
        f"{count} cannot be put back whole, as files in the folder are missing, too short or damaged "
        f"({', '.join(lost[-3:])}); what this one would have shared with them was written anew, so it can be put "
        "back; look at that disk"
    )


def _of_broken(broken: dict[str, str], whole: Sequence[str], *, newest: str, before: str) -> str:
    listed = "; ".join(f"{name} ({files})" for name, files in list(broken.items())[-3:])
    some = f"; whole are: {', '.join(whole[-3:])}" if whole else "; none is whole"
    more = f" and {len(broken) - 3:,} earlier ones" if len(broken) > 3 else ""
    remedy = (
        "the newest is whole; the damaged ones go with --keep"
        if newest in whole
        else f"{before}run 'spinecho backup' to this folder: it writes anew what is damaged or missing"
    )
    return f"not whole, by damaged or missing files, are {listed}{more}{some}; {remedy}; look at that disk"
