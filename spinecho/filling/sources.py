"""Where archives come from: folders, PACS and receivers, added by name; tested, pulled from, removed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from spinecho.db.durable import take
from spinecho.db.errors import Busy
from spinecho.db.files import runs
from spinecho.db.files import sources as kept
from spinecho.db.files.same_folder import known_as
from spinecho.db.files.sources import SourceRecord
from spinecho.db.schema.database import Database
from spinecho.errors import QueryError
from spinecho.given import reads_arguments
from spinecho.indexer.sources.kinds import kind_of, open_source, read_settings
from spinecho.indexer.sources.pull import OnStudy, Pulled, pull
from spinecho.indexer.sources.source import SourceDown, SourceSettings
from spinecho.indexer.sources.spool import Spool
from spinecho.search.access.persons import Access, Role
from spinecho.setup.private import make_private, private_files
from spinecho.setup.settings import Settings

__all__ = ["Pulled", "Source", "Sources", "spool_of"]


@dataclass(frozen=True, slots=True)
class Source:
    """A source. settings: without secrets; folder: where its objects lie and are indexed. Times are UTC."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    folder: Path
    added_at: datetime
    pulled_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name, "kind": self.kind, "settings": dict(self.settings), "folder": str(self.folder),
            "added_at": self.added_at.isoformat() + "Z",
            "pulled_at": self.pulled_at and self.pulled_at.isoformat() + "Z",
        }  # fmt: skip


@reads_arguments
class Sources:
    """The sources of an archive; for managers."""

    def __init__(self, settings: Settings, database: Callable[[], Database], access: Callable[[], Access]) -> None:
        self._settings, self._database, self._access = settings, database, access

    def list(self) -> tuple[Source, ...]:
        """Every source, by name."""
        self._access().allow(Role.MANAGER, "see the sources", "source-list")
        return tuple(map(self._source, kept.sources(self._database())))

    def add(self, name: str, kind: str, **settings: str | float | bool) -> Source:
        """Add a source; kinds and their settings are in docs/pacs.md. Secrets are named, never given.

        Raises `SourceSettings` for a setting that cannot be meant and for what is a source already, by whatever path,
        `SourceUnknown` for a name that is taken.
        """
        self._access().allow(Role.MANAGER, "add a source", "source-add", kind=kind)
        read = read_settings(name, kind_of(kind), {one: str(value) for one, value in settings.items()})
        _require_new(name, kind, read, kept.sources(self._database()))
        with private_files():
            return self._source(kept.add_source(self._database(), name, kind, read))

    def remove(self, name: str) -> Source:
        """Forget a source. What was taken from it stays, in its folder and in the index. Raises `SourceUnknown`."""
        self._access().allow(Role.MANAGER, "remove a source", "source-remove")
        return self._source(kept.remove_source(self._database(), name))

    def test(self, name: str) -> str:
        """Ask a source whether it answers; one sentence. Raises `SourceDown`, `SourceUnknown`."""
        self._access().allow(Role.MANAGER, "test a source", "source-test")
        record = kept.find_source(self._database(), name)
        if record.kind == "folder":
            return _listable(Path(record.settings["path"]))
        if record.kind == "receive":
            with private_files(), receiving(self._settings, record):
                return f"can listen on port {record.settings['port']}; 'spinecho watch' does so"
        source = open_source(kind_of(record.kind), record.settings, record.position)
        try:
            return source.test()
        finally:
            source.close()

    def pull(
        self, name: str, *, stop: threading.Event | None = None, on_study: OnStudy = lambda *_: None
    ) -> Pulled:  # fmt: skip
        """Take what is new or changed from a source into its folder; `Archive.index` reads it from there.

        stop: set by another thread to stop between two objects. on_study: called with (studies looked at, instances
        that came). One that was killed goes on. Raises `SourceDown`, `Stopped`, `SourceUnknown`, and `Busy` while
        another process pulls from it.
        """
        self._access().allow(Role.MANAGER, "pull from a source", "source-pull")
        record = kept.find_source(self._database(), name)
        return pull_from(self._settings, self._database(), record, stop or threading.Event(), on_study)

    def _source(self, record: SourceRecord) -> Source:
        folder = folder_of(self._settings, record)
        return Source(record.name, record.kind, record.settings, folder, record.added_at, record.pulled_at)


