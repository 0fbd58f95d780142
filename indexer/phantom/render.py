"""From a head and a plan to the voxels that a scanner would give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from spinecho.indexer.phantom.anatomy import STEP, Anatomy, anatomy
from spinecho.indexer.phantom.atlas import ORIGIN_MM
from spinecho.indexer.phantom.fields import Field, enlarge, smooth_noise
from spinecho.indexer.phantom.model import Case, SeriesPlan
from spinecho.indexer.phantom.signal import palette, signal
from spinecho.indexer.phantom.tissue import TISSUES

Box = tuple[slice, slice, slice]

# Directions in RAS of growing column index, growing row index, and the next slice (their cross product).
_AXES = {
    "axial": ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "coronal": ((-1, 0, 0), (0, 0, -1), (0, -1, 0)),
    "sagittal": ((0, -1, 0), (0, 0, -1), (1, 0, 0)),
}
_CENTRE_MNI = {"axial": (0, -13, 9), "coronal": (0, -18, 2), "sagittal": (0, -13, -6)}


def series_affine(case: Case, plan: SeriesPlan) -> NDArray[np.float64]:
    """(4, 4): voxel (column, row, slice) to patient RAS mm. Cheap: no voxel is drawn."""
    axes = np.array(_AXES[plan.plane], float).T
    axes = Rotation.from_euler("xyz", plan.tilt_deg, degrees=True).as_matrix() @ axes
    rng = np.random.default_rng((case.seed, case.index, 6))
    middle = np.array(_CENTRE_MNI[plan.plane], float) + rng.normal(0, 1.5, 3)
    affine = np.eye(4)
    affine[:3, :3] = axes * [plan.pixel_mm, plan.pixel_mm, plan.spacing_mm]
    corner = (np.array([plan.columns, plan.rows, plan.slices]) - 1) / 2
    affine[:3, 3] = middle - affine[:3, :3] @ corner
    # Positions are written with six decimals: round here, so that what is drawn is what the file says.
    return np.asarray(np.round(affine, 9), np.float64)


def _coordinates(head: Anatomy, affine: NDArray[np.float64], shape: tuple[int, int, int]) -> Field:
    """(3, *shape): atlas voxel indices to read at each voxel, exact every few pixels and linear between."""
    step = (4, 4, 1 if abs(np.linalg.norm(affine[:3, 2])) > 2.5 else 3)
    knots = [np.arange(0, (n - 1) // s + 2) * s for n, s in zip(shape, step, strict=True)]
    grid = np.stack(np.meshgrid(*knots, indexing="ij")).reshape(3, -1).astype(np.float64)
    chain = head.to_template @ affine
    at = chain[:3, :3] @ grid + chain[:3, 3:] - np.array(ORIGIN_MM)[:, None]
    moved = [ndimage.map_coordinates(part, at / STEP, order=1, mode="nearest") for part in head.warp]
    coarse = (at + np.stack(moved)).astype(np.float32).reshape(3, *(k.size for k in knots))
    return enlarge(coarse, shape, step=step)


def _crop(at: Field, margin: int, limits: tuple[int, ...]) -> Box:
    low = [max(int(a.min()) - margin, 0) for a in at]
    high = [min(int(a.max()) + margin + 2, n) for a, n in zip(at, limits, strict=True)]
    return (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))


def _overlap(layer: Box, crop: Box) -> tuple[Box, Box] | None:
    """Where a layer meets the cropped grid: (box in the crop, box in the layer)."""
    inner, own = [], []
    for a, b in zip(layer, crop, strict=True):
        low, high = max(a.start, b.start), min(a.stop, b.stop)
        if low >= high:
            return None
        inner.append(slice(low - b.start, high - b.start))
        own.append(slice(low - a.start, high - a.start))
    return (inner[0], inner[1], inner[2]), (own[0], own[1], own[2])


def _paint(head: Anatomy, case: Case, plan: SeriesPlan, crop: Box) -> tuple[Field, Field | None]:
    """Noise-free signal on the cropped atlas grid, and the share of lesion where there is any."""
    volume = palette(plan, field_t=case.field_t)[head.codes[crop]]
    share: Field | None = None
    for layer in head.layers:
        if layer.only_t2s and plan.sequence != "T2*":
            continue
        meets = _overlap(layer.box, crop)
        if meets is None:
            continue
        here, own = meets
        fraction = layer.fraction[own]
        value = np.float32(signal(TISSUES[layer.tissue], plan, field_t=case.field_t))
        volume[here] += fraction * (value - volume[here])
        if layer.core:
            share = np.zeros_like(volume) if share is None else share
            share[here] += fraction * (1 - share[here])
    return volume, share


def _through_slice(volume: Field, thickness_mm: float, axis: int) -> Field:
    """Mean over the slice's thickness along the grid axis nearest to the slice normal."""
    reach = int(thickness_mm / 2 + 0.5)
    if reach < 1:
        return volume
    taps = (thickness_mm / 2 + 0.5 - np.abs(np.arange(-reach, reach + 1))).clip(0, 1)
    return np.asarray(ndimage.correlate1d(volume, taps / taps.sum(), axis=axis, mode="nearest"), np.float32)


