"""Every table, typed. Rows stay inside `db`; frozen values cross its border."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from spinecho.db.errors import Damaged
from spinecho.db.schema.checksums import COLUMN, Summed, columns_of, sum_of, summing
from spinecho.db.schema.clean import CleanJson, CleanText, RealPath, ShownPath

_BIG = BigInteger().with_variant(Integer(), "sqlite")
_NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Declarative base: big integer keys, named constraints (so that migrations can name them), JSON columns."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {  # noqa: RUF012
        dict[str, Any]: CleanJson, list[str]: CleanJson, list[int]: CleanJson, list[Any]: CleanJson, int: _BIG,
        bytes: LargeBinary, str: CleanText,
    }  # fmt: skip


class Sealed:
    """A row with a checksum of what it says; see `db.schema.checksums`."""

    checksum: Mapped[int | None] = mapped_column(sort_order=1)
    """None only within the transaction that is to compute it."""


class Run(Sealed, Base):
    """One `spinecho index`, finished or not."""

    __tablename__ = "runs"
    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    """None while it runs, and for ever if it was killed."""
    roots: Mapped[list[str]]
    counts: Mapped[dict[str, Any]]
    seconds: Mapped[dict[str, Any]]


class Folder(Base):
    """A folder of an archive that a run has walked."""

    __tablename__ = "folders"
    id: Mapped[int] = mapped_column(primary_key=True)
    root: Mapped[str] = mapped_column(ShownPath, index=True)
    path: Mapped[str] = mapped_column(RealPath, unique=True)
    seen_run: Mapped[int]
    """The last run that found it: a folder with an older one has gone from the disk."""


LOOK_AGAIN = -2
"""The time of a file that is to be read again whatever its size and time on the disk: no file has it."""


class File(Sealed, Base):
    """A file of the archive as it was when it was last looked at."""

    __tablename__ = "files"
    __table_args__ = (
        UniqueConstraint("folder_id", "name"),
        Index("ix_files_series", "study_uid", "series_uid"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(ForeignKey("folders.id"))
    name: Mapped[str] = mapped_column(RealPath)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    kind: Mapped[str]
    """dicom, nifti, report or other."""
    state: Mapped[str] = mapped_column(CleanText, index=True)
    """pending (scanned, its series not stored yet), indexed, rejected."""
    study_uid: Mapped[str | None]
    series_uid: Mapped[str | None]
    sop_uid: Mapped[str | None] = mapped_column(CleanText, index=True)
    header: Mapped[str | None]
    """The scanned header as JSON."""
    digest: Mapped[str | None]
    """sha256 of its bytes when they were read; None where that has not been taken."""
    companion: Mapped[str | None]
    """Size and time of the sidecar that its header was read with, '' where there was none; None: not known."""


class Archive(Sealed, Base):
    """A root folder as it was first named: it says what the names of files without UIDs are counted from."""

    __tablename__ = "archives"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(RealPath, unique=True)
    salt: Mapped[str]
    """Goes into the UIDs made from names, so that equal names of two archives are two studies; '' for the first."""


class Upkeep(Base):
    """Numbers that say how far something has been kept up.

    Without a checksum: they tell nothing of what is stored, and by a wrong one a snapshot is made, or words erased,
    once more.
    """

    __tablename__ = "upkeep"
    name: Mapped[str] = mapped_column(CleanText, primary_key=True)
    number: Mapped[int]


class Failure(Sealed, Base):
    """Why a file, or one report in a file of many, is not in the index."""

    __tablename__ = "failures"
    __table_args__ = (UniqueConstraint("file_id", "ordinal"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    ordinal: Mapped[int]
    """0 for the file as a whole, else the row or line of a report file."""
    reason: Mapped[str] = mapped_column(CleanText, index=True)
    ignorable: Mapped[bool]
    message: Mapped[str]
    run_id: Mapped[int]


class Patient(Sealed, Base):
    """A patient by number: what lists keep of whom they name. See `db.store.patients`."""

    __tablename__ = "patients"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(CleanText, unique=True)
    """`patient_key` of the ID, None once no study has it."""


class Study(Sealed, Base):
    """A study: the unit that results show. Its facts are what most of its series say, see `db.store.study_facts`."""

    __tablename__ = "studies"
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(CleanText, unique=True)
    accession_number: Mapped[str] = mapped_column(CleanText, index=True)
    patient_id: Mapped[str] = mapped_column(CleanText, index=True)
    date: Mapped[date | None]
    description: Mapped[str]
    sex: Mapped[str | None]
    age_years: Mapped[float | None]
    patient: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    """None where there is no patient ID: nobody else's study is of this patient."""
    disagreeing: Mapped[str]
    """Facts in which its series do not agree, comma-separated; '' where they do."""


