"""An index build: an immutable directory, checked before it is served, swapped in by a rename.

builds/space-3/000017/manifest.json     what it holds, why it is of its kind, and the sha256 of every file
builds/space-3/000017/manifest.sha256   of the manifest itself
builds/space-3/000017/index.faiss       everything (flat), or what proposes candidates
builds/space-3/000017/rows.f16, ids.i64 not in a flat one: the vectors, which are mapped, and their ids
builds/space-3/000017/rows.u8           the vectors in one byte a number, mapped, where that is of use
builds/space-3/CURRENT                  the name of the build that serves
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select

from spinecho.db.durable import durable_replace, sha256_of, write_durably
from spinecho.db.errors import BuildCorrupt, Damaged
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Tombstone, Vector, vector_checksum
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.candidates import Candidates, OnGpu
from spinecho.db.vectors.faiss_index import Codes, FlatIndex
from spinecho.db.vectors.index_plan import FLAT, Plan, Wish
from spinecho.db.vectors.protocol import Ids, Rows
from spinecho.db.vectors.scattered import read_rough, roughen
from spinecho.db.vectors.tuning import fit
from spinecho.db.vectors.two_stage import TwoStageIndex, bytes_for

_INDEX, _ROWS_FILE, _ROUGH_FILE, _IDS_FILE = "index.faiss", "rows.f16", "rows.u8", "ids.i64"
_MANIFEST, _DIGEST, _CURRENT = "manifest.json", "manifest.sha256", "CURRENT"
_FORMAT = 2
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
    plan: dict[str, Any]
    """`Plan.to_json`: the parameters, and the recall and speed that they were measured to give."""
    format: int = _FORMAT


def space_folder(builds: Path, space: SpaceRecord) -> Path:
    """Where a space's builds lie."""
    return builds / f"space-{space.id}"


