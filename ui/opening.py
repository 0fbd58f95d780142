"""Homes as commands open them: what opening has to tell goes to standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
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


@contextmanager
def opened_or_temporary(settings: Settings) -> Iterator[Archive]:
    """The archive of a home or, where that holds none yet, of an empty temporary one that goes when the block ends."""
    if server_now() is not None or not isinstance(settings.database, Path) or settings.database.exists():
        yield open_archive(settings)
        return
    with TemporaryDirectory(prefix="spinecho-") as folder:
        archive = open_archive(replace(settings, home=Path(folder)), create=True)
        try:
            yield archive
        finally:
            archive.close()


def open_acts(settings: Settings) -> Acts:
    """The record of a home, or of the server which is asked in its place."""
    if (remote := server_now()) is not None:
        return cast("Acts", remote.record)
    from spinecho.access.acts import Acts  # noqa: PLC0415

    return Acts(settings)


def show_warning(message: str) -> None:
    """One yellow line."""
    err.print(plain(message), style="yellow", soft_wrap=True, highlight=False)