class Series(Sealed, Base):
    """A series of a study."""

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("study_id", "uid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    uid: Mapped[str] = mapped_column(CleanText, index=True)
    number: Mapped[int | None]
    description: Mapped[str]
    protocol: Mapped[str]
    study_facts: Mapped[dict[str, Any] | None] = mapped_column(CleanJson(none_as_null=True))
    """What its own files say of the study; None where a database from before has not been asked yet."""


class Volume(Sealed, Base):
    """One volume of a series: the unit that is embedded."""

    __tablename__ = "volumes"
    __table_args__ = (UniqueConstraint("series_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"), index=True)
    key: Mapped[str]
    sequence: Mapped[str] = mapped_column(CleanText, index=True)
    plane: Mapped[str]
    body_region: Mapped[str] = mapped_column(CleanText, index=True)
    contrast: Mapped[str]
    field_strength_t: Mapped[float | None]
    vendor: Mapped[str]
    model: Mapped[str]
    derived: Mapped[bool]
    acquisition: Mapped[dict[str, Any]]
    """Every fact, the ones above included, as the reader gave them."""
    shape: Mapped[list[int]]
    flags: Mapped[list[str]]
    notes: Mapped[dict[str, Any]]


class Thumbnail(Sealed, Base):
    """The middle slice of a volume as a small PNG, kept apart so that facts stay quick to read."""

    __tablename__ = "thumbnails"
    volume_id: Mapped[int] = mapped_column(ForeignKey("volumes.id"), primary_key=True)
    png: Mapped[bytes]


class VolumeFile(Base):
    """Which files hold a volume. One enhanced object can hold several."""

    __tablename__ = "volume_files"
    volume_id: Mapped[int] = mapped_column(ForeignKey("volumes.id"), primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"), primary_key=True, index=True)


class Report(Sealed, Base):
    """A report as it came, matched to its study or kept unmatched with the keys that were tried."""

    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("file_id", "ordinal"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    ordinal: Mapped[int]
    study_id: Mapped[int | None] = mapped_column(ForeignKey("studies.id"), index=True)
    match: Mapped[str] = mapped_column(CleanText, index=True)
    """matched, unmatched or ambiguous."""
    accession_number: Mapped[str]
    study_uid: Mapped[str]
    text: Mapped[str]
    reason: Mapped[str]
    """Why it has no study, '' for one that has; see `db.reports.matching.WHY`."""
    standing: Mapped[str] = mapped_column(CleanText, index=True)
    """stands, addendum; or out of search: superseded, duplicate, withdrawn."""
    named_study_id: Mapped[int | None] = mapped_column(index=True)
    """The study of a report that is out of search: `study_id` is None then, so that nothing finds it by its study."""
    patient_id: Mapped[str]
    """As the report names its patient, '' where it does not."""
    status: Mapped[str]
    """preliminary, final, corrected, addendum, cancelled, '' where nothing tells."""
    dated: Mapped[str]
    """When the report was made, as ISO 8601, '' where nothing tells."""
    version: Mapped[int | None]
    exam: Mapped[str]
    """The body parts that its exam names, '' where it names none: tells reports of two exams under one number apart."""
    charset: Mapped[str]
    """The character set that was guessed, '' where the file's own was certain."""
    digest: Mapped[str]
    """Of the text without regard to line ends and blanks; '' where an older version stored it."""
    read_by: Mapped[int] = mapped_column(default=0, index=True)
    """The number of the rules by which its sentences and clauses were told, 0 for those of before clauses."""


class WithdrawnPassage(Sealed, Base):
    """A sentence, with its vector, of a report that is out of search: kept to be found again when it stands again."""

    __tablename__ = "withdrawn_passages"
    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), index=True)
    section: Mapped[str]
    ordinal: Mapped[int]
    start: Mapped[int]
    stop: Mapped[int]
    text: Mapped[str]
    assertion: Mapped[str]
    sides: Mapped[str]
    space_id: Mapped[int | None] = mapped_column(ForeignKey("spaces.id"))
    """None for a sentence without a vector; one with vectors in two spaces has two rows."""
    data: Mapped[bytes | None]


class Passage(Sealed, Base):
    """A sentence that can be found: of a report, or put together from a volume's header."""

    __tablename__ = "passages"
    __table_args__ = (Index("ix_passages_report", "report_id", "ordinal"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int | None] = mapped_column(ForeignKey("reports.id"))
    volume_id: Mapped[int | None] = mapped_column(ForeignKey("volumes.id"), index=True)
    section: Mapped[str]
    """A report's section, or 'header'."""
    ordinal: Mapped[int]
    start: Mapped[int]
    stop: Mapped[int]
    text: Mapped[str]
    assertion: Mapped[str]
    sides: Mapped[str]
    """Comma-separated, '' where no side is named."""


class Clause(Sealed, Base):
    """A clause of a report's sentence, with what it says. Derived from the report's text; never searched by meaning.

    It belongs to the sentence `sentence` of its report, whether that can be found now or is withdrawn.
    """

    __tablename__ = "clauses"
    __table_args__ = (Index("ix_clauses_report", "report_id", "sentence"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"))
    sentence: Mapped[int]
    """The ordinal of its passage."""
    ordinal: Mapped[int]
    start: Mapped[int]
    stop: Mapped[int]
    """In characters of the sentence."""
    text: Mapped[str]
    assertion: Mapped[str]
    decided_by: Mapped[str]
    """The kind of rule that decided: negation, normal, hedge, question, history, family, nothing."""
    cue: Mapped[str]
    """The words that decided, as they stand in the sentence; '' for none."""
    sides: Mapped[str]
    places: Mapped[str]
    concepts: Mapped[str]
    """Names of places and findings, each with what it is a kind of; one a line, '' for none."""
    low_mm: Mapped[float | None]
    high_mm: Mapped[float | None]
    """Its largest size, from and to, in mm."""


class SpaceRow(Sealed, Base):
    """A space of vectors that can be compared with one another."""

    __tablename__ = "spaces"
    __table_args__ = (UniqueConstraint("model", "revision", "preprocessing", "dim"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    revision: Mapped[str]
    preprocessing: Mapped[str]
    dim: Mapped[int]


class Serving(Sealed, Base):
    """Which space answers for a role now. Switching encoders is changing one row."""

    __tablename__ = "serving"
    role: Mapped[str] = mapped_column(CleanText, primary_key=True)
    """image or text."""
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"))
    encoder: Mapped[str]
    """The encoder's name in the registry."""


class Vector(Sealed, Base):
    """A vector, fp16, written in the transaction that wrote what it describes. Its key is its id in every build."""

    __tablename__ = "vectors"
    __table_args__ = (
        UniqueConstraint("space_id", "volume_id"),
        UniqueConstraint("space_id", "passage_id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), index=True)
    volume_id: Mapped[int | None] = mapped_column(ForeignKey("volumes.id"), index=True)
    passage_id: Mapped[int | None] = mapped_column(ForeignKey("passages.id"), index=True)
    data: Mapped[bytes]


class RegionVector(Sealed, Base):
    """What an image encoder says of the parts of a volume: a grid of cells, each a vector of the volume's space."""

    __tablename__ = "region_vectors"
    volume_id: Mapped[int] = mapped_column(ForeignKey("volumes.id"), primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), primary_key=True, index=True)
    grid: Mapped[list[int]]
    """Cells along R, A and S of the volume's extent; the first counts slowest."""
    cells: Mapped[int]
    data: Mapped[bytes]
    """fp16, (cells, dim); a cell of zeros holds nothing."""


class Prediction(Sealed, Base):
    """What a head says of a volume from its pixels. Never mixed with the recorded facts in `volumes`."""

    __tablename__ = "predictions"
    __table_args__ = (Index("ix_predictions_task", "task", "value"),)
    volume_id: Mapped[int] = mapped_column(ForeignKey("volumes.id"), primary_key=True)
    task: Mapped[str] = mapped_column(CleanText, primary_key=True)
    value: Mapped[str]
    """A class, several joined by ", ", a number as text, or 'unknown'."""
    score: Mapped[float]
    """0..1, how sure the head is."""
    number: Mapped[float | None]
    """The value of a regression."""
    details: Mapped[dict[str, Any]]
    head: Mapped[str]
    """The space whose features the head read, as its label."""
    head_revision: Mapped[str]
    """Changes with the head's weights; '' for heads that do not tell."""


class Tombstone(Base):
    """A vector that was deleted, in the order of deletion, for indexes that still hold it."""

    __tablename__ = "tombstones"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), index=True)
    vector_id: Mapped[int]


class Cohort(Sealed, Base):
    """A named list of studies, by its versions."""

    __tablename__ = "cohorts"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(CleanText, unique=True)
    description: Mapped[str]
    owner: Mapped[str]
    created_at: Mapped[datetime]


class CohortVersion(Sealed, Base):
    """One frozen run of a cohort's definition. Never changed afterwards."""

    __tablename__ = "cohort_versions"
    __table_args__ = (UniqueConstraint("cohort_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohorts.id"), index=True)
    number: Mapped[int]
    """1 is the first."""
    created_at: Mapped[datetime]
    definition: Mapped[dict[str, Any]]
    attrition: Mapped[list[Any]]
    """By rule: what it is called, and the studies and patients that were left after it."""
    made_with: Mapped[dict[str, Any]]
    """Encoder, spaces, builds and version of the software."""


class CohortMember(Sealed, Base):
    """A study of a version, by its UID, so that it stays on the list when the archive loses it."""

    __tablename__ = "cohort_members"
    version_id: Mapped[int] = mapped_column(ForeignKey("cohort_versions.id"), primary_key=True)
    study_uid: Mapped[str] = mapped_column(CleanText, primary_key=True)
    patient: Mapped[int | None] = mapped_column(ForeignKey("patients.id"), index=True)
    """The patient by number, None for a study that had no patient ID. The ID is looked up when it is shown."""
    part: Mapped[str]
    """train, validation or test; '' where the cohort is not split."""
    facts: Mapped[dict[str, Any]]
    """Why it is in: similarity, index date, matched group."""


class Feedback(Sealed, Base):
    """A user's thumb on a result of a query."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("user", "query_key", "study_uid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(CleanText, index=True)
    query_key: Mapped[str] = mapped_column(CleanText, index=True)
    """A digest of the query's words and filter."""
    query: Mapped[dict[str, Any]]
    study_uid: Mapped[str]
    verdict: Mapped[int]
    """1 fits, -1 does not."""
    at: Mapped[datetime]


class Background(Sealed, Base):
    """How similar a space's vectors are to queries that have nothing to do with them."""

    __tablename__ = "backgrounds"
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(CleanText, primary_key=True)
    count: Mapped[int]
    """Vectors in the space when it was measured."""
    figures: Mapped[dict[str, Any]]


class SelfTest(Sealed, Base):
    """What a space's scans were measured to know of this archive's reports; see `search.self_test`."""

    __tablename__ = "self_tests"
    space_id: Mapped[int] = mapped_column(ForeignKey("spaces.id"), primary_key=True)
    version: Mapped[str]
    """Of the test and of the rules by which clauses are told."""
    measured_at: Mapped[datetime]
    reason: Mapped[str]
    """Why there are no figures, '' where there are."""
    pairs: Mapped[int]
    """Reports with a scan that there were, one of each patient."""
    reports: Mapped[int]
    vectors: Mapped[int]
    """What the archive held then: reports that have a study, vectors of the space."""
    digest: Mapped[str]
    """Of what was measured on: studies, words and vectors; '' where nothing was."""
    figures: Mapped[dict[str, Any]]


class SavedSearch(Sealed, Base):
    """A search under a token that can stand in an address: kept for its owner, for all where it is shared."""

    __tablename__ = "saved_searches"
    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(CleanText, unique=True)
    owner: Mapped[str] = mapped_column(CleanText, index=True)
    name: Mapped[str]
    """'' for one that was only made, never named."""
    shared: Mapped[bool]
    asked: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    """When it was last asked."""


SEALED: tuple[type[Base], ...] = tuple(mapper.class_ for mapper in Base.registry.mappers if COLUMN in mapper.columns)
"""Every table whose rows have checksums."""
for _class in SEALED:
    _table = _class.__table__
    assert isinstance(_table, Table)  # noqa: S101
    # Of rows without a checksum alone, on a server too: there the migration says so, as a keyword of a dialect makes
    # SQLAlchemy load the whole of it for every command.
    Index(f"ix_{_table.name}_unsealed", _table.c.checksum, sqlite_where=_table.c.checksum.is_(None))


def _sum(_: object, __: object, row: Any) -> None:
    table = type(row).__table__
    row.checksum = sum_of(table, [getattr(row, name) for name in columns_of(table)])


def _verify(row: Any, _: object) -> None:
    table, held = type(row).__table__, row.__dict__
    names = columns_of(table)
    if held.get("checksum") is None or not held.keys() >= set(names):
        return
    if summing(table)([held[name] for name in names]) != row.checksum:
        raise Damaged(f"a row of {table.name} is not what was written; 'spinecho status --check' tells what to do")


def vector_checksum() -> Summed:
    """What computes the checksum of (data, passage id, space id, volume id)."""
    table = Vector.__table__
    assert isinstance(table, Table)  # noqa: S101
    return summing(table)


for _class in SEALED:
    event.listen(_class, "before_insert", _sum)
    event.listen(_class, "before_update", _sum)
    event.listen(_class, "load", _verify)
