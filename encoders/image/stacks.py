"""A series' frames to stacks: the volumes that share one series, each a list of slices in order of position.

What always separates volumes: matrix, spacing, orientation, image type and complex part, echo time, b-value, stack.
What separates them only where positions repeat: time, diffusion direction, acquisition, trigger, and so on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from encoders.image.evidence import b_value
from encoders.image.frames import Frame
from encoders.image.geometry import plane_of

_SAME_PLACE_MM = 0.02
_SAME_DIRECTION = 2e-3


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


def stacks_of(frames: Sequence[Frame]) -> list[tuple[str, Stack]]:
    """(key, stack) of each volume in a stable order, whatever the order of `frames`."""
    pending = [Stack(tuple(sorted(frames, key=_identity)), (), ())]
    for name, values in _ALWAYS:
        pending = [part for stack in pending for part in _split(stack, name, values(stack.frames))]
    found = [part for stack in pending for part in _without_repeats(_placed(stack), _ONLY_FOR_REPEATS)]
    found.sort(key=lambda stack: (_order(stack), _identity(stack.frames[0])))
    return list(zip(_keys(found), found, strict=True))


def _identity(frame: Frame) -> tuple[str, int, int, str]:
    return frame.header.sop_uid, frame.number, frame.tile, frame.header.path


def _order(stack: Stack) -> list[tuple[str, int]]:
    return [(name, rank) for name, rank, _ in stack.labels]


Groups = list[tuple[int, str]]
"""For each frame the rank of its group and the group's text."""


def _split(stack: Stack, name: str, groups: Groups) -> list[Stack]:
    members: dict[tuple[int, str], list[Frame]] = defaultdict(list)
    for frame, group in zip(stack.frames, groups, strict=True):
        members[group].append(frame)
    if len(members) < 2:
        return [stack]
    return [
        replace(stack, frames=tuple(part), labels=(*stack.labels, (name, rank, text)))
        for (rank, text), part in sorted(members.items(), key=lambda item: item[0])
    ]


def _ranked(values: Sequence[Hashable], text: Callable[[Any], str]) -> Groups:
    """Groups of equal values, ranked by value; missing ones first."""
    distinct = sorted(set(values), key=lambda v: (v is not None, v if v is not None else ""))
    rank = {value: index for index, value in enumerate(distinct)}
    return [(rank[value], text(value)) for value in values]


def _numbers(values: Sequence[float | None], tolerance: float, form: str) -> Groups:
    """Groups of numbers, parted where the sorted values jump by more than the tolerance; missing ones first."""
    groups: dict[float | None, tuple[int, str]] = {None: (0, "none")}
    rank, last = 0, -np.inf
    for value in sorted({v for v in values if v is not None}):
        if value - last > tolerance:
            rank += 1
            label = form.format(value)
        groups[value] = (rank, label)
        last = value
    return [groups[value] for value in values]


def _fact(name: str, *, tolerance: float, form: str) -> Callable[[Sequence[Frame]], Groups]:
    return lambda frames: _numbers([frame.facts.get(name) for frame in frames], tolerance, form)


def _matrices(frames: Sequence[Frame]) -> Groups:
    return _ranked([(f.rows, f.columns) for f in frames], lambda v: f"{v[1]}x{v[0]}")


def _spacings(frames: Sequence[Frame]) -> Groups:
    return _ranked(
        [tuple(round(v, 3) for v in f.facts.get("pixel_spacing", ())) for f in frames],
        lambda v: "x".join(f"{part:g}mm" for part in v) or "none",
    )


def _orientations(frames: Sequence[Frame]) -> Groups:
    """Groups of directions that agree within rounding; ranked by plane, then by direction."""
    seeds: list[tuple[float, ...]] = []
    assigned: dict[tuple[float, ...] | None, int] = {None: -1}
    for orientation in sorted({f.orientation for f in frames if f.orientation is not None}):
        for index, seed in enumerate(seeds):
            if max(abs(a - b) for a, b in zip(seed, orientation, strict=True)) <= _SAME_DIRECTION:
                assigned[orientation] = index
                break
        else:
            assigned[orientation] = len(seeds)
            seeds.append(orientation)
    names = [plane_of(np.cross(seed[:3], seed[3:]).tolist()) for seed in seeds]
    return [(assigned[f.orientation], names[assigned[f.orientation]] if f.orientation else "none") for f in frames]


