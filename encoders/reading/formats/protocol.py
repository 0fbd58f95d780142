"""What a format of volume files is to the rest: a header that reads as NIfTI's does, and the stored values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason

_CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}
"""numpy type -> NIfTI datatype."""
_COMPLEX, _COLOUR = 32, 128


class VolumeFormat(Protocol):
    """A format of volume files. Only ReadError leaves its methods, whatever the bytes are."""

    name: str
    """Kept with each header, so that its voxels find their reader."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Whether a file, by its name and first 540 bytes, is one of this format."""

    def fields(self, path: Path) -> dict[str, Any]:
        """What `image_fields` gives, of the file at `path`."""

    def values(self, path: Path, detail: dict[str, Any]) -> NDArray[Any]:
        """Stored values of the whole file, (i, j, k, ...) as `dims` of the header's fields say."""


def image_fields(
    name: str,
    dims: Sequence[int],
    dtype: np.dtype[Any],
    affine: NDArray[np.float64] | None,
    *,
    spacing: Sequence[float] = (),
    offset: int = 0,
    data: str = "",
    compression: str = "",
    stored: Sequence[int] = (),
    axes: Sequence[int] = (),
    facts: dict[str, Any] | None = None,
    notes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A header as plain JSON, named as the fields of a NIfTI header are.

    affine: voxel index to millimetres in RAS+; None where the file has none, then `spacing` in mm stands alone.
    data: name of the file with the voxels, in the same folder; '' for the file itself, where they begin at `offset`.
    compression: '', 'gzip', 'zlib', 'bzip2' or 'text'. stored: lengths of the axes as they are stored, the fastest
    first, where they differ from dims; axes: for each of dims its axis among these. facts: by names of BIDS sidecars.
    notes: what is to be said of the volume, flagged GEOMETRY_SUSPECT.
    """
    if dtype.kind == "c":
        code = _COMPLEX
    elif dtype.names:
        code = _COLOUR
    else:
        code = _CODES.get(f"{dtype.kind}{dtype.itemsize}", -1)
    lengths = np.linalg.norm(affine[:3, :3], axis=0) if affine is not None else np.array([*spacing, 1.0, 1.0, 1.0][:3])
    found: dict[str, Any] = {
        "format": name,
        "order": ">" if dtype.newbyteorder("<") != dtype else "<",
        "dims": [int(d) for d in dims],
        "datatype": code,
        "pixdim": [1.0, *(_json(v) for v in lengths)],
        "offset": int(offset),
        "slope": None,
        "intercept": None,
        "qform": 0,
        "sform": 0 if affine is None else 1,
        "quaternion": [0.0] * 6,
        "rows": [0.0] * 12 if affine is None else [_json(v) for v in affine[:3].ravel()],
        "units": 2,
        "intent": 0,
        "description": "",
        "aux": "",
        "gzip": False,
    }
    if list(stored or dims) != list(dims) or list(axes or range(len(dims))) != list(range(len(dims))):
        found["stored"], found["axes"] = [int(d) for d in stored], [int(a) for a in axes]
    for key, value in (("data", data), ("compression", compression), ("facts", facts), ("notes", notes)):
        if value:
            found[key] = value
    return found


@contextmanager
def only_read_errors(what: str) -> Iterator[None]:
    """Turn whatever a library raises on odd bytes into a ReadError; memory that runs out stays what it is."""
    try:
        yield
    except (ReadError, MemoryError):
        raise
    except OSError as error:
        raise ReadError(
            Reason.UNREADABLE, f"the file could not be read: {error.strerror or 'it ends early'}"
        ) from error
    except Exception as error:
        raise ReadError(Reason.DECODE_FAILED, f"not a readable {what} ({type(error).__name__})") from error


def _json(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
