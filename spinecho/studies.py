"""A study that was opened: its series with their voxels, and its reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from spinecho.db.values import SeriesCard
from spinecho.encoders.reading.volume import Volume
from spinecho.search.access.studies import OpenedStudy

ReadVolume = Callable[[SeriesCard], Volume]

__all__ = ["Report", "Series", "Study", "Volume"]


@dataclass(frozen=True, slots=True)
class Report:
    """A report of the study as it came. match: by what it was joined: accession number, study UID."""

    text: str
    accession_number: str
    match: str


@dataclass(frozen=True)
class Series:
    """A series of the study. field_strength_t in tesla; flags: what is odd about it, see docs/volumes.md."""

    uid: str
    number: int | None
    description: str
    sequence: str
    plane: str
    body_region: str
    contrast: str
    field_strength_t: float | None
    vendor: str
    derived: bool
    flags: tuple[str, ...]
    key_image: bytes | None = field(repr=False)
    """A PNG of its middle slice, None where there is none."""
    _read: Callable[[], Volume] = field(repr=False, compare=False)

    def volume(self) -> Volume:
        """Its first stored volume, read again from its files in a child process.

        `voxels` (i, j, k) float32 in RAS+ in the file's own units, `affine` (4, 4) index to mm in RAS+, `spacing_mm`.
        Raises `ReadError` for files that cannot be read now, and `FilesChanged` where they have changed or gone.
        """
        return self._read()


@dataclass(frozen=True)
class Study:
    """A study with all that is stored of it, scans before computed images. `age_years`: at the study."""

    uid: str
    accession_number: str
    date: date | None
    description: str
    sex: str | None
    age_years: float | None
    series: tuple[Series, ...]
    reports: tuple[Report, ...]

    @property
    def key_image(self) -> bytes | None:
        """A PNG of the middle slice of its first series that has one."""
        return next((one.key_image for one in self.series if one.key_image is not None), None)


def study_of(opened: OpenedStudy, read: ReadVolume) -> Study:
    """What the archive gave, without ids of rows and patient IDs."""
    card = opened.card
    return Study(
        card.uid, card.accession_number, card.date, card.description, card.sex, card.age_years,
        tuple(_series(one, opened.pictures.get(one.volume_id), read) for one in opened.series),
        tuple(Report(one.text, one.accession_number, one.match) for one in opened.reports),
    )  # fmt: skip


def _series(card: SeriesCard, key_image: bytes | None, read: ReadVolume) -> Series:
    return Series(
        card.uid, card.number, card.description, card.sequence, card.plane, card.body_region, card.contrast,
        card.field_strength_t, card.vendor, card.derived, card.flags, key_image, lambda: read(card),
    )  # fmt: skip
