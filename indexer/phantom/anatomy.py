"""One person's head: the template made older, wider, lopsided and ill, still on the template's grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from spinecho.indexer.phantom import lesions
from spinecho.indexer.phantom.atlas import BRAIN_BASE, ORIGIN_MM, Atlas, load_atlas, solid
from spinecho.indexer.phantom.fields import Field, noise_on, smooth_noise
from spinecho.indexer.phantom.lesions import Layer
from spinecho.indexer.phantom.model import Case

STEP = 5
"""Millimetres between the knots of the displacement field."""


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """What is sampled when a series is drawn.

    codes: (x, y, z) uint16 voxel codes on the atlas grid. warp: (3, a, b, c) mm, where to read the template
    relative to a point in it, every STEP mm. to_template: (4, 4) patient RAS mm to MNI mm.
    """

    codes: NDArray[np.uint16]
    layers: tuple[Layer, ...]
    warp: Field
    to_template: NDArray[np.float64]


def _brain_codes(atlas: Atlas, atrophy: float, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Voxel codes with this person's sulci: the CSF threshold falls with atrophy, borders wander smoothly."""
    a, b, c = (s.stop - s.start for s in atlas.box)
    wander = [noise_on(rng, (a, b, c), every=n).ravel()[atlas.in_box] for n in (11, 16)]
    fluid = 1 - atlas.grey - atlas.white
    threshold = 0.58 - 0.24 * atrophy + 0.09 * wander[0]
    csf = ((fluid - threshold) / 0.6 + 0.5).clip(0, 1)
    white = atlas.white / (atlas.grey + atlas.white + 1e-3)
    white = ((white - 0.5 - 0.05 * wander[1]) * 1.35 + 0.5).clip(0, 1)
    solid_part = (1 - csf) * 63
    w = np.rint(solid_part * white).astype(np.uint16)
    g = np.rint(solid_part).astype(np.uint16) - w
    codes = atlas.head.copy()
    codes.ravel()[atlas.inside] = BRAIN_BASE + 64 * g + w
    return codes


def _wmh(atlas: Atlas, codes: NDArray[np.uint16], load: float, rng: np.random.Generator, *, core: bool) -> Layer:
    """Caps and bands around the lateral ventricles that merge with load, and scattered foci (Fazekas 1 to 3)."""
    box = (slice(38, 151), slice(36, 196), slice(100, 172))
    white = lesions.tissue_of(codes[box])[1]
    shift = tuple(slice(s.start - o.start, s.stop - o.start) for s, o in zip(box, atlas.box, strict=True))
    near = np.exp(-np.maximum(atlas.from_ventricle[shift] - 1, 0) / (3 + 7 * load))
    shape = (white.shape[0], white.shape[1], white.shape[2])
    wander, foci = noise_on(rng, shape, every=7), noise_on(rng, shape, every=5)
    score = near + (0.12 + 0.14 * load) * wander - (1.02 - 0.66 * load)
    spots = 0.2 * (foci - (3.5 - 1.9 * load)) + 0.14 * (near - 0.3)
    fraction = (np.maximum(score, spots) / 0.16).clip(0, 1) * (white > 0.55) * white
    return Layer(box, np.asarray(fraction, np.float32), "wmh", core)


def _deep_iron(codes: NDArray[np.uint16], age: int) -> list[Layer]:
    """Iron of pallidum, putamen, red nucleus, substantia nigra and dentate, growing with age; and choroid plexus."""
    strength = min(0.35 + age / 140, 0.9)
    found = []
    nuclei: tuple[tuple[float, float, float, tuple[float, float, float], float], ...] = (
        (18, -4, -1, (6, 9, 5), 1.0),
        (26, 3, 1, (6, 14, 9), 0.45),
        (5, -21, -9, (3, 3, 4), 0.9),
        (10, -17, -13, (5, 4, 3), 0.9),
        (14, -57, -36, (5, 7, 5), 0.7),
    )
    for x, y, z, radii, share in nuclei:
        for side in (-1, 1):
            box, radius = solid((side * x, y, z), radii)
            amount = (2.2 * (1 - radius)).clip(0, 1) * strength * share
            found.append(Layer(box, np.asarray(amount * lesions.tissue_of(codes[box])[0], np.float32), "iron", False))
    pools: tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...] = (
        ((23, -40, 10), (3, 7, 5.5)),
        ((14, -28, 17), (3, 9, 2.5)),
    )
    for side in (-1, 1):
        for (x, y, z), radii in pools:
            box, radius = solid((side * x, y, z), radii)
            grey, white = lesions.tissue_of(codes[box])
            amount = (2 * (1 - radius)).clip(0, 1) * (1 - grey - white).clip(0, 1) * (codes[box] >= BRAIN_BASE)
            found.append(Layer(box, np.asarray(0.6 * amount, np.float32), "choroid", False))
    return found


