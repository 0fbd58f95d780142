"""A volume of voxels that knows where it lies in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.reading.geometry import canonical_axes, flipped, permuted


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


def to_ras(voxels: NDArray[np.float32], affine: NDArray[np.float64]) -> Volume:
    """A grid of any orientation as a `Volume`: its axes permuted and flipped, no voxel changed."""
    order, flips = canonical_axes(affine)
    turned = voxels[tuple(slice(None, None, -1 if flip else 1) for flip in flips)].transpose(order)
    return Volume(turned, permuted(flipped(affine, voxels.shape, flips), order))
