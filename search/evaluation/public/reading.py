"""Cases read and encoded: each file in a child process, each vector kept, so that a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from spinecho.db.durable import durable_replace, make_folder
from spinecho.db.queries.learning.evaluating import VolumeFacts
from spinecho.encoders.dual import DualEncoder, OfStudies
from spinecho.encoders.measuring.metrics import Floats
from spinecho.encoders.sandbox.processes import Sandbox, Task
from spinecho.encoders.tasks.measured_tasks import MeasuredScan, file_task, unpack_scans, why_unread
from spinecho.search.evaluation.public.cases import Case, PublicScan

_AT_ONCE = 32
"""Cases whose vectors are written as one file."""


@dataclass(frozen=True)
class Encoded:
    """One volume of a case. scan: the number of its file in the case; copy: the vector of its varied copy, if any."""

    scan: int
    sequence: str
    plane: str
    region: str
    vector: Floats
    copy: Floats | None = None


@dataclass(frozen=True)
class ReadSet:
    """All volumes that were read, with their vectors (n, dim) and the text of their own, by row.

    copies: by row the vector of a varied copy. unread: files by the reason why they gave nothing.
    """

    volumes: tuple[VolumeFacts, ...]
    rows: Floats
    texts: tuple[str, ...]
    copies: Mapping[int, Floats | None]
    unread: Mapping[str, int] = field(default_factory=dict)


def read_cases(
    cases: Sequence[Case],
    dual: DualEncoder,
    folder: Path,
    *,
    copied: frozenset[str],
    seed: int,
    workers: int,
    tell: Callable[[str], None],
) -> ReadSet:
    """Read what `folder` does not hold yet, keep it there, and give all. copied: cases of which a copy is made."""
    space = dual.image.space
    name = hashlib.sha256(space.label.encode()).hexdigest()[:12]
    kept = KeptVectors(folder / f"vectors-{name}")
    keys = {case.key: _key(case, seed if case.key in copied else None) for case in cases}
    lacking = [case for case in cases if keys[case.key] not in kept]
    unread: Counter[str] = Counter()
    with Sandbox(workers=workers) as sandbox:
        outcomes = sandbox.map(_tasks(lacking, dual, copied, seed))
        for number, case in enumerate(lacking):
            tell(f"reading case {number + 1:,} of {len(lacking):,}")
            found: list[tuple[int, MeasuredScan]] = []
            before = unread.total()
            for place in range(len(case.scans)):
                outcome = next(outcomes)
                read = unpack_scans(outcome.messages)
                if not read:
                    unread[str(outcome.failure or why_unread(outcome.messages) or "NOT_READ")] += 1
                found += [(place, one) for one in read if not one.derived] or [(place, one) for one in read]
            kept.add(keys[case.key], _encoded(case, found, dual), keep=unread.total() == before)
    kept.write()
    return _gathered(cases, keys, kept, copied, space.dim, unread)


def _tasks(cases: Sequence[Case], dual: DualEncoder, copied: frozenset[str], seed: int) -> Iterator[Task]:
    spec = dual.image.preparation.spec
    for case in cases:
        for place, scan in enumerate(case.scans):
            yield file_task(str(scan.path), spec=spec, seed=seed if place == 0 and case.key in copied else None)


def _encoded(case: Case, found: Sequence[tuple[int, MeasuredScan]], dual: DualEncoder) -> list[Encoded]:
    """Of an encoder of whole studies every volume has the vector of all, and no copy."""
    if not found:
        return []
    prepared = [one.prepared for _, one in found]
    copies: list[Any] = [None] * len(found)
    if isinstance(dual.image, OfStudies):
        whole = np.asarray(dual.image.encode_study(prepared), np.float32)
        rows = np.repeat(whole[None], len(found), axis=0)
    else:
        rows = np.concatenate([dual.image.encode_prepared([one]) for one in prepared]).astype(np.float32)
        copies = [None if one.copy is None else dual.image.encode_prepared([one.copy])[0] for _, one in found]
    return [
        Encoded(place, *_facts(case.scans[place], one), row, copy)
        for (place, one), row, copy in zip(found, rows, copies, strict=True)
    ]


def _facts(told: PublicScan, read: MeasuredScan) -> tuple[str, str, str]:
    return told.sequence or read.sequence, told.plane or read.plane, told.region or read.region


def _key(case: Case, seed: int | None) -> str:
    """Of the files as they are now, and of the copy that is made; a file that has gone is one of no bytes."""
    told = hashlib.sha256(f"2\x1f{seed}".encode())
    for scan in case.scans:
        try:
            about = scan.path.stat()
        except OSError:
            size = changed = 0
        else:
            size, changed = about.st_size, about.st_mtime_ns
        words = (str(scan.path), str(size), str(changed), scan.sequence, scan.plane, scan.region)
        told.update("\x1f".join(words).encode("utf-8", "surrogatepass"))
    return told.hexdigest()


class KeptVectors:
    """Vectors of cases in a folder, a file for some at a time, each whole or not at all. A file that is damaged is as
    if it were not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, list[Encoded]] = {}
        self._fresh: dict[str, list[Encoded]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            self._held |= _read(path)

    def __contains__(self, key: str) -> bool:
        return key in self._held

    def __getitem__(self, key: str) -> list[Encoded]:
        return self._held[key]

    def add(self, key: str, rows: list[Encoded], *, keep: bool) -> None:
        """Of one case, written with others; keep: else it is read again by the next run, as are its failures."""
        self._held[key] = rows
        if keep:
            self._fresh[key] = rows
        if len(self._fresh) >= _AT_ONCE:
            self.write()

    def write(self) -> None:
        """Put on the disk what is not there yet. Raises OSError."""
        if not self._fresh:
            return
        tensors: dict[str, Any] = {}
        about: list[Any] = []
        for key, rows in self._fresh.items():
            for number, row in enumerate(rows):
                name = f"{len(about)}.{number}"
                tensors[name] = np.asarray(row.vector, np.float32)
                if row.copy is not None:
                    tensors[f"{name}.copy"] = np.asarray(row.copy, np.float32)
            about.append([key, [[row.scan, row.sequence, row.plane, row.region] for row in rows]])
        make_folder(self._folder, mode=0o700)
        content = safetensors.numpy.save(tensors, metadata={"cases": json.dumps(about)})
        path = self._folder / f"{_name(content)}.safetensors"
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_bytes(content)
        durable_replace(unfinished, path)
        self._fresh.clear()


def _name(content: bytes) -> str:
    """What a file with this content is called."""
    return hashlib.sha256(content).hexdigest()[:16]


def _read(path: Path) -> dict[str, list[Encoded]]:
    try:
        if _name(path.read_bytes()) != path.stem:
            return {}
        with safetensors.safe_open(path, framework="numpy") as file:
            cases = json.loads(file.metadata()["cases"])
            held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no mapping)
        return {
            str(key): [
                Encoded(
                    int(scan),
                    str(sequence),
                    str(plane),
                    str(region),
                    held[f"{case}.{number}"],
                    held.get(f"{case}.{number}.copy"),
                )
                for number, (scan, sequence, plane, region) in enumerate(rows)
            ]
            for case, (key, rows) in enumerate(cases)
        }
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
        return {}


def _gathered(
    cases: Sequence[Case],
    keys: Mapping[str, str],
    kept: KeptVectors,
    copied: frozenset[str],
    dim: int,
    unread: Mapping[str, int],
) -> ReadSet:
    volumes: list[VolumeFacts] = []
    rows: list[Floats] = []
    texts: list[str] = []
    copies: dict[int, Floats | None] = {}
    for case in cases:
        for number, one in enumerate(kept[keys[case.key]]):
            if case.key in copied and number == 0:
                copies[len(rows)] = one.copy
            facts = (str(one.scan), str(number), case.patient, one.region, one.sequence, one.plane)
            volumes.append(VolumeFacts(len(rows), case.key, *facts))
            texts.append(case.scans[one.scan].text)
            rows.append(np.asarray(one.vector, np.float64))
    return ReadSet(tuple(volumes), np.stack(rows) if rows else np.empty((0, dim)), tuple(texts), copies, dict(unread))
