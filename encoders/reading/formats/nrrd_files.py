"""NRRD: `.nrrd`, and `.nhdr` with its voxels beside it. The header is read by pynrrd, the voxels within limits here."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.formats.protocol import image_fields, only_read_errors
from spinecho.encoders.reading.formats.stored import beside, read_values
from spinecho.encoders.reading.opening import open_file

_LONGEST = 1 << 20
_TO_RAS: dict[str, tuple[float, float, float]] = {
    "right-anterior-superior": (1, 1, 1), "ras": (1, 1, 1), "left-anterior-superior": (-1, 1, 1), "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1), "lps": (-1, -1, 1), "scanner-xyz": (-1, -1, 1),
}  # fmt: skip
_COMPRESSION = {
    "raw": "", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2", "ascii": "text", "text": "text",
    "txt": "text",
}  # fmt: skip
_UNIT_MM = {
    "mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "millimetre": 1.0, "cm": 10.0, "centimeter": 10.0,
    "centimeters": 10.0, "m": 1000.0, "meter": 1000.0, "meters": 1000.0, "um": 0.001, "µm": 0.001, "micron": 0.001,
    "microns": 0.001, "micrometer": 0.001, "micrometers": 0.001,
}  # fmt: skip
_COLOURS = frozenset({"rgb-color", "rgba-color", "hsv-color", "xyz-color"})


class Nrrd:
    """`.nrrd` and `.nhdr`."""

    name = "nrrd"

    def claims(self, path: Path, head: bytes) -> bool:
        """By its magic, whatever it is called."""
        return head.startswith(b"NRRD000")

    def fields(self, path: Path) -> dict[str, Any]:
        """See `VolumeFormat`."""
        import nrrd  # noqa: PLC0415
        from nrrd.reader import _determine_datatype  # noqa: PLC0415

        with only_read_errors("NRRD header"):
            with open_file(path) as file:
                raw = file.read(_LONGEST)
            stream = io.BytesIO(raw)
            header = nrrd.read_header(stream)
            dtype = np.dtype(_determine_datatype(header))
            sizes = [int(n) for n in header["sizes"]]
            data = str(header.get("data file", header.get("datafile", "")))
            if data:
                beside(path, data)
            if int(header.get("line skip", header.get("lineskip", 0))):
                raise ReadError(
                    Reason.NOT_READ, "an NRRD image that skips lines of text: convert it to NIfTI (.nii.gz)"
                )
            skip = int(header.get("byte skip", header.get("byteskip", 0)))
            compression = _COMPRESSION.get(str(header["encoding"]).lower())
            if compression is None or skip < 0 or (skip and compression):
                raise ReadError(Reason.NOT_READ, "an encoding of NRRD that is not read: convert it to NIfTI (.nii.gz)")
            kinds = [str(kind).lower() for kind in header.get("kinds", [])]
            if _COLOURS & {*kinds}:
                raise ReadError(Reason.COLOUR_IMAGE, "a colour picture, not MR intensities")
            space, other = _space_axes(header, len(sizes))
            axes = [*space, *other]
            return image_fields(
                self.name,
                [sizes[axis] for axis in axes],
                dtype,
                _affine(header, space),
                spacing=_spacing(header, space),
                offset=(0 if data else stream.tell()) + skip,
                data=data,
                compression=compression,
                stored=sizes,
                axes=axes,
                notes=_unknown_units(header),
            )

    def values(self, path: Path, detail: dict[str, Any]) -> NDArray[Any]:
        """See `VolumeFormat`."""
        return read_values(path, detail)


def _space_axes(header: dict[str, Any], count: int) -> tuple[list[int], list[int]]:
    """The axes that lie in space, and the others (gradients, time), which may come first."""
    directions = header.get("space directions")
    if directions is not None:
        space = [i for i in range(count) if directions[i] is not None and np.isfinite(np.asarray(directions[i])).all()]
    else:
        kinds = [str(kind).lower() for kind in header.get("kinds", [])]
        space = [i for i, kind in enumerate(kinds) if kind in ("space", "domain")] or list(range(min(3, count)))
    if not 2 <= len(space) <= 3:
        raise ReadError(Reason.DECODE_FAILED, f"{len(space)} of its axes lie in space: no volume")
    return space, [i for i in range(count) if i not in space]


def _affine(header: dict[str, Any], space: list[int]) -> NDArray[np.float64] | None:
    """To RAS+ millimetres; None without an orientation that is known."""
    turn = _TO_RAS.get(str(header.get("space", "")).lower())
    directions = header.get("space directions")
    if turn is None or directions is None or len(space) != 3:
        return None
    affine = np.eye(4)
    affine[:3, :3] = np.array([np.asarray(directions[axis], np.float64) for axis in space]).T
    affine[:3, 3] = np.asarray(header.get("space origin", (0.0, 0.0, 0.0)), np.float64)
    affine[:3] *= np.array(_units(header, "space units", range(3)))[:, None]
    return np.diag([*turn, 1.0]) @ affine


def _spacing(header: dict[str, Any], space: list[int]) -> list[float]:
    directions, spacings = header.get("space directions"), header.get("spacings")
    if directions is not None:
        units = np.array(_units(header, "space units", range(len(directions[space[0]]))))
        return [float(np.linalg.norm(np.asarray(directions[axis], np.float64) * units)) for axis in space]
    units = np.array(_units(header, "units", space))
    return (
        [float(spacings[axis]) * unit for axis, unit in zip(space, units, strict=True)] if spacings is not None else []
    )


def _units(header: dict[str, Any], name: str, axes: Sequence[int]) -> list[float]:
    """Millimetres in a unit along each axis; 1 for one that is not named or not known."""
    given = [str(unit).strip('" ').lower() for unit in header.get(name) or ()]
    return [_UNIT_MM.get(given[axis], 1.0) if axis < len(given) else 1.0 for axis in axes]


def _unknown_units(header: dict[str, Any]) -> dict[str, Any] | None:
    given = {str(unit).strip('" ').lower() for unit in header.get("space units") or ()}
    odd = given - {*_UNIT_MM, "", "none", "???"}
    return {"units": "its header names a unit of length that is not known: taken as millimetres"} if odd else None
