"""The record of who did what: a database of its own, whose rows are added and never changed.

Each row carries a digest of what it says and of the digest before it, and the head, in a table of its own, says how
many rows there are and what the last digest is. So `check` notices a row that was changed, put in or taken out, the
last ones too. Whoever can write the database and makes every later digest anew, the head with them, is noticed only
where a head was written down elsewhere (`since`).

A row is on its disk (synchronous=FULL) before `append` returns. Many processes append at once: each holds the
database's lock from reading the head to writing the row. What many threads of one append at once is one transaction.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from spinecho.db.people.record_place import FILE, HEAD, ROWS, RecordError, RecordUnwritable, open_place, unwritable, why
from spinecho.db.people.together import Together
from spinecho.db.schema.engines import Location, driver_message, shown
from spinecho.db.values import Carried, Fact

__all__ = [
    "FILE", "Checked", "Entry", "Record", "RecordError", "RecordUnwritable", "Recorder", "Unrecorded", "act_now",
]  # fmt: skip

_MOST_SUBJECT, _MOST_FACT = 128, 400
_SIGNED = ("number", "at", "user", "role", "action", "subject", "facts", "origin", "before")


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `at` is UTC; digest: of the row and of all before it, '' for one that is not written yet."""

    at: datetime
    user: str
    role: str
    action: str
    subject: str
    facts: Mapping[str, Any]
    number: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found. rows: how many there are; head: the last digest; broken: what is wrong, in order of rows."""

    rows: int
    head: str
    broken: tuple[str, ...]


class Recorder(Protocol):
    """What takes rows: a `Record`, or `Unrecorded` on a machine used alone whose user asked for none."""

    def append(self, *, user: str, role: str, action: str, subject: str = "", facts: Mapping[str, Fact]) -> str:
        """Add one act, durably; gives the row's digest. Raises `RecordUnwritable`."""
        ...

    def append_all(self, acts: Sequence[Carried]) -> Sequence[str]:
        """Add acts in their order, durably, all or none; gives the digest of each. Raises `RecordUnwritable`."""
        ...

    def entries(self, *, user: str | None = None, action: str | None = None, most: int = 200) -> tuple[Entry, ...]:
        """The latest acts, newest first, of one user and of one kind where these are given."""
        ...


class Unrecorded:
    """Keeps nothing."""

    def append(self, *, user: str, role: str, action: str, subject: str = "", facts: Mapping[str, Fact]) -> str:
        """Nothing happens, and there is no digest."""
        return ""

    def append_all(self, acts: Sequence[Carried]) -> Sequence[str]:
        """The same for several."""
        return [""] * len(acts)

    def entries(self, *, user: str | None = None, action: str | None = None, most: int = 200) -> tuple[Entry, ...]:
        """Nothing is known."""
        return ()


