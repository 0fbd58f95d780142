"""Slices that lie at the same places to volumes that hold each place once.

What tells the repeats apart is believed only where it parts them into as many volumes as the place with the most
slices has slices: a key that needs more tears volumes into pieces, as a clock does that ticks within a volume. What
is left after all keys is an order, and whatever rests on the order alone is marked as guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePath
from typing import Any

import numpy as np

from spinecho.encoders.acquisition.evidence import b_value
from spinecho.encoders.reading.dicom.frames import Frame
from spinecho.encoders.reading.grouping import Groups, numbers, ranked, vectors

_STATION_MM = 10.0
_SAME_GRADIENT = 5e-3
_KEEP_PLACE_MM = (0.02, 0.1)
_PLACE_SHARE = 0.1

Values = Callable[[Sequence[Frame]], Groups]
Label = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a stack's slices, by their index in it."""

    members: tuple[int, ...]
    labels: tuple[Label, ...] = ()
    repeats: tuple[int, ...] = ()
    """Slices at places that are taken already, in no volume."""
    guessed: bool = False
    """Nothing but an order, which may be wrong, says that these slices belong together."""
    missing: int = 0
    """Places that other parts of the same acquisition hold and this one does not."""


def same_place_mm(frames: Sequence[Frame]) -> float:
    """How far apart two slices may lie and still be at one place: rounding, well below the distance of slices."""
    given = [v for f in frames[:1] for v in (f.facts.get("slice_spacing"), f.facts.get("thickness")) if v and v > 0]
    low, high = _KEEP_PLACE_MM
    return min(high, max(low, _PLACE_SHARE * min(given))) if given else low


def places_of(offsets: Sequence[float], tolerance: float) -> list[int]:
    """The index of the place of each of the rising offsets; a new one starts where they jump."""
    jumps = np.diff(np.asarray(offsets, float)) > tolerance
    return [0, *np.cumsum(jumps).tolist()]


def parts_of(frames: Sequence[Frame], places: Sequence[int]) -> list[Part]:
    """The volumes among slices, given the place of each."""
    at = np.asarray(places)
    if int(np.bincount(at).max()) == 1:
        return [Part(tuple(range(len(frames))))]
    parts = _parted(frames, at, tuple(range(len(frames))), _PROPERTIES)
    return _with_missing(parts, at)


def _parted(
    frames: Sequence[Frame], places: Any, members: tuple[int, ...], properties: Sequence[tuple[str, Values]]
) -> list[Part]:
    counts = np.bincount(places[list(members)])
    most = int(counts.max())
    if most == 1:
        return [Part(members)]
    own = [frames[i] for i in members]
    own_places = [int(places[i]) for i in members]
    is_even = bool((counts[counts > 0] == most).all())
    for number, (name, values) in enumerate(properties):
        if not is_even and name in _CLOCKS:
            continue
        if found := _believed(name, values(own), own_places, members, most):
            # Each part may still hold repeats; the properties left over get their turn.
            rest = properties[number + 1 :]
            return [
                replace(part, labels=(label, *part.labels))
                for label, some in found
                for part in _parted(frames, places, some, rest)
            ]
    is_whole = 2 * int((counts > 1).sum()) >= int((counts > 0).sum())
    for name, groups in _orders(own, own_places, is_even=is_even):
        if found := _believed(name, groups, own_places, members, most):
            parts = [Part(some, (label,)) for label, some in found]
            if not is_whole:
                return _fullest(parts, places)
            is_sure = is_even or name in _WHOLE or _counted_in_turn(frames, places, parts)
            return parts if is_sure else [replace(part, guessed=True) for part in parts]
    return _by_occurrence(own, own_places, members) if is_whole else [_first_each(own, own_places, members)]


def _believed(
    name: str, groups: Groups | None, places: Sequence[int], members: Sequence[int], most: int
) -> list[tuple[Label, tuple[int, ...]]] | None:
    """The parts by rank, None where they are one, or where they need more volumes than any place has slices."""
    if groups is None or len(set(groups)) < 2:
        return None
    parts: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        parts[group].append(index)
    if len(parts) > most or sum(int(np.bincount([places[i] for i in part]).max()) for part in parts.values()) > most:
        return None
    return [((name, *group), tuple(members[i] for i in part)) for group, part in sorted(parts.items())]


def _fact(name: str, *, tolerance: float, form: str) -> Values:
    return lambda frames: numbers([frame.facts.get(name) for frame in frames], tolerance, form)


def _times(name: str) -> Values:
    return lambda frames: ranked([f.facts.get(name) for f in frames], lambda v: f"t{v}" if v is not None else "none")


