"""Which volumes of a series are read, and to which of them each file belongs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.headers import FileFailure, Flag, VolumeRead

Plan = TypeVar("Plan")
Read = Callable[[Plan], tuple[VolumeRead, list[FileFailure]]]


def sampled(
    plans: Sequence[tuple[tuple[str, ...], Plan]], read: Read[Plan], *, max_volumes: int
) -> Iterator[VolumeRead | FileFailure]:
    """Read an evenly spaced subset of at most `max_volumes` plans, one at a time.

    plans: (paths, plan) of each volume in order. `read` gives the volume and failures of single files, or raises
    ReadError where the volume cannot be had at all. Every path comes out exactly once: with the first volume read
    that it belongs to (for a volume that is not read, its nearest read one), or as a failure. A volume all of whose
    files came out with an earlier one has no paths; its notes name that one under "files_of".
    """
    chosen = _evenly(len(plans), max_volumes)
    claims: list[dict[str, None]] = [dict.fromkeys(plans[index][0]) for index in chosen]
    for index, (paths, _) in enumerate(plans):
        nearest = min(range(len(chosen)), key=lambda c: abs(chosen[c] - index))
        claims[nearest].update(dict.fromkeys(paths))
    still_claimed = Counter(path for claim in claims for path in claim)
    owner: dict[str, str] = {}
    failures: dict[str, FileFailure] = {}
    orphans: dict[str, None] = {}
    for place, index in enumerate(chosen):
        own, plan = plans[index]
        claim = claims[place] | orphans
        orphans = {}
        result: VolumeRead | None = None
        try:
            result, broken = read(plan)
        except ReadError as e:
            broken = [FileFailure(path, e.reason, str(e)) for path in own]
            # Files of volumes that are not read did nothing wrong: they go to the next one.
            orphans = {path: None for path in claim if path not in own and path not in owner}
            if place == len(chosen) - 1:
                broken += [FileFailure(path, e.reason, f"not read; its neighbour: {e}") for path in orphans]
        for failure in broken:
            failures.setdefault(failure.path, failure)
        if result is not None:
            lost = {failure.path for failure in broken}
            paths = tuple(path for path in claim if path not in owner and path not in lost)
            yield _with_files(result, paths, own, owner, total=len(plans), read_count=len(chosen))
            owner.update(dict.fromkeys(paths, result.key))
        for path in claims[place]:
            still_claimed[path] -= 1
        for path in list(failures):
            if still_claimed[path] <= 0 and path not in owner:
                yield failures.pop(path)


def _with_files(
    result: VolumeRead,
    paths: tuple[str, ...],
    own: tuple[str, ...],
    owner: dict[str, str],
    *,
    total: int,
    read_count: int,
) -> VolumeRead:
    notes, flags = dict(result.notes), result.flags
    if total > read_count:
        flags = tuple(sorted({*flags, Flag.VOLUMES_SAMPLED}))
        notes["volumes_total"] = total
    if not paths and own and own[0] in owner:
        notes["files_of"] = owner[own[0]]
    return replace(result, paths=paths, flags=flags, notes=notes)


def _evenly(total: int, most: int) -> list[int]:
    if total <= most:
        return list(range(total))
    return sorted({int(i) for i in np.linspace(0, total - 1, max(1, most)).round()})
