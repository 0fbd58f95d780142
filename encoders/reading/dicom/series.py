"""The DICOM files of one series to volumes."""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.acquisition.rules import describe
from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.dicom.dicom_facts import dicom_evidence, series_facts, study_facts
from spinecho.encoders.reading.dicom.frames import Frame, frames_of
from spinecho.encoders.reading.dicom.pixels import PixelSource
from spinecho.encoders.reading.dicom.stacks import Stack, stacks_of
from spinecho.encoders.reading.dicom.voxel_grid import Grid, grid_of
from spinecho.encoders.reading.geometry import canonical_axes, flipped, permuted, plane_of
from spinecho.encoders.reading.headers import FileFailure, Flag, Header, VolumeRead
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.reading.volume_sampling import sampled

_MOST_OF_A_LOCALIZER = 15
"""Slices of one plane."""


def read_dicom_series(headers: Sequence[Header], *, max_volumes: int) -> Iterator[VolumeRead | FileFailure]:
    """The volumes of one series, one at a time, and a failure for each file that is in none of them."""
    usable, failures = _usable(headers)
    yield from failures
    frames: list[Frame] = []
    sources = Sources()
    for header in usable:
        try:
            own = frames_of(header)
            if len(own) > 1:  # a single slice fails later, so that its volume is known to miss it
                sources.of(header)
        except ReadError as e:
            yield FileFailure(header.path, e.reason, str(e))
            continue
        frames += own
    if not frames:
        return
    stacks = stacks_of(frames)
    is_three_plane = _is_three_plane([stack for _, stack in stacks])
    n_echoes = len({round(te, 1) for _, stack in stacks if (te := stack.frames[0].facts.get("te"))})
    yield from sampled(
        [(tuple(_paths(stack)), _Plan(key, stack, is_three_plane, n_echoes)) for key, stack in stacks],
        lambda plan: _read(plan, sources),
        max_volumes=max_volumes,
    )


def _paths(stack: Stack) -> dict[str, None]:
    return dict.fromkeys(frame.header.path for frame in (*stack.frames, *stack.repeats))


def _usable(headers: Sequence[Header]) -> tuple[list[Header], list[FileFailure]]:
    """One header for each SOP Instance UID (the first by path), failures for the rest."""
    kept: dict[str, Header] = {}
    failures: list[FileFailure] = []
    for header in sorted(headers, key=lambda h: (h.sop_uid, h.path)):
        first = kept.setdefault(header.sop_uid, header)
        if first is header:
            continue
        same = first.detail == header.detail and _same_bytes(first.path, header.path)
        failures.append(
            FileFailure(header.path, Reason.DUPLICATE, "the same object is read from another path")
            if same
            else FileFailure(header.path, Reason.CONFLICT, "another file of this series has its SOP Instance UID")
        )
    return list(kept.values()), failures


def _same_bytes(first: str, second: str) -> bool:
    try:
        return filecmp.cmp(first, second, shallow=False)
    except OSError:
        return False


@dataclass
class Sources:
    """Pixel sources by file; only the last one keeps pixels in memory."""

    known: dict[str, PixelSource] = field(default_factory=dict)
    last: str = ""

    def of(self, header: Header) -> PixelSource:
        """The source of this file's pixels. Raises ReadError."""
        if header.path != self.last:
            if self.last in self.known:
                self.known[self.last].forget()
            self.last = header.path
        if header.path not in self.known:
            self.known[header.path] = PixelSource(header)
        return self.known[header.path]


@dataclass(frozen=True, slots=True)
class _Plan:
    key: str
    stack: Stack
    is_three_plane: bool
    n_echoes: int


def _is_three_plane(stacks: Sequence[Stack]) -> bool:
    """Whether these are a few slices in each of the three planes and nothing else, as localizers are."""
    if len(stacks) < 3:
        return False
    counts: dict[str, int] = defaultdict(int)
    for stack in stacks:
        orientation = stack.frames[0].orientation
        if orientation is None:
            return False
        counts[plane_of(np.cross(orientation[:3], orientation[3:]).tolist())] += len(stack.frames)
    return set(counts) == {"axial", "coronal", "sagittal"} and max(counts.values()) <= _MOST_OF_A_LOCALIZER


