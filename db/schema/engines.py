"""The two kinds of database server: a SQLite file, or PostgreSQL by its URL.

A PostgreSQL database may have any locale: its text columns have the collation C, so that texts sort and compare there
as they do in SQLite, in the indexes' snapshots and in Python. `postgresql://user@host:5432/spinecho?sslmode=verify-full`
is such a URL; the password may stand in it or in PGPASSWORD, `host=/run/postgresql` among the options names a socket's
folder. Statements are not prepared on the server, so that a connection may come from another pool (PgBouncer) between
us and it.
"""

from __future__ import annotations

import os
import sqlite3
import ssl
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from spinecho.db.errors import StoreError
from spinecho.db.schema.access import Access, connect
from spinecho.db.schema.chunks import MOST_VARIABLES

Location: TypeAlias = Path | str
"""A SQLite file, or the URL of a PostgreSQL database."""

_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_SSL = ("disable", "prefer", "require", "verify-full")
_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where systems keep the certificates that they trust, as one file: the driver's library brings none."""
_POOL: Any = {"pool_size": 8, "max_overflow": 56}
"""Connections kept, and more that are made while many threads ask at once; each search holds one."""
_PATIENCE: Any = {
    "connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}  # fmt: skip
"""After what the driver takes a server that says nothing at all for gone, in seconds and the last in milliseconds: by
itself it waits two minutes for a connection and two hours for a machine that is off. A long statement is no silence."""
_NUMBERS = {
    "connect_timeout": range(1, 3601),
    "statement_timeout": range(1, 86401),
    "pool_size": range(1, 1001),
    "pool_overflow": range(1001),
}
"""Options of a URL that are whole numbers, times in seconds, and what they may be."""
_OPTIONS = ("sslmode", "sslrootcert", "host", *_NUMBERS)
_MAKE = "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"


def read_location(given: str) -> Location:
    """A path, or a URL of PostgreSQL; any other scheme raises `StoreError`."""
    if "://" not in given:
        return Path(given).expanduser().absolute()
    _postgresql(given)
    return given


def shown(location: Location) -> str:
    """The location without its password, for messages and logs."""
    if isinstance(location, Path):
        return str(location)
    return _url(location).set(query={}).render_as_string(hide_password=True)


def make_engine(location: Location, *, access: Access = Access.WRITE) -> Engine:
    """A pool of connections whose errors do not repeat values. Raises `StoreError` for a URL that cannot be one.

    `access`: how a file is used; a server knows itself who may write.
    """
    if isinstance(location, Path):
        return _sqlite(location, access)
    url, options, numbers = _postgresql(location)
    try:
        from spinecho.db.schema.silence import WatchedConnection  # noqa: PLC0415  (its driver is an extra)
    except ImportError as error:
        raise StoreError("PostgreSQL needs its driver: pip install 'spinecho[postgresql]'") from error
    pool = {
        "pool_size": numbers.get("pool_size", _POOL["pool_size"]),
        "max_overflow": numbers.get("pool_overflow", _POOL["max_overflow"]),
    }
    engine = create_engine(url, connect_args=options, pool_pre_ping=True, hide_parameters=True, **pool)
    settings = "SET TIME ZONE 'UTC'; SET datestyle TO 'ISO'"
    if "statement_timeout" in numbers:
        settings += f"; SET statement_timeout TO {numbers['statement_timeout'] * 1000}"

    @event.listens_for(engine, "do_connect")
    def watched(_: object, __: object, given: Any, options: Any) -> Any:
        return WatchedConnection.connect(*given, **options)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _: object) -> None:
        connection.execute(settings)
        connection.commit()

    return engine


def check_server(connection: Connection) -> None:
    """Raise `StoreError` for a PostgreSQL database that cannot hold every text. Its locale does not matter."""
    if connection.dialect.name != "postgresql":
        return
    query = "SELECT datname, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
    name, encoding = connection.execute(text(query)).one()
    if encoding != "UTF8":
        raise StoreError(f"the database {name} has encoding {encoding} and needs UTF8: {_MAKE.format(name=name)}")


