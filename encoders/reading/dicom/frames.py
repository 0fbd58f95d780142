"""One two-dimensional picture of a DICOM object: where it lies and what tells it apart from its neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.headers import Header

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a multi-frame object, a tile of a mosaic, or all of a single-frame object."""

    header: Header
    number: int
    """Index of the frame in its object, from 0."""
    tile: int
    """Index of the tile in a mosaic, -1 in an ordinary picture."""
    rows: int
    columns: int
    position: Vector | None
    """LPS millimetres of the centre of the first voxel."""
    orientation: Vector | None
    """Directions of a row and of a column, LPS (Image Orientation (Patient))."""
    facts: dict[str, Any]


def frames_of(header: Header) -> list[Frame]:
    """All frames of an object. Raises ReadError for a mosaic whose tiles are not known."""
    detail = header.detail
    facts, pixels = detail["facts"], detail["pixels"]
    rows, columns = pixels["rows"], pixels["columns"]
    if "mosaic" in detail:
        return _tiles(header, detail["mosaic"], facts, rows, columns)
    per_frame: dict[str, list[Any]] = detail.get("frames", {})
    frames: list[Frame] = []
    for number in range(pixels["frames"]):
        own = facts
        if per_frame:
            own = dict(facts)
            for name, column in per_frame.items():
                if number < len(column) and column[number] is not None:
                    own[name] = column[number]
        frames.append(
            Frame(header, number, -1, rows, columns, _vector(own, "position", 3), _vector(own, "orientation", 6), own)
        )
    return frames


def _tiles(header: Header, mosaic: dict[str, Any], facts: dict[str, Any], rows: int, columns: int) -> list[Frame]:
    count = mosaic["count"]
    if not 1 <= count <= 4096:
        raise ReadError(Reason.MOSAIC_UNRESOLVED, "a mosaic whose private header does not say how many slices it holds")
    across, down, height, width = mosaic_grid(mosaic, rows, columns)
    if height * down > rows or width * across > columns or min(height, width) < 1:
        raise ReadError(Reason.MOSAIC_UNRESOLVED, f"{count} slices do not tile {rows} x {columns} pixels")
    corner, orientation = _vector(facts, "position", 3), _vector(facts, "orientation", 6)
    given = mosaic.get("positions", [])
    first = step = None
    if corner is not None and orientation is not None and not given:
        first, step = _first_tile(corner, orientation, (rows, height, columns, width), mosaic, facts)
    frames: list[Frame] = []
    for tile in range(count):
        position: Vector | None = None
        if tile < len(given) and given[tile] is not None and len(given[tile]) == 3:
            position = tuple(given[tile])
        elif first is not None and step is not None:
            position = tuple((first + step * tile).tolist())
        frames.append(Frame(header, 0, tile, height, width, position, orientation, facts))
    return frames


def mosaic_grid(mosaic: dict[str, Any], rows: int, columns: int) -> tuple[int, int, int, int]:
    """(tiles across, tiles down, rows of a tile, columns of a tile): square for Siemens, as full as can be for UIH."""
    across = math.isqrt(mosaic["count"] - 1) + 1
    down = -(-mosaic["count"] // across) if "positions" in mosaic else across
    return across, down, rows // down, columns // across


def _first_tile(
    corner: Vector,
    orientation: Vector,
    size: tuple[int, int, int, int],
    mosaic: dict[str, Any],
    facts: dict[str, Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Position of the first tile and the step to the next, LPS mm.

    Siemens gives the position that a single picture of the mosaic's size, centred on the slice, would have.
    """
    rows, height, columns, width = size
    spacing = facts.get("pixel_spacing") or [1.0, 1.0]
    along_row, along_column = np.array(orientation[:3]), np.array(orientation[3:])
    normal = np.cross(along_row, along_column)
    if "normal" in mosaic and float(np.dot(normal, mosaic["normal"])) < 0:
        normal = -normal
    distance = facts.get("slice_spacing") or facts.get("thickness") or 1.0
    first = (
        np.array(corner)
        + along_row * spacing[-1] * (columns - width) / 2
        + along_column * spacing[0] * (rows - height) / 2
    )
    return first, normal * distance


def _vector(facts: dict[str, Any], name: str, length: int) -> Vector | None:
    value = facts.get(name)
    return tuple(value) if isinstance(value, list) and len(value) == length else None
