"""Lesions as layers of tissue on the template: where each kind grows, what it is made of, how it is shaped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinecho.indexer.phantom.atlas import BRAIN_BASE, ORIGIN_MM, SHAPE, voxel
from spinecho.indexer.phantom.fields import Field, noise_on
from spinecho.indexer.phantom.model import Lesion

Box = tuple[slice, slice, slice]

SITES: dict[str, tuple[float, float, float]] = {
    "frontal lobe": (33, 30, 26),
    "temporal lobe": (49, -22, -12),
    "parietal lobe": (37, -50, 40),
    "occipital lobe": (25, -80, 8),
    "basal ganglia": (25, 4, 3),
    "thalamus": (13, -18, 8),
    "cerebellum": (25, -62, -36),
    "brainstem": (0, -27, -33),
}
"""Centre of each site in the right half of MNI space (mm). The left half is its mirror image."""

MASS_EFFECT = {
    "high-grade glioma": 0.22,
    "low-grade glioma": 0.14,
    "meningioma": 0.22,
    "abscess": 0.2,
    "haemorrhage": 0.16,
}
"""How far a mass pushes its surface outwards, as a share of its radius."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A tissue that replaces a fraction of what lies under it, in one box of the atlas grid."""

    box: Box
    fraction: Field
    tissue: str
    core: bool
    """Part of the lesion itself, not of the oedema around it."""
    only_t2s: bool = False
    """Blooming: drawn on T2*-weighted images only."""


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """What a shape may look at around a lesion's centre."""

    box: Box
    offset: tuple[Field, Field, Field]
    """Millimetres from the lesion's centre, open grids."""
    distance: Field
    tissue: Field
    """Share of grey and white matter."""
    white: Field
    hull_mm: Field
    rng: np.random.Generator

    def blob(self, radius: float, *, rough: float = 0.15, every: float = 7.0) -> Field:
        """Signed depth (mm) in an irregular ball, inside positive."""
        wave = noise_on(self.rng, self.shape, every=every)
        return np.asarray(radius * (1 + rough * wave.clip(-1.6, 1.6)) - self.distance, np.float32)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the box."""
        a, b, c = self.distance.shape
        return a, b, c


def _soft(depth: Field, width: float = 1.4) -> Field:
    return np.asarray((depth / np.float32(width) + np.float32(0.5)).clip(0, 1), np.float32)


def tissue_of(codes: NDArray[np.uint16]) -> tuple[Field, Field]:
    """(grey, white) fractions of voxel codes."""
    brain = codes >= BRAIN_BASE
    mix = np.where(brain, codes, BRAIN_BASE) - BRAIN_BASE
    return (mix >> 6).astype(np.float32) / 63, (mix & 63).astype(np.float32) / 63


def layers(lesion: Lesion, codes: NDArray[np.uint16], hull_half: Field, rng: np.random.Generator) -> tuple[Layer, ...]:
    """The layers of one lesion, in the order in which they are laid. `small vessel disease` has none here."""
    draw = _DRAW.get(lesion.kind)
    if draw is None:
        return ()
    reach = lesion.size_mm / 2 * 1.35 + 20
    radius = lesion.size_mm / 2 * (1 - MASS_EFFECT.get(lesion.kind, 0.0) * 0.8)
    centre = voxel(lesion.center_mni_mm)
    low = [max(int(c - reach), 0) for c in centre]
    high = [min(int(c + reach) + 2, n) for c, n in zip(centre, SHAPE, strict=True)]
    box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    at = [np.arange(a, b, dtype=np.float32) - np.float32(c) for a, b, c in zip(low, high, centre, strict=True)]
    offset = (at[0][:, None, None], at[1][None, :, None], at[2][None, None, :])
    grey, white = tissue_of(codes[box])
    half = [np.arange(a, b) // 2 for a, b in zip(low, high, strict=True)]
    site = _Site(
        box=box,
        offset=offset,
        distance=np.sqrt(offset[0] ** 2 + offset[1] ** 2 + offset[2] ** 2),
        tissue=grey + white,
        white=white,
        hull_mm=hull_half[np.ix_(*half)],
        rng=rng,
    )
    return tuple(
        Layer(box, np.ascontiguousarray(fraction, np.float32), tissue, core, only)
        for tissue, fraction, core, only in draw(site, radius, lesion)
    )


Drawn = list[tuple[str, Field, bool, bool]]
"""Tissue, fraction, core, only on T2*."""


def _oedema(site: _Site, radius: float, strength: float = 0.9) -> tuple[str, Field, bool, bool]:
    """Vasogenic oedema: fingers along white matter, sparing cortex."""
    depth = site.blob(radius, rough=0.3, every=10)
    return "oedema", _soft(depth, 4.0) * (0.12 + 0.88 * site.white) * (site.tissue > 0.2) * strength, False, False


def _territory(site: _Site, radius: float, lesion: Lesion) -> Field:
    """Depth in a wedge that opens from the deep white matter towards the cortex; a ball for a lacune."""
    depth = site.blob(radius, rough=0.2)
    if lesion.variant != "wedge":
        return depth
    x, y, z = lesion.center_mni_mm
    axis = np.asarray((x - np.sign(x) * 12, y + 20, (z - 12) * 0.6), np.float32)
    axis /= np.linalg.norm(axis)
    along = site.offset[0] * axis[0] + site.offset[1] * axis[1] + site.offset[2] * axis[2] + np.float32(radius)
    across = np.sqrt(np.maximum(site.distance**2 - (along - np.float32(radius)) ** 2, 0))
    ragged = noise_on(site.rng, site.shape, every=6).clip(-1.6, 1.6)
    return np.asarray(np.minimum(depth, 0.62 * along - across + 2.0 + 1.8 * ragged), np.float32)


def _acute_infarct(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    return [("infarct", _soft(_territory(site, radius, lesion), 1.8) * site.tissue, True, False)]


def _chronic_infarct(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    depth = _territory(site, radius, lesion)
    inner = min(3.5, radius * 0.35) * (1 + 0.45 * noise_on(site.rng, site.shape, every=7).clip(-1.5, 2))
    within = site.hull_mm < 1.5
    return [
        ("gliosis", _soft(depth, 2.0) * site.tissue, True, False),
        ("cavity", _soft(depth - inner, 2.0) * within, True, False),
    ]


def _ring(site: _Site, radius: float, *, rim: float, rough: float, wall: str, inside: str, oedema: float) -> Drawn:
    depth = site.blob(radius, rough=rough)
    within = site.hull_mm < 1.0
    uneven = rim * (1 + 0.35 * noise_on(site.rng, site.shape, every=8).clip(-1.5, 1.5))
    drawn: Drawn = [_oedema(site, radius + oedema)] if oedema > 0 else []
    drawn.append((wall, _soft(depth) * within, True, False))
    drawn.append((inside, _soft(depth - uneven) * within, True, False))
    return drawn


def _high_grade(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    del lesion
    rim = max(3.2, radius * 0.3)
    return _ring(site, radius, rim=rim, rough=0.26, wall="glioma rim", inside="necrosis", oedema=13)


def _low_grade(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    del lesion
    depth = site.blob(radius, rough=0.22)
    strength = 0.86 + 0.07 * noise_on(site.rng, site.shape, every=6).clip(-2, 2)
    return [("low grade", _soft(depth, 5.0) * site.tissue * strength, True, False)]


def _meningioma(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    del lesion
    depth = np.minimum(site.blob(radius, rough=0.06), 3.0 - site.hull_mm)
    drawn: Drawn = [_oedema(site, radius + 5, 0.6)] if radius > 13 else []
    tail = (site.distance < radius + 9) & (site.hull_mm > 1.2) & (site.hull_mm < 3.0)
    drawn.append(("meningioma", np.maximum(_soft(np.asarray(depth, np.float32)), 0.7 * tail), True, False))
    return drawn


def _metastasis(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    spread = 3.0 + radius * 0.7
    if lesion.variant == "ring":
        rim = max(2.2, radius * 0.3)
        return _ring(site, radius, rim=rim, rough=0.1, wall="metastasis", inside="necrosis", oedema=spread)
    return [_oedema(site, radius + spread), ("metastasis", _soft(site.blob(radius, rough=0.08)), True, False)]


def _plaque(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    """An ovoid at right angles to the ventricle (Dawson's finger): long across, thin along the body axis."""
    stretch = np.sqrt((site.offset[0] / 1.0) ** 2 + (site.offset[1] / 0.6) ** 2 + (site.offset[2] / 0.75) ** 2)
    tissue = "active plaque" if lesion.enhancing else "plaque"
    return [(tissue, _soft(np.asarray(radius - stretch, np.float32)) * site.tissue, True, False)]


def _haemorrhage(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    depth = site.blob(radius, rough=0.2)
    within = site.hull_mm < 1.0
    blood = "haematoma" if lesion.variant == "subacute" else "acute haematoma"
    return [
        _oedema(site, radius + 5, 0.8),
        ("haemosiderin", _soft(depth) * within * 0.7, True, False),
        (blood, _soft(depth - 1.2) * within, True, False),
        ("haemosiderin", _soft(depth + 1.5) * within * 0.75, True, True),
    ]


def _cavernoma(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    del lesion
    depth = site.blob(radius, rough=0.2, every=4)
    lobes = noise_on(site.rng, site.shape, every=3) > 0.1
    return [
        ("haemosiderin", _soft(depth) * 0.95, True, False),
        ("cavernoma", _soft(depth - 1.6) * np.where(lobes, 0.95, 0.35), True, False),
        ("haemosiderin", _soft(depth + 2.0), True, True),
    ]


def _abscess(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    del lesion
    return _ring(site, radius, rim=2.4, rough=0.14, wall="capsule", inside="pus", oedema=12)


def _arachnoid_cyst(site: _Site, radius: float, lesion: Lesion) -> Drawn:
    del lesion
    depth = np.minimum(site.blob(radius, rough=0.05), 2.3 - site.hull_mm)
    return [("cyst", _soft(np.asarray(depth, np.float32), 1.0), True, False)]


_DRAW: dict[str, Callable[[_Site, float, Lesion], Drawn]] = {
    "acute infarct": _acute_infarct,
    "chronic infarct": _chronic_infarct,
    "high-grade glioma": _high_grade,
    "low-grade glioma": _low_grade,
    "meningioma": _meningioma,
    "metastasis": _metastasis,
    "ms plaque": _plaque,
    "haemorrhage": _haemorrhage,
    "cavernoma": _cavernoma,
    "abscess": _abscess,
    "arachnoid cyst": _arachnoid_cyst,
}


def push(lesion: Lesion, points: tuple[Field, Field, Field]) -> NDArray[np.float32] | None:
    """Where the template is read for each point (mm, open grids) so that a mass displaces its surroundings.

    (3, x, y, z) displacement in mm, largest at the mass's surface and fading over 25 mm; None without mass effect.
    """
    share = MASS_EFFECT.get(lesion.kind, 0.0)
    if share == 0:
        return None
    radius = lesion.size_mm / 2
    offset = [p - np.float32(c) for p, c in zip(points, lesion.center_mni_mm, strict=True)]
    distance = np.sqrt(sum(o**2 for o in offset)) + np.float32(1e-3)
    amount = share * radius * np.minimum(distance / radius, np.exp(-(distance - radius) / 25))
    return np.stack([-(o / distance) * amount for o in offset]).astype(np.float32)


def grid_points(step: int) -> tuple[Field, Field, Field]:
    """Open grids of MNI millimetres over the atlas, every `step` voxels and one beyond."""
    x, y, z = (
        np.arange(0, n + step, step, dtype=np.float32) + np.float32(o) for n, o in zip(SHAPE, ORIGIN_MM, strict=True)
    )
    return x[:, None, None], y[None, :, None], z[None, None, :]


def to_patient(mni_mm: tuple[float, float, float], to_template: NDArray[np.float64]) -> list[float]:
    """A point of the template in patient RAS mm, but for the smooth warp (a few millimetres)."""
    found = np.linalg.inv(to_template) @ [*mni_mm, 1.0]
    return [round(float(v), 1) for v in found[:3]]
