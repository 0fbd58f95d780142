"""The volumes of a study with what their files' headers say, for whatever compares them with one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Series, Volume, VolumeFile


@dataclass(frozen=True, slots=True)
class StoredVolume:
    """A stored volume. headers: of its files, in the order of their SOP Instance UIDs; of the first alone where not
    `whole`.
    """

    id: int
    series_uid: str
    number: int | None
    description: str
    protocol: str
    key: str
    shape: tuple[int, ...]
    acquisition: Mapping[str, Any]
    headers: tuple[str, ...]
    whole: bool


def stored_volumes(database: Database, study_id: int, *, most_files: int) -> list[StoredVolume]:
    """Those of a study by id, however their files were found. Of a study of more files than `most_files` the headers of
    one file a volume are read.

    Raises `ValueError` for a row whose JSON is none.
    """
    columns = (Volume.id, Series.uid, Series.number, Series.description, Series.protocol, Volume.key, Volume.shape)
    query = select(*columns, Volume.acquisition).join(Series, Series.id == Volume.series_id)
    with database.begin() as session:
        rows = session.execute(query.where(Series.study_id == study_id).order_by(Volume.id)).all()
        counted = select(func.count()).select_from(VolumeFile).join(Volume, Volume.id == VolumeFile.volume_id)
        counted = counted.join(Series, Series.id == Volume.series_id).where(Series.study_id == study_id)
        whole = (session.scalar(counted) or 0) <= most_files
        held: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for some in chunks([row[0] for row in rows]):
            files = select(VolumeFile.volume_id, File.sop_uid, File.header).join(File, File.id == VolumeFile.file_id)
            files = files.where(VolumeFile.volume_id.in_(some), File.header.is_not(None))
            if not whole:
                firsts = (
                    select(VolumeFile.volume_id, func.min(File.sop_uid).label("sop"))
                    .join(File, File.id == VolumeFile.file_id)
                    .where(VolumeFile.volume_id.in_(some))
                    .group_by(VolumeFile.volume_id)
                    .subquery()
                )
                files = files.join(firsts, firsts.c.volume_id == VolumeFile.volume_id)
                files = files.where(File.sop_uid == firsts.c.sop)
            for volume, sop, header in session.execute(files):
                held[volume].append((sop or "", header or ""))
    return [
        StoredVolume(
            volume, uid, series_number, description, protocol, key, tuple(shape), dict(acquisition),
            tuple(header for _, header in sorted(held[volume])), whole,
        )
        for volume, uid, series_number, description, protocol, key, shape, acquisition in rows
    ]  # fmt: skip
