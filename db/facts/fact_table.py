"""The facts of studies and their volumes as arrays, and how they are read from SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from spinecho.db.facts.fact_columns import Column, Encoder, Flags
from spinecho.db.filters.sql import COLUMNS, lowered
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.models import File, Folder, Passage, Report, Series, Study, Vector, Volume, VolumeFile
from spinecho.db.vectors.indexes.protocol import Ids

Places: TypeAlias = NDArray[np.int32]
IDENTIFIERS = ("study_uid", "accession_number", "patient_id")
"""Fields that are kept as 64-bit digests of their lower case: they have about as many values as there are studies."""
OF_STUDIES = frozenset({"sex", "age", "date"})
"""Columns whose value is the same for every volume of a study."""
PLAIN = tuple(name for name in COLUMNS if name not in {*IDENTIFIERS, "archive"})
_ROWS = 20_000


@dataclass(frozen=True, eq=False)
class Entries:
    """The vectors of a space. ids: sorted; places: the row of the volume, or volumes + place of the report's study."""

    ids: Ids
    places: Places

    @cached_property
    def highest(self) -> int:
        """The highest place; below the number of volumes where no vector is of a report."""
        return int(self.places.max(initial=-1))

    @cached_property
    def straight(self) -> bool:
        """Whether the vectors are those of the volumes, in order."""
        return bool(np.array_equal(self.places, np.arange(len(self.places))))


@dataclass(frozen=True, eq=False)
class FactTable:
    """Volumes ordered by study, then id; every study has at least one.

    studies: (s,) ids, sorted; first: (s,) each study's first row; patients: (s,) a number of each study's patient, one
    without a patient ID being of one of its own; volumes: (v,) ids; study_of: (v,) places in `studies`; columns: (v,)
    by field; digests: (s,) by identifier; spaces: by space id.
    passages: (p,) ids of report sentences, sorted, with places of their studies.
    reports: (r,) ids, sorted, with places of their studies, -1 for none.
    """

    studies: Ids
    first: Places
    patients: NDArray[np.int64]
    volumes: Ids
    study_of: Places
    columns: Mapping[str, Column]
    digests: Mapping[str, NDArray[np.int64]]
    spaces: Mapping[int, Entries]
    passages: Ids
    passage_studies: Places
    reports: Ids
    report_studies: Places

    def rows_of(self, volumes: Ids) -> Flags:
        """(v,): which rows are of these volumes."""
        return self._flags(self.volumes, self._by_volume, volumes)

    def studies_of(self, studies: Ids) -> Flags:
        """(s,): which places are of these studies."""
        return self._flags(self.studies, None, studies)

    def any_of(self, rows: Flags) -> Flags:
        """(s,): which studies have one of these rows."""
        return np.logical_or.reduceat(rows, self.first) if len(self.first) else np.zeros(0, dtype=bool)

    def study_places_of_vectors(self, vectors: Ids) -> tuple[Places, Ids]:
        """(places of the studies that these vectors are of, the vectors that are not here)."""
        places, unknown = [np.empty(0, np.int32)], vectors
        for entries in self.spaces.values():
            at, found = locate(entries.ids, vectors)
            rows = np.asarray(entries.places[at[found]])
            of_volumes = rows < len(self.volumes)
            places += [self.study_of[rows[of_volumes]], rows[~of_volumes] - len(self.volumes)]
            unknown = np.setdiff1d(unknown, vectors[found])
        return np.unique(np.concatenate(places)).astype(np.int32), unknown

    @cached_property
    def most_of_a_patient(self) -> int:
        """How many studies the patient has who has the most."""
        return int(np.unique(self.patients, return_counts=True)[1].max(initial=0))

    @cached_property
    def _by_volume(self) -> NDArray[np.int64]:
        return np.argsort(self.volumes, kind="stable")

    @staticmethod
    def _flags(ids: Ids, order: NDArray[np.int64] | None, wanted: Ids) -> Flags:
        flags = np.zeros(len(ids), dtype=bool)
        at, found = locate(ids, wanted, order)
        flags[at[found]] = True
        return flags


def locate(ids: Ids, wanted: Ids, order: NDArray[np.int64] | None = None) -> tuple[NDArray[np.int64], Flags]:
    """(where each wanted id stands, whether it is there). `order` sorts ids that are not sorted."""
    if not len(ids):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    at = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
    if order is not None:
        at = order[at]
    return at, np.asarray(ids[at] == wanted)


