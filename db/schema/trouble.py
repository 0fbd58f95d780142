"""What a driver's error means for the person: the data is damaged, the machine fails, or the request is at fault."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from spinecho.db.errors import Damaged, ServerLost, StorageFailure, StoreError
from spinecho.db.schema.engines import Location, driver_message, shown, sqlstate_of

REMEDY = (
    "'spinecho status --check' says what is damaged; put a copy back ('spinecho db copies' lists them), or index "
    "anew into another home: spinecho index FOLDER --home OTHER"
)
"""What helps where a database file is damaged."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT}
_WORDS_OF_DAMAGE = (
    "malformed", "no such table", "no such column", "no such index", "vtable constructor failed", "not a database",
    "could not decode to utf-8", "unsupported file format", "fts5", "has no column", "corrupt", "no such module",
)  # fmt: skip
"""Of errors that SQLite has no number for: the schema is ours, so a table that is missing was lost."""
_REMEDIES = {
    sqlite3.SQLITE_FULL: "the disk is full; make room and run the same command again",
    sqlite3.SQLITE_READONLY: "it may not be written; give yourself the right to, or name another home with --home",
    sqlite3.SQLITE_CANTOPEN: "it, or the files beside it, cannot be opened; look at the rights of its folder",
    sqlite3.SQLITE_PERM: "it may not be opened; look at its rights",
    sqlite3.SQLITE_AUTH: "it may not be opened; look at its rights",
    sqlite3.SQLITE_BUSY: "another process holds it; wait for that one, then try again",
    sqlite3.SQLITE_LOCKED: "another process holds it; wait for that one, then try again",
    sqlite3.SQLITE_PROTOCOL: "another process holds it; wait for that one, then try again",
    sqlite3.SQLITE_NOMEM: "there is too little memory; end other programs, then try again",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written; look at it, then 'spinecho status --check'",
}
_SERVER_DAMAGE = ("XX001", "XX002")
"""PostgreSQL's data corrupted, index corrupted."""
_OF_A_VALUE = "54"
"""A limit of the program that one value or statement is past: the driver counts it among failures to operate."""
_CONNECTIONS = "53300"
_FULL = ("too many clients", "too many connections", "connection slots are reserved")
"""What a server says that takes no more connections: to one that is no connection yet the driver gives no SQLSTATE."""
_SERVER_REMEDIES = {
    "57014": "ask for less at once, or give the database's URL a longer statement_timeout (seconds)",
    "53100": "the server's disk is full; make room there and run the same command again",
    "53200": "the server has too little memory; ask its administrator",
    _CONNECTIONS: "the server takes no more connections; lower pool_size and pool_overflow in the database's URL",
    "40001": "somebody else wrote the same rows; run the same command again",
    "40P01": "somebody else wrote the same rows; run the same command again",
}
"""What helps, by SQLSTATE."""


def error_of(error: DBAPIError | OSError | PoolTimeout, location: Location) -> StoreError | None:
    """The typed error with its remedy; None for one that says nothing of the store, such as a broken constraint."""
    where = shown(location)
    if isinstance(error, PoolTimeout):
        return StorageFailure(
            f"the database {where}: every connection of this process is in use; ask again in a moment, or ask for less "
            "at once"
        )
    message = driver_message(error)
    if not isinstance(location, str):
        return _of_a_file(error, where, message)
    state = sqlstate_of(error)
    if not state and any(words in message for words in _FULL):
        state = _CONNECTIONS
    if state in _SERVER_DAMAGE:
        return Damaged(f"the database {where} is damaged: {message}; put the server's backup back")
    if state in _SERVER_REMEDIES:
        return StorageFailure(f"the database {where}: {message}; {_SERVER_REMEDIES[state]}")
    if state.startswith(_OF_A_VALUE):
        return None
    if isinstance(error, OperationalError | InterfaceError | OSError):
        return ServerLost(f"the database {where} does not answer: {message}")
    return None


def damaged(location: Location, message: str) -> Damaged:
    """The error for a database whose contents cannot be what was written."""
    return Damaged(f"the database {shown(location)} is damaged ({message}). {REMEDY}")


def _of_a_file(error: DBAPIError | OSError, where: str, message: str) -> StoreError | None:
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", None)
    kind = None if code is None else code & 0xFF  # the rest tells more, which nobody can act on
    if kind == sqlite3.SQLITE_NOTADB:
        return Damaged(f"cannot open the database {where}: {message}, or its first page is damaged. {REMEDY}")
    if kind in _DAMAGED:
        return Damaged(f"the database {where} is damaged ({message}). {REMEDY}")
    if kind in _REMEDIES:
        return StorageFailure(f"the database {where}: {message}; {_REMEDIES[kind]}")
    if isinstance(error, OSError):
        return StorageFailure(
            f"cannot open the database {where}: {message}; look at the rights and the room of its folder"
        )
    if isinstance(cause, sqlite3.DatabaseError) and any(words in message.lower() for words in _WORDS_OF_DAMAGE):
        return Damaged(f"the database {where} is damaged ({message}). {REMEDY}")
    if isinstance(error, OperationalError | InterfaceError):
        return StoreError(f"the database {where} does not answer: {message}")
    return None
