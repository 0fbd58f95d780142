"""The template head: tissue fractions of the MNI ICBM152 brain, and a head drawn around it.

The brain is real: the grey and white matter maps of the ICBM 2009a non-linear symmetric template (Fonov et al.,
NeuroImage 2011;54:313), as nilearn packs them. These are skull-stripped, so scalp, skull, orbits,
air spaces and neck are drawn from distances to the brain and simple solids. All arrays here lie on one 1 mm grid
in MNI space (RAS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spinecho.indexer.phantom.fields import Field
from spinecho.indexer.phantom.tissue import HEAD_LABELS

Mask = NDArray[np.bool_]

ORIGIN_MM = (-94.0, -128.0, -108.0)
"""MNI position of voxel (0, 0, 0)."""
SHAPE = (189, 241, 209)
LABEL = {name: code for code, name in enumerate(HEAD_LABELS)}
BRAIN_BASE = 64
"""Codes from here on are mixtures: BRAIN_BASE + 64 * grey + white, each in 63rds; the rest is CSF."""


class PhantomDataMissing(RuntimeError):
    """The templates are not installed."""


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Voxel codes of the head, and what is needed to vary the brain in it.

    head: (x, y, z) uint16, a label of `LABEL` in each voxel (brain voxels hold CSF).
    inside: (n,) flat indices of the brain's voxels; grey, white: (n,) fractions there.
    box: the brain's bounding box in the grid; from_ventricle: distance (mm) from the lateral ventricles in it.
    """

    head: NDArray[np.uint16]
    inside: NDArray[np.intp]
    box: tuple[slice, slice, slice]
    in_box: NDArray[np.intp]
    grey: Field
    white: Field
    from_ventricle: Field
    hull_mm: Field
    """(x, y, z) float32 at half resolution: signed distance from the brain's hull, outside positive."""


def template(name: str) -> NDArray[np.uint8]:
    """One packed map ('t1', 'gm' or 'wm') as (197, 233, 189) uint8, voxel (98, 134, 72) at the origin."""
    spec = find_spec("nilearn")  # found, not imported: its import alone takes seconds
    path = None
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / f"datasets/data/mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"
    if path is None or not path.is_file():
        raise PhantomDataMissing("The MNI templates come with nilearn: run pip install '.[demo]'")
    image: Any = nibabel.load(path)
    return np.asarray(image.dataobj, np.uint8)


def voxel(mm: Sequence[float]) -> tuple[float, float, float]:
    """MNI millimetres to (fractional) voxel indices of the grid."""
    x, y, z = (float(m - o) for m, o in zip(mm, ORIGIN_MM, strict=True))
    return x, y, z


