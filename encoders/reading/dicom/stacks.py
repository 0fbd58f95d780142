"""A series' frames to stacks: the volumes that share one series, each a list of slices in order of position.

What always separates volumes: matrix, spacing, orientation, image type and complex part, echo time, b-value, stack.
What separates them only where positions repeat: time, diffusion direction, acquisition and so on, see `repeats`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.acquisition.evidence import b_value
from spinecho.encoders.reading.dicom.frames import Frame
from spinecho.encoders.reading.dicom.repeats import frame_identity, parts_of, places_of, same_place_mm
from spinecho.encoders.reading.geometry import plane_of
from spinecho.encoders.reading.grouping import Groups, numbers, ranked, vectors

_SAME_SPACING_MM = 0.003
_SAME_DIRECTION = 5e-3
_CLOSER = 0.75
"""Of the distance that the header gives: slices that lie closer to one another are of several runs."""
_FEWEST_OF_A_RUN = 3


@dataclass(frozen=True, slots=True)
class Stack:
    """Slices of one volume by rising position along the normal."""

    frames: tuple[Frame, ...]
    offsets: tuple[float, ...]
    """Millimetres along the slice normal, rising; () where positions are not known."""
    labels: tuple[tuple[str, int, str], ...]
    """(name, rank, text) of every property that told this stack apart."""
    repeats: tuple[Frame, ...] = ()
    """Frames at a position that is taken already."""
    suspect: bool = False
    guessed: bool = False
    """Nothing but an order, which may be wrong, says that these slices belong together."""
    missing: int = 0
    """Places that other volumes of the same acquisition hold and this one does not."""


def stacks_of(frames: Sequence[Frame]) -> list[tuple[str, Stack]]:
    """(key, stack) of each volume in a stable order, whatever the order of `frames`."""
    pending = [Stack(tuple(sorted(frames, key=frame_identity)), (), ())]
    for name, values in _ALWAYS:
        pending = [part for stack in pending for part in _split(stack, name, values(stack.frames))]
    for name, values in _WHERE_SLICES_OVERLAP:
        pending = [part for stack in pending for part in _split_overlap(stack, name, values(stack.frames))]
    found = [part for stack in pending for part in _without_repeats(_placed(stack))]
    found.sort(key=lambda stack: (_order(stack), frame_identity(stack.frames[0])))
    return list(zip(_keys(found), found, strict=True))


def _without_repeats(stack: Stack) -> list[Stack]:
    """The volumes of a stack in which places repeat, each with every place once."""
    frames, offsets = stack.frames, stack.offsets
    return [
        replace(
            stack,
            frames=tuple(frames[i] for i in part.members),
            offsets=tuple(offsets[i] for i in part.members),
            labels=(*stack.labels, *part.labels),
            repeats=tuple(frames[i] for i in part.repeats),
            guessed=part.guessed,
            missing=part.missing,
        )
        for part in parts_of(frames, places_of(offsets, same_place_mm(frames)))
    ]


def _order(stack: Stack) -> list[tuple[str, int]]:
    return [(name, rank) for name, rank, _ in stack.labels]


def _split(stack: Stack, name: str, groups: Groups) -> list[Stack]:
    members: dict[tuple[int, str], list[Frame]] = defaultdict(list)
    for frame, group in zip(stack.frames, groups, strict=True):
        members[group].append(frame)
    if len(members) < 2:
        return [stack]
    if name in _OF_A_VOLUME and (_crumbles(stack, len(members)) or _interleaves(stack, [group for group, _ in groups])):
        return [stack]
    return [
        replace(stack, frames=tuple(part), labels=(*stack.labels, (name, rank, text)))
        for (rank, text), part in sorted(members.items(), key=lambda item: item[0])
    ]


def _crumbles(stack: Stack, count: int) -> bool:
    """Whether each slice has a value of its own and a place of its own: the value belongs to slices, not to volumes."""
    places = {frame.position for frame in stack.frames}
    return count > 2 and count == len(stack.frames) == len(places)


def _interleaves(stack: Stack, groups: Sequence[int]) -> bool:
    """Whether slices of several values alternate within one even row of slices, none at a place of another."""
    frames = stack.frames
    if len(frames) < 4 or any(f.position is None or f.orientation != frames[0].orientation for f in frames):
        return False
    axes = np.array(frames[0].orientation)
    along = np.array([f.position for f in frames]) @ np.cross(axes[:3], axes[3:])
    order = np.argsort(along, kind="stable")
    gaps = np.diff(along[order])
    usual = float(np.median(gaps))
    given = frames[0].facts.get("slice_spacing") or frames[0].facts.get("thickness") or 0.0
    if usual < max(0.9 * given, same_place_mm(frames)) or np.abs(gaps - usual).max() > 0.05 * usual + 0.02:
        return False
    changes = int(np.count_nonzero(np.diff(np.array(groups)[order])))
    return changes >= 2 * len(set(groups)) - 1


def _split_overlap(stack: Stack, name: str, groups: Groups) -> list[Stack]:
    return _split(stack, name, groups) if _overlap(stack, groups) else [stack]


def _overlap(stack: Stack, groups: Groups) -> bool:
    """Whether slices of several runs lie among one another, closer than they can, while each run is an even volume.

    So does a series of two acquisitions of which the second was planned anew, by less than the distance of slices.
    """
    frames = stack.frames
    given = frames[0].facts.get("slice_spacing") or frames[0].facts.get("thickness") or 0.0
    runs: dict[int, list[Frame]] = defaultdict(list)
    for frame, (rank, _) in zip(frames, groups, strict=True):
        runs[rank].append(frame)
    if len(runs) < 2 or min(map(len, runs.values())) < _FEWEST_OF_A_RUN or given <= 0:
        return False
    gaps = _gaps(frames)
    if gaps is None or not same_place_mm(frames) < gaps.min() < _CLOSER * given:
        return False
    return all((own := _gaps(run)) is not None and np.abs(own - given).max() < 0.1 * given for run in runs.values())


def _gaps(frames: Sequence[Frame]) -> NDArray[np.float64] | None:
    """Millimetres from slice to slice along their normal; None where places or directions are not all known alike."""
    if any(f.position is None or f.orientation is None for f in frames):
        return None
    axes = np.median(np.array([f.orientation for f in frames]), axis=0)
    gaps: NDArray[np.float64] = np.diff(np.sort(np.array([f.position for f in frames]) @ np.cross(axes[:3], axes[3:])))
    return gaps


def _fact(name: str, *, tolerance: float, form: str) -> Callable[[Sequence[Frame]], Groups]:
    return lambda frames: numbers([frame.facts.get(name) for frame in frames], tolerance, form)


def _matrices(frames: Sequence[Frame]) -> Groups:
    return ranked([(f.rows, f.columns) for f in frames], lambda v: f"{v[1]}x{v[0]}")


def _spacings(frames: Sequence[Frame]) -> Groups:
    def text(spacing: tuple[float, ...]) -> str:
        return "x".join(f"{round(part, 3):g}mm" for part in spacing) or "none"

    return vectors([tuple(f.facts.get("pixel_spacing", ())) for f in frames], _SAME_SPACING_MM, text)


def _orientations(frames: Sequence[Frame]) -> Groups:
    """Groups of directions that agree within rounding or drift; ranked by direction."""

    def plane(orientation: tuple[float, ...]) -> str:
        return plane_of(np.cross(orientation[:3], orientation[3:]).tolist())

    return vectors([f.orientation for f in frames], _SAME_DIRECTION, plane)


def _kinds(frames: Sequence[Frame]) -> Groups:
    """Image type, complex component and GE's part (magnitude, phase, real, imaginary)."""
    kinds = [(f.facts.get("image_type", ""), f.facts.get("complex", ""), f.facts.get("ge_part", 0)) for f in frames]
    tokens = [{*kind[0].split("\\"), kind[1], f"part{kind[2]}" if kind[2] else ""} for kind in kinds]
    common = set.intersection(*tokens) if tokens else set()

    def text(kind: tuple[str, str, int]) -> str:
        own = [*kind[0].split("\\"), kind[1], f"part{kind[2]}" if kind[2] else ""]
        return "-".join(t for t in dict.fromkeys(own) if t and t not in common).lower() or "plain"

    return ranked(kinds, text)


