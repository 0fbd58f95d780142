"""Looking after a home, whether or not its database can be opened as it is: upgrades, and the copies that they keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spinecho.access.people import open_access, open_record
from spinecho.db.schema.damage import Finding as Damage
from spinecho.search.access.persons import Role
from spinecho.setup.places import place_of
from spinecho.setup.private import make_private, private_files
from spinecho.setup.settings import Settings, read_settings
from spinecho.setup.wiring import indexing_lock, open_database, open_dual

if TYPE_CHECKING:
    from spinecho.db.schema.copies import Copy
    from spinecho.db.schema.database import Database
    from spinecho.filling.outcomes import OnProgress

__all__ = [
    "Copied",
    "Damage",
    "Upgraded",
    "copies",
    "copy_database",
    "remove_copies",
    "require_home",
    "settings_of",
    "upgrade",
]


Home = str | Path | Settings | None
"""A home's folder, None for that of SPINECHO_HOME, or settings that were read already."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A database that was brought to this version's schema. before: the schema it had, None for a new one.

    copy: where the old one is kept, None where nothing had to change. warning: what went wrong in the test of channels.
    """

    database: str
    before: str | None
    after: str
    copy: Path | None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Copied:
    """A database that was copied. rows: of all tables; written: those that were not there yet.

    questions: how many are answered by both alike. home: of the copy, None where it is on a server.
    """

    source: str
    copy: str
    rows: int
    written: int
    questions: int
    home: Path | None


def upgrade(
    home: Home = None, *, notify: Callable[[str], None] = lambda _: None, on_progress: OnProgress | None = None
) -> Upgraded:
    """Bring an older home's database to this version's schema; a copy is kept beside it. For managers.

    notify: given what opening the database has to tell. on_progress: called with (stage, done, known). Raises
    `Refused`, `Damaged` where it is not sound, `StorageFailure` where it cannot be written.
    """
    from spinecho.db.schema.database import HEAD  # noqa: PLC0415
    from spinecho.db.schema.engines import shown  # noqa: PLC0415
    from spinecho.db.store.erasing import erase_traces  # noqa: PLC0415
    from spinecho.db.upkeep import upgrading  # noqa: PLC0415
    from spinecho.db.upkeep.kept_up import refresh_builds, refresh_snapshot  # noqa: PLC0415
    from spinecho.filling.outcomes import self_tested  # noqa: PLC0415
    from spinecho.indexer.acquired_again import acquire_again  # noqa: PLC0415
    from spinecho.indexer.facts_again import derive_facts  # noqa: PLC0415
    from spinecho.indexer.reports.derive import settle_reports  # noqa: PLC0415
    from spinecho.indexer.reports.rereading import read_again  # noqa: PLC0415

    settings = settings_of(home)
    with private_files():
        me = open_access(settings)
        me.allow(Role.MANAGER, "upgrade the database", "db-upgrade")
        warning = ""
        with indexing_lock(settings):
            before, copy = upgrading.upgrade(settings.database, record=settings.record)
            database = open_database(settings, warn=notify)
            if before != HEAD:
                derive_facts(database)  # studies have what most of their files say, without a file being read
                settle_reports(database)
            # by older rules, or tables as they are
            read = read_again(database, lambda: open_dual(settings, database).text)
            read += acquire_again(database, lambda: open_dual(settings, database).text)
            if read:
                refresh_builds(database, settings.builds)
            if read or before != HEAD:
                refresh_snapshot(database, settings.builds)
                erase_traces(database)
                warning = self_tested(database, lambda: open_dual(settings, database), on_progress)
            database.close()
            me.note("db-upgraded", before=before or "", after=HEAD)
    return Upgraded(shown(settings.database), before, HEAD, copy, warning)


def copy_database(home: Home = None, to: str | Path = "", *, on_progress: OnProgress | None = None) -> Copied:
    """Copy a home's database to another home, or to a server by its URL; one that was stopped goes on. For managers.

    Whoever searches is not disturbed, nobody indexes meanwhile, and what people keep meanwhile may be missing. The copy
    is used by nobody before it was held against its source. Raises `Refused`, `Busy`, `StoreError` where something is
    there already, `Damaged`, `StorageFailure`.
    """
    from spinecho.db.schema.engines import read_location, shown  # noqa: PLC0415
    from spinecho.db.upkeep.copying import copy_rows  # noqa: PLC0415
    from spinecho.db.upkeep.kept_up import refresh_builds, refresh_snapshot  # noqa: PLC0415

    settings, place = settings_of(home), read_location(str(to) if "://" in str(to) else str(place_of(to)))
    other = place if isinstance(place, Path) else None
    tell = on_progress or (lambda *_: None)
    with private_files():
        open_access(settings).allow(
            Role.MANAGER, "copy the database", "db-copy", to="server" if other is None else "home"
        )
        target = place if other is None else other / "spinecho.sqlite"
        if other is not None:
            make_private(other)

        def index(copied: Database) -> None:
            if other is not None:
                refresh_builds(copied, other / "builds")
                refresh_snapshot(copied, other / "builds")

        with indexing_lock(settings), closing(open_database(settings)) as source:
            made = copy_rows(source, target, on_rows=tell, complete=index)
    return Copied(shown(settings.database), shown(target), made.rows, made.written, made.questions, other)


def copies(home: Home = None) -> tuple[Copy, ...]:
    """The copies of the database that upgrades kept, oldest first. For managers."""
    from spinecho.db.schema.copies import copies_of  # noqa: PLC0415

    settings = settings_of(home)
    open_access(settings).allow(Role.MANAGER, "see the database's copies", "see-copies")
    return copies_of(settings.database)


def remove_copies(home: Home = None, *, names: Sequence[str] | None = None) -> tuple[Copy, ...]:
    """Delete these copies, or all; what went. Raises `Refused`, and `StoreError` for a name that none has."""
    from spinecho.db.schema import copies as kept  # noqa: PLC0415

    settings, everything = settings_of(home), names is None
    open_access(settings).allow(Role.MANAGER, "remove the database's copies", "remove-copies", everything=everything)
    with indexing_lock(settings):
        return kept.remove_copies(settings.database, names)


def settings_of(home: Home) -> Settings:
    """The settings that are meant."""
    return home if isinstance(home, Settings) else read_settings(home=None if home is None else place_of(home))


def require_home(settings: Settings, *, notify: Callable[[str], None]) -> None:
    """Raise what opening the database and the record raises, before something is started that needs them.

    A server's database in which nothing is yet is given its tables, as by the first `spinecho index`: who starts first
    is chance there. One that holds anything is never changed.
    """
    open_database(settings, create=not isinstance(settings.database, Path), warn=notify).close()
    open_record(settings)
