"""A NIfTI file without its texts: what its header says in words, and its extensions, which may hold a DICOM header."""

from __future__ import annotations

import gzip
import io
import math
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.opening import GZIP, inflate_whole, open_file

_TEXTS = ("descrip", "aux_file", "intent_name", "data_type", "db_name")
_PAIRS = (b"ni1", b"ni2")


def clean_nifti(path: Path) -> bytes:
    """The same voxels, places and scale as .nii.gz; every text of the header is empty, extensions and what stands
    behind the voxels are gone. Raises `ReadError`, OSError.
    """
    import nibabel  # noqa: PLC0415  (slow to import)

    with open_file(path) as file:
        head = file.read(2)
        file.seek(0)
        data = inflate_whole(file) if head == GZIP else file.read()
    second = data[:4] in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c")
    try:
        made: Any = nibabel.Nifti2Header if second else nibabel.Nifti1Header
        header = made.from_fileobj(io.BytesIO(data))
        begin, size = int(header["vox_offset"]), header.get_data_dtype().itemsize * math.prod(header.get_data_shape())
        voxels = data[begin : begin + size]
        if len(voxels) != size or size == 0 or bytes(header["magic"].item())[:3] in _PAIRS:
            raise ValueError
        for name in _TEXTS:
            if name in header:
                header[name] = b""
        start = 544 if second else 352
        header["vox_offset"] = start
        written = header.binaryblock.ljust(start, b"\0") + voxels  # four bytes of zero: no extension
    except MemoryError:
        raise
    except Exception:  # whatever a parser does on hostile bytes
        raise ReadError(Reason.UNREADABLE, "the file cannot be read as NIfTI, or is one of a pair") from None
    return gzip.compress(written, compresslevel=1, mtime=0)