def _stack_names(frames: Sequence[Frame]) -> Groups:
    return ranked([str(f.facts.get("stack", "")) for f in frames], lambda v: f"stack{v}")


_ALWAYS: tuple[tuple[str, Callable[[Sequence[Frame]], Groups]], ...] = (
    ("matrix", _matrices),
    ("spacing", _spacings),
    ("orientation", _orientations),
    ("kind", _kinds),
    ("te", _fact("te", tolerance=0.1, form="te{:g}")),
    ("b", lambda frames: numbers([b_value(frame.facts) for frame in frames], 5.0, "b{:.0f}")),
    ("stack", _stack_names),
)
_WHERE_SLICES_OVERLAP: tuple[tuple[str, Callable[[Sequence[Frame]], Groups]], ...] = (
    ("time", _fact("temporal", tolerance=0.5, form="t{:.0f}")),
    ("acquisition", _fact("acquisition", tolerance=0.5, form="a{:.0f}")),
)
_OF_A_VOLUME = frozenset({"te", "b", "stack"})


def _placed(stack: Stack) -> Stack:
    """The stack with its slices in order of position, or of the next best thing, flagged, where there is none."""
    frames = stack.frames
    if all(f.position is not None and f.orientation is not None for f in frames):
        axes = np.median(np.array([f.orientation for f in frames]), axis=0)
        along = (np.array([f.position for f in frames]) @ np.cross(axes[:3], axes[3:])).tolist()
        tolerance = same_place_mm(frames)
        if len(frames) > 1 and np.ptp(along) < tolerance:
            for name, scale in _INSTEAD[:2]:
                values = _offsets(frames, name, scale)
                if values and np.ptp(values) > tolerance:
                    return _in_order(replace(stack, suspect=True), values)
        return _in_order(stack, along)
    for name, scale in _INSTEAD:
        values = _offsets(frames, name, scale)
        if values and len(set(values)) > 1:
            return _in_order(replace(stack, suspect=True), values)
    return _in_order(replace(stack, suspect=True), [i * _step(frames) for i in range(len(frames))])