def _read(plan: _Plan, sources: Sources) -> tuple[VolumeRead, list[FileFailure]]:
    """The volume of a stack, and its slices that could not be read. Raises ReadError where none could be."""
    stack = plan.stack
    failed: dict[str, FileFailure] = {}
    first = stack.frames[0]
    grid = grid_of(stack)
    order, flips = canonical_axes(grid.affine)
    kept: list[int] = []
    flags: set[str] = set(grid.flags)
    last_error: ReadError | None = None
    out = np.empty((len(stack.frames), first.rows, first.columns), np.float32)
    indices = range(len(stack.frames))
    for index in reversed(indices) if flips[2] else indices:
        frame = stack.frames[index]
        if frame.header.path in failed:
            continue
        try:
            source = sources.of(frame.header)
            values = source.frame(frame.number, frame.tile)
        except ReadError as e:
            last_error = e
            failed[frame.header.path] = FileFailure(frame.header.path, e.reason, str(e))
            if frame.header.detail["pixels"]["frames"] > 1 or frame.tile >= 0:
                raise  # a partial volume is never made of a broken multi-frame object
            continue
        _place(out[len(kept)], values, frame, flips)
        kept.append(index)
        if source.out_of_range:
            flags.add(Flag.PIXEL_RANGE)
        if "float" in source.pixels and not np.isfinite(out[len(kept) - 1]).all():
            np.nan_to_num(out[len(kept) - 1], copy=False, nan=0.0, posinf=0.0, neginf=0.0)
            flags.add(Flag.NON_FINITE)
    if not kept:
        raise last_error or ReadError(Reason.DECODE_FAILED, "no slice of this volume could be read")
    if len(kept) < len(stack.frames):
        out = out[: len(kept)]
        grid = grid_of(_subset(stack, sorted(kept)))
        flags = (flags | set(grid.flags) | {Flag.SLICES_MISSING}) - {Flag.SLICES_UNEVEN}
    if out.min() == out.max():
        raise ReadError(Reason.EMPTY_VOLUME, "every voxel has the same value")
    return _volume(plan, grid, out, order, flips, flags), list(failed.values())


def _subset(stack: Stack, kept: Sequence[int]) -> Stack:
    frames, offsets = stack.frames, stack.offsets
    return replace(stack, frames=tuple(frames[i] for i in kept), offsets=tuple(offsets[i] for i in kept))


def _place(out: NDArray[np.float32], values: NDArray[Any], frame: Frame, flips: tuple[bool, bool, bool]) -> None:
    """Write a picture (rows, columns) into its slice, rescaled, turned so that no axis counts backwards later."""
    columns_flip, rows_flip, _ = flips
    out[...] = values[:: -1 if rows_flip else 1, :: -1 if columns_flip else 1]
    slope, intercept = frame.facts.get("slope", 1.0), frame.facts.get("intercept", 0.0)
    if slope not in (0.0, 1.0):
        out *= np.float32(slope)
    if intercept:
        out += np.float32(intercept)


def _volume(
    plan: _Plan,
    grid: Grid,
    out: NDArray[np.float32],
    order: tuple[int, int, int],
    flips: tuple[bool, bool, bool],
    flags: set[str],
) -> VolumeRead:
    stack = plan.stack
    voxels = out.transpose(2, 1, 0)
    affine = permuted(flipped(grid.affine, voxels.shape, flips), order)
    volume = Volume(voxels.transpose(order), affine)
    first = stack.frames[len(stack.frames) // 2]
    header = first.header
    for frame in (*stack.frames, *stack.repeats):
        flags.update(frame.header.detail.get("flags", ()))
    if stack.repeats:
        flags.add(Flag.SLICES_REPEATED)
    notes: dict[str, Any] = dict(grid.notes)
    if stack.repeats:
        notes["repeated_slices"] = len(stack.repeats)
    if stack.guessed:
        flags.add(Flag.ORDER_GUESSED)
    if stack.missing:
        flags.add(Flag.SLICES_MISSING)
        notes["slices_missing"] = max(stack.missing, notes.get("slices_missing", 0))
    evidence = dicom_evidence(
        first.facts,
        affine=grid.affine,
        spacing_mm=volume.spacing_mm,
        sop_class=header.detail.get("sop_class", ""),
        is_three_plane=plan.is_three_plane,
        n_echoes=plan.n_echoes,
    )
    return VolumeRead(
        study=study_facts(header),
        series=series_facts(header),
        key=plan.key,
        volume=volume,
        acquisition=describe(evidence),
        paths=tuple(_paths(stack)),
        flags=tuple(sorted(flags)),
        notes=notes,
    )
