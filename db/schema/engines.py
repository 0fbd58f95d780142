"""The two kinds of database server: a SQLite file, or PostgreSQL by its URL.

A PostgreSQL database has to be made with the locale C, so that texts sort and compare there as they do in SQLite, in
the indexes' snapshots and in Python. `postgresql://user@host:5432/spinecho?sslmode=verify-full` is such a URL; the
password may stand in it or in PGPASSWORD, `host=/run/postgresql` among the options names a socket's folder.
"""

from __future__ import annotations

import os
import sqlite3
import ssl
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from spinecho.db.errors import StoreError
from spinecho.db.schema.access import Access, connect
from spinecho.db.schema.chunks import MOST_VARIABLES

Location: TypeAlias = Path | str
"""A SQLite file, or the URL of a PostgreSQL database."""

_SCHEMES = ("postgresql", "postgres", "postgresql+pg8000")
_SSL = ("disable", "prefer", "require", "verify-full")
_POOL: Any = {"pool_size": 8, "max_overflow": 56}
"""Connections kept, and more that are made while many threads ask at once; each search holds one."""
_OPTIONS = ("sslmode", "sslrootcert", "host")
_MAKE = "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"


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
    try:
        import pg8000  # noqa: F401, PLC0415  (an extra)
    except ImportError as error:
        raise StoreError("PostgreSQL needs its driver: pip install 'spinecho[postgresql]'") from error
    url, options = _postgresql(location)
    engine = create_engine(url, connect_args=options, pool_pre_ping=True, hide_parameters=True, **_POOL)

    @event.listens_for(engine, "connect")
    def settings(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SET datestyle TO 'ISO'")
        connection.commit()

    return engine


def check_server(connection: Connection) -> None:
    """Raise `StoreError` for a PostgreSQL database in which texts would not sort and fold as they do elsewhere."""
    if connection.dialect.name != "postgresql":
        return
    query = "SELECT datname, datcollate, datctype, pg_encoding_to_char(encoding) FROM pg_database"
    name, collate, ctype, encoding = connection.execute(text(f"{query} WHERE datname = current_database()")).one()
    if (collate, ctype, encoding) != ("C", "C", "UTF8"):
        raise StoreError(
            f"the database {name} has locale {collate}/{ctype} and encoding {encoding}, and needs C and UTF8: "
            f"make one with {_MAKE.format(name=name)}"
        )


def driver_message(error: DBAPIError | OSError) -> str:
    """What the driver said, in one line: pg8000 gives the server's answer as fields."""
    given = getattr(error, "orig", None) or error
    if isinstance(given, OSError):  # of these, a certificate's trouble is one
        return str(getattr(given, "verify_message", "") or given.strerror or given)
    details = given.args[0] if given.args else given
    return str(details.get("M", details) if isinstance(details, dict) else details)


def _sqlite(path: Path, access: Access) -> Engine:
    if access is Access.WRITE:
        options = {"timeout": 30, "check_same_thread": False}
        engine = create_engine(f"sqlite:///{path}", connect_args=options, hide_parameters=True, **_POOL)
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


def _postgresql(location: str) -> tuple[URL, dict[str, Any]]:
    url = _url(location)
    if url.drivername not in _SCHEMES:
        raise StoreError(f"{url.drivername}:// is not supported; give a file, or postgresql://user@host/name")
    if not url.database:
        raise StoreError(f"{shown(location)} names no database; give postgresql://user@host/name")
    given = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    if unknown := sorted(set(given) - set(_OPTIONS)):
        raise StoreError(f"the database's URL has an option {unknown[0]!r}; known are {', '.join(_OPTIONS)}")
    options: dict[str, Any] = {"timeout": None, "application_name": "spinecho"}
    match given.get("sslmode", "prefer"):
        case "disable":
            options["ssl_context"] = False
        case "prefer":
            options["ssl_context"] = None  # the driver uses TLS where the server has it
        case "verify-full":
            options["ssl_context"] = ssl.create_default_context(cafile=given.get("sslrootcert"))
        case "require":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            options["ssl_context"] = context
        case other:
            raise StoreError(f"the database's URL says sslmode={other}; it is one of {', '.join(_SSL)}")
    if folder := given.get("host", ""):
        options["unix_sock"] = f"{folder.rstrip('/')}/.s.PGSQL.{url.port or 5432}"
    password = url.password or os.environ.get("PGPASSWORD")
    return url.set(drivername="postgresql+pg8000", query={}, password=password), options
