"""The voxel grid of a stack of slices: its affine, and what is odd about the distances between slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.reading.dicom.frames import Frame
from spinecho.encoders.reading.dicom.stacks import Stack
from spinecho.encoders.reading.geometry import Matrix, lps_to_ras
from spinecho.encoders.reading.headers import Flag

_FARTHEST_MM = 5000.0
_ORTHOGONAL = 0.02
_EVEN_MM, _EVEN_SHARE = 0.05, 0.05
_SAME_PLACE_MM = 1e-3
_MOST_TURN = 0.02
"""Of a direction from slice to slice, as a part of its length: about a degree."""
_MOST_GAPS_NOTED = 16


@dataclass(frozen=True, slots=True)
class Grid:
    """affine: (column, row, slice) index to RAS+ millimetres; slices count by rising offset of the stack."""

    affine: Matrix
    flags: frozenset[Flag] = frozenset()
    notes: dict[str, Any] = field(default_factory=dict)


def grid_of(stack: Stack) -> Grid:
    """The grid of a stack. Uneven or missing slices are flagged and noted, nothing is interpolated."""
    first = stack.frames[0]
    flags = {Flag.GEOMETRY_SUSPECT} if stack.suspect else set()
    row, column, is_sound = _directions(first)
    normal = np.cross(row, column)
    spacing = [v for v in first.facts.get("pixel_spacing", ()) if v > 0]
    if len(spacing) != 2:
        spacing, is_sound = [1.0, 1.0], False
    step, more, notes = _slice_step(stack, normal)
    flags |= more
    origin = np.zeros(3)
    if first.position is not None:
        origin = np.array(first.position)
        if float(np.abs(origin).max()) > _FARTHEST_MM:
            is_sound = False
    if not is_sound or _turns(stack):
        flags.add(Flag.GEOMETRY_SUSPECT)
    mosaic = first.header.detail.get("mosaic", {})
    if mosaic and "normal" not in mosaic and not mosaic.get("positions"):
        flags.add(Flag.GEOMETRY_SUSPECT)
        notes["slice_order"] = "the header does not say towards which side the tiles of its mosaic follow one another"
    affine = np.eye(4)
    affine[:3, 0] = row * spacing[1]
    affine[:3, 1] = column * spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = origin
    return Grid(lps_to_ras(affine), frozenset(flags), notes)


def _directions(frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Unit directions of a row and of a column at right angles, and whether the file's own were such."""
    if frame.orientation is not None:
        given = np.array(frame.orientation).reshape(2, 3)
        lengths = np.linalg.norm(given, axis=1)
        if lengths.min() > 0.1:
            row, column = given / lengths[:, None]
            skew = float(row @ column)
            if abs(skew) < 0.5:
                is_sound = abs(skew) < _ORTHOGONAL and bool(np.abs(lengths - 1).max() < _ORTHOGONAL)
                if abs(skew) > 1e-4:
                    column = column - skew * row
                    column /= np.linalg.norm(column)
                return row, column, is_sound
    return np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), False


def _turns(stack: Stack) -> bool:
    """Whether the slices turn, by small steps, to another direction than the volume can have."""
    given = {frame.orientation for frame in stack.frames if frame.orientation is not None}
    return len(given) > 1 and float(np.ptp(np.array(sorted(given)), axis=0).max()) > _MOST_TURN


def _slice_step(stack: Stack, normal: NDArray[np.float64]) -> tuple[NDArray[np.float64], set[Flag], dict[str, Any]]:
    """Vector from a slice to the next, flags, and notes with the odd gaps."""
    frames = stack.frames
    if len(frames) < 2:
        facts = frames[0].facts
        single = next((abs(v) for v in (facts.get("slice_spacing"), facts.get("thickness")) if v), 1.0)
        return normal * single, set(), {}
    gaps = np.diff(stack.offsets)
    apart = gaps[gaps > _SAME_PLACE_MM]  # where slices repeat, most gaps may be none
    usual = float(np.median(apart if len(apart) else gaps))
    tolerance = max(_EVEN_MM, _EVEN_SHARE * usual)
    odd = np.abs(gaps - usual) > tolerance
    flags, notes = _oddities(gaps, usual, odd, tolerance)
    direction = normal
    if not stack.suspect and all(f.position is not None for f in frames):
        positions = np.array([f.position for f in frames])
        whole = positions[-1] - positions[0]
        along = float(whole @ normal)
        straight = positions[0] + np.outer((positions - positions[0]) @ normal / along, whole)
        sideways = whole - along * normal
        if float(np.abs(positions - straight).max()) > max(1.0, usual):
            flags.add(Flag.GEOMETRY_SUSPECT)
        else:
            direction = whole / along
            if float(np.linalg.norm(sideways)) > 0.05 * along + 0.05:
                flags.add(Flag.GEOMETRY_SUSPECT)
    step = usual if odd.any() else float(gaps.mean())
    return direction * step, flags, notes


def _oddities(
    gaps: NDArray[np.float64], usual: float, odd: NDArray[np.bool_], tolerance: float
) -> tuple[set[Flag], dict[str, Any]]:
    if not odd.any():
        return set(), {}
    times = np.maximum(np.round(gaps[odd] / usual), 1)
    whole: Sequence[bool] = (np.abs(gaps[odd] - times * usual) <= tolerance * times).tolist()
    is_missing = all(whole) and bool((times > 1).all())
    notes: dict[str, Any] = {
        "spacing_mm": round(usual, 4),
        "gaps_mm": [round(float(g), 3) for g in gaps[odd][:_MOST_GAPS_NOTED]],
        "gaps_after_slice": [int(i) for i in np.flatnonzero(odd)[:_MOST_GAPS_NOTED]],
    }
    if is_missing:
        notes["slices_missing"] = int((times - 1).sum())
    return {Flag.SLICES_MISSING if is_missing else Flag.SLICES_UNEVEN}, notes