def _mask(share: Field | None, at: Field, axis: int, thickness_mm: float) -> NDArray[np.bool_]:
    """Voxels that are at least a third lesion."""
    mask = np.zeros(at.shape[1:], bool)
    if share is None:
        return mask
    touched = [np.flatnonzero(share.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
    if any(t.size == 0 for t in touched):
        return mask
    margin = int(thickness_mm) + 1
    low = [max(int(t[0]) - margin, 0) for t in touched]
    high = [int(t[-1]) + margin + 1 for t in touched]
    near = np.ones(mask.shape, bool)
    for a, lo, hi in zip(at, low, high, strict=True):
        near &= (a > lo) & (a < hi)
    part = share[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    points = at[:, near] - np.array(low, np.float32)[:, None]
    mask[near] = ndimage.map_coordinates(_through_slice(part, thickness_mm, axis), points, order=1) > 0.34
    return mask


def _shading(case: Case, plan: SeriesPlan, shape: tuple[int, int, int]) -> Field:
    """Receive-coil bias field: smooth, the same for all series of a study but for its strength."""
    rng = np.random.default_rng((case.seed, case.index, 7))
    coarse = 1 + plan.shading * smooth_noise(rng, (5, 5, 5), width=1.2)
    step = (shape[0] / 4, shape[1] / 4, max(shape[2] / 4, 1.0))
    return enlarge(np.asarray(coarse.clip(0.4, 1.8), np.float32), shape, step=step)


def render_series(case: Case, plan: SeriesPlan) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_]]:
    """Draw one volume.

    Returns voxels (columns, rows, slices) float32 in scanner units (ADC maps: 1e-6 mm2/s), the (4, 4)
    affine from voxel indices to patient RAS mm, and a mask of the voxels that are lesion (without oedema).
    """
    head = anatomy(case)
    affine = series_affine(case, plan)
    shape = (plan.columns, plan.rows, plan.slices)
    at = _coordinates(head, affine, shape)
    crop = _crop(at, int(plan.thickness_mm / 2) + 2, head.codes.shape)
    clean, share = _paint(head, case, plan, crop)
    axis = int(np.argmax(np.abs((head.to_template @ affine)[:3, 2])))
    at -= np.array([s.start for s in crop], np.float32)[:, None, None, None]
    mask = _mask(share, at, axis, plan.thickness_mm)
    clean = _through_slice(clean, plan.thickness_mm, axis)
    voxels = ndimage.map_coordinates(clean, at, order=1, mode="constant", output=np.float32)

    rng = np.random.default_rng((case.seed, case.index, 8, plan.number, plan.part))
    if plan.sequence == "ADC":
        voxels += np.float32(4000 / plan.snr / 4) * rng.standard_normal(shape, dtype=np.float32) * (voxels > 150)
        return np.maximum(voxels, 0, out=voxels), affine, mask
    level = signal(TISSUES["white"], plan if plan.b_value is None else _b0(plan), field_t=case.field_t)
    voxels *= _shading(case, plan, shape)
    sigma = np.float32(level / plan.snr)
    noise = rng.standard_normal((2, *shape), dtype=np.float32)
    noise *= sigma
    voxels += noise[0]
    np.hypot(voxels, noise[1], out=voxels)
    gain = np.random.default_rng((case.seed, case.index, 9, plan.number)).uniform(250, 700)
    voxels *= np.float32(gain / level)
    return voxels, affine, mask


def _b0(plan: SeriesPlan) -> SeriesPlan:
    """The b = 0 image of a diffusion series: its noise and gain are those of every b-value."""
    return replace(plan, b_value=0.0)
