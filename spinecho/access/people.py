"""Who sits at the command line, what they may do, and where it is recorded."""

from __future__ import annotations

import os
import pwd
from datetime import UTC, datetime, timedelta

from spinecho.access.roles import account_role, read_roles, signs_in
from spinecho.db.people.record import Record, Recorder, RecordUnwritable, Unrecorded
from spinecho.db.values import Fact
from spinecho.encoders.sandbox.environment import command_environment
from spinecho.errors import SettingsError
from spinecho.search.access.persons import Access, Person, Refused, Role
from spinecho.setup.settings import Settings

__all__ = [
    "STARTED_BY", "Access", "Fact", "Person", "RecordUnwritable", "Recorder", "Refused", "Role", "environment_of",
    "open_access", "open_record", "person_here",
]  # fmt: skip

STARTED_BY = "SPINECHO_STARTED_BY"
"""Digest of the row of the record by which a page started this process for a person."""
_STARTS = {"index", "evaluate"}
_LONGEST = timedelta(minutes=10)
"""Between the row and the process that it starts."""


def open_record(settings: Settings, *, signed: bool = False) -> Recorder:
    """Where acts are kept. Raises `RecordUnwritable`, and `SettingsError` for --no-record where people sign in.

    signed: people sign in, whatever the home says of it.
    """
    if not settings.no_record:
        return Record.open(settings.record)
    if signed or signs_in(settings.secrets):
        raise SettingsError(
            "--no-record is for a machine used alone; people sign in to this home, so it keeps a record"
        )
    return Unrecorded()


def environment_of(row: str) -> dict[str, str]:
    """The environment of a command that is somebody's by a row of the record, whose digest this is."""
    return {**command_environment(), STARTED_BY: row}


def open_access(settings: Settings) -> Access:
    """The person at the command line, before the record."""
    record = open_record(settings)
    return Access(person_here(settings, record), record)


def person_here(settings: Settings, record: Recorder) -> Person:
    """Used alone: the user of the settings, with every right. Where people sign in: the account, as roles.toml has it.

    A process that a page started for somebody goes by the row that was written for it. Raises `Refused` for an account
    without a role.
    """
    if (starter := _starter(record)) is not None:
        return starter
    if not signs_in(settings.secrets):
        return Person(settings.user or "somebody", Role.MANAGER)
    name = _account()
    role = account_role(name, read_roles(settings.roles))
    if role is None:
        record.append(user=name, role="none", action="refused", facts={"way": "command line"})
        raise Refused(f"the account {name} has no role here: ask those who look after this archive (roles.toml)")
    return Person(name, role)


def _starter(record: Recorder) -> Person | None:
    digest = os.environ.get(STARTED_BY, "")
    row = record.find(digest) if digest and isinstance(record, Record) else None
    if row is None or row.action not in _STARTS or row.role not in set(Role):
        return None
    if abs(datetime.now(UTC).replace(tzinfo=None) - row.at) > _LONGEST:
        return None
    return Person(row.user, Role(row.role))


def _account() -> str:
    """The account that this process runs under, whatever the environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # an account without a name, as in some containers
        return f"uid {os.getuid()}"