def _kinds(frames: Sequence[Frame]) -> Groups:
    """Image type, complex component and GE's part (magnitude, phase, real, imaginary)."""
    kinds = [(f.facts.get("image_type", ""), f.facts.get("complex", ""), f.facts.get("ge_part", 0)) for f in frames]
    tokens = [{*kind[0].split("\\"), kind[1], f"part{kind[2]}" if kind[2] else ""} for kind in kinds]
    common = set.intersection(*tokens) if tokens else set()

    def text(kind: tuple[str, str, int]) -> str:
        own = [*kind[0].split("\\"), kind[1], f"part{kind[2]}" if kind[2] else ""]
        return "-".join(t for t in dict.fromkeys(own) if t and t not in common).lower() or "plain"

    return _ranked(kinds, text)


def _stack_names(frames: Sequence[Frame]) -> Groups:
    return _ranked([str(f.facts.get("stack", "")) for f in frames], lambda v: f"stack{v}")


_ALWAYS: tuple[tuple[str, Callable[[Sequence[Frame]], Groups]], ...] = (
    ("matrix", _matrices),
    ("spacing", _spacings),
    ("orientation", _orientations),
    ("kind", _kinds),
    ("te", _fact("te", tolerance=0.1, form="te{:g}")),
    ("b", lambda frames: _numbers([b_value(frame.facts) for frame in frames], 5.0, "b{:.0f}")),
    ("stack", _stack_names),
)


def _placed(stack: Stack) -> Stack:
    """The stack with its slices in order of position, or of the next best thing, flagged, where there is none."""
    frames = stack.frames
    if all(f.position is not None and f.orientation is not None for f in frames):
        first = frames[0].orientation
        assert first is not None  # noqa: S101
        normal = np.cross(first[:3], first[3:])
        along = (np.array([f.position for f in frames]) @ normal).tolist()
        if len(frames) > 1 and np.ptp(along) < _SAME_PLACE_MM:
            locations = [f.facts.get("slice_location") for f in frames]
            if None not in locations and len(set(locations)) == len(frames):
                return _in_order(replace(stack, suspect=True), locations)
        return _in_order(stack, along)
    for name in ("slice_location", "instance"):
        values = [f.facts.get(name) for f in frames]
        if None not in values and len(set(values)) > 1:
            scale = 1.0
            if name == "instance":
                scale = frames[0].facts.get("slice_spacing") or frames[0].facts.get("thickness") or 1.0
            return _in_order(replace(stack, suspect=True), [float(v) * scale for v in values])  # type: ignore[arg-type]
    step = frames[0].facts.get("slice_spacing") or frames[0].facts.get("thickness") or 1.0
    return _in_order(replace(stack, suspect=True), [i * step for i in range(len(frames))])


def _in_order(stack: Stack, offsets: Sequence[Any]) -> Stack:
    order = sorted(range(len(offsets)), key=lambda i: (offsets[i], i))
    return replace(stack, frames=tuple(stack.frames[i] for i in order), offsets=tuple(float(offsets[i]) for i in order))


def _places(offsets: Sequence[float]) -> list[int]:
    """The index of the place of each of the rising offsets; equal within rounding is one place."""
    places: list[int] = []
    start = -np.inf
    for offset in offsets:
        if offset - start > _SAME_PLACE_MM:
            places.append(places[-1] + 1 if places else 0)
            start = offset
        else:
            places.append(places[-1])
    return places


def _times(name: str) -> Callable[[Sequence[Frame]], Groups]:
    return lambda frames: _ranked([f.facts.get(name) for f in frames], lambda v: f"t{v}" if v is not None else "none")


def _directions(frames: Sequence[Frame]) -> Groups:
    def direction(frame: Frame) -> tuple[float, ...]:
        given = frame.facts.get("direction") or [frame.facts.get(f"direction_{axis}", 0.0) for axis in "xyz"]
        return tuple(round(float(v), 3) + 0.0 for v in given)

    return _ranked([direction(f) for f in frames], lambda v: "g" + ",".join(f"{part:g}" for part in v))