def driver_message(error: DBAPIError | PoolTimeout | OSError) -> str:
    """What the driver said, in one line: of a server's answer its first field, which repeats no row."""
    given = getattr(error, "orig", None) or error
    if isinstance(given, OSError):
        return str(given.strerror or given)
    primary = getattr(getattr(given, "diag", None), "message_primary", None)
    return str(primary) if primary else " ".join(str(given.args[0] if given.args else given).split())


def sqlstate_of(error: DBAPIError | OSError) -> str:
    """The five characters by which PostgreSQL names an error; '' for one that it did not send."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def _sqlite(path: Path, access: Access) -> Engine:
    if access is Access.WRITE:
        options = {"timeout": 30, "check_same_thread": False}
        engine = create_engine(
            URL.create("sqlite", database=str(path)), connect_args=options, hide_parameters=True, **_POOL
        )
    else:
        engine = create_engine("sqlite://", creator=lambda: connect(path, access), poolclass=QueuePool, **_POOL)
        engine.hide_parameters = True
    engine.dialect.insertmanyvalues_max_parameters = MOST_VARIABLES
    pragmas = ["synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"]
    if access is Access.WRITE:
        pragmas = ["journal_mode=WAL", *pragmas, "secure_delete=ON"]

    @event.listens_for(engine, "connect")
    def settings(connection: sqlite3.Connection, _: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    return engine


def transactional_ddl(engine: Engine) -> None:
    """Have SQLite's transactions hold CREATE and ALTER too: Python's driver would commit before each of them."""

    @event.listens_for(engine, "connect")
    def by_hand(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _url(location: str) -> URL:
    try:
        return make_url(location)
    except (ArgumentError, ValueError) as error:
        raise StoreError("that is no URL of a database; give postgresql://user@host/name") from error


def _postgresql(location: str) -> tuple[URL, dict[str, Any], dict[str, int]]:
    """The URL without its options, what the driver is given, and the options that are numbers."""
    url = _url(location)
    if url.drivername not in _SCHEMES:
        raise StoreError(f"{url.drivername}:// is not supported; give a file, or postgresql://user@host/name")
    if not url.database:
        raise StoreError(f"{shown(location)} names no database; give postgresql://user@host/name")
    given = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    if unknown := sorted(set(given) - set(_OPTIONS)):
        raise StoreError(f"the database's URL has an option {unknown[0]!r}; known are {', '.join(_OPTIONS)}")
    numbers = {name: _number(name, value) for name, value in given.items() if name in _NUMBERS}
    mode = given.get("sslmode", "prefer")
    if mode not in _SSL:
        raise StoreError(f"the database's URL says sslmode={mode}; it is one of {', '.join(_SSL)}")
    options: dict[str, Any] = {**_PATIENCE, "application_name": "spinecho", "sslmode": mode, "prepare_threshold": None}
    if mode == "verify-full":
        options["sslrootcert"] = given.get("sslrootcert") or _authorities()
    if "connect_timeout" in numbers:
        options["connect_timeout"] = numbers["connect_timeout"]
    if folder := given.get("host", ""):
        options["host"] = folder
    password = url.password or os.environ.get("PGPASSWORD")
    return url.set(drivername="postgresql+psycopg", query={}, password=password), options, numbers


def _number(name: str, given: str) -> int:
    allowed = _NUMBERS[name]
    if not (given.isascii() and given.isdigit() and int(given[:9]) in allowed):
        raise StoreError(f"the database's URL says {name}={given}; it is a number from {allowed[0]} to {allowed[-1]}")
    return int(given)


def _authorities() -> str:
    """The file of the certificates that this machine trusts, or the word by which the driver looks for them itself."""
    known = (ssl.get_default_verify_paths().cafile, *_AUTHORITIES)
    return next((path for path in known if path and Path(path).is_file()), "system")
