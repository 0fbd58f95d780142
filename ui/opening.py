"""Homes as commands open them: what opening has to tell goes to standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinecho.ui.printing.console import err
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from spinecho.archive import Archive
    from spinecho.settings import Settings


def open_archive(settings: Settings, *, create: bool = False) -> Archive:
    """The archive of a home. Raises as `spinecho.open` does."""
    from spinecho.archive import Archive  # noqa: PLC0415  (torch is slow to import)

    return Archive(settings, create=create, notify=show_warning)


def show_warning(message: str) -> None:
    """One yellow line."""
    err.print(plain(message), style="yellow", soft_wrap=True, highlight=False)
