"""Homes as commands open them: what opening has to tell goes to standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from spinecho.ui.printing.console import err
from spinecho.ui.printing.server_option import server_now
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from spinecho.access.acts import Acts
    from spinecho.archive import Archive
    from spinecho.setup.settings import Settings


def open_archive(settings: Settings, *, create: bool = False) -> Archive:
    """The archive of a home, or that of the server which is asked in its place. Raises as `spinecho.open` does."""
    if (remote := server_now()) is not None:
        return cast("Archive", remote)  # it has the same methods, or says that it has not
    from spinecho.archive import Archive  # noqa: PLC0415  (torch is slow to import)

    return Archive(settings, create=create, notify=show_warning)


def open_acts(settings: Settings) -> Acts:
    """The record of a home, or of the server which is asked in its place."""
    if (remote := server_now()) is not None:
        return cast("Acts", remote.record)
    from spinecho.access.acts import Acts  # noqa: PLC0415

    return Acts(settings)


def show_warning(message: str) -> None:
    """One yellow line."""
    err.print(plain(message), style="yellow", soft_wrap=True, highlight=False)
