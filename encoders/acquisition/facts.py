"""How a volume was acquired: typed facts, derived from tags by written rules (see `rules.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Sequence: TypeAlias = Literal[
    "T1", "T2", "PD", "FLAIR", "STIR", "T2*", "SWI", "DWI", "ADC", "DTI map", "BOLD", "ASL", "perfusion", "DCE",
    "MRA", "cine", "MT", "phase contrast", "field map", "quantitative map", "localizer", "unknown",
]  # fmt: skip
Plane: TypeAlias = Literal["axial", "coronal", "sagittal", "oblique", "unknown"]
BodyRegion: TypeAlias = Literal[
    "brain", "head and neck", "cervical spine", "thoracic spine", "lumbar spine", "spine", "chest", "breast", "heart",
    "abdomen", "pelvis", "prostate", "shoulder", "elbow", "wrist", "hand", "hip", "thigh", "knee", "ankle", "foot",
    "extremity", "fetal", "whole body", "phantom", "unknown",
]  # fmt: skip
Contrast: TypeAlias = Literal["yes", "no", "unknown"]
BodySide: TypeAlias = Literal["left", "right", "both"]
Component: TypeAlias = Literal["magnitude", "phase", "real", "imaginary"]
Dixon: TypeAlias = Literal["water", "fat", "in phase", "opposed phase", "fat fraction"]
Vendor: TypeAlias = Literal[
    "Siemens", "GE", "Philips", "Canon", "Toshiba", "Hitachi", "UIH", "Hyperfine", "Bruker", "other", "unknown"
]


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Facts about one volume. Every one may be unknown; none is guessed from the pixels."""

    sequence: Sequence = "unknown"
    plane: Plane = "unknown"
    body_region: BodyRegion = "unknown"
    contrast: Contrast = "unknown"
    field_strength_t: float | None = None
    vendor: Vendor = "unknown"
    model: str = ""
    tr_ms: float | None = None
    te_ms: float | None = None
    ti_ms: float | None = None
    flip_deg: float | None = None
    b_value: float | None = None
    """s/mm2"""
    fat_suppressed: bool | None = None
    dimensions: Literal["2D", "3D"] | None = None
    spacing_mm: tuple[float, float, float] | None = None
    derived: bool = False
    """A computed image (ADC, FA, MIP, screenshot), hidden from results by default."""
    side: BodySide | None = None
    """Of a paired part of the body."""
    technique: tuple[str, ...] = ()
    """What was done beyond the weighting: Dixon, MP2RAGE, DCE, ASL, multi-echo and the like."""
    component: Component | None = None
    """Of the complex signal."""
    dixon: Dixon | None = None
    """Which of the images of a Dixon series it is."""
    computed: str | None = None
    """What was computed from other images: an ADC map, a subtraction, a projection. Not each of these is `derived`."""
    why: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By fact: the `rule` that gave it, its `confidence` between 0 and 1, and what spoke `against` it, if anything."""
    rules: int = 0
    """The number of the rules that gave these facts, 0 for those before they had one."""
