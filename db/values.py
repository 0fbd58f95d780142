"""The frozen values that cross this package's border."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

Role = Literal["image", "text"]


@dataclass(frozen=True, slots=True)
class SpaceRecord:
    """A space of comparable vectors, as stored."""

    id: int
    model: str
    revision: str
    preprocessing: str
    dim: int
    encoder: str
    """Name in the encoders' registry."""


class Stat(NamedTuple):
    """What a directory listing tells of a file. A tuple, since an archive has one for each of its files."""

    name: str
    size: int
    mtime_ns: int
    odd: str = ""
    """What it is where it is no file to read: a link, a pipe, or "refused"."""
    companion: str = ""
    """Size and time of a sidecar beside it, whose change changes what the file says; '' where there is none."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder and the files right in it."""

    path: str
    files: Sequence[Stat]
    partial: bool = False
    """Not all of it: files that are not named may be there all the same."""


@dataclass(frozen=True, slots=True)
class Changes:
    """How a batch of listings differs from what was stored."""

    fresh: tuple[tuple[str, Stat], ...]
    """(folder path, file) for new, changed and retried files."""
    unchanged: int
    missing: tuple[str, ...]
    """Paths that were indexed and are no longer in their folder."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A file after its header was read. `header` is None for a report or a rejected file."""

    folder: str
    stat: Stat
    kind: Literal["dicom", "nifti", "report", "other"]
    study_uid: str | None = None
    series_uid: str | None = None
    sop_uid: str | None = None
    header: str | None = None
    failure: Rejection | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why something is not in the index."""

    reason: str
    ignorable: bool
    message: str
    ordinal: int = 0


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A stored file with the header that was read from it."""

    id: int
    path: str
    header: str
    state: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """A rejected file or report, for people to read: in `path` bytes that are no UTF-8 stand as \\xE4."""

    path: str
    ordinal: int
    reason: str
    ignorable: bool
    message: str


@dataclass(frozen=True, slots=True)
class NewClause:
    """A clause of a sentence to store. start, stop: characters of the sentence; sizes in mm, of the largest one."""

    start: int
    stop: int
    text: str
    assertion: str
    decided_by: str = "nothing"
    cue: str = ""
    sides: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    low_mm: float | None = None
    high_mm: float | None = None


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A sentence to store, with its vector in the serving text space."""

    section: str
    ordinal: int
    start: int
    stop: int
    text: str
    assertion: str
    sides: str
    vector: bytes
    clauses: tuple[NewClause, ...] = ()
    """Of a report's sentence."""


@dataclass(frozen=True, slots=True)
class NewRegions:
    """The parts of a volume to store: fp16 rows, one a cell, in the space of the volume's vector."""

    grid: tuple[int, int, int]
    data: bytes


@dataclass(frozen=True, slots=True)
class PredictedFact:
    """What a head said of a volume from its pixels, and which head that was."""

    task: str
    value: str
    """'unknown' where the head would rather not say."""
    score: float
    number: float | None
    details: Mapping[str, Any]
    head: str
    """Label of the space whose features the head read."""
    head_revision: str


@dataclass(frozen=True, slots=True)
class NewVolume:
    """A volume to store, with its vector in the serving image space. `acquisition` holds the filterable facts."""

    key: str
    acquisition: Mapping[str, Any]
    shape: tuple[int, int, int]
    flags: tuple[str, ...]
    notes: Mapping[str, Any]
    file_ids: tuple[int, ...]
    thumbnail: bytes
    vector: bytes
    caption: NewPassage
    regions: NewRegions | None = None
    """None where the encoder does not tell parts apart."""
    predicted: Sequence[PredictedFact] = ()