_FARTHEST = 1e12
"""Centimetres: where a place that cannot be computed is put."""


def _in_plane(frames: Sequence[Frame]) -> Groups:
    """Groups of stations: the first voxel's place within the slice, to the centimetre."""
    places: list[tuple[int, ...]] = []
    for f in frames:
        if f.position is None or f.orientation is None:
            return [(0, "")] * len(frames)
        position, axes = np.array(f.position), np.array(f.orientation).reshape(2, 3)
        with np.errstate(over="ignore", invalid="ignore"):  # numbers that fit a header and not a product
            place = np.nan_to_num(np.round(axes @ position / 10.0), nan=0.0, posinf=_FARTHEST, neginf=-_FARTHEST)
        places.append(tuple(int(v) for v in place))
    return _ranked(places, lambda v: f"at{v[0]},{v[1]}")


_ONLY_FOR_REPEATS: tuple[tuple[str, Callable[[Sequence[Frame]], Groups]], ...] = (
    ("time", _fact("temporal", tolerance=0.5, form="t{:.0f}")),
    ("direction", _directions),
    ("acquisition", _fact("acquisition", tolerance=0.5, form="a{:.0f}")),
    ("trigger", _fact("trigger", tolerance=0.01, form="trigger{:g}")),
    ("offset", _fact("time_offset", tolerance=0.001, form="t{:g}")),
    ("place", _in_plane),
    ("ti", _fact("ti", tolerance=0.1, form="ti{:g}")),
    ("flip", _fact("flip", tolerance=0.1, form="flip{:g}")),
    ("tr", _fact("tr", tolerance=0.5, form="tr{:g}")),
    ("acquired", _times("acquired")),
    ("clock", _times("acquisition_time")),
    ("content", _times("content_time")),
)


def _without_repeats(
    stack: Stack, properties: Sequence[tuple[str, Callable[[Sequence[Frame]], Groups]]]
) -> Iterable[Stack]:
    """Split a stack whose positions repeat by the first property that tells the repeats apart without crumbling it."""
    places = _places(stack.offsets)
    times_each = np.bincount(places)
    most = int(times_each.max())
    if most == 1:
        return [stack]
    for index, (name, values) in enumerate(properties):
        groups = values(stack.frames)
        if 1 < len(set(groups)) <= most:
            # Each part may still hold repeats; the properties left over get their turn.
            parts = (_placed(part) for part in _split(stack, name, groups))
            return [done for part in parts for done in _without_repeats(part, properties[index + 1 :])]
    if 2 * int((times_each > 1).sum()) >= len(times_each):
        return _by_occurrence(stack, places)
    taken: set[int] = set()
    first: list[int] = []
    for index, place in enumerate(places):
        if place not in taken:
            taken.add(place)
            first.append(index)
    kept = set(first)
    return [
        replace(
            stack,
            frames=tuple(stack.frames[i] for i in first),
            offsets=tuple(stack.offsets[i] for i in first),
            repeats=tuple(frame for i, frame in enumerate(stack.frames) if i not in kept),
        )
    ]


def _by_occurrence(stack: Stack, places: Sequence[int]) -> list[Stack]:
    """Nothing but order tells the repeats apart: the n-th frame at each position belongs to the n-th volume."""
    seen: dict[int, int] = defaultdict(int)
    groups: Groups = [(0, "")] * len(places)
    for index in sorted(range(len(places)), key=lambda i: _moment(stack.frames[i])):
        number = seen[places[index]]
        seen[places[index]] += 1
        groups[index] = (number, f"n{number + 1}")
    return [_placed(part) for part in _split(stack, "occurrence", groups)]


def _moment(frame: Frame) -> tuple[Any, ...]:
    facts = frame.facts
    return (
        facts.get("temporal", 0),
        facts.get("trigger", 0.0),
        facts.get("acquired", ""),
        facts.get("acquisition_time", ""),
        facts.get("acquisition", 0),
        facts.get("instance", 0),
        _identity(frame),
    )


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
