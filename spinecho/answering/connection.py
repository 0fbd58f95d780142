"""What an open archive stands on: its database, the person who asks, the record, and the engine once it is needed."""

from __future__ import annotations

import copy
import threading
import warnings
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from spinecho.access.people import open_record, person_here
from spinecho.db.filters.algebra import ALL, COMPUTED_TOO, Filter, both, require_filter
from spinecho.errors import ArchiveClosed
from spinecho.search.access.persons import Access, Person, Role
from spinecho.search.planning.typed_filter import typed_filter
from spinecho.setup.private import private_files
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import open_database, open_engine

if TYPE_CHECKING:
    from spinecho.db.schema.database import Database
    from spinecho.search.access.personal_archive import PersonalArchive

Where = str | Filter
"""A filter as typed, such as `sequence=T2,FLAIR and age>=60`, or one that was read already."""


class Connection:
    """An archive's database with one person before it. Safe to use from several threads."""

    def __init__(
        self, settings: Settings, *, create: bool = False, notify: Callable[[str], None] | None = None
    ) -> None:
        """create: a database that is not there is made when it is first needed. notify: given what is to be known
        beside the answers, a sentence at a time; without it they are Python's warnings.
        """
        self._settings, self._lock, self._closed = settings, threading.RLock(), False
        self._notify = notify or partial(warnings.warn, stacklevel=5)
        self._opened: PersonalArchive | None = None
        self._held: Database | None = None
        with private_files():
            if not create:
                self._held = open_database(settings, warn=self._notify)
            try:
                self._record = open_record(settings)
                self._person = person_here(settings, self._record)
            except BaseException:
                self._let_go()
                raise

    @property
    def user(self) -> str:
        """Whose acts these are, as the record names them."""
        return self._person.name

    def close(self) -> None:
        """Let go of the database; a closed archive answers nothing."""
        with self._lock:
            self._closed, self._opened = True, None
            self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<spinecho.{type(self).__name__} {self._settings.home}{' (closed)' if self._closed else ''}>"

    def _database(self) -> Database:
        with self._lock:
            self._require_open()
            if self._held is None:
                with private_files():
                    self._held = open_database(self._settings, create=True, warn=self._notify)
            return self._held

    def _personal(self) -> PersonalArchive:
        """The person's access to the archive; the networks are loaded when they are first needed."""
        with self._lock:  # around the question too: two threads would load the networks twice
            database = self._database()
            if self._opened is None:
                from spinecho.search.access.late_engine import LateEngine  # noqa: PLC0415
                from spinecho.search.access.personal_archive import PersonalArchive  # noqa: PLC0415

                settings = self._settings
                engine = LateEngine(database, settings.builds, lambda: open_engine(settings, database=database))
                smallest = settings.smallest_count
                self._opened = PersonalArchive(engine, self._person, record=self._record, smallest=smallest)
            return self._opened

    def _access(self) -> Access:
        self._require_open()
        return Access(self._person, self._record)

    def _allow(self, role: Role, what: str, action: str, subject: str = "", **facts: Any) -> None:
        self._access().allow(role, what, action, subject, **facts)

    def _require_open(self) -> None:
        if self._closed:
            raise ArchiveClosed("this archive was closed; open it again with spinecho.open")

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


Opened = TypeVar("Opened", bound=Connection)


def before_person(archive: Opened, person: Person) -> Opened:
    """The same open archive with another person before it, whom a server knows. Only the first one is closed."""
    engine = archive._personal()._engine
    other = copy.copy(archive)
    other._person = person
    from spinecho.search.access.personal_archive import PersonalArchive  # noqa: PLC0415

    other._opened = PersonalArchive(engine, person, record=archive._record, smallest=archive._settings.smallest_count)
    return other


def archive_of(
    kind: type[Opened], settings: Settings, personal: PersonalArchive, database: Database | None = None
) -> Opened:
    """An archive over what a server has opened already, before one person. It is the server's to close."""
    other = kind.__new__(kind)
    other._settings, other._lock, other._closed = settings, threading.RLock(), False
    other._notify, other._opened = partial(warnings.warn, stacklevel=5), personal
    other._held = personal._database if database is None else database
    other._record, other._person = personal._record, personal.person
    return other


def note_assistant(archive: Connection, tool: str) -> None:
    """That an assistant asks for the person, before it is answered. Raises `Refused` and `RecordUnwritable`."""
    archive._allow(Role.VIEWER, "ask by an assistant", "assistant", tool=tool)


def read_where(where: Where, *, include_derived: bool = False) -> Filter:
    """The filter that is meant. Raises `FilterError` for one that cannot be read."""
    if isinstance(where, str):
        parts = [typed_filter(where)] if where.strip() else []
    else:
        parts = [] if where == ALL else [require_filter(where)]
    if include_derived:
        parts.append(COMPUTED_TOO)
    return both(*parts) if parts else ALL
