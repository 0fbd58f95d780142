"""Which series of a study belong together, by written rules; each group says what its series have in common.

1. **One acquisition**: what the scanner made of one measurement: Dixon images, magnitude and phase, echoes, b-values,
   inversions, and what was computed of them. Series that began in the same second, in one frame of reference, on one
   grid and with one repetition time; computed images may lie on another grid. Where times are not known or cannot be
   true (measurements that differ share one), the protocol's name, the grid and the acquisition number have to do; so
   they have for maps that were made later.
2. **Dynamic phases**: series of a dynamic contrast study, one after the other with one timing on one grid.
3. **Before and after contrast**: series without and with an agent by their headers, alike in sequence, timing and grid;
   one that does not tell counts where it began before one with an agent.

The order of files, series and volumes changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, TypeAlias, get_args

from spinecho.search.linking.scans import Part, Scan

Kind: TypeAlias = Literal["one acquisition", "dynamic phases", "before and after contrast"]
Reason: TypeAlias = Literal[
    "frame of reference", "geometry", "acquisition time", "protocol name", "acquisition number", "timing",
    "series number",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
_Fits: TypeAlias = Callable[[Scan, Scan], bool]
MOST_SERIES = 300
"""More than these of one study are told apart by nobody."""
_SECOND = 1.0
_SAME_TIMING = 0.01
_FEW = 4
"""Values that a part names one by one."""
_DIFFUSION_MAPS = frozenset(
    {"ADC map", "exponential ADC map", "FA map", "colour FA map", "MD map", "diffusion tensor", "calculated b-value",
     "trace"}
)  # fmt: skip
_DIXON, _COMPONENT, _TE, _TI, _B, _COMPUTED, _OF_TECHNIQUE = range(7)
_WHAT = {
    _DIXON: "Dixon images", _COMPONENT: "parts of the signal", _TE: "echoes", _TI: "inversion times",
    _B: "b-values", _OF_TECHNIQUE: "images of a technique", _COMPUTED: "computed images",
}  # fmt: skip
_SIDES = {"no": "before contrast", "yes": "after contrast"}
_NUMBERS = {_TE: ("TE ", " ms"), _TI: ("TI ", " ms"), _B: ("b ", "")}


@dataclass(frozen=True, slots=True)
class Member:
    """A series of a group, and which part of it the series is: "water", "TE 4.9 ms", "b 0, 1000", "phase 2 of 5"."""

    series_uid: str
    part: str


@dataclass(frozen=True, slots=True)
class SeriesGroup:
    """Series that belong together.

    what: in what they differ; by: what all of them have in common, the rule's grounds.
    """

    kind: Kind
    what: tuple[str, ...]
    by: tuple[Reason, ...]
    members: tuple[Member, ...]


def groups_of(scans: Sequence[Scan]) -> list[SeriesGroup]:
    """Every group of two series and more, by kind, then in the order of its first series.

    A series may be in one group of each kind. Of a study of more than `MOST_SERIES` nothing is told.
    """
    ordered = sorted(scans, key=lambda scan: scan.uid)
    order = {scan.uid: scan.order for scan in ordered}
    if len(ordered) > MOST_SERIES:
        return []
    found = _acquisitions(ordered)
    found += [_dynamic(some) for some in _components(ordered, _in_one_dynamic) if len(some) > 1]
    found += [_contrast(some) for some in _components(ordered, _around_contrast) if len(some) > 1]
    return sorted(
        found, key=lambda one: (KINDS.index(one.kind), min(order[member.series_uid] for member in one.members))
    )


def _acquisitions(scans: Sequence[Scan]) -> list[SeriesGroup]:
    times_tell = not any(
        _began_together(one, other) and _measured_otherwise(one, other) for one, other in combinations(scans, 2)
    )

    def at_once(one: Scan, other: Scan) -> bool:
        if _in_other_space(one, other) or {one.contrast, other.contrast} == {"no", "yes"}:
            return False
        sources = not one.is_computed and not other.is_computed
        if sources and (_measured_otherwise(one, other) or _on_other_grids(one, other)):
            return False
        if times_tell and one.begun is not None and other.begun is not None:
            return _began_together(one, other)
        return sources and _of_one_protocol(one, other) and _on_one_grid(one, other)

    measured: list[tuple[list[Scan], bool]] = []
    maps: list[list[Scan]] = []
    for group in _components(scans, at_once):
        if all(scan.is_computed for scan in group):
            maps.append(group)
        elif times_tell and all(scan.begun is not None for scan in group):
            measured.append((group, False))
        else:
            runs = _runs(group)
            measured += [(run, len(runs) > 1) for run in runs]
    alone = []
    for group in maps:
        if (at := _source_of(group[0], [one for one, _ in measured])) is None:
            alone.append((group, False))
        else:
            place, told = at
            measured[place] = ([*measured[place][0], *group], measured[place][1] or told)
    return [
        _acquisition(group, times_tell=times_tell, counted=counted)
        for group, counted in (*measured, *alone)
        if len(group) > 1
    ]


def _runs(group: Sequence[Scan]) -> list[list[Scan]]:
    """Series whose times are not known, parted where an image comes again: then it was measured again.

    Where one of these has no number nobody can tell which belongs to which.
    """
    again = any(one.parts & other.parts for one, other in combinations(group, 2))
    if again and any(scan.number is None for scan in group):
        return [[scan] for scan in group]
    runs: list[list[Scan]] = []
    seen: set[Part] = set()
    for scan in sorted(group, key=lambda one: (one.number is None, one.number or 0, one.uid)):
        if not runs or seen & scan.parts:
            runs.append([])
            seen = set()
        runs[-1].append(scan)
        seen |= scan.parts
    return runs


def _source_of(of: Scan, measured: Sequence[Sequence[Scan]]) -> tuple[int, bool] | None:
    """(the acquisition that a map was computed of, whether series numbers had to tell); None where none surely is."""
    names = {part[_COMPUTED] for part in of.parts}
    of_diffusion = names <= _DIFFUSION_MAPS

    def fits(scan: Scan) -> bool:
        right = "DWI" in scan.sequence if of_diffusion else True
        return right and not scan.is_computed and not _in_other_space(scan, of) and _on_one_grid(scan, of)

    fitting = [place for place, group in enumerate(measured) if any(map(fits, group))]
    named = [place for place in fitting if any(fits(scan) and _of_one_protocol(scan, of) for scan in measured[place])]
    candidates = named or (fitting if of_diffusion else [])
    if len(candidates) <= 1:
        return (candidates[0], False) if candidates else None
    if of.number is None:
        return None
    before = {
        scan.number: place
        for place in candidates
        for scan in measured[place]
        if not scan.is_computed and scan.number is not None and scan.number < of.number
    }
    return (before[max(before)], True) if before else None


def _in_one_dynamic(one: Scan, other: Scan) -> bool:
    alike = _of_one_protocol(one, other) or _stem(one.description) == _stem(other.description)
    return (
        all("DCE" in scan.technique or "DCE" in scan.sequence for scan in (one, other))
        and not one.is_computed
        and not other.is_computed
        and alike
        and one.parts == other.parts
        and _repeats(one, other)
    )


def _around_contrast(one: Scan, other: Scan) -> bool:
    return (
        _on_both_sides(one, other)
        and not one.is_computed
        and not other.is_computed
        and one.sequence == other.sequence
        and one.parts == other.parts
        and (None in (one.fat_suppressed, other.fat_suppressed) or one.fat_suppressed == other.fat_suppressed)
        and not _in_one_dynamic(one, other)
        and _repeats(one, other)
    )


def _on_both_sides(one: Scan, other: Scan) -> bool:
    """Whether one was measured without an agent and one with it; one that does not tell has to be the earlier one."""
    before, after = (one, other) if other.contrast == "yes" else (other, one)
    if after.contrast != "yes" or before.contrast == "yes":
        return False
    earlier = before.begun is not None and after.begun is not None and before.begun < after.begun
    return before.contrast == "no" or earlier


def _repeats(one: Scan, other: Scan) -> bool:
    """Whether the second measured what the first had, in the same way, at another time."""
    return (
        _on_one_grid(one, other)
        and not _in_other_space(one, other)
        and _alike(one.tr_ms, other.tr_ms)
        and _alike(one.flip_deg, other.flip_deg)
        and not _began_together(one, other)
    )


def _acquisition(group: Sequence[Scan], *, times_tell: bool, counted: bool) -> SeriesGroup:
    parts = [part for scan in group for part in scan.parts]
    differ = [at for at in _WHAT if len(_known(parts, at)) > (0 if at == _COMPUTED else 1)]
    by = _common(group, first="acquisition time" if times_tell and _at_one_time(group) else "acquisition number")
    by += ("series number",) if counted else ()
    members = (Member(scan.uid, _named_part(scan, differ)) for scan in sorted(group, key=_by_number))
    return SeriesGroup("one acquisition", tuple(_WHAT[at] for at in differ) or ("reconstructions",), by, tuple(members))


def _dynamic(group: Sequence[Scan]) -> SeriesGroup:
    ordered = sorted(group, key=lambda scan: scan.order)
    members = (Member(scan.uid, f"phase {at} of {len(group)}") for at, scan in enumerate(ordered, 1))
    return SeriesGroup("dynamic phases", ("phases",), (*_common(group), "timing"), tuple(members))


def _contrast(group: Sequence[Scan]) -> SeriesGroup:
    ordered = sorted(group, key=lambda scan: (scan.contrast == "yes", *scan.order))
    members = (Member(one.uid, _SIDES.get(one.contrast, "earlier, contrast not told")) for one in ordered)
    by = (*_common(group), "timing")
    return SeriesGroup("before and after contrast", ("contrast agent",), by, tuple(members))


def _common(group: Sequence[Scan], *, first: Reason | None = None) -> tuple[Reason, ...]:
    """What all series of a group have in common. first: what made them one, where it is a time or a number."""
    one, *others = group
    found: list[Reason] = []
    if one.frame and all(scan.frame == one.frame for scan in others):
        found.append("frame of reference")
    if one.grids and all(_on_one_grid(one, scan) for scan in others):
        found.append("geometry")
    if first == "acquisition time":
        found.append(first)
    if one.protocol and all(scan.protocol == one.protocol for scan in others):
        found.append("protocol name")
    if first == "acquisition number" and one.acquisitions and all(s.acquisitions == one.acquisitions for s in others):
        found.append(first)
    return tuple(found)


def _at_one_time(group: Sequence[Scan]) -> bool:
    return all(_began_together(group[0], scan) for scan in group[1:])


def _known(parts: Iterable[Part], at: int) -> list[Any]:
    return sorted({part[at] for part in parts} - {"", -1.0})


def _named_part(scan: Scan, differ: Sequence[int]) -> str:
    named = []
    for at in differ:
        values = _known(scan.parts, at)
        before, after = _NUMBERS.get(at, ("", ""))
        if scan.is_computed and at != _COMPUTED and at in _NUMBERS and at != _B:
            continue
        if len(values) > _FEW:
            told = [f"{values[0]:g} to {values[-1]:g}"] if at in _NUMBERS else [f"{len(values)} {_WHAT[at]}"]
        else:
            told = [f"{value:g}" if at in _NUMBERS else str(value) for value in values]
        named += [f"{before}{', '.join(told)}{after}"] if told else []
    return ", ".join(named)


def _by_number(scan: Scan) -> tuple[Any, ...]:
    return scan.is_computed, scan.number is None, scan.number or 0, sorted(scan.parts), scan.uid


def _components(scans: Sequence[Scan], fits: _Fits) -> list[list[Scan]]:
    """The series in groups: who fits somebody of a group is of it."""
    of = list(range(len(scans)))
    for one, other in combinations(range(len(scans)), 2):
        if of[one] != of[other] and fits(scans[one], scans[other]):
            kept, gone = sorted((of[one], of[other]))
            of = [kept if number == gone else number for number in of]
    return [[scan for scan, number in zip(scans, of, strict=True) if number == group] for group in sorted(set(of))]


def _began_together(one: Scan, other: Scan) -> bool:
    return one.begun is not None and other.begun is not None and abs(one.begun - other.begun) <= _SECOND


def _measured_otherwise(one: Scan, other: Scan) -> bool:
    """Whether two measurements cannot be one: it has one repetition time."""
    known = bool(one.tr_ms) and bool(other.tr_ms) and not one.is_computed and not other.is_computed
    return known and not _alike(one.tr_ms, other.tr_ms)


def _in_other_space(one: Scan, other: Scan) -> bool:
    return bool(one.frame) and bool(other.frame) and one.frame != other.frame


def _on_one_grid(one: Scan, other: Scan) -> bool:
    return any(a.same(b) for a in one.grids for b in other.grids)


def _on_other_grids(one: Scan, other: Scan) -> bool:
    return bool(one.grids) and bool(other.grids) and not _on_one_grid(one, other)


def _of_one_protocol(one: Scan, other: Scan) -> bool:
    if len(one.acquisitions) == len(other.acquisitions) == 1 and one.acquisitions != other.acquisitions:
        return False
    return bool(one.protocol) and one.protocol == other.protocol


def _alike(some: Iterable[float], others: Iterable[float]) -> bool:
    known = list(others)
    return any(abs(a - b) <= _SAME_TIMING * max(abs(a), abs(b)) for a in some for b in known)


def _stem(description: str) -> str:
    return re.sub(r"[\W\d_]+", " ", description.casefold()).strip()
