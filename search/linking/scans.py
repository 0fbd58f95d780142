"""A series of a study as it is compared with the others: what its images are, where they lie, when they were acquired.

All of it comes from stored rows and headers; no file is read, and the order of files changes nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np

from spinecho.db.queries.stored_volumes import StoredVolume
from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.dicom.frames import Frame, frames_of
from spinecho.encoders.reading.dicom.stacks import stacks_of
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.reading.nifti.series import affine_of

Part: TypeAlias = tuple[str, str, float, float, float, str, str]
"""(Dixon image, component, TE, TI, b-value, what was computed, part of a technique); -1 for what is not known."""
_DIGITS = re.compile(r"(\d{2})(\d{2})?(\d{2}(?:\.\d+)?)?")
_OF_AN_IMAGE = re.compile(
    r"(?i)(?:^|_)(?:echo-\d+|part-[a-z]+|e\d+|ph|phase|magnitude|mag|real|imaginary|run-\d+)(?=_|$)"
)
_SIMILAR_MM, _SIMILAR_DIRECTION, _SIMILAR_SPACING = 0.5, 1e-3, 0.01


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the voxels of a volume lie. orientation: directions of rows and columns; corner: how far the first voxel of
    a slice lies along both, in mm, which all slices of a volume have in common; of a file of a whole volume its place.
    """

    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    corner: tuple[float, ...]

    def same(self, other: Grid) -> bool:
        """Whether both are one grid, within what headers round away."""
        return (
            self.shape == other.shape
            and len(self.corner) == len(other.corner)
            and _near(self.spacing_mm, other.spacing_mm, _SIMILAR_SPACING * min(self.spacing_mm))
            and _near(self.orientation, other.orientation, _SIMILAR_DIRECTION)
            and _near(self.corner, other.corner, _SIMILAR_MM)
        )


def _near(some: tuple[float, ...], others: tuple[float, ...], within: float) -> bool:
    return all(abs(one - other) <= within for one, other in zip(some, others, strict=True))


@dataclass(frozen=True, slots=True)
class Scan:
    """A series. begun: seconds at which the first of its images was acquired, None where that is not known; frame: a
    UID, '' where none is told; the others are of all its volumes.
    """

    uid: str
    number: int | None
    description: str
    protocol: str
    sequence: frozenset[str]
    contrast: str
    technique: frozenset[str]
    parts: frozenset[Part]
    tr_ms: frozenset[float]
    flip_deg: frozenset[float]
    fat_suppressed: bool | None
    frame: str
    begun: float | None
    acquisitions: frozenset[int]
    grids: tuple[Grid, ...]

    @property
    def is_computed(self) -> bool:
        """Whether every volume was computed from others."""
        return all(computed for *_, computed, _ in self.parts)

    @property
    def order(self) -> tuple[Any, ...]:
        """What series are ordered by: time, then number."""
        return (self.begun is None, self.begun or 0.0, self.number is None, self.number or 0, self.uid)


@dataclass(frozen=True, slots=True)
class _FromHeaders:
    frame: str = ""
    begun: float | None = None
    acquisitions: frozenset[int] = frozenset()
    grid: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """(orientation, corner)"""
    name: str = ""
    """Of a NIfTI file, without what says which image it is: what its run has in common."""


def scans_of(volumes: Sequence[StoredVolume]) -> list[Scan]:
    """The series of a study, by number and UID."""
    by_series: dict[str, list[StoredVolume]] = defaultdict(list)
    for volume in volumes:
        by_series[volume.series_uid].append(volume)
    found = [_scan(uid, some) for uid, some in by_series.items()]
    return sorted(found, key=lambda scan: (scan.number is None, scan.number or 0, scan.uid))


def _scan(uid: str, volumes: Sequence[StoredVolume]) -> Scan:
    facts = [volume.acquisition for volume in volumes]
    headers = [_from_headers(volume) for volume in volumes]
    first = volumes[0]
    begun = [one.begun for one in headers]
    known = [moment for moment in begun if moment is not None]
    frames = {one.frame for one in headers}
    contrast = {str(one.get("contrast", "unknown")) for one in facts}
    fat = {one.get("fat_suppressed") for one in facts}
    return Scan(
        uid=uid,
        number=first.number,
        description=first.description,
        protocol=" ".join((headers[0].name or first.protocol).casefold().split()),
        sequence=frozenset(str(one.get("sequence", "unknown")) for one in facts),
        contrast=contrast.pop() if len(contrast) == 1 else "unknown",
        technique=frozenset.intersection(*(frozenset(one.get("technique") or ()) for one in facts)),
        parts=frozenset(map(_part, facts)),
        tr_ms=_numbers(facts, "tr_ms"),
        flip_deg=_numbers(facts, "flip_deg"),
        fat_suppressed=fat.pop() if len(fat) == 1 else None,
        frame=frames.pop() if len(frames) == 1 else "",
        begun=min(known) if len(known) == len(begun) else None,
        acquisitions=frozenset(number for one in headers for number in one.acquisitions),
        grids=tuple(_grids(volumes, headers)),
    )


