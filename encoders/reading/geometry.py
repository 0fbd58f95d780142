"""From patient coordinates to a canonical RAS+ grid, and the plane that an orientation means.

DICOM gives positions and directions in LPS+ millimetres (PS3.3 C.7.6.2.1.1); Spinecho works in RAS+ throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.acquisition.facts import Plane

Matrix = NDArray[np.float64]

_OBLIQUE_DEGREES = 30.0
_NAMED_DEGREES = 40.0
_NEAREST_DEGREES = 54.0
_PLANES: tuple[Plane, Plane, Plane] = ("sagittal", "coronal", "axial")


def plane_of(normal: Sequence[float], *, within_degrees: float = _OBLIQUE_DEGREES) -> Plane:
    """The plane whose axis lies within so many degrees of this normal, else 'oblique'; 'unknown' for none."""
    length = float(np.linalg.norm(normal))
    if not length > 0:
        return "unknown"
    cosines = [abs(float(component)) / length for component in normal]
    axis = max(range(3), key=lambda a: cosines[a])
    return _PLANES[axis] if cosines[axis] >= np.cos(np.radians(within_degrees)) else "oblique"


def named_plane(normal: Sequence[float]) -> Plane:
    """The plane of slices with this normal as readers name it: a shoulder's sagittal is tilted by 35 degrees."""
    return plane_of(normal, within_degrees=_NAMED_DEGREES)


def nearest_plane(normal: Sequence[float]) -> Plane:
    """The plane that an oblique one is tilted from; 'oblique' where it is tilted alike from two."""
    return plane_of(normal, within_degrees=_NEAREST_DEGREES)


def canonical_axes(affine: Matrix) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """How a grid is turned to RAS+: for each world axis the voxel axis nearest to it, for each voxel axis its flip.

    Of the six assignments it takes the one with the largest sum of absolute direction cosines.
    """
    directions = affine[:3, :3] / np.maximum(np.linalg.norm(affine[:3, :3], axis=0), 1e-12)
    strength = np.abs(directions)
    order = max(permutations(range(3)), key=lambda p: strength[0, p[0]] + strength[1, p[1]] + strength[2, p[2]])
    flips = [False, False, False]
    for world, voxel in enumerate(order):
        flips[voxel] = bool(directions[world, voxel] < 0)
    return (order[0], order[1], order[2]), (flips[0], flips[1], flips[2])


def flipped(affine: Matrix, shape: Sequence[int], flips: Sequence[bool]) -> Matrix:
    """The affine of the same grid with some voxel axes counted from their other end."""
    result = affine.copy()
    for axis, flip in enumerate(flips):
        if flip:
            result[:3, 3] += result[:3, axis] * (shape[axis] - 1)
            result[:3, axis] *= -1
    return result


def permuted(affine: Matrix, order: Sequence[int]) -> Matrix:
    """The affine of the same grid with its voxel axes in another order."""
    return affine[:, [*order, 3]]


def lps_to_ras(affine: Matrix) -> Matrix:
    """The same transform with x and y of the world negated."""
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
