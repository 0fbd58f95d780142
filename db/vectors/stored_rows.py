"""Vectors as rows and builds store them: fp16, little-endian, in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from spinecho.db.errors import Damaged
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Vector, vector_checksum
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.protocol import Codes, Ids, Rows

ROWS_FILE, ROUGH_FILE, IDS_FILE = "rows.f16", "rows.u8", "ids.i64"
_BLOCK = 20_000
_COLUMNS = (Vector.id, Vector.data, Vector.passage_id, Vector.volume_id, Vector.checksum)


def write_rows(database: Database, space: SpaceRecord, folder: Path, *, up_to: int | None = None) -> int:
    """Write a space's vectors and ids from SQL into a folder, as a build keeps them. Returns how many."""
    count = 0
    with (folder / ROWS_FILE).open("wb") as rows_file, (folder / IDS_FILE).open("wb") as ids_file:
        for ids, data in _blocks(database, space, after=0, up_to=up_to):
            ids_file.write(ids.astype("<i8").tobytes())
            rows_file.write(data)
            count += len(ids)
    return count


def read_rows(folder: Path, *, dim: int) -> tuple[Ids, Codes]:
    """(ids, vectors) as `write_rows` left them, mapped: (n,) and (n, dim)."""
    if not (folder / IDS_FILE).stat().st_size:
        return np.empty(0, np.int64), np.empty((0, dim), np.float16)
    ids = np.memmap(folder / IDS_FILE, dtype="<i8", mode="r")
    return ids, np.memmap(folder / ROWS_FILE, dtype="<f2", mode="r", shape=(len(ids), dim))


def read_vectors(
    database: Database, space: SpaceRecord, *, after: int = 0, up_to: int | None = None, block: int = _BLOCK
) -> Iterator[tuple[Ids, Rows]]:
    """A space's vectors in the order of their ids, in blocks, as float32 rows."""
    for ids, data in _blocks(database, space, after=after, up_to=up_to, most=block):
        yield ids, unpack(data, space.dim)


def vectors_by_id(database: Database, space: SpaceRecord, ids: Ids) -> tuple[Ids, Rows]:
    """(ids, vectors) of those ids that are stored, ascending. Raises `Damaged` as `read_vectors`."""
    found: list[Any] = []
    with database.begin() as session:
        for some in chunks(ids.tolist()):
            query = select(*_COLUMNS).where(Vector.space_id == space.id, Vector.id.in_(some))
            found += session.execute(query).all()
    found.sort(key=itemgetter(0))
    _require_written(found, space)
    known = np.fromiter((row[0] for row in found), dtype=np.int64, count=len(found))
    return known, unpack(b"".join(row[1] for row in found), space.dim)


def _blocks(
    database: Database, space: SpaceRecord, *, after: int, up_to: int | None, most: int = _BLOCK
) -> Iterator[tuple[Ids, bytes]]:
    """Raises `Damaged` for a vector that is not what was written."""
    while True:
        query = select(*_COLUMNS).where(Vector.space_id == space.id, Vector.id > after)
        if up_to is not None:
            query = query.where(Vector.id <= up_to)
        with database.begin() as session:
            block = session.execute(query.order_by(Vector.id).limit(most)).all()
        if not block:
            return
        _require_written(block, space)
        ids = np.fromiter((row[0] for row in block), dtype=np.int64, count=len(block))
        yield ids, b"".join(row[1] for row in block)
        after = int(ids[-1])


def _require_written(rows: Sequence[Any], space: SpaceRecord) -> None:
    """Raise `Damaged` unless rows of `_COLUMNS` are what was written."""
    checksum = vector_checksum()
    wrong = [
        row[0] for row in rows if row[4] != checksum((row[1], row[2], space.id, row[3])) or len(row[1]) != 2 * space.dim
    ]
    if wrong:
        raise Damaged(
            f"{len(wrong)} vectors are not what was written, the first under the id {wrong[0]}; "
            "'spinecho status --check' names their studies, 'spinecho index --no-resume' makes them anew"
        )


def pack(row: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    """One vector as little-endian fp16 bytes."""
    return row.astype("<f2").tobytes()


def unpack(data: bytes, dim: int) -> Rows:
    """The inverse of `pack`, for any number of vectors: (n, dim) float32. Raises `Damaged` for a part of one."""
    if len(data) % (2 * dim):
        raise Damaged("a vector is not what was written; 'spinecho status --check' names its study")
    return np.frombuffer(data, dtype="<f2").reshape(-1, dim).astype(np.float32)