_INSTEAD = (("slice_location", False), ("in_stack", True), ("instance", True))
"""What slices are ordered by where they have no positions, and whether it counts slices."""


def _offsets(frames: Sequence[Frame], name: str, is_count: bool) -> list[float]:
    values = [f.facts.get(name) for f in frames]
    step = _step(frames) if is_count else 1.0
    return [] if None in values else [float(v) * step for v in values]  # type: ignore[arg-type]


def _step(frames: Sequence[Frame]) -> float:
    return float(frames[0].facts.get("slice_spacing") or frames[0].facts.get("thickness") or 1.0)


def _in_order(stack: Stack, offsets: Sequence[Any]) -> Stack:
    order = sorted(range(len(offsets)), key=lambda i: (offsets[i], i))
    return replace(stack, frames=tuple(stack.frames[i] for i in order), offsets=tuple(float(offsets[i]) for i in order))


def _keys(stacks: Sequence[Stack]) -> list[str]:
    """A name for each stack from what tells it apart, '' for a lone one, all different."""
    if len(stacks) == 1:
        return [""]
    names = ["_".join(text for _, _, text in stack.labels) or "rest" for stack in stacks]
    seen: dict[str, int] = defaultdict(int)
    keys: list[str] = []
    for name in names:
        seen[name] += 1
        keys.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return keys
