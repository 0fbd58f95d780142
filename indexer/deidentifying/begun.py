"""Whether an archive is a de-identified one: decided by its first run, and held to ever after."""

from __future__ import annotations

from collections.abc import Mapping

from spinecho.db.errors import StoreError
from spinecho.db.files.runs import any_run, deidentified_as
from spinecho.db.schema.database import Database
from spinecho.indexer.deidentifying.door import PATHS, REPORTS, Door

_NAMED = "this archive was indexed without --deidentify, and holds what names people: index into a new home"


class MixedArchive(StoreError):
    """What is de-identified and what is not would come into one archive."""


def require_kind(database: Database, mark: Mapping[str, str] | None) -> None:
    """Raise `MixedArchive` where a run would not go on as the archive was begun. mark: the run's, see `Door.mark`."""
    if not any_run(database):
        return
    begun = deidentified_as(database)
    if begun == (None if mark is None else dict(mark)):
        return
    if begun is None:
        raise MixedArchive(_NAMED)
    options = f"--dates {begun.get('dates')} --descriptors {begun.get('descriptors')}"
    if mark is None:
        raise MixedArchive(f"this archive is de-identified: index into it with --deidentify {options}")
    if mark["key"] != begun.get("key"):
        raise MixedArchive(
            "this archive was de-identified with another key: put it back, or name it (SPINECHO_IDENTITIES_KEY)"
        )
    raise MixedArchive(f"this archive is de-identified with {options}: give these, or index into a new home")


def require_begun_so(database: Database) -> bool:
    """Whether nothing was indexed yet. Raises `MixedArchive`, before a key is made, where it was not de-identified."""
    fresh = not any_run(database)
    if not fresh and deidentified_as(database) is None:
        raise MixedArchive(_NAMED)
    return fresh


def warnings_of(door: Door | None) -> list[str]:
    """What is to be known of a run that de-identified."""
    if door is None:
        return []
    found = []
    if paths := door.counts[PATHS]:
        found.append(
            f"the paths of {paths:,} files hold a name or a number of their patient, and paths are kept in the index: "
            "rename the folders"
        )
    if reports := door.counts[REPORTS]:
        found.append(
            f"{reports:,} reports were scrubbed by rules, which do not catch every name: see docs/deidentification.md"
        )
    return found
