"""Paths as they are typed."""

from __future__ import annotations

import os
from pathlib import Path

from spinecho.errors import QueryError

EMPTY_PATH = "an empty path names nothing (a variable that is not set?); '.' is the folder that one stands in"


def place_of(typed: str | os.PathLike[str]) -> Path:
    """The path that is meant: ~ begins an account's home, unless something of that very name is here.

    Raises `QueryError` for an empty text, which pathlib takes for the current folder.
    """
    if not os.fspath(typed):
        raise QueryError(EMPTY_PATH)
    path = Path(typed)
    if path.exists():
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # no account has that name
        return path
