"""Homes as commands and pages open them: what opening has to tell goes to standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinecho.ui.printing.console import err

if TYPE_CHECKING:
    from spinecho.db.schema.database import Database
    from spinecho.search.access.desk import Desk
    from spinecho.settings import Settings


def open_database(settings: Settings, *, create: bool = False) -> Database:
    """As `spinecho.wiring.open_database`."""
    from spinecho import wiring  # noqa: PLC0415  (torch is slow to import)

    return wiring.open_database(settings, create=create, warn=show_warning)


def open_desk(settings: Settings) -> Desk:
    """As `spinecho.people.open_desk`."""
    from spinecho import people  # noqa: PLC0415

    return people.open_desk(settings, open_database(settings))


def show_warning(message: str) -> None:
    """One yellow line."""
    err.print(message, style="yellow", markup=False, soft_wrap=True)
