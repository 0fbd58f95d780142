"""MetaImage: `.mha`, and `.mhd` with its voxels beside it.

The header is lines of `Key = value` and is read here rather than by SimpleITK, which would follow the name of any file
of voxels that a header gives and unfold as much as is in it. The tests compare with what SimpleITK reads.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.formats.protocol import image_fields, only_read_errors
from spinecho.encoders.reading.formats.stored import beside, read_values
from spinecho.encoders.reading.opening import open_file

_LONGEST = 1 << 16
_LINE = re.compile(rb"[ \t]*([^=\r\n]{1,256}?)[ \t]*=[ \t]*([^\r\n]*?)[ \t]*\r?\n")
_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
_OTHER_MODALITIES = frozenset(("CT", "NM", "US", "PET"))


class MetaImage:
    """`.mha` and `.mhd`."""

    name = "metaimage"

    def claims(self, path: Path, head: bytes) -> bool:
        """By the first key of its header."""
        return head.lstrip()[:10].startswith((b"ObjectType", b"NDims"))

    def fields(self, path: Path) -> dict[str, Any]:
        """See `VolumeFormat`."""
        with only_read_errors("MetaImage header"):
            with open_file(path) as file:
                values, end = _header(file.read(_LONGEST))
            count = int(values["NDims"])
            sizes = [int(n) for n in values["DimSize"].split()]
            if not 2 <= count <= 4 or len(sizes) != count:
                raise ReadError(Reason.DECODE_FAILED, f"{count} axes with {len(sizes)} lengths: no volume")
            if int(values.get("ElementNumberOfChannels", "1")) != 1:
                raise ReadError(Reason.COLOUR_IMAGE, "several values a voxel: a colour picture or vectors")
            modality = values.get("Modality", "").upper().removeprefix("MET_MOD_")
            if modality in _OTHER_MODALITIES:
                raise ReadError(Reason.NOT_MR, f"its header says that it is of modality {modality}")
            kind = _TYPES.get(values["ElementType"])
            if kind is None or not _is(values.get("BinaryData", "True")) or "HeaderSize" in values:
                raise ReadError(Reason.NOT_READ, "a kind of MetaImage that is not read: convert it to NIfTI (.nii.gz)")
            big = values.get("BinaryDataByteOrderMSB", values.get("ElementByteOrderMSB", "False"))
            source = values["ElementDataFile"]
            if source.upper() != "LOCAL":
                if source.upper().startswith("LIST") or "%" in source:
                    raise ReadError(Reason.NOT_READ, "a MetaImage of many files: convert it to NIfTI (.nii.gz)")
                beside(path, source)
            return image_fields(
                self.name,
                sizes,
                np.dtype((">" if _is(big) else "<") + kind),
                _affine(values, count),
                spacing=_numbers(values.get("ElementSpacing", values.get("ElementSize", "")), count, 1.0)[:3],
                offset=end if source.upper() == "LOCAL" else 0,
                data="" if source.upper() == "LOCAL" else source,
                compression="zlib" if _is(values.get("CompressedData", "False")) else "",
            )

    def values(self, path: Path, detail: dict[str, Any]) -> NDArray[Any]:
        """See `VolumeFormat`."""
        return read_values(path, detail)


def _header(data: bytes) -> tuple[dict[str, str], int]:
    """The keys, and where the header ends: with the line that says where the voxels are."""
    values: dict[str, str] = {}
    at = 0
    while line := _LINE.match(data, at):
        values[line[1].decode("latin_1")] = line[2].decode("utf_8", "replace")
        at = line.end()
        if line[1] == b"ElementDataFile":
            return values, at
    raise ReadError(Reason.TRUNCATED, "its header does not say where the voxels are")


def _affine(values: dict[str, str], count: int) -> NDArray[np.float64] | None:
    """ITK's matrix has a row for each voxel axis and is in LPS+; to RAS+ millimetres. None where there is none."""
    matrix = values.get("TransformMatrix", values.get("Rotation", values.get("Orientation")))
    if matrix is None or count < 3:
        return None
    turn = np.array(_numbers(matrix, count * count, 0.0)).reshape(count, count)[:3, :3]
    spacing = _numbers(values.get("ElementSpacing", values.get("ElementSize", "")), count, 1.0)[:3]
    place = values.get("Offset", values.get("Position", values.get("Origin", "")))
    affine = np.eye(4)
    affine[:3, :3] = turn.T * np.array(spacing)
    affine[:3, 3] = _numbers(place, count, 0.0)[:3]
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _numbers(text: str, count: int, default: float) -> list[float]:
    found = [float(part) for part in text.split()]
    if found and len(found) != count:
        raise ReadError(Reason.DECODE_FAILED, f"{len(found)} numbers in its header where {count} belong")
    return found or [default] * count


def _is(text: str) -> bool:
    return text.lower() in ("true", "1", "yes")
