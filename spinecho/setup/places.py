"""Paths as they are typed."""

from __future__ import annotations

import os
from pathlib import Path


def place_of(typed: str | os.PathLike[str]) -> Path:
    """The path that is meant: ~ begins an account's home, unless something of that very name is here."""
    path = Path(typed)
    if path.exists():
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # no account has that name
        return path