@dataclass(frozen=True, slots=True)
class NewSeries:
    """All that a run found out about one series; storing it replaces what was stored before."""

    study: Mapping[str, Any]
    """As the series' own files have it: uid, accession_number, patient_id, date (a datetime.date or ISO 8601),
    description, sex, age_years. What the study's other series say is weighed against it."""
    series: Mapping[str, Any]
    """uid, number, description, protocol."""
    volumes: Sequence[NewVolume]
    rejected: Mapping[int, Rejection] = field(default_factory=dict)
    """By file id."""
    digests: Mapping[int, str] = field(default_factory=dict)
    """sha256 of the files' bytes, by file id."""


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report with its sentences, to be joined to a study by either key."""

    ordinal: int
    accession_number: str
    study_uid: str
    text: str
    passages: Sequence[NewPassage]
    patient_id: str = ""
    status: str = ""
    """preliminary, final, corrected, addendum, cancelled, superseded, or '' where nothing tells."""
    dated: str = ""
    """When it was made, as ISO 8601, or ''."""
    version: int | None = None
    exam: str = ""
    """The body parts that its exam names, or ''."""
    charset: str = ""
    """The character set where it had to be guessed, or ''."""
    read_by: int = 0
    """The number of the rules by which its sentences and clauses were told."""


@dataclass(frozen=True, slots=True)
class UnmatchedReport:
    """A report that belongs to no study, or to several, with the keys that were tried."""

    report_id: int
    path: str
    ordinal: int
    match: str
    accession_number: str
    study_uid: str
    reason: str = ""
    """A sentence: why it has no study."""
    studies: tuple[str, ...] = ()
    """UIDs of the studies that its keys name: of several, or of one that a key or the patient speaks against."""


@dataclass(frozen=True, slots=True)
class WithdrawnReport:
    """A report that is kept and never found: a newer version, or a copy of it, stands in its place."""

    report_id: int
    path: str
    ordinal: int
    standing: str
    """superseded, duplicate or withdrawn."""
    status: str
    dated: str
    study_uid: str
    """Of the study that its keys name, '' where they name none or several."""


@dataclass(frozen=True, slots=True)
class GuessedReport:
    """A report whose character set had to be guessed, so that single characters may be wrong."""

    report_id: int
    path: str
    ordinal: int
    charset: str


@dataclass(frozen=True, slots=True)
class VolumeCard:
    """A volume and where it belongs."""

    vector_id: int
    volume_id: int
    series_id: int
    study_id: int


@dataclass(frozen=True, slots=True)
class ClauseCard:
    """A clause of a sentence: `start` and `stop` are characters of the sentence; see `db.schema.models.Clause`."""

    start: int
    stop: int
    text: str
    assertion: str
    decided_by: str
    cue: str
    sides: frozenset[str]
    places: frozenset[str]
    concepts: frozenset[str]
    low_mm: float | None = None
    high_mm: float | None = None


@dataclass(frozen=True, slots=True)
class PassageCard:
    """A sentence and where it belongs: `study_id` is None for a report without a study."""

    vector_id: int
    study_id: int | None
    report_id: int | None
    volume_id: int | None
    series_id: int | None
    section: str
    text: str
    assertion: str
    sides: frozenset[str]
    clauses: tuple[ClauseCard, ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesCard:
    """A series as results show it, by its first volume that passes the filter."""

    id: int
    study_id: int
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
    n_volumes: int
    volume_id: int


@dataclass(frozen=True, slots=True)
class StudyCard:
    """A study as results show it."""

    id: int
    uid: str
    accession_number: str
    patient_id: str
    date: date | None
    description: str
    sex: str | None
    age_years: float | None


@dataclass(frozen=True, slots=True)
class ReportCard:
    """A report as it came."""

    id: int
    study_id: int | None
    accession_number: str
    match: str
    text: str


Fact: TypeAlias = str | int | float | bool | None
"""What the record of who did what may say of an act."""


@dataclass(frozen=True, slots=True)
class Carried:
    """An act that is to go on record. origin: of a row that an older database held, what tells it from every other, as
    it is carried once; '' for an act of now."""

    at: datetime
    user: str
    role: str
    action: str
    subject: str
    facts: Mapping[str, Fact]
    origin: str
