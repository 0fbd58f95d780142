"""Who asks, what they may do, and the row of the record that each of their acts leaves."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ParamSpec, Protocol, TypeVar, cast

from spinecho.db.errors import ServerLost, StoreError
from spinecho.db.people.record import Entry, Recorder, RecordUnwritable, act_now
from spinecho.db.schema.database import Database
from spinecho.db.values import Carried, Fact
from spinecho.errors import SpinechoError

__all__ = [
    "Access", "Person", "RecordUnwritable", "Refused", "Role", "asked_again", "digest_of", "needs", "of_one_moment",
    "uid_or_digest",
]  # fmt: skip
P = ParamSpec("P")
R = TypeVar("R")


class Role(StrEnum):
    """What a person may do; each role may do what those before it may.

    viewer: search, open studies, count. researcher: freeze and export cohorts, evaluate. manager: index, retry, delete.
    """

    VIEWER = "viewer"
    RESEARCHER = "researcher"
    MANAGER = "manager"


_ORDER = tuple(Role)


class Refused(StoreError):
    """This person's role does not allow it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. name: an account or an address, as the record will show it."""

    name: str
    role: Role


@dataclass(eq=False, slots=True)
class _Asking:
    """What is asked, and once more where the connection breaks: one act, whose rows are written once."""

    times: int = 0
    before: list[tuple[str, str]] = field(default_factory=list)
    """Rows that the first time left: what they say, and their digests."""
    rows: list[tuple[str, str]] = field(default_factory=list)

    def begin(self) -> None:
        self.times, self.before, self.rows = self.times + 1, self.rows, []

    def once(self, says: str, append: Callable[[], str]) -> str:
        """The digest of a row that says this: of the one that the first time left, each once, else of one appended."""
        at = next((at for at, (said, _) in enumerate(self.before) if said == says), None)
        digest = append() if at is None else self.before.pop(at)[1]
        self.rows.append((says, digest))
        return digest


_reading: ContextVar[tuple[Access, list[Carried]] | None] = ContextVar("reading", default=None)
_asking: ContextVar[_Asking | None] = ContextVar("asking", default=None)


