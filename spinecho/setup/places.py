"""Paths as they are typed."""

from __future__ import annotations

import os
from pathlib import Path

from spinecho.errors import QueryError

EMPTY_PATH = "an empty path names nothing (a variable that is not set?); '.' is the folder that one stands in"


def place_of(typed: str | os.PathLike[str]) -> Path:
    """The path that is meant: ~ begins an account's home, unless something of that very name is here.

    Raises `QueryError` for an empty text, which pathlib takes for the current folder, and for what no path can be.
    """
    try:
        name = os.fsdecode(typed) if isinstance(typed, str | os.PathLike) else None
        named = b"" if name is None else os.fsencode(name)
    except (TypeError, UnicodeError):
        name = None
    if name is None or b"\0" in named:
        shown = repr(typed)
        raise QueryError(f"{shown[:80]} is no path: give one as text, or as a pathlib.Path")
    if not name:
        raise QueryError(EMPTY_PATH)
    path = Path(name)
    try:
        if path.exists():
            return path
    except OSError as error:  # longer than any name may be
        raise QueryError(f"{name[:80]!r}… is no path ({error.strerror})") from None
    try:
        return path.expanduser()
    except RuntimeError:  # no account has that name
        return path