def digest(text: str) -> int:
    """64 bits of a text without regard to case."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


def read_facts(session: Session, studies: Ids | None = None) -> FactTable:
    """The facts of all studies, or of these (sorted ids), as SQL has them; studies without volumes are left out."""
    volumes, study_ids, columns = _read_volumes(session, studies)
    held, first, study_of = np.unique(study_ids, return_index=True, return_inverse=True)
    order = np.argsort(volumes, kind="stable")
    known = _read(session, select(Report.id, func.coalesce(Report.study_id, -1)).order_by(Report.id), studies, Report)
    report_places = _places(held, known[:, 1])
    passages, entries = _read_passages(session, studies, volumes, order, held)
    wanted = select(Vector.space_id, Vector.id, Vector.volume_id).where(Vector.volume_id.is_not(None))
    rows = _read_among(session, wanted, Vector.volume_id, None if studies is None else volumes)
    at, found = locate(volumes, rows[:, 2], order)
    entries += [(rows[found, 0], rows[found, 1], at[found])]
    return FactTable(
        studies=held,
        first=first.astype(np.int32),
        patients=_read_patients(session, studies, held),
        volumes=volumes,
        study_of=study_of.astype(np.int32),
        columns={**columns, "archive": _read_archives(session, studies, volumes, order)},
        digests=_read_digests(session, studies, held),
        spaces=_spaces(entries),
        passages=passages[0],
        passage_studies=passages[1],
        reports=known[:, 0],
        report_studies=report_places,
    )


def _read_volumes(session: Session, studies: Ids | None) -> tuple[Ids, Ids, dict[str, Column]]:
    query = (
        select(Volume.id, Series.study_id, *(COLUMNS[name] for name in PLAIN))
        .join(Series, Series.id == Volume.series_id)
        .join(Study, Study.id == Series.study_id)
        .order_by(Series.study_id, Volume.id)
    )
    encoders = {name: Encoder() for name in PLAIN}
    ids: list[tuple[int, ...]] = []
    of: list[tuple[int, ...]] = []
    for rows in _blocks(session, query, Series.study_id, studies):
        volume, study, *facts = zip(*rows, strict=True)
        ids.append(volume)
        of.append(study)
        for encoder, values in zip(encoders.values(), facts, strict=True):
            encoder.add(values)
    columns = {name: encoder.column() for name, encoder in encoders.items()}
    return _joined(ids), _joined(of), columns


def _read_archives(session: Session, studies: Ids | None, volumes: Ids, order: NDArray[np.int64]) -> Column:
    """The root folders that each volume's files came from."""
    roots = list(session.scalars(select(Folder.root).distinct().order_by(Folder.root)))
    sets: dict[int, tuple[str, ...]] = {}
    if len(roots) == 1:
        held = select(VolumeFile.volume_id).distinct()
        for (volume,) in _rows_among(session, held, VolumeFile.volume_id, None if studies is None else volumes):
            sets[volume] = (roots[0],)
    elif roots:
        query = select(VolumeFile.volume_id, Folder.root).distinct()
        query = query.select_from(VolumeFile).join(File, File.id == VolumeFile.file_id).join(Folder)
        found: dict[int, set[str]] = {}
        for volume, root in _rows_among(session, query, VolumeFile.volume_id, None if studies is None else volumes):
            found.setdefault(volume, set()).add(root)
        sets = {volume: tuple(sorted(several)) for volume, several in found.items()}
    encoder = Encoder()
    encoder.add(sets.get(volume) for volume in volumes.tolist())
    return encoder.column()


def _read_digests(session: Session, studies: Ids | None, held: Ids) -> dict[str, NDArray[np.int64]]:
    query = select(Study.id, *(COLUMNS[name] for name in IDENTIFIERS)).order_by(Study.id)
    found = {name: np.zeros(len(held), dtype=np.int64) for name in IDENTIFIERS}
    for rows in _blocks(session, query, Study.id, studies):
        ids, *several = zip(*rows, strict=True)
        at, there = locate(held, np.array(ids, dtype=np.int64))
        for name, values in zip(IDENTIFIERS, several, strict=True):
            digests = np.fromiter((digest(lowered(value)) for value in values), dtype=np.int64, count=len(values))
            found[name][at[there]] = digests[there]
    return found


