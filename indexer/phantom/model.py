"""The values that describe a synthetic study before a single voxel is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right", "both", "midline"]
Kind = Literal[
    "acute infarct", "chronic infarct", "high-grade glioma", "low-grade glioma", "meningioma", "metastasis",
    "ms plaque", "haemorrhage", "cavernoma", "abscess", "arachnoid cyst", "small vessel disease",
]  # fmt: skip
Sequence = Literal["T1", "T2", "PD", "FLAIR", "T2*", "DWI", "ADC", "localizer"]
Plane = Literal["axial", "coronal", "sagittal"]
Change = Literal["", "larger", "smaller", "matured", "new"]


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion. Its centre is in MNI space (RAS, mm); its size is its largest diameter without oedema."""

    kind: Kind
    site: str
    side: Side
    size_mm: float
    center_mni_mm: tuple[float, float, float]
    enhancing: bool
    """Takes up contrast medium; visible only on a series with contrast."""
    restricted: bool
    """Restricts diffusion: bright on b1000, dark on ADC."""
    variant: str = ""
    """'wedge' or 'lacune' of an infarct, 'ring' or 'nodule' of a metastasis, 'acute' or 'subacute' of a haemorrhage."""


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """One volume to acquire. Plans that share `series_uid` lie in one DICOM series (b-values, localizer planes)."""

    series_uid: str
    number: int
    part: int
    """0, 1, 2 within the series."""
    description: str
    sequence: Sequence
    plane: Plane
    dimensions: Literal["2D", "3D"]
    columns: int
    rows: int
    slices: int
    pixel_mm: float
    thickness_mm: float
    spacing_mm: float
    """Between slice centres."""
    tilt_deg: tuple[float, float, float]
    """Rotation of the slice stack about R, A and S."""
    tr_ms: float
    te_ms: float
    ti_ms: float
    """0 where there is no inversion."""
    flip_deg: float
    b_value: float | None
    contrast: bool
    fat_suppressed: bool
    echo: Literal["SE", "GR"]
    echo_train: int
    snr: float
    """Of white matter, before the coil's shading."""
    shading: float
    """Amplitude of the bias field, as a fraction."""
    storage: Literal["single", "enhanced"]
    syntax: Literal["explicit", "rle", "jpeg2000"]


@dataclass(frozen=True, slots=True)
class Case:
    """One study, determined by (seed, index) alone."""

    seed: int
    index: int
    person: int
    """Index of the patient's first study: the same anatomy in each of the patient's studies."""
    study_uid: str
    accession_number: str
    patient_id: str
    patient_name: str
    sex: Literal["M", "F"]
    age_years: int
    date: str
    """ISO 8601, yyyy-mm-dd."""
    time: str
    """hhmmss."""
    vendor: str
    model: str
    field_t: float
    indication: str
    diagnosis: str
    """A `Kind`, or 'normal'."""
    atrophy: float
    """0 (young) to 1 (marked)."""
    wmh_load: float
    """White matter hyperintensities, 0 (none) to 1 (confluent)."""
    lesions: tuple[Lesion, ...]
    series: tuple[SeriesPlan, ...]
    report: str
    prior_accession: str = ""
    change: Change = ""
    body_part: str = "BRAIN"
    """'' where the scanner left the tag out."""

    @property
    def has_contrast(self) -> bool:
        """Whether any series was acquired after contrast medium."""
        return any(plan.contrast for plan in self.series)