class Record:
    """The record at one place. Threads and processes may share it."""

    def __init__(self, engine: Engine, location: Location) -> None:
        self._engine, self.location = engine, location
        self._together = Together(self._add_groups)

    @classmethod
    def open(cls, location: Location, *, write: bool = True) -> Record:
        """Open the record, made where there is none; a file is readable and writable by its owner alone.

        write: false opens one that may only be read. Raises `RecordUnwritable` where no row can be added, `RecordError`
        for a database that is no record.
        """
        try:
            return cls(open_place(location, write=write), location)
        except (DBAPIError, sqlite3.Error, OSError) as error:
            if write:
                raise unwritable(location, error) from error
            raise RecordError(f"the record {shown(location)} cannot be read: {why(error)}") from error

    @classmethod
    def beside(cls, location: Location) -> Record:
        """The record in the folder of a database's file. Raises as `open`, and for a database that is no file."""
        if not isinstance(location, Path):
            raise RecordError("the record of a database that is no file has to be named, with SPINECHO_RECORD")
        return cls.open(location.parent / FILE)

    def append(self, *, user: str, role: str, action: str, subject: str = "", facts: Mapping[str, Fact]) -> str:
        """Add one act; gives the row's digest. The caller leaves out what was typed and who the patient is.

        Raises `RecordUnwritable`.
        """
        return self.append_all([act_now(user=user, role=role, action=action, subject=subject, facts=facts)])[0]

    def append_all(self, acts: Sequence[Carried]) -> Sequence[str]:
        """Add acts of one person in their order, all of them or none; gives the digest of each.

        Raises `RecordUnwritable`.
        """
        return self._together.add(acts)

    def carry(self, rows: Sequence[Carried]) -> int:
        """Add rows of an older database, those that are not here yet; how many these were. All of them, or none."""
        return sum(1 for digest in self._add(rows) if digest)

    def find(self, digest: str) -> Entry | None:
        """The row of this digest."""
        with self._reading() as connection:
            row = connection.execute(select(ROWS).where(ROWS.c.digest == digest)).mappings().first()
        return None if row is None else _entry(dict(row))

    def entries(self, *, user: str | None = None, action: str | None = None, most: int = 200) -> tuple[Entry, ...]:
        """The latest acts, newest first, of one user and of one kind where these are given."""
        query = select(ROWS)
        if user is not None:
            query = query.where(ROWS.c.user == _storable(user))
        if action is not None:
            query = query.where(ROWS.c.action == action)
        with self._reading() as connection:
            found = connection.execute(query.order_by(ROWS.c.number.desc()).limit(most)).mappings().all()
        return tuple(_entry(dict(row)) for row in found)

    def walk(self) -> Iterator[Entry]:
        """Every act, oldest first."""
        for row in self._rows():
            yield _entry(row)

    def head(self) -> tuple[int, str]:
        """(how many rows there are, the last one's digest), to be written down elsewhere for `check`."""
        with self._reading() as connection:
            number, digest = connection.execute(select(HEAD.c.number, HEAD.c.digest)).one()
        return int(number), str(digest)

    def check(self, *, since: tuple[int, str] | None = None, most: int = 20) -> Checked:
        """Go through all rows. since: a head that was written down before. most: breaks that are named."""
        broken: list[str] = []
        number, digest = self.head()  # before the rows: those that are added meanwhile come after it
        known = {number: (digest, f"the head speaks of row {number} with another digest: the last rows were replaced")}
        if since is not None:
            fault = f"row {since[0]} is not the one whose digest was written down: the record was rewritten"
            broken += _differs(known.get(since[0]), since[1], fault)
            known.setdefault(since[0], (since[1], fault))
        at, before, rows = 0, "", 0
        for row in self._rows():
            this, rows = int(row["number"]), rows + 1
            if this > at + 1:
                broken.append(_missing(at + 1, this - 1))
            elif row["before"] != before:
                broken.append(f"row {this} does not follow row {at}: one of them was replaced, or rows were taken out")
            if row["digest"] != _digest(row):
                broken.append(f"row {this} was changed")
            broken += _differs(known.get(this), row["digest"], known.get(this, ("", ""))[1])
            at, before = this, str(row["digest"])
        if number > at:
            broken.append(f"{_missing(at + 1, number)}: the end was cut off")
        elif self.head()[0] < at:
            broken.append(f"the head speaks of row {self.head()[0]}, and there are rows up to {at}")
        if since is not None and since[0] > max(at, number):
            broken.append(f"row {since[0]}, whose digest was written down, is missing: the end was cut off")
        return Checked(rows, before, tuple(broken[:most]))

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()

    def _add_groups(self, groups: Sequence[Sequence[Carried]]) -> list[list[str]]:
        digests = iter(self._add([row for group in groups for row in group]))
        return [[next(digests) for _ in group] for group in groups]

    def _add(self, rows: Sequence[Carried]) -> list[str]:
        """The digest of each, '' for one that was carried here before."""
        digests: list[str] = []
        try:
            with self._engine.begin() as connection:
                head = connection.execute(select(HEAD.c.number, HEAD.c.digest).with_for_update()).one()
                number, before = int(head.number), str(head.digest)
                for row in rows:
                    known = select(ROWS.c.number).where(ROWS.c.origin == row.origin)
                    if row.origin and connection.execute(known).first():
                        digests.append("")
                        continue
                    number += 1
                    values = _values(row, number, before)
                    before = values["digest"]
                    connection.execute(insert(ROWS).values(**values))
                    digests.append(before)
                connection.execute(update(HEAD).values(number=number, digest=before))
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise unwritable(self.location, error) from error
        return digests

    def _reading(self) -> _Reading:
        return _Reading(self._engine, self.location)

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        """Page by page, so that nobody who appends waits for one who reads."""
        last, page = 0, 2000
        while True:
            query = select(ROWS).where(ROWS.c.number > last).order_by(ROWS.c.number).limit(page)
            with self._reading() as connection:
                some = [dict(row) for row in connection.execute(query).mappings()]
            yield from some
            if len(some) < page:
                return
            last = int(some[-1]["number"])


class _Reading:
    """A connection that takes no lock, with the driver's errors said in our words."""

    def __init__(self, engine: Engine, location: Location) -> None:
        self._engine, self._location = engine.execution_options(reads_only=True), location

    def __enter__(self) -> Connection:
        try:
            self._connection = self._engine.connect()
        except (DBAPIError, PoolTimeout) as error:
            raise RecordError(f"the record {shown(self._location)} cannot be read: {driver_message(error)}") from error
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._connection.close()
        if isinstance(error, DBAPIError):
            raise RecordError(f"the record {shown(self._location)} cannot be read: {driver_message(error)}") from error


def act_now(*, user: str, role: str, action: str, subject: str = "", facts: Mapping[str, Fact]) -> Carried:
    """An act of this moment, which is not on record yet."""
    return Carried(_now(), user, role, action, subject, facts, "")


def _values(row: Carried, number: int, before: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "number": number,
        "at": row.at.isoformat(timespec="microseconds"),
        "user": _storable(row.user),
        "role": _storable(row.role),
        "action": _storable(row.action),
        "subject": _storable(row.subject)[:_MOST_SUBJECT],
        "facts": json.dumps({name: _fact(value) for name, value in row.facts.items()}, sort_keys=True, allow_nan=False),
        "origin": row.origin or None,
        "before": before,
    }
    return values | {"digest": _digest(values)}


def _digest(row: Mapping[str, Any]) -> str:
    row_json = json.dumps([row[name] for name in _SIGNED], ensure_ascii=True)
    return hashlib.sha256(row_json.encode("ascii")).hexdigest()


def _fact(value: Fact) -> Fact:
    if isinstance(value, str):
        return _storable(value)[:_MOST_FACT]
    return value if not isinstance(value, float) or abs(value) < float("inf") else None


def _storable(value: str) -> str:
    """The text as every database takes it: what is no character of Unicode, and NUL, written out."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def _entry(row: Mapping[str, Any]) -> Entry:
    try:
        at, facts = datetime.fromisoformat(row["at"]), json.loads(row["facts"])
    except (ValueError, TypeError):  # changed by hand: `check` says where
        at, facts = datetime.min, {"unreadable": True}
    facts = facts if isinstance(facts, dict) else {"unreadable": True}
    return Entry(at, row["user"], row["role"], row["action"], row["subject"], facts, int(row["number"]), row["digest"])


def _differs(known: tuple[str, str] | None, digest: str, fault: str) -> list[str]:
    return [fault] if known is not None and known[0] != digest else []


def _missing(first: int, last: int) -> str:
    return f"row {first} is missing" if first == last else f"rows {first} to {last} are missing"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