def _directions(frames: Sequence[Frame]) -> Groups:
    def direction(frame: Frame) -> tuple[float, ...]:
        given = frame.facts.get("direction") or frame.facts.get("comment_b", ())[1:]
        given = given or [frame.facts.get(f"direction_{axis}", 0.0) for axis in "xyz"]
        return tuple(float(v) for v in given)

    def text(value: tuple[float, ...]) -> str:
        return "g" + ",".join(f"{round(part, 3) + 0.0:g}" for part in value)

    return vectors([direction(f) for f in frames], _SAME_GRADIENT, text)


_FARTHEST_MM = 1e13
"""Where a place that cannot be computed is put."""


def _in_plane(frames: Sequence[Frame]) -> Groups:
    """Groups of stations: the first voxel's place within the slice, to the centimetre."""
    places: list[tuple[float, ...]] = []
    axes = None
    for f in frames:
        if f.position is None or f.orientation is None:
            return [(0, "")] * len(frames)
        axes = np.array(f.orientation).reshape(2, 3) if axes is None else axes
        with np.errstate(over="ignore", invalid="ignore"):  # numbers that fit a header and not a product
            place = np.nan_to_num(axes @ np.array(f.position), nan=0.0, posinf=_FARTHEST_MM, neginf=-_FARTHEST_MM)
        places.append(tuple(place.tolist()))
    return vectors(places, _STATION_MM, lambda v: f"at{round(v[0] / 10)},{round(v[1] / 10)}")