def _part(facts: Mapping[str, Any]) -> Part:
    def number(name: str, digits: int) -> float:
        value = facts.get(name)
        return -1.0 if not isinstance(value, int | float) else round(float(value), digits)

    parts = sorted(name for name in facts.get("technique") or () if name.startswith(("MP2RAGE ", "ASL ")))
    return (
        str(facts.get("dixon") or ""), str(facts.get("component") or ""), number("te_ms", 1), number("ti_ms", 0),
        number("b_value", 0), str(facts.get("computed") or _map_of(facts)), ", ".join(parts),
    )  # fmt: skip


def _map_of(facts: Mapping[str, Any]) -> str:
    """Of a computed image that has no name of its own."""
    return "computed image" if facts.get("derived") else ""


def _numbers(facts: Iterable[Mapping[str, Any]], name: str) -> frozenset[float]:
    values = (one.get(name) for one in facts)
    return frozenset(round(float(value), 2) for value in values if isinstance(value, int | float))


def _grids(volumes: Sequence[StoredVolume], headers: Sequence[_FromHeaders]) -> list[Grid]:
    found: dict[Grid, None] = {}
    for volume, header in zip(volumes, headers, strict=True):
        spacing = volume.acquisition.get("spacing_mm")
        if header.grid is not None and spacing:
            found[Grid(volume.shape, tuple(map(float, spacing)), *header.grid)] = None
    return sorted(found, key=lambda grid: (grid.shape, grid.spacing_mm, grid.orientation, grid.corner))


def _from_headers(volume: StoredVolume) -> _FromHeaders:
    headers = [Header.from_json(text, path="") for text in volume.headers]
    if not headers:
        return _FromHeaders()
    if headers[0].kind == "nifti":
        return _from_nifti(headers[0])
    frames: list[Frame] = []
    with suppress(ReadError, KeyError, TypeError, ValueError):  # older versions kept less of a header
        for header in headers:
            frames += _frames(header, volume.key)
    if not frames:
        return _FromHeaders()
    moments = [_moment(frame.facts) for frame in frames] if volume.whole else [None]
    known = [moment for moment in moments if moment is not None]
    numbers = {frame.facts.get("acquisition") for frame in frames}
    uids = {str(frame.facts.get("frame_uid") or "") for frame in frames}
    return _FromHeaders(
        frame=uids.pop() if len(uids) == 1 else "",
        begun=min(known) if len(known) == len(moments) else None,
        acquisitions=frozenset(number for number in numbers if isinstance(number, int)),
        grid=_placed(frames),
    )


def _frames(header: Header, key: str) -> list[Frame]:
    """The pictures of a file that are of this volume: a file of many may hold several volumes."""
    frames = frames_of(header)
    if len(frames) > 1 and frames[0].tile < 0 and key:
        stacks = dict(stacks_of(frames))
        return list(stacks[key].frames) if key in stacks else []
    return frames


def _placed(frames: Sequence[Frame]) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Orientation and corner of the slices, as their medians: one that was written wrong does not count."""
    placed = [frame for frame in frames if frame.orientation is not None and frame.position is not None]
    if not placed:
        return None
    axes = np.median(np.array([frame.orientation for frame in placed], dtype=np.float64), axis=0)
    places = np.array([frame.position for frame in placed], dtype=np.float64)
    corner = np.median(places @ axes.reshape(2, 3).T, axis=0)
    return tuple(axes.tolist()), tuple(corner.tolist())


def _from_nifti(header: Header) -> _FromHeaders:
    try:
        affine, *_ = affine_of(header.detail)
    except ReadError:
        return _FromHeaders()
    directions = affine[:3, :3] / np.maximum(np.linalg.norm(affine[:3, :3], axis=0), 1e-12)
    stem = str(header.detail.get("name", "")).rpartition("/")[2].split(".")[0]
    return _FromHeaders(
        grid=(tuple(directions.T[:2].ravel().tolist()), tuple(affine[:3, 3].tolist())),
        name=_OF_AN_IMAGE.sub("", stem),
    )


def _moment(facts: Mapping[str, Any]) -> float | None:
    """Seconds at which an image was acquired; None where its header does not tell the time of day."""
    written = str(facts.get("acquired") or "")
    day, clock = (written[:8], written[8:]) if len(written) > 8 else ("", str(facts.get("acquisition_time") or ""))
    day = day or str(facts.get("series_date") or facts.get("study_date") or "")
    found = _DIGITS.match(clock)
    if found is None:
        return None
    hours, minutes, seconds = (float(part or 0.0) for part in found.groups())
    try:
        days = date(int(day[:4]), int(day[4:6]), int(day[6:8])).toordinal() if day else 0
    except ValueError:
        days = 0
    return days * 86400.0 + hours * 3600.0 + minutes * 60.0 + seconds