def pull_from(
    settings: Settings, database: Database, record: SourceRecord, stop: threading.Event, on_study: OnStudy
) -> Pulled:
    """As `Sources.pull`."""
    kind = kind_of(record.kind)
    if not kind.place:
        if record.kind == "folder":
            return Pulled(record.name)
        raise QueryError(f"{record.name} is sent to, not pulled from: 'spinecho watch' listens for it")
    with private_files(), _alone(settings, record.name):
        source = open_source(kind, record.settings, record.position)
        try:
            return pull(database, record, source, spool_of(settings, record), stop=stop, on_study=on_study)
        finally:
            source.close()


@contextmanager
def receiving(settings: Settings, record: SourceRecord) -> Iterator[Any]:
    """A receiver that listens within the block. Raises `SourceDown`, `BackendMissing`."""
    from spinecho.db.errors import BackendMissing  # noqa: PLC0415

    try:
        from spinecho.indexer.sources.pacs.receiver import Receiver  # noqa: PLC0415  (an extra)
    except ModuleNotFoundError as error:
        raise BackendMissing(f"{error.name} is not installed: pip install 'spinecho[pacs]'") from error
    receiver = Receiver(record.settings, spool_of(settings, record))
    try:
        yield receiver
    finally:
        receiver.close()


def folder_of(settings: Settings, record: SourceRecord) -> Path:
    """Where what comes from a source is indexed."""
    return Path(record.settings["path"]) if record.kind == "folder" else settings.home / "spool" / record.name


def spool_of(settings: Settings, record: SourceRecord) -> Spool:
    """The spool of a source, made where there is none."""
    make_private(settings.home)
    return Spool(folder_of(settings, record))


def roots_with(settings: Settings, database: Database, folders: Sequence[Path], names: Sequence[str]) -> list[Path]:
    """The folders of the last run, where none is given, and those of the sources: a pull forgets no folder."""
    own = [folder_of(settings, kept.find_source(database, name)) for name in names]
    before = [*folders] or [Path(root) for root in runs.last_roots(database)]
    return list(dict.fromkeys([*before, *(known_as(folder, before) for folder in own)]))


def _require_new(name: str, kind: str, settings: Mapping[str, Any], others: Sequence[SourceRecord]) -> None:
    """Raise `SourceSettings` where another source takes the same: it would be counted, and asked, twice."""
    for other in others:
        if other.kind != kind or other.name == name:
            continue
        if kind == "folder":
            there = Path(other.settings["path"])
            same = known_as(Path(settings["path"]), [there]) == there
        else:
            same = dict(other.settings) == dict(settings)
        if same:
            raise SourceSettings(f"that is the source {other.name!r} already; remove it first, or leave it as it is")


@contextmanager
def _alone(settings: Settings, name: str) -> Iterator[None]:
    """Held while a source is pulled from. Raises `Busy`."""
    folder = settings.home / "spool"
    make_private(folder)
    with (folder / f".{name}.lock").open("a+") as file:
        if not take(file.fileno()):
            raise Busy(f"another process pulls from {name} already; wait for it")
        yield


def _listable(path: Path) -> str:
    try:
        with os.scandir(path) as entries:
            next(entries, None)
    except OSError as error:
        raise SourceDown(
            f"{path} cannot be listed ({error.strerror}): is it mounted, may this account read it?"
        ) from error
    return f"{path} can be listed"


def pulled_facts(pulled: Pulled) -> dict[str, Any]:
    """A pull as JSON values."""
    return asdict(pulled)
