"""What a build says of itself, and whether its files are those that were written: everything but opening it.

The library of the index is not needed for it, so that what only looks at builds need not import it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinecho.db.durable import sha256_of
from spinecho.db.errors import BuildCorrupt
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.index_plan import FLAT, Plan
from spinecho.db.vectors.stored_rows import IDS_FILE, ROUGH_FILE, ROWS_FILE

INDEX_FILE = "index.faiss"
MANIFEST, DIGEST, CURRENT = "manifest.json", "manifest.sha256", "CURRENT"
FORMAT = 2


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
    format: int = FORMAT


def space_folder(builds: Path, space: SpaceRecord) -> Path:
    """Where a space's builds lie."""
    return builds / f"space-{space.id}"


def read_manifest(builds: Path, space: SpaceRecord, name: str) -> Manifest:
    """What a build says of itself. Raises `BuildCorrupt` where that was changed, or is of another space."""
    folder = space_folder(builds, space) / name
    try:
        data = (folder / MANIFEST).read_bytes()
        values = json.loads(data)
        if values.get("format") != FORMAT:
            raise BuildCorrupt(f"index build {name} is of an older Spinecho; 'spinecho builds make' makes a new one")
        manifest = Manifest(**values)
        if manifest.build != name:
            raise BuildCorrupt(f"index build {name} is another one, {manifest.build}, under its name")
        digest = (folder / DIGEST).read_text(encoding="ascii")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BuildCorrupt(f"index build {name} cannot be read ({type(error).__name__})") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise BuildCorrupt(f"index build {name} has changed on disk since it was written ({MANIFEST})")
    if manifest.space != identity_of(space):
        raise BuildCorrupt(f"index build {name} is of another space than {space.model}")
    return manifest


def current_build(builds: Path, space: SpaceRecord) -> str:
    """Name of the build that is to serve, '' where there is none; costs the reading of one small file."""
    try:
        return (space_folder(builds, space) / CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def builds_newest_first(builds: Path, space: SpaceRecord) -> tuple[str, ...]:
    """Names of the builds at hand, the serving one first."""
    folder = space_folder(builds, space)
    if not folder.is_dir():
        return ()
    names = sorted((path.name for path in folder.iterdir() if path.name.isdigit()), reverse=True)
    current = current_build(builds, space)
    return tuple(sorted(names, key=lambda name: name != current))


def written_build(builds: Path, space: SpaceRecord, name: str) -> tuple[Manifest, Plan]:
    """A build's manifest and plan, once its files are there, byte by byte as they were written.

    What they hold is not looked at. Raises `BuildCorrupt`.
    """
    folder = space_folder(builds, space) / name
    manifest, plan = stated_build(builds, space, name)
    try:
        changed = [file for file, digest in manifest.sha256.items() if sha256_of(folder / file) != digest]
    except OSError as error:
        raise BuildCorrupt(f"index build {name} cannot be read ({type(error).__name__})") from error
    if changed:
        raise BuildCorrupt(f"index build {name} has changed on disk since it was written ({', '.join(changed)})")
    return manifest, plan


def stated_build(builds: Path, space: SpaceRecord, name: str) -> tuple[Manifest, Plan]:
    """A build's manifest and plan, once its files are there and no others; none is read. Raises `BuildCorrupt`."""
    manifest = read_manifest(builds, space, name)
    try:
        plan = Plan.from_json(manifest.plan)
        _require_files(space_folder(builds, space) / name, manifest, plan)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BuildCorrupt(f"index build {name} cannot be read ({type(error).__name__})") from error
    return manifest, plan


def _require_files(folder: Path, manifest: Manifest, plan: Plan) -> None:
    """The files of a build are those of its kind, all told by the manifest, and no others lie there."""
    expected = {INDEX_FILE} if plan.kind == FLAT else {INDEX_FILE, ROWS_FILE, IDS_FILE}
    if plan.kind != FLAT and plan.rough_scale:
        expected.add(ROUGH_FILE)
    there = {path.name for path in folder.iterdir()} - {MANIFEST, DIGEST}
    listed = set(manifest.sha256)
    if manifest.kind != plan.kind or listed != expected:
        raise BuildCorrupt(f"index build {manifest.build} does not tell which files it is made of")
    if there != expected:
        odd = ", ".join(sorted(there ^ expected))
        raise BuildCorrupt(f"index build {manifest.build} has changed on disk since it was written ({odd})")


def identity_of(space: SpaceRecord) -> dict[str, str | int]:
    """By what a build knows its space again."""
    return {
        "model": space.model,
        "revision": space.revision,
        "preprocessing": space.preprocessing,
        "dim": space.dim,
    }