def _warp(case: Case, atlas: Atlas, rng: np.random.Generator) -> Field:
    """Displacement field: an individual head, wide ventricles, and what masses push aside."""
    points = lesions.grid_points(STEP)
    shape = (points[0].size, points[1].size, points[2].size)
    broad = np.stack([smooth_noise(rng, shape, width=5.5) * 2.3 for _ in range(3)])
    fine = np.stack([smooth_noise(rng, shape, width=2.0) * 0.55 for _ in range(3)])
    knots = np.meshgrid(*[(p.ravel() - o) / 2 for p, o in zip(points, ORIGIN_MM, strict=True)], indexing="ij")
    hull = ndimage.map_coordinates(atlas.hull_mm, knots, order=1, mode="nearest")
    inner = (-hull / 14).clip(0, 1)  # nothing pushes the skull

    away = ndimage.map_coordinates(
        ndimage.gaussian_filter(atlas.from_ventricle[::2, ::2, ::2], 1.0),
        [k - s.start / 2 for k, s in zip(knots, atlas.box, strict=True)],
        order=1,
        mode="nearest",
    )
    widening = float(0.4 + 4.2 * case.atrophy + rng.normal(0, 0.6))
    uphill = np.stack(np.gradient(away, STEP))
    inside = -widening * uphill * np.exp(-away / 13)
    for lesion in case.lesions:
        pushed = lesions.push(lesion, points)
        if pushed is not None:
            inside = inside + pushed
    return np.asarray(broad + fine + inside * inner, np.float32)


def to_template(case: Case) -> NDArray[np.float64]:
    """(4, 4) patient RAS mm to MNI mm: how large this head is and how it lay in the coil."""
    rng, person = np.random.default_rng((case.seed, case.index, 2)), np.random.default_rng((case.seed, case.person, 3))
    scale = person.normal([0.97, 0.98, 0.99], 0.025).clip(0.9, 1.06)
    turn = Rotation.from_euler("xyz", rng.normal(0, [4.0, 2.0, 2.2]).clip(-7, 7), degrees=True).as_matrix()
    pose = np.eye(4)
    pose[:3, :3] = turn @ np.diag(scale)
    pose[:3, 3] = rng.normal(0, [1.2, 4.0, 5.0]).clip(-9, 9)
    return np.asarray(np.linalg.inv(pose), np.float64)


@lru_cache(maxsize=2)
def anatomy(case: Case) -> Anatomy:
    """The head of one study (about half a second; the next series of the study finds it again)."""
    atlas = load_atlas()
    person = np.random.default_rng((case.seed, case.person, 1))
    codes = _brain_codes(atlas, case.atrophy, person)
    warp = _warp(case, atlas, person)
    found = _deep_iron(codes, case.age_years)
    if case.wmh_load > 0.05:
        severe = case.diagnosis == "small vessel disease"
        found.append(_wmh(atlas, codes, case.wmh_load, np.random.default_rng((case.seed, case.person, 4)), core=severe))
    for lesion in case.lesions:
        key = (case.seed, case.person, 5, *(round(c * 10) + 2000 for c in lesion.center_mni_mm))
        found += lesions.layers(lesion, codes, atlas.hull_mm, np.random.default_rng(key))
    return Anatomy(codes, tuple(found), warp, to_template(case))
