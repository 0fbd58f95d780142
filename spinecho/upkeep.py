"""Looking after a home, whether or not its database can be opened as it is: upgrades, and the copies that they keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spinecho.db.schema.check import Finding as Damage
from spinecho.people import open_access, open_record
from spinecho.private import private_files
from spinecho.search.access.persons import Role
from spinecho.settings import Settings, read_settings
from spinecho.wiring import indexing_lock, open_database, open_dual

if TYPE_CHECKING:
    from spinecho.db.schema.copies import Copy
    from spinecho.outcomes import OnProgress

__all__ = ["Damage", "Upgraded", "copies", "remove_copies", "require_home", "settings_of", "upgrade"]


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


def upgrade(
    home: Home = None, *, notify: Callable[[str], None] = lambda _: None, on_progress: OnProgress | None = None
) -> Upgraded:
    """Bring an older home's database to this version's schema; a copy is kept beside it. For managers.

    notify: given what opening the database has to tell. on_progress: called with (stage, done, known). Raises
    `Refused`, `Damaged` where it is not sound, `StorageFailure` where it cannot be written.
    """
    from spinecho.db.schema import database as schema  # noqa: PLC0415
    from spinecho.db.schema.engines import shown  # noqa: PLC0415
    from spinecho.db.store.erasing import erase_traces  # noqa: PLC0415
    from spinecho.db.vectors.kept_up import refresh_builds, refresh_snapshot  # noqa: PLC0415
    from spinecho.indexer.facts_again import derive_facts  # noqa: PLC0415
    from spinecho.indexer.reports.derive import settle_reports  # noqa: PLC0415
    from spinecho.indexer.reports.rereading import read_again  # noqa: PLC0415
    from spinecho.outcomes import self_tested  # noqa: PLC0415

    settings = settings_of(home)
    with private_files():
        me = open_access(settings)
        me.allow(Role.MANAGER, "upgrade the database", "db-upgrade")
        warning = ""
        with indexing_lock(settings):
            before, copy = schema.upgrade(settings.database, record=settings.record)
            if before != schema.HEAD:
                database = open_database(settings, warn=notify)
                derive_facts(database)  # studies have what most of their files say, without a file being read
                settle_reports(database)
                if read_again(database, lambda: open_dual(settings).text):
                    refresh_builds(database, settings.builds)
                    refresh_snapshot(database, settings.builds)
                erase_traces(database)
                warning = self_tested(database, lambda: open_dual(settings), on_progress)
                database.close()
            me.note("db-upgraded", before=before or "", after=schema.HEAD)
    return Upgraded(shown(settings.database), before, schema.HEAD, copy, warning)


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
    return home if isinstance(home, Settings) else read_settings(home=None if home is None else Path(home))


def require_home(settings: Settings, *, notify: Callable[[str], None]) -> None:
    """Raise what opening the database and the record raises, before something is started that needs them."""
    open_database(settings, warn=notify).close()
    open_record(settings)
