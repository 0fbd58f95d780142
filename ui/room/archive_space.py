"""Builds as their manifests tell of them, and what lies on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from db import archive
from db.build import builds_newest_first, current_build, read_manifest
from db.database import database_bytes
from db.errors import StoreError
from ui.room.opened import Room


def space_rows(room: Room) -> list[dict[str, Any]]:
    """A row a build, the serving ones first; one that cannot be trusted says so."""
    rows: list[dict[str, Any]] = []
    for role in ("image", "text"):
        space = archive.serving(room.desk.database, role)
        if space is None:
            continue
        serving = current_build(room.settings.builds, space)
        for name in builds_newest_first(room.settings.builds, space):
            row: dict[str, Any] = {"vectors of": role, "build": name, "serves": name == serving}
            try:
                manifest = read_manifest(room.settings.builds, space, name)
            except StoreError as error:
                rows.append({**row, "note": str(error)})
                continue
            plan = manifest.plan
            flat = manifest.kind.startswith("flat")  # every vector is compared as it is stored
            recalls = [float(effort["recall"]) for effort in plan.get("efforts", ()) if "recall" in effort]
            rows.append({
                **row, "kind": manifest.kind, "vectors": manifest.count,
                "made (UTC)": str(manifest.created_at)[:16].replace("T", " "),
                "recall@10": 1.0 if flat else max(recalls, default=None),
                "bytes a vector": 2 * space.dim if flat else plan.get("bytes_per_vector"),
                "note": plan.get("note", ""),
            })  # fmt: skip
    return rows


def used(room: Room) -> list[dict[str, Any]]:
    """What takes space: database, builds, what is free, and the memory of this process."""
    settings = room.settings
    builds = sum(path.stat().st_size for path in settings.builds.rglob("*") if path.is_file())
    rows = [
        {"what": "database", "size": _size(database_bytes(room.desk.database))},
        {"what": "builds", "size": _size(builds)},
        {"what": "free on this disk", "size": _size(shutil.disk_usage(settings.home).free)},
    ]
    memory = _resident()
    return rows + ([{"what": "memory of this process", "size": _size(memory)}] if memory else [])


def _resident() -> int:
    """Bytes, 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
