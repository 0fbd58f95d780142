"""A map of the archive: its image vectors laid out on a plane, so that what looks alike lies together.

PaCMAP (Wang et al. 2021, Understanding How Dimension Reduction Tools Work) where it is installed, which keeps near and
middle distances; principal components where it is not, or where there are too few points for neighbours to mean much.
Distances on a map are for looking, not for measuring.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from spinecho.db.durable import content_of, make_folder, with_digest, write_durably
from spinecho.db.errors import StoreError
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.vectors.indexes.protocol import Ids, Rows
from spinecho.db.vectors.stored_rows import read_vectors

Method: TypeAlias = Literal["pacmap", "principal components"]
MOST = 20_000
_FEW = 50
_NAME = "map.safetensors"


@dataclass(frozen=True, eq=False)
class ArchiveMap:
    """ids: (n,) vector ids; places: (n, 2), each axis from -1 to 1; of: vectors that there are."""

    ids: Ids
    places: NDArray[np.float32]
    method: Method
    of: int
    seed: int


def archive_map(database: Database, builds: Path, *, most: int = MOST, seed: int = 0) -> ArchiveMap:
    """The map of the image vectors that answer now: the one that is kept, or, where vectors came since, a new one.

    Above `most` vectors a sample drawn with `seed`. Raises `StoreError` where nothing is indexed.
    """
    space = storing.serving(database, "image")
    if space is None:
        raise StoreError("nothing is indexed yet, so there is nothing to map; run 'spinecho index FOLDER' first")
    parts = list(read_vectors(database, space))
    ids = np.concatenate([part[0] for part in parts]) if parts else np.empty(0, np.int64)
    if len(ids) < 3:
        raise StoreError(f"a map takes at least 3 volumes; there are {len(ids)}")
    folder = builds / f"space-{space.id}" / "map"
    sign = {"count": len(ids), "highest": int(ids.max()), "sum": int(ids.sum()), "most": most, "seed": seed}
    kept = _read(folder, sign)
    if kept is not None:
        return kept
    rows = np.concatenate([part[1] for part in parts])
    chosen = (
        np.sort(np.random.default_rng(seed).choice(len(ids), most, replace=False)) if len(ids) > most else slice(None)
    )
    places, method = laid_out(rows[chosen], seed=seed)
    made = ArchiveMap(ids[chosen], places, method, len(ids), seed)
    _write(folder, made, sign)
    return made


def laid_out(rows: Rows, *, seed: int = 0) -> tuple[NDArray[np.float32], Method]:
    """((n, 2) places, how) of unit rows; the same for the same rows and seed."""
    if len(rows) >= _FEW and find_spec("pacmap") is not None:
        import pacmap  # noqa: PLC0415  (slow to import)

        reducer = pacmap.PaCMAP(n_components=2, random_state=seed, verbose=False)
        return _scaled(np.asarray(reducer.fit_transform(rows.astype(np.float32), init="pca"))), "pacmap"
    centred = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    flips = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])  # else the sign is the machine's choice
    found = centred @ (axes * flips[:, None])[:2].T
    return _scaled(np.pad(found, ((0, 0), (0, 2 - found.shape[1])))), "principal components"


def _scaled(places: NDArray[Any]) -> NDArray[np.float32]:
    low, high = places.min(axis=0), places.max(axis=0)
    return np.asarray((places - (low + high) / 2) / np.maximum((high - low).max() / 2, 1e-9), dtype=np.float32)


def _read(folder: Path, sign: dict[str, int]) -> ArchiveMap | None:
    """The map that is kept; None where there is none, where it is of other vectors, or is not what was kept."""
    try:
        held = safetensors.numpy.load(content_of((folder / _NAME).read_bytes()))
        about = json.loads(held["about"].tobytes())
    except (OSError, ValueError, KeyError, SafetensorError):
        return None
    if about.get("sign") != sign:
        return None
    return ArchiveMap(held["ids"], held["places"], about["method"], about["of"], about["seed"])


def _write(folder: Path, made: ArchiveMap, sign: dict[str, int]) -> None:
    """In one file: of two that are written at once, ids of one and places of the other would be a map of nothing."""
    make_folder(folder)
    about = json.dumps({"sign": sign, "method": made.method, "of": made.of, "seed": made.seed}).encode()
    arrays: dict[str, NDArray[Any]] = {"ids": made.ids, "places": made.places, "about": np.frombuffer(about, np.uint8)}
    write_durably(folder / _NAME, with_digest(safetensors.numpy.save(arrays)))
