"""A study that was opened: its series with their voxels, and its reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from spinecho.answering.results import StudySummary, summary_of
from spinecho.db.values import SeriesCard
from spinecho.encoders.reading.volume import Volume
from spinecho.errors import QueryError
from spinecho.given import reads_arguments
from spinecho.search.access.studies import OpenedStudy, Source
from spinecho.search.linking.groups import Member, SeriesGroup
from spinecho.setup.wiring import read_volume

OpenSource = Callable[[SeriesCard], tuple[Source, tuple[str, ...]]]
"""Gives the files of a series, and the keys of its volumes."""

__all__ = ["Member", "OtherStudy", "Report", "Series", "SeriesGroup", "Study", "Volume"]


@dataclass(frozen=True, slots=True)
class Report:
    """A report of the study as it came. match: by what it was joined: accession number, study UID."""

    text: str
    accession_number: str
    match: str


@reads_arguments
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
    volume_count: int
    """How many volumes of it are stored, such as those of a diffusion series."""
    key_image: bytes | None = field(repr=False)
    """A PNG of its middle slice, None where there is none."""
    _open: Callable[[], tuple[Source, tuple[str, ...]]] = field(repr=False, compare=False)

    def volume(self, number: int = 0) -> Volume:
        """A stored volume of it, read again from its files in a child process; without a number, the first.

        `voxels` (i, j, k) float32 in RAS+ in the file's own units, `affine` (4, 4) index to mm in RAS+, `spacing_mm`.
        Raises `QueryError` for a number that it has not, `ReadError` for files that cannot be read now, and
        `FilesChanged` where they have changed or gone.
        """
        source, keys = self._open()
        if not 0 <= number < len(keys):
            raise QueryError(f"volume {number} of a series that has {len(keys)}, counted from 0")
        return read_volume(source, keys[number])

    def volumes(self) -> Iterator[Volume]:
        """Every stored volume of it, read one at a time as they are asked for. Raises as `volume` does."""
        source, keys = self._open()
        return (read_volume(source, key) for key in keys)


@dataclass(frozen=True, slots=True)
class OtherStudy:
    """Another study of the patient. days: from the study that was opened to this one, negative before it, None where a
    date is not known; body_regions: of its scans; same_region: whether one of these is of the opened study too.
    """

    study: StudySummary
    days: int | None
    body_regions: tuple[str, ...]
    same_region: bool


@dataclass(frozen=True)
class Study(StudySummary):
    """A study with all that is stored of it, scans before computed images.

    groups: which of its series belong together, and by which rule. others: of its patient, those of the same body
    region first, of these the nearest in time.
    """

    series: tuple[Series, ...]
    reports: tuple[Report, ...]
    groups: tuple[SeriesGroup, ...] = ()
    others: tuple[OtherStudy, ...] = ()

    @property
    def key_image(self) -> bytes | None:
        """A PNG of the middle slice of its first series that has one."""
        return next((one.key_image for one in self.series if one.key_image is not None), None)


def study_of(opened: OpenedStudy, source: OpenSource) -> Study:
    """What the archive gave, without ids of rows and patient IDs."""
    card = summary_of(opened.card)
    return Study(
        card.uid, card.accession_number, card.date, card.description, card.sex, card.age_years,
        tuple(_series(one, opened.pictures.get(one.volume_id), source) for one in opened.series),
        tuple(Report(one.text, one.accession_number, one.match) for one in opened.reports), opened.groups,
        tuple(OtherStudy(summary_of(one.card), one.days, one.regions, one.same_region) for one in opened.others),
        number=card.number,
    )  # fmt: skip


def _series(card: SeriesCard, key_image: bytes | None, source: OpenSource) -> Series:
    return Series(
        card.uid, card.number, card.description, card.sequence, card.plane, card.body_region, card.contrast,
        card.field_strength_t, card.vendor, card.derived, card.flags, card.n_volumes, key_image, lambda: source(card),
    )  # fmt: skip
