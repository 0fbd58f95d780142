"""Builds and the snapshot of facts kept up to what is stored: by what there is, not by what a run did.

So a run that was killed while it built leaves nothing that the next one does not make good.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import Select, func, select

from spinecho.db.durable import sha256_of
from spinecho.db.errors import BuildCorrupt
from spinecho.db.facts.snapshots import is_named, make_snapshot, snapshot_state, state_of
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Tombstone, Vector
from spinecho.db.store import storing
from spinecho.db.store.held_spaces import held_spaces, purge_retired
from spinecho.db.values import Role, SpaceRecord
from spinecho.db.vectors.indexes.index_plan import FLAT_UP_TO
from spinecho.db.vectors.manifest import Manifest, builds_newest_first, current_build, read_manifest, space_folder

_STALE_SHARE, _STALE_LEAST = 0.05, 1000
_KEPT_AT_MOST = timedelta(days=7)
"""How long a build that takes long to make may go on holding vectors of what was removed."""
_LOOKED_THROUGH = 64 << 20
"""Bytes of a build up to which every run compares them with their digests, though nothing has changed."""


def refresh_builds(database: Database, builds: Path, *, force: bool = False) -> list[str]:
    """Build anew where there is no sound build of what is stored, or where it is out of date; what to tell of it.

    Out of date: more than a thousand vectors and a twentieth have come or gone since. Vectors of what was removed leave
    at once where the index is flat, which costs next to nothing, else with the next build and within a week.
    """
    warnings: list[str] = []
    for role in get_args(Role):
        space = storing.serving(database, role)
        if space is None:
            continue
        wrong = _damage(builds, space)
        if wrong or force or _outdated(database, builds, space):
            with database.begin() as session:
                stored = session.scalar(select(Vector.id).where(Vector.space_id == space.id).limit(1)) is not None
            if stored or current_build(builds, space):
                from spinecho.db.vectors.build import build_index  # noqa: PLC0415  (FAISS: where something is built)

                build_index(database, builds, space)
                warnings += [f"{wrong}, so it is not served; it was built anew"] if wrong else []
        _forget_older(database, builds, space)
    _look_after_held(database, builds)
    return warnings


def _look_after_held(database: Database, builds: Path) -> None:
    """Delete what was retired, and from the builds of spaces held beside what the archive no longer holds."""
    for retired in purge_retired(database):
        shutil.rmtree(builds / f"space-{retired}", ignore_errors=True)
    for held in held_spaces(database):
        if held.state != "serves" and current_build(builds, held.space):
            if _damage(builds, held.space) or _outdated(database, builds, held.space):
                from spinecho.db.vectors.build import build_index  # noqa: PLC0415  (FAISS: where something is built)

                build_index(database, builds, held.space)
            _forget_older(database, builds, held.space)


def refresh_snapshot(database: Database, builds: Path, *, force: bool = False) -> None:
    """Make a snapshot of the facts where there is no sound one of them as they are; those before go."""
    with database.begin() as session:
        now = asdict(state_of(session))
    made = snapshot_state(builds)
    seen = {name: value for name, value in now.items() if name != "last_run"}
    if force or made is None or not is_named(builds) or any(asdict(made)[name] != seen[name] for name in seen):
        make_snapshot(database, builds, keep=1)


def _damage(builds: Path, space: SpaceRecord) -> str:
    """What is wrong with the build that is to serve; '' where nothing is, or where there is none."""
    name = current_build(builds, space)
    if not name:
        return ""
    folder = space_folder(builds, space) / name
    try:
        manifest = read_manifest(builds, space, name)
        size = sum((folder / file).stat().st_size for file in manifest.sha256)
        if size <= _LOOKED_THROUGH:
            changed = [file for file, digest in manifest.sha256.items() if sha256_of(folder / file) != digest]
            if changed:
                return f"index build {name} has changed on disk since it was written ({', '.join(changed)})"
    except OSError as error:
        return f"index build {name} cannot be read ({type(error).__name__})"
    except BuildCorrupt as error:
        return str(error)
    return ""


def _outdated(database: Database, builds: Path, space: SpaceRecord) -> bool:
    name = current_build(builds, space)
    if not name:
        return True
    manifest = read_manifest(builds, space, name)
    mine = Vector.space_id == space.id
    newer_than = select(func.count()).where(mine, Vector.id > manifest.highest_id).scalar_subquery()
    highest = select(func.max(Vector.id)).where(mine).scalar_subquery()
    with database.begin() as session:
        newer, last, dropped = session.execute(
            select(newer_than, func.coalesce(highest, 0), _dropped(space, manifest).scalar_subquery())
        ).one()
    count = manifest.count + newer - dropped
    if newer + dropped > max(_STALE_LEAST, int(_STALE_SHARE * count)) or (last == 0) != (count == 0):
        return True
    age = datetime.now(UTC) - datetime.fromisoformat(manifest.created_at)
    is_young = timedelta(0) <= age <= _KEPT_AT_MOST  # one of a time to come is of a clock that was set back since
    return bool(dropped) and (count <= FLAT_UP_TO or not is_young)


def _dropped(space: SpaceRecord, manifest: Manifest) -> Select[Any]:
    """How many vectors a build holds that the archive no longer does."""
    return select(func.count()).where(
        Tombstone.space_id == space.id,
        Tombstone.id > manifest.last_tombstone,
        Tombstone.vector_id <= manifest.highest_id,
    )


def _forget_older(database: Database, builds: Path, space: SpaceRecord) -> None:
    """Remove builds that do not serve and hold what the archive no longer does: they would keep it for ever."""
    serving = current_build(builds, space)
    for name in builds_newest_first(builds, space):
        if name == serving:
            continue
        try:
            with database.begin() as session:
                holds = bool(session.scalar(_dropped(space, read_manifest(builds, space, name))))
        except BuildCorrupt:
            holds = True  # nobody can tell
        if holds:
            shutil.rmtree(space_folder(builds, space) / name, ignore_errors=True)