def _placed(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A packed map on our grid."""
    grid = np.zeros(SHAPE, np.uint8)
    start = [int(o + s) for o, s in zip(ORIGIN_MM, (98, 134, 72), strict=True)]
    source = tuple(slice(max(s, 0), min(s + n, m)) for s, n, m in zip(start, SHAPE, values.shape, strict=True))
    target = tuple(slice(f.start - s, f.stop - s) for f, s in zip(source, start, strict=True))
    grid[target] = values[source]
    return grid


def _axes(step: int = 1) -> tuple[Field, Field, Field]:
    """Open grids of MNI x, y, z in mm, every `step` voxels."""
    x, y, z = (np.arange(0, n, step, dtype=np.float32) + np.float32(o) for n, o in zip(SHAPE, ORIGIN_MM, strict=True))
    return x[:, None, None], y[None, :, None], z[None, None, :]


def solid(centre: Sequence[float], radii: Sequence[float]) -> tuple[tuple[slice, slice, slice], Field]:
    """An ellipsoid: the box around it in the grid, and in it the radius (1 on the surface)."""
    box: list[slice] = []
    total: Field = np.zeros((1, 1, 1), np.float32)
    for axis, (c, r) in enumerate(zip(voxel(centre), radii, strict=True)):
        low, high = max(int(c - r) - 1, 0), min(int(c + r) + 3, SHAPE[axis])
        box.append(slice(low, high))
        part = ((np.arange(low, high, dtype=np.float32) - np.float32(c)) / np.float32(r)) ** 2
        total = total + part.reshape([-1 if a == axis else 1 for a in range(3)])
    return (box[0], box[1], box[2]), np.sqrt(total)


def _hull_distance(brain: Mask) -> Field:
    """Signed distance from the closed surface of the brain, mm, at half resolution; outside is positive."""
    coarse = brain[::2, ::2, ::2]
    grown = ndimage.distance_transform_edt(~coarse, sampling=2.0) < 9.0
    closed = ndimage.distance_transform_edt(grown, sampling=2.0) >= 9.0
    closed |= coarse
    outside = ndimage.distance_transform_edt(~closed, sampling=2.0)
    inside = ndimage.distance_transform_edt(closed, sampling=2.0)
    return np.asarray(ndimage.gaussian_filter((outside - inside).astype(np.float32), 1.2), np.float32)


def _full(coarse: Field) -> Field:
    """From half to full resolution, linearly."""
    out = coarse
    for axis, n in enumerate(SHAPE):
        at = np.arange(n) / 2.0
        low = np.minimum(at.astype(np.intp), out.shape[axis] - 1)
        high = np.minimum(low + 1, out.shape[axis] - 1)
        weight = (at - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        first = out.take(low, axis)
        out = first + (out.take(high, axis) - first) * weight
    return np.asarray(out, np.float32)


def _skin_depth(hull: Field) -> Field:
    """Depth (mm, inside positive) below a head's surface, at half resolution: cranium, face, nose and neck."""
    x, y, z = _axes(2)
    cranium = 15.5 - hull
    face = (1 - np.sqrt((x / 62) ** 2 + ((y - 22) / 74) ** 2 + ((z + 62) / 74) ** 2)) * 62
    nose = (1 - np.sqrt((x / 15) ** 2 + ((y - 88) / 24) ** 2 + ((z + 52) / 26) ** 2)) * 15
    neck = (1 - np.sqrt((x / 60) ** 2 + ((y + 24) / 66) ** 2)) * 60 - np.maximum(z + 50, 0) * 0.9
    soft = np.float32(4.0)
    parts = [np.broadcast_to(p, hull.shape) for p in (cranium, face, nose, neck)]
    return np.asarray(soft * np.logaddexp.reduce([p / soft for p in parts], axis=0), np.float32)


def _paint(head: NDArray[np.uint16], where: Mask, name: str) -> None:
    head[where] = LABEL[name]


def _paint_solid(
    head: NDArray[np.uint16],
    hull: Field,
    centre: Sequence[float],
    radii: Sequence[float],
    name: str,
    *,
    keep: float = 3.0,
) -> None:
    """Fill an ellipsoid with one label, where it lies at least `keep` mm outside the brain."""
    box, radius = solid(centre, radii)
    head[box][(radius < 1) & (hull[box] > keep)] = LABEL[name]


def _tube(head: NDArray[np.uint16], points: Sequence[Sequence[float]], radius: float, name: str) -> None:
    """A vessel along a line of points, painted into CSF and dura only."""
    allowed = np.array([LABEL["fluid"], LABEL["dura"]], np.uint16)
    for start, end in pairwise(points):
        a, b = np.asarray(start, float), np.asarray(end, float)
        for t in np.linspace(0, 1, int(np.linalg.norm(b - a)) + 2):
            box, r = solid(a + (b - a) * t, (radius,) * 3)
            part = head[box]
            part[(r < 1) & np.isin(part, allowed)] = LABEL[name]


def _draw_face(head: NDArray[np.uint16], hull: Field) -> None:
    """Orbits and air spaces. They come before the skull, so that the skull base closes over them."""
    sides = (-1, 1)
    for s in sides:
        _paint_solid(head, hull, (s * 31, 56, -30), (19, 24, 17), "bone")
        _paint_solid(head, hull, (s * 31, 57, -30), (17, 23, 15.5), "fat")
        for dy in range(0, 26, 3):
            _paint_solid(head, hull, (s * (30 - dy * 0.45), 58 - dy, -30), (2.2, 2.5, 2.2), "cord")
        _paint_solid(head, hull, (s * 42, 50, -30), (2.2, 13, 5), "muscle")
        _paint_solid(head, hull, (s * 20, 48, -30), (2.2, 14, 5), "muscle")
        _paint_solid(head, hull, (s * 32, 66, -30), (12.5, 12.5, 12.5), "dura")
        _paint_solid(head, hull, (s * 32, 66, -30), (11.6, 11.6, 11.6), "vitreous")
        _paint_solid(head, hull, (s * 32, 74.5, -30), (4.5, 2.2, 4.5), "lens")
        _paint_solid(head, hull, (s * 30, 44, -64), (16, 18, 17), "bone")
        _paint_solid(head, hull, (s * 30, 44, -64), (15, 17, 16), "mucosa")
        _paint_solid(head, hull, (s * 30, 44, -64), (14, 16, 15), "air")
        _paint_solid(head, hull, (s * 55, -32, -46), (13, 17, 17), "bone")
        for k in range(14):
            at = (s * (55 + 7 * np.sin(k * 2.4)), -32 + 9 * np.cos(k * 1.7), -46 + 10 * np.sin(k * 3.1 + 1))
            _paint_solid(head, hull, at, (3.0, 3.2, 3.0), "air")
    _paint_solid(head, hull, (0, 54, -54), (13, 32, 28), "mucosa")
    for s in sides:
        _paint_solid(head, hull, (s * 5, 54, -56), (2.8, 32, 24), "air")
        _paint_solid(head, hull, (s * 10, 50, -40), (2.6, 16, 9), "air")
        _paint_solid(head, hull, (s * 11, 50, -66), (2.0, 24, 7), "air")
    _paint_solid(head, hull, (0, 20, -36), (13, 12, 11), "bone", keep=2)
    _paint_solid(head, hull, (0, 20, -36), (11, 10, 9), "air", keep=3)
    _paint_solid(head, hull, (0, 10, -78), (14, 12, 26), "air")
    _paint_solid(head, hull, (0, 50, -96), (26, 36, 12), "muscle")


def _draw_vessels(head: NDArray[np.uint16], hull: Field, body: Mask) -> None:
    """Venous sinuses in the dura and arteries at the base; the falx and the tentorium are not in the maps."""
    x, y, z = _axes()
    sss = (np.abs(x) < 4.5) & (hull > 0.8) & (hull < 5.0 - np.abs(x) * 0.5) & (z > -2) & (y < 55)
    _paint(head, sss & body, "sinus")
    lateral = (np.abs(z + 22 - 0.05 * np.abs(x)) < 4) & (y < -48) & (hull > 0.3) & (hull < 5.0) & (np.abs(x) < 62)
    _paint(head, lateral & body, "sinus")
    _tube(head, [(0, -30, -52), (0, -24, -36), (0, -20, -22)], 1.9, "artery")
    for s in (-1, 1):
        _tube(head, [(s * 3, -32, -66), (0, -30, -52)], 1.7, "artery")
        _tube(head, [(0, -20, -22), (s * 14, -24, -18), (s * 22, -34, -8)], 1.3, "artery")
        _tube(head, [(s * 12, 4, -34), (s * 13, 2, -22), (s * 24, 4, -20), (s * 36, 4, -16)], 1.8, "artery")
        _tube(head, [(s * 12, 4, -20), (s * 3, 22, -16), (s * 1.5, 38, 0), (s * 1.5, 30, 22)], 1.4, "artery")
        _tube(head, [(s * 36, 4, -16), (s * 42, -8, 2), (s * 44, -24, 14)], 1.3, "artery")


def _draw_head(brain: Mask, hull_half: Field) -> NDArray[np.uint16]:
    """Labels of everything that is not brain. Thicknesses follow a smooth fixed pattern, so no ring is even."""
    x, y, z = _axes()
    hull, depth = _full(hull_half), _full(_skin_depth(hull_half))
    wave = np.sin(x / 17) * np.cos(y / 23 + 0.6) + np.sin(z / 19 + y / 31)
    table = 3.2 + 0.35 * wave  # where the inner table begins
    diploe = 4.9 + 0.5 * wave
    outer = 8.6 + 0.9 * wave + np.where((y < -85) & (z > -20), 1.5, 0.0)
    skull = 10.6 + 0.9 * wave
    vault = (z > -38 - 0.25 * (y + 20)) | (y < -50)

    head = np.zeros(SHAPE, np.uint16)
    body = depth > 0
    _paint(head, body, "skin")
    _paint(head, body & (depth > 2.0), "fat")
    below = body & ~(vault & (hull < 15.5))
    _paint(head, below & (depth > 6.0 + 1.5 * wave), "muscle")
    planes = np.abs(np.sin(x / 13 + 0.9 * np.sin(y / 17 + z / 29) + 0.5 * np.sin(z / 15))) < 0.07
    _paint(head, below & (depth > 7) & planes, "fat")
    temporalis = body & (np.abs(x) > 52) & (z < 12) & (z > -45) & (y > -30) & (y < 45) & (depth > 3.5)
    _paint(head, temporalis, "muscle")

    _draw_face(head, hull)

    shell = vault | (hull < 7)
    _paint(head, shell & body & (hull < skull), "bone")
    _paint(head, vault & body & (hull < outer) & (hull > diploe), "marrow")
    _paint_solid(head, hull, (0, -16, -46), (11, 9, 20), "marrow", keep=4)  # the clivus
    for s in (-1, 1):
        _paint_solid(head, hull, (s * 11, 82, -6), (11, 5, 12), "air", keep=3)
    _paint(head, hull < table, "dura")
    _paint(head, hull < table - 0.9, "fluid")

    # The spinal canal below the template's edge.
    axis_y = -44 - 0.12 * (-70 - z)
    canal = np.sqrt(x**2 + (y - axis_y) ** 2)
    low = (z < -68) & np.ones_like(hull, bool)
    _paint(head, low & (canal < 17), "marrow")
    _paint(head, low & (canal < 10.5), "dura")
    _paint(head, low & (canal < 9.5), "fluid")
    _paint(head, low & (canal < 5.6), "cord")

    _paint_solid(head, hull, (0, 4, -33), (6, 5, 4), "pituitary", keep=0.5)
    _draw_vessels(head, hull, body)
    head[brain] = LABEL["fluid"]
    return head


def _ventricle_distance(csf: Field, box: tuple[slice, slice, slice]) -> Field:
    """Distance (mm) outside the lateral ventricles on the brain's box, from the largest deep pool of CSF."""
    x, y, z = (
        a[s] for a, s in zip((np.arange(n) + o for n, o in zip(SHAPE, ORIGIN_MM, strict=True)), box, strict=True)
    )
    deep = ((x[:, None, None] / 38) ** 2 + ((y[None, :, None] + 18) / 58) ** 2 + ((z - 8)[None, None, :] / 30) ** 2) < 1
    deep &= z[None, None, :] > -14
    deep &= (np.abs(x)[:, None, None] > 6) | ((y < 26) & (y > -36))[None, :, None]  # not the fissure, not the cisterns
    labels, _ = ndimage.label((csf > 0.6) & deep)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    pools = np.flatnonzero(sizes > 1500)
    pool = np.isin(labels, pools)
    pool[np.broadcast_to((z > 34)[None, None, :], pool.shape)] = False
    coarse = ndimage.distance_transform_edt(~pool[::2, ::2, ::2], sampling=2.0).astype(np.float32)
    out = np.asarray(coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2)[tuple(slice(0, n) for n in csf.shape)])
    return np.asarray(ndimage.uniform_filter(out, 3), np.float32)


@lru_cache(maxsize=1)
def load_atlas() -> Atlas:
    """The template head, built once per process (about two seconds, 60 MB)."""
    brain = _placed(template("t1")) > 0
    grey = _placed(template("gm"))
    white = _placed(template("wm"))
    where = np.argwhere(brain)
    low, high = where.min(0), where.max(0) + 1
    box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    inside = np.flatnonzero(brain)
    csf = (1 - (grey[box].astype(np.float32) + white[box]) / 254).clip(0, 1) * brain[box]
    hull = _hull_distance(brain)
    return Atlas(
        head=_draw_head(brain, hull),
        inside=inside,
        box=box,
        in_box=np.flatnonzero(brain[box]),
        grey=grey.ravel()[inside].astype(np.float32) / 254,
        white=white.ravel()[inside].astype(np.float32) / 254,
        from_ventricle=_ventricle_distance(csf, box),
        hull_mm=hull,
    )
