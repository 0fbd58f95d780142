"""The record of who did what, as it is read: is it whole, and what does it say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from spinecho.access.people import open_access
from spinecho.db.people.record import Checked, Entry, Record
from spinecho.given import reads_arguments
from spinecho.search.access.persons import Access, Role
from spinecho.setup.settings import Settings

__all__ = ["Acts", "Checked", "Entry", "entry_facts"]


def entry_facts(one: Entry) -> dict[str, Any]:
    """An act as JSON values."""
    at = one.at.isoformat(timespec="microseconds") + "Z"
    return {"number": one.number, "at": at, "user": one.user, "role": one.role, "action": one.action,
            "subject": one.subject, "facts": dict(one.facts), "digest": one.digest}  # fmt: skip


@reads_arguments
class Acts:
    """The record of a home. It is a database of its own: what is wrong with the archive's does not touch it."""

    def __init__(self, settings: Settings, access: Callable[[], Access] | None = None) -> None:
        self._settings = settings
        self._access = access or (lambda: open_access(settings))

    def check(self, *, since: tuple[int, str] | None = None) -> Checked:
        """Whether rows were changed, put in or taken out: (rows, head, broken).

        since: (rows, head) as an earlier check gave them: a record that was cut off or made anew is noticed by that
        alone. Raises `RecordError` for a record that cannot be read.
        """
        return self._readable().check(since=since)

    def entries(self, *, user: str | None = None, action: str | None = None, most: int = 50) -> tuple[Entry, ...]:
        """The latest acts, newest first: everybody's to a manager, or those of a user, else your own."""
        me = self._access()
        me.allow(Role.VIEWER, "see the record", "see-record")
        only = user if me.may(Role.MANAGER) else me.person.name
        return self._readable().entries(user=only, action=action, most=most)

    def walk(self) -> Iterator[Entry]:
        """Every act with its digest, oldest first. For managers; raises `Refused` at once."""
        self._access().allow(Role.MANAGER, "export the record", "export-record")
        return self._readable().walk()

    def _readable(self) -> Record:
        return Record.open(self._settings.record, write=False)
