"""An index build: an immutable directory, checked before it is served, swapped in by a rename.

builds/space-3/000017/manifest.json     what it holds, why it is of its kind, and the sha256 of every file
builds/space-3/000017/manifest.sha256   of the manifest itself
builds/space-3/000017/index.faiss       everything (flat), or what proposes candidates
builds/space-3/000017/rows.f16, ids.i64 not in a flat one: the vectors, which are mapped, and their ids
builds/space-3/000017/rows.u8           the vectors in one byte a number, mapped, where that is of use
builds/space-3/CURRENT                  the name of the build that serves
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import func, select

from spinecho.db.durable import durable_replace, make_folder, sha256_of, write_durably
from spinecho.db.errors import BuildCorrupt
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Tombstone, Vector
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.candidates import Candidates, OnGpu
from spinecho.db.vectors.indexes.faiss_index import FlatIndex
from spinecho.db.vectors.indexes.index_plan import FLAT, Plan, Wish
from spinecho.db.vectors.indexes.scattered import read_rough, roughen
from spinecho.db.vectors.indexes.tuning import fit
from spinecho.db.vectors.indexes.two_stage import TwoStageIndex, bytes_for
from spinecho.db.vectors.manifest import (
    CURRENT,
    DIGEST,
    INDEX_FILE,
    MANIFEST,
    Manifest,
    identity_of,
    space_folder,
    written_build,
)
from spinecho.db.vectors.stored_rows import IDS_FILE, ROUGH_FILE, ROWS_FILE, read_rows, write_rows

_KEEP = 2
"""Builds kept a space: the one that serves and the one before it."""
_ROWS = 20_000


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
    make_folder(folder)
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
    rough = None if wish.flat(count) else roughen(codes, partial / ROUGH_FILE)
    proposer, plan = fit(codes, wish, rough=rough, say=say)
    if proposer is None:
        flat = FlatIndex(space.dim)
        for start in range(0, count, _ROWS):
            flat.add(np.asarray(ids[start : start + _ROWS]), codes[start : start + _ROWS].astype(np.float32))
        flat.save(partial / INDEX_FILE)
        for name_of_file in (ROWS_FILE, ROUGH_FILE, IDS_FILE):
            (partial / name_of_file).unlink(missing_ok=True)
    else:
        plan = replace(plan, bytes_per_vector=round(plan.bytes_per_vector + bytes_for(np.asarray(ids)) / count, 1))
        proposer.save(partial / INDEX_FILE)
    manifest = Manifest(
        build=name,
        space=identity_of(space),
        kind=plan.kind,
        count=count,
        highest_id=highest,
        last_tombstone=tombstone,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256={path.name: sha256_of(path) for path in sorted(partial.iterdir())},
        plan=plan.to_json(),
    )
    (partial / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    (partial / DIGEST).write_text(sha256_of(partial / MANIFEST), encoding="ascii")
    durable_replace(partial, folder / name)
    write_durably(folder / CURRENT, name.encode())
    for old in sorted(path for path in folder.iterdir() if path.name.isdigit())[:-_KEEP]:
        shutil.rmtree(old)
    return manifest


def open_build(
    builds: Path, space: SpaceRecord, name: str, *, gpu: str | None = None
) -> tuple[Manifest, FlatIndex | TwoStageIndex]:
    """Read one build. Raises `BuildCorrupt` unless it holds what its manifest says, byte by byte (and `sound`).

    `gpu` (flat, ivf or cagra) proposes candidates on a graphics card instead, where the build is not flat.
    """
    manifest, plan = written_build(builds, space, name)
    return manifest, open_unread(builds, space, manifest, plan, gpu=gpu)


def open_unread(
    builds: Path, space: SpaceRecord, manifest: Manifest, plan: Plan, *, gpu: str | None = None
) -> FlatIndex | TwoStageIndex:
    """A build whose files were held against their digests before. Raises `BuildCorrupt`."""
    name = manifest.build
    try:
        return _opened(space_folder(builds, space) / name, manifest, plan, space, gpu=gpu)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BuildCorrupt(f"index build {name} cannot be read ({type(error).__name__})") from error


def _opened(
    folder: Path, manifest: Manifest, plan: Plan, space: SpaceRecord, *, gpu: str | None
) -> FlatIndex | TwoStageIndex:
    name = manifest.build
    if plan.kind == FLAT:
        return FlatIndex.load(folder / INDEX_FILE)
    if (folder / ROWS_FILE).stat().st_size != 2 * space.dim * manifest.count:
        raise BuildCorrupt(f"index build {name} tells of {manifest.count} vectors and holds another number")
    ids, codes = read_rows(folder, dim=space.dim)
    proposer: Candidates | OnGpu
    if gpu is None:
        proposer = Candidates.load(folder / INDEX_FILE, kind=plan.kind)
        if len(proposer) != len(codes) or proposer.dim != space.dim:
            raise BuildCorrupt(
                f"index build {name} holds {len(codes)} vectors and an index over {len(proposer)} of {proposer.dim} "
                "numbers"
            )
    else:
        proposer = OnGpu(codes, how=gpu)
    rough = None
    if plan.rough_scale:
        rough = read_rough(folder / ROUGH_FILE, dim=space.dim, scale=plan.rough_scale, error=plan.rough_error)
        if rough.codes.shape != codes.shape or not rough.stands_for(codes):
            raise BuildCorrupt(f"index build {name} holds other vectors in bytes than it holds")
    return TwoStageIndex(np.array(ids), codes, proposer, plan, rough=rough)
