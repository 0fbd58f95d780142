"""The values that readers give: one `Header` a file, one `VolumeRead` a volume."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from spinecho.encoders.acquisition.facts import Acquisition
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.volume import Volume

FileKind = Literal["dicom", "nifti"]


@dataclass(frozen=True, slots=True)
class Header:
    """What one pass over a file's header leaves, small enough to keep for every file of an archive.

    `sop_uid` is the file's identity; files with equal (`study_uid`, `series_uid`) belong to one series.
    NIfTI files carry derived UIDs. `detail` is the reader's own (plain JSON), enough to read the pixels without
    parsing the header again.
    """

    path: str
    kind: FileKind
    study_uid: str
    series_uid: str
    sop_uid: str
    detail: dict[str, Any]

    def to_json(self) -> str:
        """One line of JSON, without the path."""
        values = {name: getattr(self, name) for name in ("kind", "study_uid", "series_uid", "sop_uid", "detail")}
        return json.dumps(values, separators=(",", ":"))  # `asdict` would copy all of it first: ten times as long

    @classmethod
    def from_json(cls, text: str, *, path: str) -> Header:
        """The inverse of `to_json`; the path comes from where the line was kept."""
        return cls(path=path, **json.loads(text))


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """Study-level facts (DICOM PS3.3 C.7.1.1, C.7.2.1). No patient name is ever read."""

    uid: str
    accession_number: str = ""
    patient_id: str = ""
    date: str | None = None
    """ISO 8601, yyyy-mm-dd."""
    description: str = ""
    sex: Literal["M", "F", "O"] | None = None
    age_years: float | None = None


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """Series-level facts (DICOM PS3.3 C.7.3.1)."""

    uid: str
    number: int | None = None
    description: str = ""
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class VolumeRead:
    """One volume of a series, read whole. A series can hold several (echoes, b-values, phases, orientations)."""

    study: StudyFacts
    series: SeriesFacts
    key: str
    """Stable name of this volume within its series, '' when the series holds just one."""
    volume: Volume
    acquisition: Acquisition
    paths: tuple[str, ...]
    flags: tuple[str, ...] = ()
    """`Flag` values: what is odd about it though it is searchable."""
    notes: dict[str, Any] = field(default_factory=dict)
    """Plain JSON that explains the flags, e.g. {"gaps_mm": [3.0, 9.0]}."""


@dataclass(frozen=True, slots=True)
class FileFailure:
    """One file that is not in the index, and why."""

    path: str
    reason: Reason
    message: str


class Flag(StrEnum):
    """What is odd about a volume that is searchable all the same. `VolumeRead.notes` explains where it can."""

    NO_STUDY_LINK = "NO_STUDY_LINK"
    """The file names no study; it was given a UID derived from its path."""
    CHARSET_GUESSED = "CHARSET_GUESSED"
    GEOMETRY_SUSPECT = "GEOMETRY_SUSPECT"
    """Positions, orientations or spacings that cannot be true, or none at all."""
    SLICES_MISSING = "SLICES_MISSING"
    """Some gaps are whole multiples of the usual one, other volumes of the series hold places that this one does not,
    or a slice could not be read."""
    SLICES_UNEVEN = "SLICES_UNEVEN"
    SLICES_REPEATED = "SLICES_REPEATED"
    """A position occurs again with nothing that tells the repeats apart; the first is used."""
    ORDER_GUESSED = "ORDER_GUESSED"
    """Several slices lie at each place, and nothing but an order that may be wrong says which belong together."""
    SERIES_JOINED = "SERIES_JOINED"
    """Every slice came with a series UID of its own; they were put together by what else their headers say."""
    UID_INVALID = "UID_INVALID"
    """A UID holds what DICOM forbids there; it is kept as the identity that it was meant to be."""
    VOLUMES_SAMPLED = "VOLUMES_SAMPLED"
    """The series holds more volumes than were read; `notes["volumes_total"]` says how many."""
    NON_FINITE = "NON_FINITE"
    """NaN or infinite voxels, replaced by 0."""
    AFFINE_INVALID = "AFFINE_INVALID"
    """The NIfTI sform could not be used; the qform or the voxel sizes took its place."""
    SIDECAR_SUSPECT = "SIDECAR_SUSPECT"
    """The JSON file beside a NIfTI file, or a value in it, could not be used; `notes["sidecar_lost"]` says which."""
    FEW_VALUES = "FEW_VALUES"
    """Few whole grey values over even areas, as a label map has them, though nothing else speaks of labels."""
    PIXEL_RANGE = "PIXEL_RANGE"
    """Stored values exceed what Bits Stored allows and are smoother so; they are read as they stand."""
