"""A volume that a program holds, as the file of a scan to search with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spinecho.errors import NoScan

if TYPE_CHECKING:
    from spinecho.encoders.reading.volume import Volume


def nifti_of(volume: Volume) -> bytes:
    """The volume as NIfTI, float32. Raises `NoScan` for what is no (i, j, k) array with an affine to mm in RAS+."""
    import nibabel  # noqa: PLC0415  (slow to import)

    made: Any = nibabel
    voxels = np.asarray(getattr(volume, "voxels", None), dtype=np.float32)
    affine = np.asarray(getattr(volume, "affine", None), dtype=np.float64)
    if voxels.ndim != 3 or affine.shape != (4, 4):
        raise NoScan(
            f"a scan is a path, a UID or a spinecho.Volume(voxels, affine); {type(volume).__name__} is none of them"
        )
    image = made.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm")
    content: bytes = image.to_bytes()
    return content


@contextmanager
def as_file(volume: Volume) -> Iterator[Path]:
    """The same in a file of its own, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="spinecho-") as folder:
        path = Path(folder) / "scan.nii"
        path.write_bytes(nifti_of(volume))
        yield path
