"""The self-test of channels after what changes an archive: runs, upgrades, and when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from spinecho.db.schema.database import Database
from spinecho.encoders.dual import DualEncoder
from spinecho.search.self_test import look_after


def run_self_test(
    database: Database, open_dual: Callable[[], DualEncoder], *, console: Console, again: bool = False
) -> str:
    """Test where it is due, or `again`; what went wrong, '' where nothing did: it fails no run."""
    with console.status("testing channels on this archive"):
        return look_after(database, open_dual, again=again).warning