_PROPERTIES: tuple[tuple[str, Values], ...] = (
    ("time", _fact("temporal", tolerance=0.5, form="t{:.0f}")),
    ("b", lambda frames: numbers([b_value(frame.facts) for frame in frames], 0.5, "b{:.0f}")),
    ("te", _fact("te", tolerance=0.002, form="te{:g}")),
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
_CLOCKS = frozenset({"acquired", "clock", "content", "trigger", "acquisition", "offset"})
"""Believed after instance numbers where some places have fewer slices: a run that broke off leaves room for a tick of
whatever rises while slices are taken."""
_WHOLE = frozenset({"object", "folder"})
"""Orders that cannot mix two runs where one of them broke off."""
_OTHER_COVERAGE = frozenset({"place", "b", "te", "ti", "flip", "tr"})
"""Volumes that differ in these need not cover the same places."""
_IN_ORDER = ("acquisition", "trigger", "time_offset", "acquired", "acquisition_time", "content_time")


def _orders(frames: Sequence[Frame], places: Sequence[int], *, is_even: bool) -> Iterator[tuple[str, Groups | None]]:
    """What an order of the slices says: objects that hold whole volumes, runs of instance numbers or times, folders."""
    moments: dict[str, tuple[Any, ...]] = {}
    for frame in frames:
        own = _moment(frame)
        moments[frame.header.sop_uid] = min(own, moments.get(frame.header.sop_uid, own))
    rank = {uid: number for number, uid in enumerate(sorted(moments, key=lambda uid: moments[uid]))}
    yield "object", [(rank[frame.header.sop_uid], f"n{rank[frame.header.sop_uid] + 1}") for frame in frames]
    instances = [frame.facts.get("instance") for frame in frames]
    counted: list[Any] = [None]
    if None not in instances:
        gaps = numbers(instances, 1.0, "n")
        yield "run", [(rank, f"n{rank}") for rank, _ in gaps]
        counted = [(instance, f.number, f.tile) for instance, f in zip(instances, frames, strict=True)]
    yield "run", _runs(counted, places)
    for name in _IN_ORDER:
        yield "run", _runs([frame.facts.get(name) for frame in frames], places)
    if is_even:
        yield "run", _slice_by_slice(counted, places)
    else:
        for name, values in _PROPERTIES:
            if name in _CLOCKS:
                yield name, values(frames)
    folders = ranked([str(PurePath(frame.header.path).parent) for frame in frames], str)
    yield "folder", [(rank, f"n{rank + 1}") for rank, _ in folders]


def _counted_in_turn(frames: Sequence[Frame], places: Any, parts: Sequence[Part]) -> bool:
    """Whether instance numbers count each part from one end to the other, one part after the other.

    Where a place lacks a slice, a run that broke off and one that began elsewhere could be taken for one.
    """
    ranges: list[tuple[int, int]] = []
    directions: set[bool] = set()
    for part in parts:
        numbered_places = sorted((frames[i].facts.get("instance", 0), int(places[i])) for i in part.members)
        numbered = [number for number, _ in numbered_places]
        steps = np.diff([place for _, place in numbered_places])
        if len(set(numbered)) < len(numbered) or not ((steps > 0).all() or (steps < 0).all()):
            return False
        directions |= {bool(step > 0) for step in steps[:1]}
        ranges.append((numbered[0], numbered[-1]))
    ranges.sort()
    return len(directions) < 2 and all(before[1] < after[0] for before, after in pairwise(ranges))


def _runs(values: Sequence[Any], places: Sequence[int]) -> Groups | None:
    """Slices in order of value, a new run where a place comes again. None where equal values hold a place twice."""
    if None in values:
        return None
    by_value: dict[Any, list[int]] = defaultdict(list)
    for index, value in enumerate(values):
        by_value[value].append(index)
    groups: Groups = [(0, "")] * len(values)
    run, taken = 0, set[int]()
    for value in sorted(by_value):
        here = [places[i] for i in by_value[value]]
        if len(set(here)) < len(here):
            return None
        if not taken.isdisjoint(here):
            run, taken = run + 1, set()
        taken.update(here)
        for index in by_value[value]:
            groups[index] = (run, f"n{run + 1}")
    return groups


def _slice_by_slice(values: Sequence[Any], places: Sequence[int]) -> Groups | None:
    """The n-th of each place, where the numbers count all repeats of one place before those of the next."""
    if None in values or len(set(values)) < len(values):
        return None
    order = sorted(range(len(values)), key=lambda i: values[i])
    groups: Groups = [(0, "")] * len(values)
    done, last, number = set[int](), -1, 0
    for index in order:
        if places[index] != last:
            if places[index] in done:
                return None
            last, number = places[index], 0
            done.add(last)
        number += 1
        groups[index] = (number - 1, f"n{number}")
    return groups


def _fullest(parts: Sequence[Part], places: Any) -> list[Part]:
    """Some slices were taken again: the whole run, the rest beside it; all parts where none holds all places."""
    held = [frozenset(places[list(part.members)].tolist()) for part in parts]
    best = max(range(len(parts)), key=lambda i: len(held[i]))
    if not all(own <= held[best] for own in held):
        return list(parts)
    others = tuple(i for number, part in enumerate(parts) if number != best for i in part.members)
    return [Part(parts[best].members, repeats=others)]


def _by_occurrence(frames: Sequence[Frame], places: Sequence[int], members: Sequence[int]) -> list[Part]:
    """Nothing but order tells the repeats apart: the n-th slice at each place belongs to the n-th volume."""
    seen: dict[int, int] = defaultdict(int)
    volumes: dict[int, list[int]] = defaultdict(list)
    for index in sorted(range(len(frames)), key=lambda i: _moment(frames[i])):
        volumes[seen[places[index]]].append(index)
        seen[places[index]] += 1
    return [
        Part(tuple(members[i] for i in sorted(own)), (("occurrence", number, f"n{number + 1}"),), guessed=True)
        for number, own in sorted(volumes.items())
    ]


def _first_each(frames: Sequence[Frame], places: Sequence[int], members: Sequence[int]) -> Part:
    """A few slices were taken again, and nothing tells which: the first at each place."""
    first: dict[int, int] = {}
    for index in sorted(range(len(frames)), key=lambda i: _moment(frames[i])):
        first.setdefault(places[index], index)
    kept = set(first.values())
    return Part(
        tuple(members[i] for i in sorted(kept)),
        repeats=tuple(member for i, member in enumerate(members) if i not in kept),
    )


def _moment(frame: Frame) -> tuple[Any, ...]:
    facts = frame.facts
    return (
        facts.get("temporal", 0),
        facts.get("trigger", 0.0),
        facts.get("acquired", ""),
        facts.get("acquisition_time", ""),
        facts.get("acquisition", 0),
        facts.get("instance", 0),
        frame_identity(frame),
    )


def frame_identity(frame: Frame) -> tuple[str, int, int, str]:
    """What tells every two frames apart, and orders them alike whatever order they come in."""
    return frame.header.sop_uid, frame.number, frame.tile, frame.header.path


def _with_missing(parts: Sequence[Part], places: Any) -> list[Part]:
    """The parts, each told how many places it lacks of those that a fuller one of the same kind holds."""
    held = [frozenset(places[list(part.members)].tolist()) for part in parts]
    kinds: dict[Hashable, list[int]] = defaultdict(list)
    for index, part in enumerate(parts):
        kinds[tuple(label for label in part.labels if label[0] in _OTHER_COVERAGE)].append(index)
    done = list(parts)
    for indices in kinds.values():
        fullest = max((held[i] for i in indices), key=len)
        for index in indices:
            if held[index] < fullest:
                done[index] = replace(parts[index], missing=len(fullest) - len(held[index]))
    return done
