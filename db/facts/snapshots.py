"""A snapshot of the facts: an immutable directory, checked before it is read, swapped in by a rename.

builds/facts/000004/manifest.json   what it holds, with the sha256 of every file
builds/facts/000004/manifest.sha256 of the manifest itself
builds/facts/000004/*.npy           the arrays of a `FactTable`, read through memory maps
builds/facts/000004/values.json     the values behind the codes
builds/facts/CURRENT                the name of the snapshot that answers
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from spinecho.db.durable import durable_replace, make_folder, sha256_of, write_durably
from spinecho.db.errors import BuildCorrupt
from spinecho.db.facts.fact_columns import Column, plain, restored
from spinecho.db.facts.fact_table import IDENTIFIERS, Entries, FactTable, read_facts
from spinecho.db.facts.snapshot_check import require_shape
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Report, Run, Tombstone, Upkeep, Vector
from spinecho.db.store.watermarks import FACTS

_MANIFEST, _DIGEST, _VALUES, _CURRENT = "manifest.json", "manifest.sha256", "values.json", "CURRENT"
_FORMAT = 5
_KEEP = 2
"""Snapshots kept: the one that answers and the one before it."""
_NEWEST_RUN = select(func.max(Run.id)).scalar_subquery()
_SPREAD, _WITHIN = 2_654_435_761, 1_000_003
"""What ids are turned into before they are added up: one that came in place of another changes the sum."""
_STATE = select(
    select(func.max(Vector.id)).scalar_subquery(),
    select(func.max(Tombstone.id)).scalar_subquery(),
    select(func.sum(Report.id * _SPREAD % _WITHIN + 1)).where(Report.study_id.is_(None)).scalar_subquery(),
    _NEWEST_RUN,
    select(Run.finished_at).where(Run.id == _NEWEST_RUN).scalar_subquery(),
    select(Upkeep.number).where(Upkeep.name == FACTS).scalar_subquery(),
    select(Run.started_at).where(Run.id == select(func.min(Run.id)).scalar_subquery()).scalar_subquery(),
)
_SMALL = 1 << 16
"""Bytes up to which a file is read rather than mapped."""
_ARRAYS = (
    "studies",
    "first",
    "patients",
    "volumes",
    "study_of",
    "passages",
    "passage_studies",
    "reports",
    "report_studies",
)


@dataclass(frozen=True, slots=True)
class State:
    """What tells whether anything in SQL has changed that a filter can see."""

    highest_id: int
    """Of all vectors: whatever is stored comes with one."""
    last_tombstone: int
    """Whatever is removed leaves one a vector."""
    unmatched: int
    """Tells the reports without a study apart, by their ids: matching them writes no vector, and one may come as
    another goes, so that their number says nothing.
    """
    last_run: int
    """A run may give a folder another root; negative while it has not ended."""
    facts: int
    """Raised when facts change though no vector does."""
    origin: str
    """When the database's first run began: tells it from another database in the same place."""


@dataclass(frozen=True, slots=True)
class SnapshotManifest:
    """What a snapshot holds. It speaks for SQL as it was in `state`."""

    snapshot: str
    format: int
    state: State
    counts: dict[str, int]
    created_at: str
    sha256: dict[str, str]


def state_of(session: Session) -> State:
    """The database's state now: one statement of look-ups in indexes."""
    highest, tombstone, unmatched, run, finished, facts, first = session.execute(_STATE).one()
    return State(
        highest_id=highest or 0,
        last_tombstone=tombstone or 0,
        unmatched=int(unmatched or 0),
        last_run=0 if run is None else run if finished is not None else -run,
        facts=facts or 0,
        origin="" if first is None else first.isoformat(),
    )


