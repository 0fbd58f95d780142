"""An index build: an immutable directory, checked before it is served, swapped in by a rename.

builds/space-3/000017/manifest.json   what it holds, with the sha256 of every file
builds/space-3/000017/index.faiss
builds/space-3/CURRENT                the name of the build that serves
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import func, select

from db.database import Database
from db.errors import BuildCorrupt
from db.models import Tombstone, Vector
from db.values import SpaceRecord
from db.vectors.faiss_flat import FaissIndex
from db.vectors.protocol import Ids, Rows

_INDEX, _MANIFEST, _CURRENT = "index.faiss", "manifest.json", "CURRENT"
_KEEP = 2
"""Builds kept a space: the one that serves and the one before it."""
_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a build holds. A build speaks for every vector up to `highest_id` but those in later tombstones."""

    build: str
    space: dict[str, str | int]
    kind: str
    count: int
    highest_id: int
    last_tombstone: int
    created_at: str
    sha256: dict[str, str]


def space_folder(builds: Path, space: SpaceRecord) -> Path:
    """Where a space's builds lie."""
    return builds / f"space-{space.id}"


def build_index(database: Database, builds: Path, space: SpaceRecord) -> Manifest:
    """Build a space's index from SQL alone, then let it serve. Older builds but one are removed."""
    folder = space_folder(builds, space)
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob("*.partial"):
        shutil.rmtree(leftover)
    numbers = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    name = f"{max(numbers, default=0) + 1:06d}"
    partial = folder / f"{name}.partial"
    partial.mkdir()
    with database.begin() as session:
        highest = session.scalar(select(func.max(Vector.id)).where(Vector.space_id == space.id)) or 0
        tombstone = session.scalar(select(func.max(Tombstone.id)).where(Tombstone.space_id == space.id)) or 0
    index = FaissIndex(space.dim)
    for ids, rows in read_vectors(database, space, up_to=highest):
        index.add(ids, rows)
    index.save(partial / _INDEX)
    manifest = Manifest(
        build=name,
        space=_identity(space),
        kind="flat fp16",
        count=len(index),
        highest_id=highest,
        last_tombstone=tombstone,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256={_INDEX: _sha256(partial / _INDEX)},
    )
    (partial / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    _sync(partial)
    partial.rename(folder / name)
    pointer = folder / f"{_CURRENT}.partial"
    pointer.write_text(name, encoding="utf-8")
    pointer.replace(folder / _CURRENT)
    for old in sorted(path for path in folder.iterdir() if path.name.isdigit())[:-_KEEP]:
        shutil.rmtree(old)
    return manifest


def open_build(builds: Path, space: SpaceRecord, name: str) -> tuple[Manifest, FaissIndex]:
    """Read one build. Raises `BuildCorrupt` unless every byte is what its manifest says."""
    folder = space_folder(builds, space) / name
    try:
        values = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**values)
        digest = _sha256(folder / _INDEX)
    except (OSError, ValueError, TypeError) as error:
        raise BuildCorrupt(f"index build {name} cannot be read ({type(error).__name__})") from error
    if manifest.space != _identity(space):
        raise BuildCorrupt(f"index build {name} is of another space than {space.model}")
    if manifest.sha256.get(_INDEX) != digest:
        raise BuildCorrupt(f"index build {name} has changed on disk since it was written")
    return manifest, FaissIndex.load(folder / _INDEX)


def builds_newest_first(builds: Path, space: SpaceRecord) -> tuple[str, ...]:
    """Names of the builds at hand, the serving one first."""
    folder = space_folder(builds, space)
    if not folder.is_dir():
        return ()
    names = sorted((path.name for path in folder.iterdir() if path.name.isdigit()), reverse=True)
    try:
        current = (folder / _CURRENT).read_text(encoding="utf-8").strip()
    except OSError:
        current = ""
    return tuple(sorted(names, key=lambda name: name != current))


def read_vectors(
    database: Database, space: SpaceRecord, *, after: int = 0, up_to: int | None = None
) -> Iterator[tuple[Ids, Rows]]:
    """A space's vectors in the order of their ids, in blocks, as float32 rows."""
    while True:
        query = select(Vector.id, Vector.data).where(Vector.space_id == space.id, Vector.id > after)
        if up_to is not None:
            query = query.where(Vector.id <= up_to)
        with database.begin() as session:
            block = session.execute(query.order_by(Vector.id).limit(_ROWS)).all()
        if not block:
            return
        ids = np.fromiter((row[0] for row in block), dtype=np.int64, count=len(block))
        yield ids, unpack(b"".join(row[1] for row in block), space.dim)
        after = int(ids[-1])


def pack(row: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    """One vector as little-endian fp16 bytes."""
    return row.astype("<f2").tobytes()


def unpack(data: bytes, dim: int) -> Rows:
    """The inverse of `pack`, for any number of vectors: (n, dim) float32."""
    return np.frombuffer(data, dtype="<f2").reshape(-1, dim).astype(np.float32)


def _identity(space: SpaceRecord) -> dict[str, str | int]:
    return {
        "model": space.model,
        "revision": space.revision,
        "preprocessing": space.preprocessing,
        "dim": space.dim,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