def build_index(
    database: Database,
    builds: Path,
    space: SpaceRecord,
    *,
    wish: Wish = Wish(),  # noqa: B008  (frozen)
    say: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Build a space's index from SQL alone, then let it serve. Older builds but one are removed.

    Its kind is the smallest that reaches the wish on the vectors themselves. Whenever this is stopped, the build
    that served before goes on serving. One process at a time may build a space.
    """
    folder = space_folder(builds, space)
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob("*.partial"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    numbers = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    name = f"{max(numbers, default=0) + 1:06d}"
    partial = folder / f"{name}.partial"
    partial.mkdir()
    database.sync()  # else a power cut could leave a build that knows of vectors which the database has lost
    with database.begin() as session:
        highest = session.scalar(select(func.max(Vector.id)).where(Vector.space_id == space.id)) or 0
        tombstone = session.scalar(select(func.max(Tombstone.id)).where(Tombstone.space_id == space.id)) or 0
    count = write_rows(database, space, partial, up_to=highest)
    ids, codes = read_rows(partial, dim=space.dim)
    rough = None if wish.flat(count) else roughen(codes, partial / _ROUGH_FILE)
    proposer, plan = fit(codes, wish, rough=rough, say=say)
    if proposer is None:
        flat = FlatIndex(space.dim)
        for start in range(0, count, _ROWS):
            flat.add(np.asarray(ids[start : start + _ROWS]), codes[start : start + _ROWS].astype(np.float32))
        flat.save(partial / _INDEX)
        for name_of_file in (_ROWS_FILE, _ROUGH_FILE, _IDS_FILE):
            (partial / name_of_file).unlink(missing_ok=True)
    else:
        plan = replace(plan, bytes_per_vector=round(plan.bytes_per_vector + bytes_for(np.asarray(ids)) / count, 1))
        proposer.save(partial / _INDEX)
    manifest = Manifest(
        build=name,
        space=_identity(space),
        kind=plan.kind,
        count=count,
        highest_id=highest,
        last_tombstone=tombstone,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256={path.name: sha256_of(path) for path in sorted(partial.iterdir())},
        plan=plan.to_json(),
    )
    (partial / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    (partial / _DIGEST).write_text(sha256_of(partial / _MANIFEST), encoding="ascii")
    durable_replace(partial, folder / name)
    write_durably(folder / _CURRENT, name.encode())
    for old in sorted(path for path in folder.iterdir() if path.name.isdigit())[:-_KEEP]:
        shutil.rmtree(old)
    return manifest


def open_build(
    builds: Path, space: SpaceRecord, name: str, *, gpu: str | None = None
) -> tuple[Manifest, FlatIndex | TwoStageIndex]:
    """Read one build. Raises `BuildCorrupt` unless it holds what its manifest says, byte by byte (and `sound`).

    `gpu` (flat, ivf or cagra) proposes candidates on a graphics card instead, where the build is not flat.
    """
    folder = space_folder(builds, space) / name
    manifest = read_manifest(builds, space, name)
    try:
        plan = Plan.from_json(manifest.plan)
        _require_files(folder, manifest, plan)
        changed = [file for file, digest in manifest.sha256.items() if sha256_of(folder / file) != digest]
        if changed:
            raise BuildCorrupt(f"index build {name} has changed on disk since it was written ({', '.join(changed)})")
        return manifest, _opened(folder, manifest, plan, space, gpu=gpu)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BuildCorrupt(f"index build {name} cannot be read ({type(error).__name__})") from error


def _require_files(folder: Path, manifest: Manifest, plan: Plan) -> None:
    """The files of a build are those of its kind, all told by the manifest, and no others lie there."""
    expected = {_INDEX} if plan.kind == FLAT else {_INDEX, _ROWS_FILE, _IDS_FILE}
    if plan.kind != FLAT and plan.rough_scale:
        expected.add(_ROUGH_FILE)
    there = {path.name for path in folder.iterdir()} - {_MANIFEST, _DIGEST}
    listed = set(manifest.sha256)
    if manifest.kind != plan.kind or listed != expected:
        raise BuildCorrupt(f"index build {manifest.build} does not tell which files it is made of")
    if there != expected:
        odd = ", ".join(sorted(there ^ expected))
        raise BuildCorrupt(f"index build {manifest.build} has changed on disk since it was written ({odd})")


def _opened(
    folder: Path, manifest: Manifest, plan: Plan, space: SpaceRecord, *, gpu: str | None
) -> FlatIndex | TwoStageIndex:
    name = manifest.build
    if plan.kind == FLAT:
        return FlatIndex.load(folder / _INDEX)
    if (folder / _ROWS_FILE).stat().st_size != 2 * space.dim * manifest.count:
        raise BuildCorrupt(f"index build {name} tells of {manifest.count} vectors and holds another number")
    ids, codes = read_rows(folder, dim=space.dim)
    proposer: Candidates | OnGpu
    if gpu is None:
        proposer = Candidates.load(folder / _INDEX, kind=plan.kind)
        if len(proposer) != len(codes) or proposer.dim != space.dim:
            raise BuildCorrupt(
                f"index build {name} holds {len(codes)} vectors and an index over {len(proposer)} of {proposer.dim} "
                "numbers"
            )
    else:
        proposer = OnGpu(codes, how=gpu)
    rough = None
    if plan.rough_scale:
        rough = read_rough(folder / _ROUGH_FILE, dim=space.dim, scale=plan.rough_scale, error=plan.rough_error)
        if rough.codes.shape != codes.shape or not rough.stands_for(codes):
            raise BuildCorrupt(f"index build {name} holds other vectors in bytes than it holds")
    return TwoStageIndex(np.array(ids), codes, proposer, plan, rough=rough)


def read_manifest(builds: Path, space: SpaceRecord, name: str) -> Manifest:
    """What a build says of itself. Raises `BuildCorrupt` where that was changed, or is of another space."""
    folder = space_folder(builds, space) / name
    try:
        data = (folder / _MANIFEST).read_bytes()
        values = json.loads(data)
        if values.get("format") != _FORMAT:
            raise BuildCorrupt(f"index build {name} is of an older Spinecho; 'spinecho builds make' makes a new one")
        manifest = Manifest(**values)
        if manifest.build != name:
            raise BuildCorrupt(f"index build {name} is another one, {manifest.build}, under its name")
        digest = (folder / _DIGEST).read_text(encoding="ascii")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BuildCorrupt(f"index build {name} cannot be read ({type(error).__name__})") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise BuildCorrupt(f"index build {name} has changed on disk since it was written ({_MANIFEST})")
    if manifest.space != _identity(space):
        raise BuildCorrupt(f"index build {name} is of another space than {space.model}")
    return manifest


def current_build(builds: Path, space: SpaceRecord) -> str:
    """Name of the build that is to serve, '' where there is none; costs the reading of one small file."""
    try:
        return (space_folder(builds, space) / _CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def write_rows(database: Database, space: SpaceRecord, folder: Path, *, up_to: int | None = None) -> int:
    """Write a space's vectors and ids from SQL into a folder, as a build keeps them. Returns how many."""
    count = 0
    with (folder / _ROWS_FILE).open("wb") as rows_file, (folder / _IDS_FILE).open("wb") as ids_file:
        for ids, data in _blocks(database, space, after=0, up_to=up_to):
            ids_file.write(ids.astype("<i8").tobytes())
            rows_file.write(data)
            count += len(ids)
    return count


def read_rows(folder: Path, *, dim: int) -> tuple[Ids, Codes]:
    """(ids, vectors) as `write_rows` left them, mapped: (n,) and (n, dim)."""
    if not (folder / _IDS_FILE).stat().st_size:
        return np.empty(0, np.int64), np.empty((0, dim), np.float16)
    ids = np.memmap(folder / _IDS_FILE, dtype="<i8", mode="r")
    return ids, np.memmap(folder / _ROWS_FILE, dtype="<f2", mode="r", shape=(len(ids), dim))


def builds_newest_first(builds: Path, space: SpaceRecord) -> tuple[str, ...]:
    """Names of the builds at hand, the serving one first."""
    folder = space_folder(builds, space)
    if not folder.is_dir():
        return ()
    names = sorted((path.name for path in folder.iterdir() if path.name.isdigit()), reverse=True)
    current = current_build(builds, space)
    return tuple(sorted(names, key=lambda name: name != current))


def read_vectors(
    database: Database, space: SpaceRecord, *, after: int = 0, up_to: int | None = None, block: int = _ROWS
) -> Iterator[tuple[Ids, Rows]]:
    """A space's vectors in the order of their ids, in blocks, as float32 rows."""
    for ids, data in _blocks(database, space, after=after, up_to=up_to, most=block):
        yield ids, unpack(data, space.dim)


def _blocks(
    database: Database, space: SpaceRecord, *, after: int, up_to: int | None, most: int = _ROWS
) -> Iterator[tuple[Ids, bytes]]:
    """Raises `Damaged` for a vector that is not what was written."""
    checksum = vector_checksum()
    columns = (Vector.id, Vector.data, Vector.passage_id, Vector.volume_id, Vector.checksum)
    while True:
        query = select(*columns).where(Vector.space_id == space.id, Vector.id > after)
        if up_to is not None:
            query = query.where(Vector.id <= up_to)
        with database.begin() as session:
            block = session.execute(query.order_by(Vector.id).limit(most)).all()
        if not block:
            return
        wrong = [
            row[0]
            for row in block
            if row[4] != checksum((row[1], row[2], space.id, row[3])) or len(row[1]) != 2 * space.dim
        ]
        if wrong:
            raise Damaged(
                f"{len(wrong)} vectors are not what was written, the first under the id {wrong[0]}; "
                "'spinecho status --check' names their studies, 'spinecho index --no-resume' makes them anew"
            )
        ids = np.fromiter((row[0] for row in block), dtype=np.int64, count=len(block))
        yield ids, b"".join(row[1] for row in block)
        after = int(ids[-1])


def pack(row: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    """One vector as little-endian fp16 bytes."""
    return row.astype("<f2").tobytes()


def unpack(data: bytes, dim: int) -> Rows:
    """The inverse of `pack`, for any number of vectors: (n, dim) float32. Raises `Damaged` for a part of one."""
    if len(data) % (2 * dim):
        raise Damaged("a vector is not what was written; 'spinecho status --check' names its study")
    return np.frombuffer(data, dtype="<f2").reshape(-1, dim).astype(np.float32)


def _identity(space: SpaceRecord) -> dict[str, str | int]:
    return {
        "model": space.model,
        "revision": space.revision,
        "preprocessing": space.preprocessing,
        "dim": space.dim,
    }
