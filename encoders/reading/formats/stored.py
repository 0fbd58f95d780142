"""Stored values from files, raw or compressed, and never more of them than the header announced."""

from __future__ import annotations

import bz2
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.formats.protocol import only_read_errors
from spinecho.encoders.reading.opening import open_file

_CHUNK = 1 << 20
_LONGEST_NUMBER = 32
TYPES: dict[int, str] = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip


def read_values(path: Path, detail: dict[str, Any]) -> NDArray[Any]:
    """The array (dims of the header's fields) of a file that `image_fields` describes. Raises ReadError."""
    dtype = np.dtype(detail["order"] + TYPES[detail["datatype"]])
    shape = detail.get("stored", detail["dims"])
    count = int(np.prod(shape, dtype=np.int64))
    source = beside(path, detail["data"]) if detail.get("data") else path
    compression = detail.get("compression", "")
    with only_read_errors("image"), open_file(source) as file:
        if compression == "text":
            file.seek(detail["offset"])
            data = file.read(count * _LONGEST_NUMBER)
            values = np.array(data.split()[:count], np.float64).astype(dtype)
        else:
            values = np.frombuffer(_take(file, detail["offset"], count * dtype.itemsize, compression), dtype)
        if values.size < count:
            raise ReadError(Reason.TRUNCATED, f"{values.size} values where {count} were announced")
        values = values.reshape(shape, order="F")
        return values.transpose(detail["axes"]) if "axes" in detail else values


def beside(path: Path, name: str) -> Path:
    """The file of this name in the folder of `path`. Raises ReadError for a name that leads anywhere else."""
    if not name or name != Path(name).name or name in (".", "..") or "\\" in name or "\0" in name:
        raise ReadError(Reason.NOT_READ, "its header names a file of voxels that does not lie beside it")
    target = path.parent / name
    if target.is_symlink():  # a link may lead out of the archive
        raise ReadError(Reason.NOT_READ, "its file of voxels is a link, which is not followed")
    return target


def _take(file: BinaryIO, offset: int, size: int, compression: str) -> bytes:
    """`size` bytes from `offset`: of the file; or, where it is gzip as a whole, of what it holds."""
    if compression == "":
        file.seek(offset)
        return _enough(file.read(size), size)
    if compression == "gzip-whole":
        return _inflated(file, zlib.decompressobj(31), offset + size)[offset:]
    file.seek(offset)
    inflater: Any = bz2.BZ2Decompressor() if compression == "bzip2" else zlib.decompressobj(47)
    return _inflated(file, inflater, size)


def _inflated(file: BinaryIO, inflater: Any, size: int) -> bytes:
    parts: list[bytes] = []
    got, is_bzip = 0, isinstance(inflater, bz2.BZ2Decompressor)
    data = file.read(_CHUNK)
    try:
        while got < size and (data or (is_bzip and not inflater.needs_input)):
            part = inflater.decompress(data, size - got)
            parts.append(part)
            got += len(part)
            if inflater.eof:
                data = inflater.unused_data or file.read(_CHUNK)
                inflater = bz2.BZ2Decompressor() if is_bzip else zlib.decompressobj(47)
                if not data:
                    break
            elif is_bzip:
                data = file.read(_CHUNK) if inflater.needs_input else b""
            else:
                data = inflater.unconsumed_tail or file.read(_CHUNK)
    except (zlib.error, OSError) as error:
        raise ReadError(Reason.DECODE_FAILED, f"the compressed voxels are broken after {got} bytes") from error
    return _enough(b"".join(parts), size)


def _enough(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise ReadError(Reason.TRUNCATED, f"{len(data)} bytes of voxels where {size} were announced")
    return data
