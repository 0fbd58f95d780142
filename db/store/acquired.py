"""Facts of volumes that older rules derived: what is stored, and putting what this version's rules say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from spinecho.db.errors import Damaged
from spinecho.db.schema import clean
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import File, Folder, Passage, Series, Study, Vector, Volume, VolumeFile
from spinecho.db.store.storing import add_passages, columns_of_facts
from spinecho.db.store.watermarks import facts_changed, number_of, set_number
from spinecho.db.values import FileRecord, NewPassage
from spinecho.db.vectors.tombstones import remove_vectors

_PAGE = 200


@dataclass(frozen=True, slots=True)
class OldVolume:
    """A volume whose facts older rules derived. series, study: descriptions; n_echoes: echo times of its series."""

    id: int
    key: str
    acquisition: dict[str, Any]
    record: FileRecord
    series: str
    study: str
    n_echoes: int


@dataclass(frozen=True, slots=True)
class NewFacts:
    """What these rules say of a volume; caption: the sentence that says so, None where it is the same as before."""

    acquisition: Mapping[str, Any]
    caption: NewPassage | None


def old_volumes(database: Database, rules: int) -> tuple[list[OldVolume], int] | None:
    """(the next volumes of older rules that have a header, the last id that was looked at); None after the last one.

    How far these rules have come is kept, so that a run that was stopped goes on and later ones look at nothing twice.
    """
    with database.begin() as session:
        query = select(Volume.id).where(Volume.id > number_of(session, _name(rules))).order_by(Volume.id).limit(_PAGE)
        ids = list(session.scalars(query))
        if not ids:
            return None
        old = [row for row in _sound(session, ids) if (row.acquisition.get("rules") or 0) < rules]
        headers = _headers(session, [row.id for row in old])
        echoes = _echo_times(session, sorted({row.series_id for row in old}))
        texts = {
            series: (description, study)
            for series, description, study in session.execute(
                select(Series.id, Series.description, Study.description)
                .join(Study, Study.id == Series.study_id)
                .where(Series.id.in_({row.series_id for row in old}))
            )
        }
        found = [
            OldVolume(
                row.id,
                row.key,
                dict(row.acquisition),
                headers[row.id],
                *texts[row.series_id],
                n_echoes=max(1, len(echoes[row.series_id])),
            )
            for row in old
            if row.id in headers
        ]
        return found, ids[-1]


def put_acquired(database: Database, found: Mapping[int, NewFacts], *, rules: int, last: int, text_space: int) -> None:
    """Store a page of facts by volume id, whole or not at all, and that these rules have come to the id `last`."""
    with clean.storable(), database.begin() as session:
        changed = False
        for row in _sound(session, list(found)):
            new = found[row.id]
            row.acquisition = dict(new.acquisition)
            for name, value in columns_of_facts(new.acquisition).items():
                changed |= getattr(row, name) != value
                setattr(row, name, value)
            if new.caption is not None:
                mine = select(Passage.id).where(Passage.volume_id == row.id)
                remove_vectors(session, Vector.passage_id.in_(mine))
                session.execute(delete(Passage).where(Passage.volume_id == row.id))
                add_passages(session, [new.caption], text_space, volume_id=row.id)
        if changed:
            facts_changed(session)
        set_number(session, _name(rules), last)


def _name(rules: int) -> str:
    return f"acquisition rules {rules}"


def _headers(session: Session, volumes: Sequence[int]) -> dict[int, FileRecord]:
    """A file of each volume that has a header: the first by id."""
    one = (
        select(VolumeFile.volume_id, func.min(VolumeFile.file_id).label("file"))
        .where(VolumeFile.volume_id.in_(volumes))
        .group_by(VolumeFile.volume_id)
        .subquery()
    )
    query = (
        select(one.c.volume_id, File.id, Folder.path, File.name, File.header, File.state)
        .join(File, File.id == one.c.file)
        .join(Folder, Folder.id == File.folder_id)
    )
    return {
        volume: FileRecord(file, str(Path(folder) / name), header, state)
        for volume, file, folder, name, header, state in session.execute(query)
        if header
    }


def _echo_times(session: Session, series: Sequence[int]) -> dict[int, set[float]]:
    found: dict[int, set[float]] = defaultdict(set)
    for row in _sound(session, list(session.scalars(select(Volume.id).where(Volume.series_id.in_(series))))):
        if (te := row.acquisition.get("te_ms")) is not None:
            found[row.series_id].add(round(te, 1))
    return found


def _sound(session: Session, ids: Sequence[int]) -> list[Volume]:
    """The volumes that say what was written. Damaged ones stay as they are: reading their files again mends them."""
    query = select(Volume).order_by(Volume.id)
    try:
        return [row for some in chunks(ids) for row in session.scalars(query.where(Volume.id.in_(some)))]
    except (Damaged, ValueError):  # a row's checksum, or JSON that is none
        pass
    found: list[Volume] = []
    for number in ids:
        with suppress(Damaged, ValueError):
            found += session.scalars(query.where(Volume.id == number))
    return found
