"""The formats of volume files, in the order in which they are asked. A new one is a module and a line here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.formats.metaimage import MetaImage
from spinecho.encoders.reading.formats.mgh import Mgh
from spinecho.encoders.reading.formats.names import header_names, voxel_names
from spinecho.encoders.reading.formats.nrrd_files import Nrrd
from spinecho.encoders.reading.formats.pairs import Pairs
from spinecho.encoders.reading.formats.parrec import ParRec
from spinecho.encoders.reading.formats.protocol import VolumeFormat
from spinecho.encoders.reading.opening import neighbour

FORMATS: tuple[VolumeFormat, ...] = (Pairs(), Mgh(), Nrrd(), MetaImage(), ParRec())
_BY_NAME = {one.name: one for one in FORMATS}


def format_of(path: Path, head: bytes) -> VolumeFormat | None:
    """The format of a file, by its name and first 540 bytes; None where it is of none."""
    return next((one for one in FORMATS if one.claims(path, head)), None)


def values_of(path: Path, detail: dict[str, Any]) -> NDArray[Any]:
    """All stored values of a file whose header was kept. Raises ReadError."""
    reader = _BY_NAME.get(detail["format"])
    if reader is None:
        raise ReadError(Reason.NOT_READ, "a format that this version does not read")
    return reader.values(path, detail)


def header_of_voxels(path: Path) -> str | None:
    """The name of the header beside a file of voxels, None where there is none."""
    return neighbour(path, header_names(path.name))


def files_of(path: Path) -> list[Path]:
    """A file and, of a header, the files of its voxels beside it by their usual names."""
    data = neighbour(path, voxel_names(path.name))
    return [path] if data is None else [path, path.parent / data]
