"""Files without UIDs of their own that are byte for byte the same and lie in several places: each is a study there.

Nothing says which is the copy, or whether two people were given one file, so nothing is taken away; a count of studies,
and a split of patients, is wrong all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import distinct, func, select

from spinecho.db.schema import clean
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Folder

_EXAMPLES = 5
REMEDY = (
    "if one folder is named twice (a link, another mount, a source over it), name it once, and let 'spinecho index "
    "--prune' forget the other; if they are copies, take one away"
)


@dataclass(frozen=True, slots=True)
class SameBytes:
    """files: beyond the first of each; studies: that all of them are in; examples: paths, two of a pair."""

    files: int
    studies: int
    examples: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What is said of them; it names no file."""
        are = "NIfTI files are" if self.files > 1 else "NIfTI file is"
        return (
            f"{self.files:,} {are} byte for byte another one, and counted as a study there ({self.studies:,} studies)"
        )


def same_bytes(database: Database) -> SameBytes | None:
    """Of the files that are indexed; None where there are none."""
    held = File.kind == "nifti", File.state == "indexed", File.digest.is_not(None)
    twice = (
        select(File.digest, func.count(distinct(File.study_uid)).label("studies"), func.count(File.id).label("files"))
        .where(*held)
        .group_by(File.digest)
        .having(func.count(distinct(File.study_uid)) > 1)
        .subquery()
    )
    counts = select(
        func.count(), func.coalesce(func.sum(twice.c.studies), 0), func.coalesce(func.sum(twice.c.files), 0)
    )
    pairs = (
        select(Folder.path, File.name)
        .join(Folder, Folder.id == File.folder_id)
        .join(twice, twice.c.digest == File.digest)
        .where(*held)
        .order_by(File.digest, Folder.path, File.name)
        .limit(_EXAMPLES)
    )
    with database.begin() as session:
        groups, studies, files = session.execute(counts.select_from(twice)).one()
        if not groups:
            return None
        examples = tuple(clean.stored_path(f"{folder}/{name}") for folder, name in session.execute(pairs))
    return SameBytes(int(files) - int(groups), int(studies), examples)
