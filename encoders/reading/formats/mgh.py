"""FreeSurfer's MGH and MGZ, by nibabel: header and affine; echo time and the like are in the header."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from spinecho.encoders.reading.formats.names import image_ending
from spinecho.encoders.reading.formats.protocol import image_fields, only_read_errors
from spinecho.encoders.reading.formats.stored import read_values
from spinecho.encoders.reading.opening import GZIP, inflated_head, open_file

_HEADER = 284


class Mgh:
    """`.mgz`, `.mgh`, `.mgh.gz`."""

    name = "mgh"

    def claims(self, path: Path, head: bytes) -> bool:
        """By its name: the format has no magic but the number of its version, which is 1."""
        plain = inflated_head(head, 4) if head.startswith(GZIP) else head
        return image_ending(path.name) in (".mgz", ".mgh", ".mgh.gz") and plain[:4] == b"\0\0\0\1"

    def fields(self, path: Path) -> dict[str, Any]:
        """See `VolumeFormat`."""
        from nibabel.freesurfer.mghformat import MGHHeader  # noqa: PLC0415  (slow to import)

        with only_read_errors("MGH header"):
            with open_file(path) as file:
                head = file.read(1 << 14)
            is_gzip = head.startswith(GZIP)
            head = inflated_head(head, _HEADER) if is_gzip else head[:_HEADER]
            parse: Any = MGHHeader.from_fileobj
            header = parse(io.BytesIO(head.ljust(_HEADER + 20, b"\0")), check=False)
            return image_fields(
                self.name,
                header.get_data_shape(),
                header.get_data_dtype(),
                header.get_affine(),
                offset=_HEADER,
                compression="gzip-whole" if is_gzip else "",
                facts=_facts(path, is_gzip, _HEADER + _size(header)),
                notes=None if int(header["goodRASFlag"]) == 1 else {"orientation": "its header says that it has none"},
            )

    def values(self, path: Path, detail: dict[str, Any]) -> NDArray[Any]:
        """See `VolumeFormat`."""
        return read_values(path, detail)


def _size(header: Any) -> int:
    return math.prod(int(n) for n in header.get_data_shape()) * int(header.get_data_dtype().itemsize)


def _facts(path: Path, is_gzip: bool, at: int) -> dict[str, float]:
    """TR, flip angle, TE and TI, which follow the voxels; of a compressed file they are left where they are."""
    if is_gzip:
        return {}
    import numpy as np  # noqa: PLC0415

    with open_file(path) as file:
        file.seek(at)
        found = np.frombuffer(file.read(16).ljust(16, b"\0"), ">f4").astype(float)
    names = ("RepetitionTime", "FlipAngle", "EchoTime", "InversionTime")
    factors = (1e-3, 180 / math.pi, 1e-3, 1e-3)
    values = {name: float(value) * factor for name, value, factor in zip(names, found, factors, strict=True)}
    most = {"RepetitionTime": 600, "FlipAngle": 360, "EchoTime": 10, "InversionTime": 60}
    return {name: round(value, 6) for name, value in values.items() if 0 < value <= most[name]}