def make_snapshot(database: Database, builds: Path, *, keep: int = _KEEP) -> SnapshotManifest:
    """Copy the facts from SQL, then let the copy answer. Of all snapshots the newest are kept, so many of them.

    Best called when a run has ended: a snapshot of an unfinished one leaves conditions on `archive` to SQL.
    """
    folder = builds / "facts"
    make_folder(folder)
    for leftover in folder.glob("*.partial"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    numbers = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    name = f"{max(numbers, default=0) + 1:06d}"
    database.sync()
    with database.reading() as session:
        state, table = state_of(session), read_facts(session)
    partial = folder / f"{name}.partial"
    partial.mkdir()
    for file, values in _arrays(table):
        np.save(partial / f"{file}.npy", values, allow_pickle=False)
    listed = {field: [plain(value) for value in column.values] for field, column in table.columns.items()}
    (partial / _VALUES).write_text(json.dumps(listed), encoding="utf-8")
    manifest = SnapshotManifest(
        snapshot=name,
        format=_FORMAT,
        state=state,
        counts={
            "studies": len(table.studies),
            "volumes": len(table.volumes),
            "passages": len(table.passages),
            "vectors": sum(len(entries.ids) for entries in table.spaces.values()),
        },
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256={path.name: sha256_of(path) for path in sorted(partial.iterdir())},
    )
    (partial / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    (partial / _DIGEST).write_text(sha256_of(partial / _MANIFEST), encoding="ascii")
    durable_replace(partial, folder / name)
    write_durably(folder / _CURRENT, name.encode())
    for old in sorted(path for path in folder.iterdir() if path.name.isdigit())[:-keep]:
        shutil.rmtree(old)
    return manifest


def open_snapshot(builds: Path, name: str) -> tuple[SnapshotManifest, FactTable]:
    """Map one snapshot. Raises `BuildCorrupt` unless every byte is what its manifest says."""
    folder = builds / "facts" / name
    try:
        data = (folder / _MANIFEST).read_bytes()
        given = json.loads(data)
        if given["format"] != _FORMAT:
            raise BuildCorrupt(f"fact snapshot {name} has format {given['format']}, this Spinecho reads {_FORMAT}")
        manifest = SnapshotManifest(**{**given, "state": State(**given["state"])})
        if hashlib.sha256(data).hexdigest() != (folder / _DIGEST).read_text(encoding="ascii"):
            raise BuildCorrupt(f"fact snapshot {name} has changed on disk since it was written ({_MANIFEST})")
        there = {path.name for path in folder.iterdir()} - {_MANIFEST, _DIGEST}
        if there != set(manifest.sha256) or manifest.snapshot != name:
            raise BuildCorrupt(f"fact snapshot {name} does not tell which files it is made of")
        for file, digest in manifest.sha256.items():
            if sha256_of(folder / Path(file).name) != digest:
                raise BuildCorrupt(f"fact snapshot {name} has changed on disk since it was written")
        table = _table(folder, json.loads((folder / _VALUES).read_text(encoding="utf-8")), manifest)
        require_shape(name, table, manifest.counts)
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise BuildCorrupt(f"fact snapshot {name} cannot be read ({type(error).__name__})") from error
    return manifest, table


def snapshot_state(builds: Path) -> State | None:
    """What the snapshot that is to answer is of; None where there is none, or where it is not sound."""
    for name in snapshots_newest_first(builds)[:1]:
        folder = builds / "facts" / name
        try:
            manifest = _manifest(folder)
            if all(sha256_of(folder / Path(file).name) == digest for file, digest in manifest.sha256.items()):
                return manifest.state
        except (BuildCorrupt, OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
    return None


def _manifest(folder: Path) -> SnapshotManifest:
    given = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    if given["format"] != _FORMAT:
        raise BuildCorrupt(
            f"fact snapshot {folder.name} has format {given['format']}, this Spinecho reads {_FORMAT}: "
            "the next 'spinecho index' makes a new one"
        )
    return SnapshotManifest(**{**given, "state": State(**given["state"])})


def snapshots_newest_first(builds: Path) -> tuple[str, ...]:
    """Names of the snapshots at hand, the one that answers first."""
    folder = builds / "facts"
    if not folder.is_dir():
        return ()
    names = sorted((path.name for path in folder.iterdir() if path.name.isdigit()), reverse=True)
    try:
        current = (folder / _CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        current = ""
    return tuple(sorted(names, key=lambda name: name != current))


def is_named(builds: Path) -> bool:
    """Whether a snapshot is named as the one that answers first: a run that was killed may have left it without."""
    return (builds / "facts" / _CURRENT).is_file()


def _arrays(table: FactTable) -> Iterator[tuple[str, NDArray[Any]]]:
    for name in _ARRAYS:
        yield name, getattr(table, name)
    for field, column in table.columns.items():
        yield f"code.{field}", column.codes
    for field, digests in table.digests.items():
        yield f"digest.{field}", digests
    for space, entries in table.spaces.items():
        yield f"space.{space}.ids", entries.ids
        yield f"space.{space}.places", entries.places


def _table(folder: Path, values: dict[str, list[Any]], manifest: SnapshotManifest) -> FactTable:
    def mapped(name: str) -> NDArray[Any]:
        if f"{name}.npy" not in manifest.sha256:
            raise KeyError(name)
        path = folder / f"{name}.npy"
        mode: Any = "r" if path.stat().st_size > _SMALL else None
        found: NDArray[Any] = np.load(path, mmap_mode=mode, allow_pickle=False)
        return found.view(np.ndarray)

    columns = {
        field: Column(mapped(f"code.{field}"), tuple(restored(field, value) for value in listed))
        for field, listed in values.items()
    }
    spaces = [int(file.split(".")[1]) for file in manifest.sha256 if file.endswith(".ids.npy")]
    return FactTable(
        **{name: mapped(name) for name in _ARRAYS},
        columns=columns,
        digests={field: mapped(f"digest.{field}") for field in IDENTIFIERS},
        spaces={space: Entries(mapped(f"space.{space}.ids"), mapped(f"space.{space}.places")) for space in spaces},
    )
