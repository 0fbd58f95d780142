"""Folders as places on a disk, whatever path leads to them, and where nothing may be written that an archive reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select

from spinecho.db.errors import StoreError
from spinecho.db.files.runs import last_roots
from spinecho.db.files.sources import sources
from spinecho.db.schema import clean
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Folder


def lies_in(inner: Path, outer: Path) -> bool:
    """Whether one folder is the other or lies in it, by links and mounts too; neither needs to be there."""
    inner, outer = _resolved(inner), _resolved(outer)
    return outer in (inner, *inner.parents) or any(_is_same(one, outer) for one in (inner, *inner.parents))


def _resolved(folder: Path) -> Path:
    """Without links; a path that goes in circles, or through what this account may not enter, as it is written."""
    try:
        return folder.resolve()
    except (OSError, RuntimeError):  # RuntimeError: a circle of links, before Python 3.13
        return folder.absolute()


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # not there, or not to be looked at
        return False


def known_as(folder: Path, known: Iterable[Path]) -> Path:
    """The one of those folders that this is, by whatever path; itself, absolute, where it is none of them.

    A folder has as many paths as there are links and mounts that lead to it, and its files are no more for that.
    """
    absolute, others = folder.absolute(), list(known)
    if absolute in others:
        return absolute
    return next((one for one in others if lies_in(absolute, one) and lies_in(one, absolute)), absolute)


def require_outside(database: Database, home: Path, folder: Path) -> None:
    """Raise `StoreError` for a folder to be written into that lies in the home, or in what the archive is read from.

    Copies that lie there are taken for scans of other people by a later run, and stand on both sides of a split.
    """
    read = dict.fromkeys([*last_roots(database), *_still_read(database)])
    read |= dict.fromkeys(one.settings["path"] for one in sources(database) if one.kind == "folder")
    for what, outer in (("the home", home), *(("the archive", Path(one)) for one in read)):
        if lies_in(folder, outer):
            why = "a later run would take what is written there for other studies" if outer != home else "it is in use"
            raise StoreError(f"{folder} lies in {what} {outer}: {why}; name a folder elsewhere")


def _still_read(database: Database) -> list[str]:
    """Roots, of whatever run, of which a file is in the index: any run may be given them again."""
    with database.begin() as session:
        return [clean.real_path(root) for root in session.scalars(select(Folder.root).distinct())]
