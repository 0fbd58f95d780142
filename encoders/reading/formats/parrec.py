"""Philips PAR/REC, by nibabel: the order of its slices, its scaling and its affine."""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.formats.names import voxel_names
from spinecho.encoders.reading.formats.protocol import image_fields, only_read_errors
from spinecho.encoders.reading.formats.stored import beside
from spinecho.encoders.reading.opening import neighbour, open_file

_LONGEST = 1 << 26
_MARK = b"# === DATA DESCRIPTION FILE"


class ParRec:
    """`.par` with `.rec` beside it."""

    name = "parrec"

    def claims(self, path: Path, head: bytes) -> bool:
        """By the first line of its header."""
        return head.startswith(_MARK)

    def fields(self, path: Path) -> dict[str, Any]:
        """See `VolumeFormat`."""
        with only_read_errors("PAR header"):
            header = _header(path)
            data = neighbour(path, voxel_names(path.name))
            if data is None:
                raise ReadError(Reason.TRUNCATED, "the file of its voxels (.rec) is not beside it")
            shape = header.get_data_shape()
            general = header.general_info
            facts = {
                "RepetitionTime": _seconds(general.get("repetition_time"), 600),
                "EchoTime": _seconds(_one(header.image_defs, "echo_time"), 10),
                "FlipAngle": _positive(_one(header.image_defs, "image_flip_angle"), 360),
                "ProtocolName": str(general.get("protocol_name", ""))[:256],
                "Manufacturer": "Philips",
            }
            fields = image_fields(
                self.name,
                shape,
                np.dtype("<f8"),  # as it is given: scaled by slice
                header.get_affine(),
                data=data,
                facts={name: value for name, value in facts.items() if value},
            )
            return {**fields, "rec_bits": int(header.get_data_dtype().itemsize)}

    def values(self, path: Path, detail: dict[str, Any]) -> NDArray[Any]:
        """See `VolumeFormat`."""
        from nibabel.parrec import PARRECArrayProxy  # noqa: PLC0415

        with only_read_errors("PAR/REC image"):
            header = _header(path)
            announced = math.prod(header.get_data_shape()) * detail["rec_bits"]
            with open_file(beside(path, detail["data"])) as file:
                held = file.seek(0, 2)
                if held < announced:
                    raise ReadError(Reason.TRUNCATED, f"{held} bytes of voxels where {announced} were announced")
                file.seek(0)
                open_proxy: Any = PARRECArrayProxy
                proxy = open_proxy(file, header, mmap=False, scaling="dv")
                return np.asarray(proxy)


def _header(path: Path) -> Any:
    from nibabel.parrec import PARRECError, PARRECHeader  # noqa: PLC0415  (slow to import)

    with open_file(path) as file:
        text = io.TextIOWrapper(io.BytesIO(file.read(_LONGEST)), encoding="latin-1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote the header
        read: Any = PARRECHeader.from_fileobj
        try:
            header = read(text, permit_truncated=False, strict_sort=True)
        except PARRECError:
            text.seek(0)
            header = read(text, permit_truncated=True, strict_sort=True)
            if math.prod(header.get_data_shape()[2:]) != len(header.image_defs):  # some would be left out
                raise
            # else a map of a scan, or one that was stopped: more is announced than described, which is all read
    if np.unique(header.image_defs["slice orientation"]).size > 1:
        raise ReadError(Reason.NOT_READ, "slices in several directions (a survey): export it as DICOM")
    return header


def _one(images: Any, name: str) -> Any:
    """The value of a column where all images have the same one."""
    if images.dtype.names is None or name not in images.dtype.names:
        return None
    values = np.unique(images[name])
    return values[0] if values.size == 1 else None


def _positive(value: Any, most: float) -> float | None:
    try:
        number = float(np.asarray(value, np.float64).ravel()[0])
    except (TypeError, ValueError, IndexError):
        return None
    return number if 0 < number <= most else None


def _seconds(value: Any, most: float) -> float | None:
    number = _positive(value, most * 1000)
    return round(number / 1000, 6) if number else None