class Access:
    """One person before one record: what they may do, and that it is on record before anything is shown."""

    def __init__(self, person: Person, record: Recorder) -> None:
        self.person, self._record = person, record
        self._noted: set[str] = set()

    def may(self, role: Role) -> bool:
        """Whether this person has at least this role."""
        return _ORDER.index(self.person.role) >= _ORDER.index(role)

    def require(self, role: Role, what: str) -> None:
        """Raise `Refused`, with a row of the record, unless this person may. what: "freeze a cohort"."""
        if not self.may(role):
            self.note("refused", facts_role=str(role))
            raise Refused(
                f"to {what} takes the role {role}; yours is {self.person.role}: ask those who look after this archive"
            )

    def note(self, action: str, subject: str = "", **facts: Fact) -> str:
        """One row of the record: kinds, counts and UIDs, never words that were typed or found. Gives its digest.

        Raises `RecordUnwritable`: nothing is shown then.
        """
        return self._noted_as(action, subject, facts, self._append)

    def note_read(self, action: str, subject: str = "", **facts: Fact) -> None:
        """The row of what was read and is given back now; within `together` it is written at its end."""

        def append(act: Carried) -> str:
            held = self._held()
            if held is None:
                return self._append(act)
            held.append(act)
            return ""

        self._noted_as(action, subject, facts, append)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is read within is on record at the end, by one write for all: a disk is asked once to be sure.

        Nothing of it may be shown before. What is done within, and not only read, is on record before it is done, with
        all that was read until then. Raises `RecordUnwritable` at the end where nothing can be recorded.
        """
        if self._held() is not None:
            yield
            return
        held: list[Carried] = []
        token = _reading.set((self, held))
        try:
            yield
        finally:
            _reading.reset(token)
            if held:
                try:
                    self._record.append_all(held)
                except BaseException:
                    self._noted.clear()  # what is drawn once more is to be noted once more
                    raise

    def _held(self) -> list[Carried] | None:
        """What waits for the end of `together`, None outside of one of this person's."""
        reading = _reading.get()
        return reading[1] if reading is not None and reading[0] is self else None

    def _append(self, act: Carried) -> str:
        held = self._held() or []
        digests = self._record.append_all([*held, act])
        held.clear()
        return digests[-1]

    def _noted_as(self, action: str, subject: str, facts: Mapping[str, Fact], append: Callable[[Carried], str]) -> str:
        person, asking = self.person, _asking.get()

        def row() -> str:
            return append(act_now(user=person.name, role=str(person.role), action=action, subject=subject, facts=facts))

        says = repr((person, action, subject, sorted(facts.items())))
        return row() if asking is None else asking.once(says, row)

    def note_once(self, action: str, subject: str = "", **facts: Fact) -> None:
        """The same for what is drawn again and again by one drawing of a page, as a bar that moves: one row for all.

        A personal archive is made anew for each drawing, so what is drawn anew is a row anew.
        """
        key = repr((action, subject, sorted(facts.items())))
        if key not in self._noted:
            self.note_read(action, subject, **facts)
            self._noted.add(key)

    def allow(self, role: Role, what: str, action: str, subject: str = "", **facts: Fact) -> str:
        """Before an act that is done elsewhere: may this person, and the row of it, whose digest it gives.

        Raises `Refused`.
        """
        self.require(role, what)
        return self.note(action, subject, **facts)

    @contextmanager
    def _acting(self, action: str, subject: str = "", **facts: Fact) -> Iterator[dict[str, Fact]]:
        """What is done within leaves a row before it is given back, also where it fails; facts may be added to it."""
        counted = dict(facts)
        try:
            yield counted
        except SpinechoError as error:
            asking = _asking.get()
            if asking is None or asking.times > 1 or not isinstance(error, ServerLost):  # else it is asked again
                self.note_read(action, subject, **counted, failed=type(error).__name__)
            raise
        self.note_read(action, subject, **counted)

    def record(self, *, most: int = 200) -> tuple[Entry, ...]:
        """The latest acts: everybody's for a manager, else one's own. Looking is one of them."""
        self.require(Role.VIEWER, "see the record")
        self.note_once("see-record")
        return self._record.entries(user=None if self.may(Role.MANAGER) else self.person.name, most=most)


class _Requires(Protocol):
    def require(self, role: Role, what: str) -> None: ...


class _Reads(Protocol):
    @property
    def _database(self) -> Database: ...


def needs(role: Role, what: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A method that takes a role, of a class that has `require`; `method.role` says which. what: "search"."""

    def with_role(method: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(method)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            cast(_Requires, args[0]).require(role, what)
            return method(*args, **kwargs)

        run.role = role  # type: ignore[attr-defined]
        return run

    return with_role


def of_one_moment(method: Callable[P, R]) -> Callable[P, R]:
    """A method that reads, of a class that has `_database`: all that it gives is of one moment of the archive.

    Where the server's connection broke meanwhile it is asked once more, of a moment of its own: one act.
    """

    @functools.wraps(method)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        database = cast(_Reads, args[0])._database

        def read() -> R:
            with database.reading():
                return method(*args, **kwargs)

        return asked_again(database, read)

    run.is_asked_again = True  # type: ignore[attr-defined]
    return run


def asked_again(database: Database, read: Callable[[], R]) -> R:
    """As `Database.again`, for what leaves rows of the record: these are one act's, however often it is asked."""
    if _asking.get() is not None or database.in_a_moment:  # whoever began it asks again
        return read()
    asking = _Asking()

    def ask() -> R:
        asking.begin()
        return read()

    token = _asking.set(asking)
    try:
        return database.again(ask)
    finally:
        _asking.reset(token)


def digest_of(content: str | Iterable[str]) -> str:
    """What the record calls names, words and lists of studies: they may say more than they should."""
    text = content if isinstance(content, str) else "\n".join(content)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:24]


def uid_or_digest(typed: str) -> str:
    """A UID as it is; anything else that was typed for one as a digest: it may be a name."""
    return typed if len(typed) <= 64 and set(typed) <= set("0123456789.") else digest_of(typed)
