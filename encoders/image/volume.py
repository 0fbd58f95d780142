"""A volume of voxels that knows where it lies in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Volume:
    """Voxels in canonical RAS+ order: axis 0 grows to the patient's Right, 1 to Anterior, 2 to Superior.

    "Grows to" is up to the nearest axis: an oblique acquisition keeps its own grid, only flipped and permuted.

    voxels: (i, j, k) float32, finite.
    affine: (4, 4) float64, voxel index to millimetres in RAS+ (NIfTI convention).
    """

    voxels: NDArray[np.float32]
    affine: NDArray[np.float64]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along each axis."""
        a, b, c = (float(n) for n in np.linalg.norm(self.affine[:3, :3], axis=0))
        return a, b, c

    @property
    def slice_axis(self) -> int:
        """The axis across the acquired slices: the one with the largest spacing, the shortest on a tie."""
        spacing, shape = self.spacing_mm, self.voxels.shape
        return max(range(3), key=lambda axis: (round(spacing[axis], 3), -shape[axis]))