def _read_patients(session: Session, studies: Ids | None, held: Ids) -> NDArray[np.int64]:
    rows = _array(_blocks(session, select(Study.id, func.coalesce(Study.patient, -Study.id)), Study.id, studies), 2)
    at, there = locate(held, rows[:, 0])
    found = np.zeros(len(held), dtype=np.int64)
    found[at[there]] = rows[there, 1]
    return found


_Entry: TypeAlias = tuple[NDArray[np.int64], Ids, NDArray[np.int64]]
"""(space ids, vector ids, places)"""


def _read_passages(
    session: Session, studies: Ids | None, volumes: Ids, order: NDArray[np.int64], held: Ids
) -> tuple[tuple[Ids, Places], list[_Entry]]:
    """((ids, places of studies) of the sentences of reports, where every passage's vector belongs)."""
    of_reports = select(Passage.id, Report.study_id).join(Report, Report.id == Passage.report_id)
    of_reports = of_reports.where(Report.study_id.is_not(None)).order_by(Passage.id)
    passage_blocks, of = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for rows in _blocks(session, of_reports, Report.study_id, studies):
        block_ids, found = zip(*rows, strict=True)
        passage_blocks.append(np.array(block_ids, dtype=np.int64))
        of.append(np.array(found, dtype=np.int64))
    passages, study_places = np.concatenate(passage_blocks), _places(held, np.concatenate(of))
    sort = np.argsort(passages, kind="stable")
    passages, study_places = passages[sort], study_places[sort]
    captions = select(Passage.id, Passage.volume_id).where(Passage.volume_id.is_not(None))
    own = _read_among(session, captions, Passage.volume_id, None if studies is None else volumes)
    at, there = locate(volumes, own[:, 1], order)
    ids = np.concatenate([own[there, 0], passages[study_places >= 0]])
    places = np.concatenate([at[there], study_places[study_places >= 0].astype(np.int64) + len(volumes)])
    sort = np.argsort(ids, kind="stable")
    ids, places = ids[sort], places[sort]
    wanted = select(Vector.space_id, Vector.id, Vector.passage_id).where(Vector.passage_id.is_not(None))
    vectors = _read_among(session, wanted, Vector.passage_id, None if studies is None else ids)
    at, there = locate(ids, vectors[:, 2])
    return (passages, study_places), [(vectors[there, 0], vectors[there, 1], places[at[there]])]


def _spaces(entries: Sequence[_Entry]) -> dict[int, Entries]:
    spaces, ids, places = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    found = {}
    for space in np.unique(spaces).tolist():
        mine = spaces == space
        order = np.argsort(ids[mine], kind="stable")
        found[space] = Entries(ids[mine][order], places[mine][order].astype(np.int32))
    return found


def _places(held: Ids, ids: Ids) -> Places:
    at, found = locate(held, ids)
    return np.where(found, at, -1).astype(np.int32)


def _read(session: Session, query: Any, studies: Ids | None, table: Any) -> NDArray[np.int64]:
    return _array(_blocks(session, query, table.study_id, studies), len(query.selected_columns))


def _read_among(session: Session, query: Any, column: Any, ids: Ids | None) -> NDArray[np.int64]:
    return _array(_blocks(session, query, column, ids), len(query.selected_columns))


def _rows_among(session: Session, query: Any, column: Any, ids: Ids | None) -> Iterator[Any]:
    for rows in _blocks(session, query, column, ids):
        yield from rows


def _blocks(session: Session, query: Any, column: Any, ids: Ids | None) -> Iterator[Sequence[Any]]:
    """The query's rows in blocks: all of them, or those whose column is among the ids."""
    if ids is None:
        yield from session.execute(query.execution_options(yield_per=_ROWS)).partitions()
        return
    for some in chunks(ids.tolist()):
        if rows := session.execute(query.where(column.in_(some))).all():
            yield rows


def _array(blocks: Iterator[Sequence[Any]], width: int) -> NDArray[np.int64]:
    parts = [np.array([tuple(row) for row in rows], dtype=np.int64) for rows in blocks]
    return np.concatenate(parts) if parts else np.empty((0, width), dtype=np.int64)


def _joined(parts: Sequence[Sequence[int]]) -> Ids:
    return np.concatenate([np.empty(0, np.int64), *(np.array(part, dtype=np.int64) for part in parts)])
