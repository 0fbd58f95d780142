"""A NIfTI file without its texts: what its header says in words, and its extensions, which may hold a DICOM header."""

from __future__ import annotations

import gzip
import io
import math
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.opening import GZIP, inflate_whole, open_file

_KEPT = (
    "dim_info", "dim", "datatype", "bitpix", "pixdim", "scl_slope", "scl_inter", "cal_max", "cal_min", "xyzt_units",
    "slice_start", "slice_end", "slice_code", "slice_duration", "toffset", "intent_code", "intent_p1", "intent_p2",
    "intent_p3", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y",
    "qoffset_z", "srow_x", "srow_y", "srow_z",
)  # fmt: skip
"""What says how voxels are read and where they lie. All else of a header is a text, or read by nobody."""
_PAIRS = (b"ni1", b"ni2")


def clean_nifti(path: Path) -> bytes:
    """The same voxels, places and scale as .nii.gz; of the header what is known alone, extensions and what
    stands behind the voxels are gone. Raises `ReadError`, OSError.
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
        clean = made(endianness=header.endianness)
        for name in _KEPT:
            clean[name] = header[name]
        used = int(header["dim"][0]) + 1
        clean["dim"][used:], clean["pixdim"][used:] = 1, 1
        start = 544 if second else 352
        clean["vox_offset"] = start
        written = clean.binaryblock.ljust(start, b"\0") + voxels  # four bytes of zero: no extension
    except MemoryError:
        raise
    except Exception:  # whatever a parser does on hostile bytes
        raise ReadError(Reason.UNREADABLE, "the file cannot be read as NIfTI, or is one of a pair") from None
    return gzip.compress(written, compresslevel=1, mtime=0)
