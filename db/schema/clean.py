"""What comes from files, made fit for a row: the one guard before SQL.

Names may hold bytes that are no UTF-8, headers and reports lone surrogates, NUL and integers of any length; SQLite's
driver and PostgreSQL refuse these, and a row that is refused on every run would stop all that come after it. Every
text and JSON column is of a type from here, so that no writer can forget; numbers pass through `whole` and `facts`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import JSON, Dialect, String, TypeDecorator
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from spinecho.db.errors import StoreError

_BAD = re.compile("[\0\ud800-\udfff]")
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_ESCAPE = re.compile(r"[\udc80-\udcff]|\\(?=x(?:[89A-F][0-9A-F]|5C))")
_ESCAPED = re.compile(r"\\x([89A-F][0-9A-F]|5C)")
_DEEPEST = 64


class Unstorable(StoreError):
    """The database refuses values of a row, whatever the state of its disk; the message holds none of them."""


def text(value: str) -> str:
    """The text with U+FFFD for each NUL and lone surrogate: as long as before, so that offsets stay true."""
    if value.isascii() and "\0" not in value:
        return value
    return _BAD.sub("\ufffd", value)


def whole(value: int | None) -> int | None:
    """The number, None for one of more than 63 bits."""
    return value if value is None or _LEAST <= value <= _MOST else None


def json_value(value: Any, *, depth: int = 0) -> Any:
    """Plain JSON that every server takes: clean texts, None for NaN, infinities, longer integers and what lies deep."""
    match value:
        case None | bool():
            return value
        case str():
            return text(value)
        case int():
            return whole(value)
        case float():
            return value if math.isfinite(value) else None
        case _ if depth >= _DEEPEST:
            return None
        case Mapping():
            return {text(str(name)): json_value(inner, depth=depth + 1) for name, inner in value.items()}
        case list() | tuple():
            return [json_value(inner, depth=depth + 1) for inner in value]
        case _:
            return value


def facts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of columns: numbers that cannot be stored are None, as if the file had not said them."""
    return {name: value if isinstance(value, date) else json_value(value) for name, value in values.items()}


def stored_path(path: str) -> str:
    r"""A path as it is stored: a byte that is no UTF-8 as \xE4. What looks like that already is escaped too."""
    if path.isascii() and "\\x" not in path:
        return path
    return _ESCAPE.sub(lambda found: "\\x5C" if found[0] == "\\" else f"\\x{ord(found[0]) - 0xDC00:02X}", path)


def real_path(stored: str) -> str:
    """The inverse of `stored_path`: what the system opens."""
    if "\\x" not in stored:
        return stored
    return _ESCAPED.sub(lambda found: "\\" if found[1] == "5C" else chr(0xDC00 + int(found[1], 16)), stored)


def _real_or_none(stored: str | None) -> str | None:
    return stored if stored is None or "\\x" not in stored else real_path(stored)


def _is_of_a_value(error: Exception) -> bool:
    """Whether a server refused what it was given, by the kind of error, SQLSTATE or SQLite's words."""
    if not isinstance(error, DBAPIError):
        orig = error.orig if isinstance(error, StatementError) else error
        return isinstance(orig, OverflowError | ValueError | TypeError)
    if isinstance(error, DataError | IntegrityError):
        return True
    if state := getattr(error.orig, "sqlstate", None):  # PostgreSQL: data exception, constraint, limit of the program
        return str(state)[:2] in ("22", "23", "54")
    details = error.orig.args[0] if error.orig is not None and error.orig.args else ""
    return str(details).startswith("Error binding parameter")


@contextmanager
def storable() -> Iterator[None]:
    """Raise `Unstorable` where the server refuses values within the block, not where it is gone or full."""
    try:
        yield
    except (StatementError, OverflowError, UnicodeError) as error:
        if not _is_of_a_value(error):
            raise
        raise Unstorable(f"the database refuses a value of it ({type(error).__name__})") from error


class CleanText(TypeDecorator[str]):
    """A text that passes `text` on its way in."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is sent to the server."""
        return text(value) if isinstance(value, str) else value


BETWEEN_NAMES = "|"
_NO_NAME = re.compile(r'[|"\\\x00-\x1f]')


class CleanNames(TypeDecorator[tuple[str, ...]]):
    """Several names, such as those of techniques, in one text; ("",) where there is none, as a text without a word."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """What is sent to the server."""
        return None if value is None else BETWEEN_NAMES.join(_NO_NAME.sub(" ", text(one)) for one in value)

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...] | None:
        """The names."""
        return None if value is None else tuple(str(value).split(BETWEEN_NAMES))


class ShownPath(TypeDecorator[str]):
    """A path that is stored with its odd bytes escaped, and read as it is stored: for people and for comparing."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is sent to the server."""
        return text(stored_path(value)) if isinstance(value, str) else value


class RealPath(ShownPath):
    """The same, and read as the system opens it."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        """What the reader gets: one call a value, since every file of an archive passes through on every run."""
        return _real_or_none


class CleanJson(TypeDecorator[Any]):
    """JSON that passes `json_value` on its way in."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """What is sent to the server."""
        return json_value(value)
