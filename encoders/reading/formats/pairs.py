"""NIfTI pairs and Analyze 7.5: a header (.hdr) beside the file of its voxels (.img). Headers are parsed by nibabel."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.formats.names import image_ending, voxel_names
from spinecho.encoders.reading.formats.protocol import image_fields, only_read_errors
from spinecho.encoders.reading.formats.stored import read_values
from spinecho.encoders.reading.opening import GZIP, inflated_head, neighbour, open_file

_SIZES = (b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0", b"\0\0\x02\x1c")
_LONGEST = 1 << 14
_UNCERTAIN = (
    "Analyze 7.5 does not say how a volume lies in the patient: taken as SPM and nibabel take it, left and right may "
    "be the other way round"
)


class Pairs:
    """`.hdr` with `.img`, either of them compressed by gzip or not."""

    name = "pair"

    def claims(self, path: Path, head: bytes) -> bool:
        """By its name and the size of its header."""
        plain = inflated_head(head, 348) if head.startswith(GZIP) else head
        return image_ending(path.name) in (".hdr", ".hdr.gz") and plain[:4] in _SIZES

    def fields(self, path: Path) -> dict[str, Any]:
        """See `VolumeFormat`."""
        from nibabel.nifti1 import Nifti1PairHeader  # noqa: PLC0415  (slow to import)
        from nibabel.nifti2 import Nifti2PairHeader  # noqa: PLC0415
        from nibabel.spm2analyze import Spm2AnalyzeHeader  # noqa: PLC0415

        with only_read_errors("NIfTI pair or Analyze header"):
            with open_file(path) as file:
                head = file.read(_LONGEST)
            head = inflated_head(head, 544) if head.startswith(GZIP) else head
            data = neighbour(path, voxel_names(path.name))
            if data is None:
                raise ReadError(Reason.TRUNCATED, "the file of its voxels (.img) is not beside it")
            if head[4:7] == b"ni2":
                return _nifti(_parsed(Nifti2PairHeader, io.BytesIO(head)), data)
            if head[344:347] in (b"ni1", b"n+1"):
                return _nifti(_parsed(Nifti1PairHeader, io.BytesIO(head)), data)
            header = _parsed(Spm2AnalyzeHeader, io.BytesIO(head[:348]))
            dtype, shape = header.get_data_dtype(), header.get_data_shape()
            if min(header.get_zooms()[:3], default=0) <= 0:
                raise ReadError(Reason.AFFINE_INVALID, "its voxel sizes cannot be used")
            fields = image_fields(
                self.name,
                shape,
                dtype,
                header.get_best_affine(),
                offset=max(0, int(header["vox_offset"])),
                notes={"orientation": _UNCERTAIN},
                data=data,
                compression=_compression(data),
            )
            slope = float(header["scl_slope"])
            return {**fields, "slope": slope if np.isfinite(slope) and slope else None, "intercept": 0.0}

    def values(self, path: Path, detail: dict[str, Any]) -> NDArray[Any]:
        """See `VolumeFormat`."""
        return read_values(path, detail)


def _parsed(kind: Any, file: io.BytesIO) -> Any:
    return kind.from_fileobj(file, check=False)


def _nifti(header: Any, data: str) -> dict[str, Any]:
    """The fields as they stand, so that sform, qform and units are judged as those of single files are."""
    fields = image_fields(
        Pairs.name,
        header.get_data_shape(),
        header.get_data_dtype(),
        None,
        offset=max(0, int(header["vox_offset"])),
        data=data,
        compression=_compression(data),
    )
    own = {
        "pixdim": [_json(v) for v in header["pixdim"]],
        "slope": _json(header["scl_slope"]),
        "intercept": _json(header["scl_inter"]),
        "qform": int(header["qform_code"]),
        "sform": int(header["sform_code"]),
        "quaternion": [_json(header[n]) for n in ("quatern_b", "quatern_c", "quatern_d")]
        + [_json(header[n]) for n in ("qoffset_x", "qoffset_y", "qoffset_z")],
        "rows": [_json(v) for n in ("srow_x", "srow_y", "srow_z") for v in header[n]],
        "units": int(header["xyzt_units"]),
        "intent": int(header["intent_code"]),
        "description": _text(header["descrip"]),
        "aux": _text(header["aux_file"]),
    }
    return {**fields, **own}


def _compression(name: str) -> str:
    return "gzip-whole" if name.lower().endswith(".gz") else ""


def _json(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _text(value: Any) -> str:
    return bytes(value.item()).split(b"\0")[0].decode("ascii", "replace").strip()
