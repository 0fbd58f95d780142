"""Root folders as they were first named: what the UIDs of files that bring none are counted from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Archive


@dataclass(frozen=True, slots=True)
class ArchiveName:
    """A root folder; salt: what its UIDs are made with beside names, '' for none."""

    path: str
    salt: str

    def holds(self, path: str) -> bool:
        """Whether a path is this folder or lies below it."""
        return path == self.path or path.startswith(f"{self.path.rstrip('/')}/")


def name_archives(database: Database, roots: Sequence[str], *, is_there: Callable[[str], bool]) -> list[ArchiveName]:
    """Every archive that was ever named, oldest first, these roots among them or within one of them.

    One that is new gets a salt where another is there: sub-01 of two sites is two people. One whose only
    predecessors are gone gets none, since then it may well be one of them under another name.
    """
    with database.begin() as session:
        known = [ArchiveName(row.path, row.salt) for row in session.scalars(select(Archive).order_by(Archive.id))]
        for root in sorted(roots):
            if any(archive.holds(root) for archive in known):
                continue
            salt = root if any(is_there(archive.path) for archive in known) else ""
            session.add(Archive(path=root, salt=salt))
            session.flush()
            known.append(ArchiveName(root, salt))
    return known
